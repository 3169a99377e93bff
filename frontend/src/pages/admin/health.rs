//! How directors, managers and clouds are.

use super::AdminNav;
use crate::{
    components::{Ago, Loading, Refused},
    format,
    live::{PageData, refresh_every},
    server::{Dated, load_health},
};
use aerie_domain::views::{DirectorView, FailingServiceView, HealthView, WorkView};
use leptos::prelude::*;
use leptos_meta::Title;
use std::time::Duration;
use time::OffsetDateTime;

/// How often the page looks again; directors tell of themselves every 15 seconds. Shorter: more requests.
const PACE: Duration = Duration::from_secs(5);

/// The page.
#[component]
pub fn AdminHealthPage() -> impl IntoView {
    let first = Resource::new(|| (), |()| load_health());
    view! {
        <Title text="Health" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Health first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Health(first: Dated<HealthView>) -> impl IntoView {
    let page = PageData::new(first, load_health);
    refresh_every(PACE, Signal::stored(true), page.refresh);
    view! {
        <h1>"Health"</h1>
        <AdminNav />
        {move || {
            let Dated { now, data, .. } = page.value.get();
            let directors: Vec<_> =
                data.directors.into_iter().map(|director| view! { <Director director now /> }).collect();
            view! {
                <Work work=data.work now />
                <Failing failing=data.failing now />
                <h2>"Directors and their clouds"</h2>
                {directors}
            }
        }}
    }
}

#[component]
fn Fact(label: &'static str, value: String) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>{value}</dd>
        </div>
    }
}

#[component]
fn Work(work: WorkView, now: OffsetDateTime) -> impl IntoView {
    let oldest = work.oldest_operation.map_or_else(|| "–".to_owned(), |at| format::ago(at, now));
    view! {
        <section class="card">
            <h2>"Managers"</h2>
            <dl class="facts">
                <Fact label="Services that shall run" value=format!("{} of {}", work.wanted, work.services) />
                <Fact label="Not yet as wanted" value=work.unsettled.to_string() />
                <Fact label="Without a manager" value=work.unmanaged.to_string() />
                <Fact label="Open operations" value=work.operations.to_string() />
                <Fact label="Oldest of them" value=oldest />
            </dl>
        </section>
    }
}

#[component]
fn Failing(failing: Vec<FailingServiceView>, now: OffsetDateTime) -> impl IntoView {
    if failing.is_empty() {
        return view! {
            <section class="card">
                <h2>"Failing services"</h2>
                <p class="empty">"None."</p>
            </section>
        }
        .into_any();
    }
    let rows: Vec<_> = failing
        .into_iter()
        .map(|service| {
            view! {
                <tr>
                    <td data-label="Service">
                        <a href=format!("/services/{}", service.id)>{service.name}</a>
                        " "
                        <span class="muted">"of "{service.owner}</span>
                    </td>
                    <td data-label="Since">
                        <Ago at=service.since now />
                    </td>
                    <td data-label="Failed attempts" class="amount">
                        {service.failures}
                    </td>
                    <td data-label="Why" class="wrap">
                        {service.reason}
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card">
            <h2>"Failing services"</h2>
            <table class="stack">
                <thead>
                    <tr>
                        <th scope="col">"Service"</th>
                        <th scope="col">"Since"</th>
                        <th scope="col">"Failed attempts"</th>
                        <th scope="col">"Why"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

#[component]
fn Director(director: DirectorView, now: OffsetDateTime) -> impl IntoView {
    let report = director.report.map(|report| {
        let answers = if report.cloud_problem.is_empty() {
            format!("answers in {} ms", report.cloud_ping_ms)
        } else {
            report.cloud_problem
        };
        let disk =
            format!("{} free of {}", format::bytes(report.disk_free_bytes), format::bytes(report.disk_total_bytes));
        view! {
            <Fact
                label="Queue of its managers"
                value=format!("{} waiting, {} at work", report.queue_waiting, report.queue_running)
            />
            <Fact label="Cloud" value=format!("{}: {answers}", report.cloud) />
            <Fact label="Containers" value=report.containers.to_string() />
            <Fact label="Disk" value=disk />
            <Fact label="Told" value=format::ago(report.at, now) />
        }
    });
    view! {
        <section class="card">
            <h3>"Director "<code>{director.id.short()}</code></h3>
            <dl class="facts">
                <Fact label="Started" value=format::ago(director.started_at, now) />
                <Fact label="Last seen" value=format::ago(director.last_seen_at, now) />
                <Fact label="Services that it manages" value=director.leases.to_string() />
                <Fact label="Agents connected" value=director.agents.to_string() />
                {report}
            </dl>
        </section>
    }
}
