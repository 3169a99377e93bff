//! Everybody's applications: list, open, stop.

use super::{AdminNav, in_query, some};
use crate::{
    components::{Loading, More, ProblemBox, Refused, StateBadge, error_of},
    format,
    live::{PageData, refresh_after},
    server::{AdminStopService, Dated, load_all_applications},
};
use aerie_domain::{
    ServiceState,
    views::{ApplicationView, Page, SearchQuery, ServiceSummary},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::components::Form;

/// The page.
#[component]
pub fn AdminApplicationsPage() -> impl IntoView {
    let wanted = in_query(|value| SearchKey { text: value("text"), after: value("after") });
    let first = Resource::new(move || wanted.get(), |wanted| load_all_applications(wanted.query()));
    view! {
        <Title text="All applications" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Applications first wanted=wanted.get_untracked() /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[derive(Clone, PartialEq)]
struct SearchKey {
    text: String,
    after: String,
}

impl SearchKey {
    fn query(self) -> SearchQuery {
        SearchQuery { text: self.text, after: some(self.after), limit: None }
    }
}

#[component]
fn Applications(first: Dated<Page<ApplicationView>>, wanted: SearchKey) -> impl IntoView {
    let text = wanted.text.clone();
    let page = PageData::new(first, move || load_all_applications(wanted.clone().query()));
    let (shown, kept) = (text.clone(), text);
    view! {
        <h1>"All applications"</h1>
        <AdminNav />
        <section class="card">
            <Form method="GET" action="" attr:class="inline-form" attr:role="search">
                <div class="field">
                    <label for="search-text">"Name of the application or its owner"</label>
                    <input id="search-text" type="search" name="text" value=shown />
                </div>
                <button type="submit">"Search"</button>
            </Form>
            {move || {
                let Page { items, next } = page.value.with(|page| page.data.clone());
                view! {
                    <ServicesTable applications=items back="/admin/applications" refresh=page.refresh />
                    <More next query=vec![("text", kept.clone())] label="More applications" />
                }
            }}
        </section>
    }
}

/// Applications with their services, each with a link to its page and a button that stops it.
#[component]
pub fn ServicesTable(
    /// The applications.
    applications: Vec<ApplicationView>,
    /// The page to come back to without scripts.
    #[prop(into)]
    back: String,
    /// Renews the page.
    refresh: Callback<()>,
) -> impl IntoView {
    let stop = ServerAction::<AdminStopService>::new();
    refresh_after(stop, refresh);
    if applications.is_empty() {
        return view! { <p class="empty">"No applications."</p> }.into_any();
    }
    let rows: Vec<_> = applications
        .into_iter()
        .flat_map(|application| {
            let services = application.services.clone();
            let back = back.clone();
            let first = services.is_empty().then(|| view! { <Row application=application.clone() service=None back=back.clone() stop /> });
            let rest: Vec<_> = services
                .into_iter()
                .map(|service| view! { <Row application=application.clone() service=Some(service) back=back.clone() stop /> })
                .collect();
            first.into_iter().chain(rest)
        })
        .collect();
    view! {
        <ProblemBox error=error_of(stop) />
        <table class="stack">
            <thead>
                <tr>
                    <th scope="col">"Application"</th>
                    <th scope="col">"Owner"</th>
                    <th scope="col">"Service"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Instances"</th>
                    <th scope="col">"Per hour"</th>
                    <th scope="col">
                        <span class="hidden">"Stop"</span>
                    </th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(
    application: ApplicationView,
    service: Option<ServiceSummary>,
    back: String,
    stop: ServerAction<AdminStopService>,
) -> impl IntoView {
    let cells = service.map(|service| {
        let id = service.id;
        let runs = !matches!(service.state, ServiceState::Init | ServiceState::Stopped | ServiceState::Epilogue);
        let label = format!("Stop service {} of {}", service.name, application.owner);
        view! {
            <td data-label="Service">
                <a href=format!("/services/{id}")>{service.name}</a>
            </td>
            <td data-label="State">
                <StateBadge state=service.state />
            </td>
            <td data-label="Instances" class="amount">
                {service.instances}
            </td>
            <td data-label="Per hour" class="amount">
                {format::credits(service.per_hour)}
            </td>
            <td>
                {runs
                    .then(|| {
                        view! {
                            <ActionForm action=stop>
                                <input type="hidden" name="service" value=id.to_string() />
                                <input type="hidden" name="back" value=back />
                                <button class="quiet" type="submit" aria-label=label>
                                    "Stop"
                                </button>
                            </ActionForm>
                        }
                    })}
            </td>
        }
    });
    let none = cells.is_none();
    view! {
        <tr>
            <td data-label="Application">
                <a href=format!("/applications/{}", application.id)>{application.name}</a>
            </td>
            <td data-label="Owner">
                {application.owner}
            </td>
            {cells}
            {none.then(|| view! { <td colspan="5" class="muted">"no services"</td> })}
        </tr>
    }
}
