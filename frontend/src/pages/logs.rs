//! The whole log of a service, with filters in the address, so that a view of it can be sent to somebody.

use super::{id_in_path, service::LogPanel};
use crate::{
    components::{Loading, Refused},
    format::query_value,
    server::{load_manager_log, load_service},
};
use aerie_domain::{
    ServiceId,
    views::{LogLine, LogQuery, ServiceView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Form, hooks::use_query_map, params::ParamsMap};

/// Lines of the manager that the page brings along.
const FIRST_LINES: u32 = 200;

/// Lines of history that the stream begins with.
const TAIL: u32 = 1000;

/// The page.
#[component]
pub fn LogsPage() -> impl IntoView {
    let id = id_in_path::<ServiceId>("service");
    let loaded = Resource::new(
        move || id.get(),
        async |id| {
            let id = id?;
            let service = load_service(id).await?.data.service;
            Ok((service, load_manager_log(id, FIRST_LINES).await?))
        },
    );
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok((service, lines)) => view! { <Logs service lines /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Logs(service: ServiceView, lines: Vec<LogLine>) -> impl IntoView {
    let (id, name) = (service.summary.id, service.summary.name.clone());
    let query = use_query_map();
    let wanted = Memo::new(move |_| query.with(filter));
    let address = Signal::derive(move || wanted.with(address_query));
    let lines = wanted.with_untracked(|wanted| lines.into_iter().filter(|line| wanted.matches(line)).collect());
    view! {
        <Title text=format!("Log of {name}") />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            <a href=format!("/applications/{}", service.summary.application_id)>{service.application.clone()}</a>
            <a href=format!("/services/{id}")>{name.clone()}</a>
        </nav>
        <h1>"Log of "{name}</h1>
        <Filters service wanted />
        <section class="card">
            <LogPanel id query=address lines tall=true />
        </section>
    }
}

/// The filter that the address names.
fn filter(query: &ParamsMap) -> LogQuery {
    let value = |name| query.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    LogQuery {
        instance: value("instance"),
        role: value("role"),
        stream: value("stream"),
        text: value("text"),
        tail: Some(TAIL),
    }
}

fn address_query(wanted: &LogQuery) -> String {
    let parts =
        [("instance", &wanted.instance), ("role", &wanted.role), ("stream", &wanted.stream), ("text", &wanted.text)];
    let filters: String = parts
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("&{name}={}", query_value(value))))
        .collect();
    format!("tail={TAIL}{filters}")
}

#[component]
fn Filters(service: ServiceView, wanted: Memo<LogQuery>) -> impl IntoView {
    let wanted = wanted.get_untracked();
    let instances = std::iter::once("manager".to_owned())
        .chain(service.instances.iter().map(|instance| instance.short.clone()))
        .collect();
    let roles =
        service.roles.iter().map(|role| role.name.clone()).chain(["agent".to_owned(), "manager".to_owned()]).collect();
    let streams = ["access", "error", "out", "err", "info", "warn"].map(str::to_owned).to_vec();
    view! {
        <section class="card">
            <Form method="GET" action="" attr:class="inline-form filters">
                <Choice name="instance" label="Instance" options=instances chosen=wanted.instance />
                <Choice name="role" label="Role" options=roles chosen=wanted.role />
                <Choice name="stream" label="Stream" options=streams chosen=wanted.stream />
                <div class="field">
                    <label for="filter-text">"Text"</label>
                    <input id="filter-text" type="search" name="text" value=wanted.text.unwrap_or_default() />
                </div>
                <button type="submit">"Filter"</button>
            </Form>
        </section>
    }
}

#[component]
fn Choice(name: &'static str, label: &'static str, options: Vec<String>, chosen: Option<String>) -> impl IntoView {
    // An instance that is gone can still be asked for: its lines are kept for a while.
    let extra = chosen.clone().filter(|chosen| !options.contains(chosen));
    let options: Vec<_> = options
        .into_iter()
        .chain(extra)
        .map(|option| {
            let selected = chosen.as_deref() == Some(&option);
            view! { <option value=option.clone() selected=selected>{option.clone()}</option> }
        })
        .collect();
    let id = format!("filter-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select id=id name=name>
                <option value="">"all"</option>
                {options}
            </select>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_travel_in_the_address() {
        let wanted = LogQuery { role: Some("php".into()), text: Some("a&b".into()), ..LogQuery::default() };
        assert_eq!(address_query(&wanted), "tail=1000&role=php&text=a%26b");
    }
}
