//! The service page: everything about one service, live.

mod actions;
mod backups;
mod code;
mod connections;
mod generator;
mod head;
mod instances;
mod load;
mod log_panel;
mod operation;
mod scale;
mod settings;
mod variables;
mod volumes;

use super::id_in_path;
use crate::{
    app::SignedIn,
    components::{Loading, ReadOnly, Refused},
    live::{PageData, leave_when_refused, refresh_every, use_events},
    server::{
        Dated, ServiceData, load_actions, load_backups, load_load, load_load_runs, load_manager_log, load_service,
    },
};
use aerie_domain::{
    ServiceId,
    views::{ActionsView, BackupsView, EventView, LoadRunView, LoadView, LogLine, ServiceView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use actions::Actions;
use backups::Backups;
use code::Code;
use connections::Connections;
use generator::Generator;
use head::Head;
use instances::Instances;
use leptos_router::hooks::use_query_map;
use load::{Load, Shown};
pub use log_panel::LogPanel;
use operation::Operation;
use scale::ScaleForm;
use settings::Settings;
use variables::Variables;
use volumes::Volumes;

/// How often usage is read again while instances run. Shorter: bars move more smoothly, at the price of requests.
const USAGE_PACE: Duration = Duration::from_secs(3);

/// Lines of the manager that the page brings along.
const FIRST_LINES: u32 = 50;

/// What the sections share.
pub type ServicePageData = PageData<Dated<ServiceData>>;

/// The page.
#[component]
pub fn ServicePage() -> impl IntoView {
    let id = id_in_path::<ServiceId>("service");
    let query = use_query_map();
    let loaded = Resource::new(
        // Another range of the graphs is fetched by them, not with the whole page.
        move || (id.get(), query.with_untracked(Shown::of).seconds()),
        async |(id, seconds)| {
            let id = id?;
            let service = load_service(id).await?;
            let public = service.data.service.summary.address.is_some();
            let runs = if public { load_load_runs(id).await? } else { Vec::new() };
            let (load, lines) = (load_load(id, seconds).await?, load_manager_log(id, FIRST_LINES).await?);
            let (actions, backups) = (load_actions(id).await?, load_backups(id).await?);
            Ok(First { service, load, runs, actions, backups, lines })
        },
    );
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(first) => view! { <Service first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

/// What the page begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct First {
    service: Dated<ServiceData>,
    load: LoadView,
    runs: Vec<LoadRunView>,
    actions: ActionsView,
    backups: Dated<BackupsView>,
    lines: Vec<LogLine>,
}

/// A part of the page's data that changes only when it really changed.
fn part<T>(page: ServicePageData, read: impl Fn(&ServiceView) -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    Memo::new(move |_| page.value.with(|page| read(&page.data.service)))
}

#[component]
fn Service(first: First) -> impl IntoView {
    let First { service: first, load, runs, actions, backups, lines } = first;
    let (service, now) = (&first.data.service, Dated { now: first.now, seen: None, data: () });
    let (id, application_id) = (service.summary.id, service.summary.application_id);
    let (application, takes_code) = (service.application.clone(), service.takes_code);
    let (has_settings, public) = (!service.settings.is_empty(), service.summary.address.is_some());
    let (read_only, owner) = (service.read_only, service.owner.clone());
    let takes_variables = service.connections.takes_variables;
    let seen = first.seen.clone();
    let page = PageData::new(first, move || load_service(id));
    let has_actions = !actions.actions.is_empty();
    let actions = PageData::new(actions, move || load_actions(id));
    let has_backups = backups.data.possible;
    let backups = PageData::new(backups, move || load_backups(id));
    let signed_in = expect_context::<SignedIn>();
    let changed = Callback::new(move |()| {
        page.refresh.run(());
        if has_actions {
            actions.refresh.run(());
        }
        if has_backups {
            backups.refresh.run(());
        }
        signed_in.changed();
    });
    let connection = use_events(seen, move |event: &EventView| event.service_id == Some(id), changed);
    let moving = part(page, |service| {
        !service.instances.is_empty() || service.operation.as_ref().is_some_and(|operation| !operation.state.is_final())
    });
    // Events tell owners only: somebody else's service is looked at again and again.
    refresh_every(USAGE_PACE, Signal::derive(move || read_only || moving.get()), page.refresh);
    leave_when_refused(page, format!("/applications/{application_id}"));
    let name = part(page, |service| service.summary.name.clone());
    view! {
        <Title text=move || name.get() />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            <a href=format!("/applications/{application_id}")>{application}</a>
        </nav>
        {read_only.then(|| view! { <ReadOnly owner /> })}
        <Head page id connection public read_only />
        <Operation page />
        <Instances page id />
        <Load page id first=load />
        {(!read_only)
            .then(|| {
                view! {
                    {has_actions.then(|| view! { <Actions actions id now=now.clone() /> }.into_any())}
                    {has_backups.then(|| view! { <Backups backups id /> }.into_any())}
                    {public.then(|| view! { <Generator id first=runs now /> }.into_any())}
                    <ScaleForm page id />
                    {takes_code.then(|| view! { <Code page id /> }.into_any())}
                    {has_settings.then(|| view! { <Settings page id /> }.into_any())}
                    <Connections page id />
                    <Volumes page id application=application_id />
                    {takes_variables.then(|| view! { <Variables page id /> }.into_any())}
                }
                    .into_any()
            })}
        <section class="card" id="logs">
            <div class="card-head">
                <h2>"Log"</h2>
                <a href=format!("/services/{id}/logs")>"Whole log, with filters"</a>
            </div>
            <LogPanel id query="tail=100".to_owned().into() lines />
        </section>
    }
}
