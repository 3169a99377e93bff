//! One application: its services, its name, its end.

mod volumes;

pub(super) use volumes::holds;

use super::id_in_path;
use crate::{
    app::SignedIn,
    components::{Confirm, LiveMark, Loading, Picture, ProblemBox, ReadOnly, Refused, Rename, ServiceRow, error_of},
    format,
    live::{PageData, leave_when_refused, refresh_after, refresh_every, use_events},
    server::{
        ApplicationData, Dated, DeleteApplication, RenameApplication, RestartApplication, StartApplication,
        StopApplication, load_application,
    },
};
use aerie_domain::{
    ApplicationId, ServiceState,
    views::{ApplicationView, EventView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use std::time::Duration;
use volumes::Volumes;

/// How often an application is looked at again that is somebody else's, or in which something runs: figures change without
/// an event. Shorter: more requests.
const PACE: Duration = Duration::from_secs(5);

/// The page.
#[component]
pub fn ApplicationPage() -> impl IntoView {
    let id = id_in_path::<ApplicationId>("application");
    let first = Resource::new(move || id.get(), async |id| load_application(id?).await);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Application first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Application(first: Dated<ApplicationData>) -> impl IntoView {
    let id = first.data.application.id;
    let (read_only, owner) = (first.data.application.read_only, first.data.application.owner.clone());
    let seen = first.seen.clone();
    let page = PageData::new(first, move || load_application(id));
    // Events tell owners only.
    let runs = Memo::new(move |_| {
        page.value.with(|page| page.data.application.services.iter().any(|service| service.instances > 0))
    });
    refresh_every(PACE, Signal::derive(move || read_only || runs.get()), page.refresh);
    let signed_in = expect_context::<SignedIn>();
    let changed = Callback::new(move |()| {
        page.refresh.run(());
        signed_in.changed();
    });
    let connection = use_events(seen, move |event: &EventView| event.application_id == Some(id), changed);
    leave_when_refused(page, "/applications".to_owned());
    let application = Memo::new(move |_| page.value.with(|page| page.data.application.clone()));
    let name = Memo::new(move |_| application.with(|application| application.name.clone()));
    view! {
        <Title text=move || name.get() />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
        </nav>
        {read_only.then(|| view! { <ReadOnly owner /> })}
        <div class="page-head">
            <h1>{move || name.get()}</h1>
            <LiveMark connection />
            <span class="muted">
                {move || application.with(|application| format!("{} per hour", format::credits(application.per_hour)))}
            </span>
        </div>
        {(!read_only).then(|| view! { <Whole id page /> })}
        <Services page />
        <Volumes id page read_only />
        {(!read_only).then(|| view! { <Manage id name page /> })}
    }
}

/// Everything at once, in the order that bindings ask for.
#[component]
fn Whole(id: ApplicationId, page: PageData<Dated<ApplicationData>>) -> impl IntoView {
    let start = ServerAction::<StartApplication>::new();
    let stop = ServerAction::<StopApplication>::new();
    refresh_after(start, page.refresh);
    refresh_after(stop, page.refresh);
    let restart = ServerAction::<RestartApplication>::new();
    refresh_after(restart, page.refresh);
    let any = move |wanted: fn(ServiceState) -> bool| {
        Memo::new(move |_| {
            page.value.with(|page| {
                let application = &page.data.application;
                !application.deleting && application.services.iter().any(|service| wanted(service.state))
            })
        })
    };
    let can_start = any(|state| matches!(state, ServiceState::Init | ServiceState::Stopped));
    let can_stop = any(|state| !matches!(state, ServiceState::Init | ServiceState::Stopped | ServiceState::Epilogue));
    view! {
        <ProblemBox error=error_of(start) />
        <ProblemBox error=error_of(stop) />
        <ProblemBox error=error_of(restart) />
        <div class="actions">
            <ActionForm action=start attr:class=move || if can_start.get() { "" } else { "hidden" }>
                <input type="hidden" name="application" value=id.to_string() />
                <button type="submit">"Start all"</button>
            </ActionForm>
            <ActionForm action=stop attr:class=move || if can_stop.get() { "" } else { "hidden" }>
                <input type="hidden" name="application" value=id.to_string() />
                <button type="submit">"Stop all"</button>
            </ActionForm>
            <ActionForm action=restart attr:class=move || if can_stop.get() { "" } else { "hidden" }>
                <input type="hidden" name="application" value=id.to_string() />
                <button type="submit">"Restart all"</button>
            </ActionForm>
        </div>
    }
}

#[component]
fn Services(page: PageData<Dated<ApplicationData>>) -> impl IntoView {
    let data = Memo::new(move |_| page.value.with(|page| page.data.clone()));
    move || {
        let ApplicationData { application, icons, .. } = data.get();
        let drawn = application.clone();
        let ApplicationView { id, services, deleting, read_only, .. } = application;
        if deleting {
            let text = "This application is being deleted. It disappears when its last service has stopped.";
            return view! { <p class="notice">{text}</p> }.into_any();
        }
        let empty = services.is_empty();
        let rows: Vec<_> = services
            .into_iter()
            .map(|service| {
                let icon = icons.get(&service.kind).cloned().unwrap_or_default();
                view! { <ServiceRow service icon /> }
            })
            .collect();
        view! {
            <section class="card">
                <div class="card-head">
                    <h2>"Services"</h2>
                    {(!read_only)
                        .then(|| {
                            view! {
                                <a class="button primary" href=format!("/applications/{id}/new-service")>
                                    "Add a service"
                                </a>
                            }
                        })}
                </div>
                {empty.then(|| view! { <p class="empty">"No services yet. Add one to begin."</p> })}
                <ul class="service-list">{rows}</ul>
            </section>
            {(!empty)
                .then(|| {
                    view! {
                        <section class="card" id="picture">
                            <h2 id="picture-title">"Picture"</h2>
                            <Picture application=drawn />
                        </section>
                    }
                })}
        }
        .into_any()
    }
}

#[component]
fn Manage(id: ApplicationId, name: Memo<String>, page: PageData<Dated<ApplicationData>>) -> impl IntoView {
    let rename = ServerAction::<RenameApplication>::new();
    let delete = ServerAction::<DeleteApplication>::new();
    refresh_after(rename, page.refresh);
    let (rename_error, delete_error) = (error_of(rename), error_of(delete));
    let kept = Memo::new(move |_| page.value.with(|page| page.data.kept.clone()));
    view! {
        <section class="card quiet-card">
            <h2>"Manage"</h2>
            <ProblemBox error=rename_error fields=&["name"] />
            <ProblemBox error=delete_error />
            <div class="manage">
                <Rename
                    name=name.get_untracked()
                    error=rename_error
                    form=move |inside| {
                        view! {
                            <ActionForm action=rename>
                                <input type="hidden" name="application" value=id.to_string() />
                                {inside}
                            </ActionForm>
                        }
                            .into_any()
                    }
                />
                <Confirm
                    label="Delete application…"
                    warning="All its services stop, and their code, settings and data are removed. This cannot be undone."
                >
                    <p>{move || kept.with(|kept| fate_of_volumes(kept))}</p>
                    <ActionForm action=delete>
                        <input type="hidden" name="application" value=id.to_string() />
                        <input type="hidden" name="losing" value=move || kept.with(|kept| kept.join(",")) />
                        <button class="danger" type="submit">
                            "Delete application and all its data"
                        </button>
                    </ActionForm>
                </Confirm>
            </div>
        </section>
    }
}

/// Where volumes go when their application is deleted.
fn fate_of_volumes(kept: &[String]) -> String {
    if kept.is_empty() {
        return "Its volumes go to your trash for seven days.".to_owned();
    }
    format!(
        "What is on {} is kept by services of this application, and goes with them for good. Other volumes go to your trash for seven days.",
        format::list(kept)
    )
}
