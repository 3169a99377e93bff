//! The dashboard: every application with its services, and the form for a new one.

use crate::{
    app::SignedIn,
    components::{Field, LiveMark, Loading, ProblemBox, Refused, ServiceRow, error_of},
    format,
    live::{PageData, use_events},
    server::{ApplicationsData, CreateApplication, Dated, load_applications},
};
use aerie_domain::views::ApplicationView;
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use std::collections::BTreeMap;

/// The dashboard under its own address.
#[component]
pub fn ApplicationsPage() -> impl IntoView {
    view! { <Dashboard /> }
}

/// Every application and service of the person, a part at a time.
#[component]
pub fn Dashboard() -> impl IntoView {
    let query = use_query_map();
    let after = Memo::new(move |_| query.with(|query| query.get("after")));
    let first = Resource::new(move || after.get(), load_applications);
    view! {
        <Title text="Applications" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Applications first after=after.get_untracked() /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Applications(first: Dated<ApplicationsData>, after: Option<String>) -> impl IntoView {
    let whole = after.is_none();
    let seen = first.seen.clone();
    let page = PageData::new(first, move || load_applications(after.clone()));
    let signed_in = expect_context::<SignedIn>();
    let changed = Callback::new(move |()| {
        page.refresh.run(());
        signed_in.changed();
    });
    let connection = use_events(seen, |_| true, changed);
    let data = Memo::new(move |_| page.value.with(|page| page.data.clone()));
    let list = move || {
        let data = data.get();
        if data.applications.is_empty() {
            return view! { <Empty whole /> }.into_any();
        }
        let cards: Vec<_> = data
            .applications
            .into_iter()
            .map(|application| view! { <ApplicationCard application icons=data.icons.clone() /> })
            .collect();
        let more = data.next.map(|next| {
            let address = format!("/applications?after={}", format::query_value(&next));
            view! { <p><a class="button" href=address>"More applications"</a></p> }
        });
        view! {
            <div class="cards">{cards}</div>
            {more}
        }
        .into_any()
    };
    view! {
        <div class="page-head">
            <h1>"Applications"</h1>
            <LiveMark connection />
        </div>
        {list}
        <CreateForm />
    }
}

#[component]
fn Empty(whole: bool) -> impl IntoView {
    let text = if whole {
        "You have no applications yet. Give your first one a name below, then add services to it."
    } else {
        "There are no more applications."
    };
    view! { <p class="empty">{text}</p> }
}

#[component]
fn ApplicationCard(application: ApplicationView, icons: BTreeMap<String, String>) -> impl IntoView {
    let address = format!("/applications/{}", application.id);
    let rows: Vec<_> = application
        .services
        .into_iter()
        .map(|service| {
            let icon = icons.get(&service.kind).cloned().unwrap_or_default();
            view! { <ServiceRow service icon /> }
        })
        .collect();
    let empty = rows.is_empty().then(|| view! { <p class="muted">"No services yet."</p> });
    view! {
        <section class="card application">
            <div class="card-head">
                <h2>
                    <a href=address.clone()>{application.name}</a>
                </h2>
                {application.deleting.then(|| view! { <span class="state state-epilogue">"being deleted"</span> })}
                <span class="muted">{format!("{} per hour", format::credits(application.per_hour))}</span>
            </div>
            {empty}
            <ul class="service-list">{rows}</ul>
            <p class="card-foot">
                <a href=format!("{address}/new-service")>"Add a service"</a>
            </p>
        </section>
    }
}

#[component]
fn CreateForm() -> impl IntoView {
    let action = ServerAction::<CreateApplication>::new();
    let error = error_of(action);
    view! {
        <section class="card" id="new">
            <h2>"New application"</h2>
            <ProblemBox error fields=&["name"] />
            <ActionForm action attr:class="inline-form">
                <Field
                    name="name"
                    label="Name"
                    error
                    required=true
                    max_length=32
                    hint="Part of its public address: small letters, digits and hyphens."
                />
                <button class="primary" type="submit">
                    "Create application"
                </button>
            </ActionForm>
        </section>
    }
}
