//! Name, state, address, and the buttons for the service as a whole.

use super::{ServicePageData, part};
use crate::{
    components::{Confirm, KindIcon, LiveMark, ProblemBox, Rename, StateBadge, error_of},
    format,
    live::{Connection, refresh_after},
    server::{AdminStopService, DeleteService, RenameService, RestartService, StartService, StopService},
};
use aerie_domain::{ServiceId, ServiceState};
use leptos::{form::ActionForm, prelude::*};

/// The page's head.
#[component]
pub fn Head(
    page: ServicePageData,
    id: ServiceId,
    connection: Signal<Connection>,
    public: bool,
    read_only: bool,
) -> impl IntoView {
    let icon = page.value.with_untracked(|page| page.data.icon.clone());
    let name = part(page, |service| service.summary.name.clone());
    let kind = page.value.with_untracked(|page| page.data.service.summary.kind_title.clone());
    view! {
        <header class="service-head">
            <KindIcon svg=icon />
            <div class="service-title">
                <h1>{move || name.get()}</h1>
                <p class="muted">{kind}</p>
            </div>
            <State page />
            <LiveMark connection />
        </header>
        {public.then(|| view! { <PublicAddress page /> })}
        {if read_only {
            view! { <AdminStop page id /> }.into_any()
        } else {
            view! { <Buttons page id /> }.into_any()
        }}
    }
}

/// All that an administrator may do with somebody else's service.
#[component]
fn AdminStop(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let stop = ServerAction::<AdminStopService>::new();
    refresh_after(stop, page.refresh);
    let runs = part(page, |service| can_stop(service.summary.state));
    view! {
        <ProblemBox error=error_of(stop) />
        <div class="actions">
            <ActionForm action=stop attr:class=move || if runs.get() { "" } else { "hidden" }>
                <input type="hidden" name="service" value=id.to_string() />
                <input type="hidden" name="back" value=format!("/services/{id}") />
                <button type="submit">"Stop"</button>
            </ActionForm>
        </div>
    }
}

/// Whether there is anything to stop.
fn can_stop(state: ServiceState) -> bool {
    !matches!(state, ServiceState::Init | ServiceState::Stopped | ServiceState::Epilogue)
}

#[component]
fn State(page: ServicePageData) -> impl IntoView {
    let state = part(page, |service| service.summary.state);
    let since = Memo::new(move |_| page.value.with(|page| format::duration(page.data.service.state_since, page.now)));
    let reason = part(page, |service| service.summary.reason.clone());
    view! {
        <div class="service-state" role="status">
            {move || view! { <StateBadge state=state.get() /> }}
            <span class="muted">"for " {move || since.get()}</span>
        </div>
        {move || {
            let reason = reason.get();
            (!reason.is_empty()).then(|| view! { <p class="reason">{reason}</p> })
        }}
    }
}

#[component]
fn PublicAddress(page: ServicePageData) -> impl IntoView {
    let address = part(page, |service| (service.summary.address.clone().unwrap_or_default(), service.summary.state));
    move || {
        let (address, state) = address.get();
        let quiet = matches!(state, ServiceState::Init | ServiceState::Stopped).then_some(" (answers once started)");
        view! {
            <p class="public-address">
                <a href=address.clone() rel="external noopener" target="_blank">
                    {address.clone()}
                </a>
                <span class="muted">{quiet}</span>
            </p>
        }
    }
}

#[component]
fn Buttons(page: ServicePageData, id: ServiceId) -> impl IntoView {
    let start = ServerAction::<StartService>::new();
    let stop = ServerAction::<StopService>::new();
    let rename = ServerAction::<RenameService>::new();
    let delete = ServerAction::<DeleteService>::new();
    refresh_after(start, page.refresh);
    refresh_after(stop, page.refresh);
    let restart = ServerAction::<RestartService>::new();
    refresh_after(restart, page.refresh);
    refresh_after(rename, page.refresh);
    let (rename_error, name) =
        (error_of(rename), page.value.with_untracked(|page| page.data.service.summary.name.clone()));
    let state = part(page, |service| service.summary.state);
    let users = part(page, |service| {
        service.connections.used_by.iter().map(|user| user.name.clone()).collect::<Vec<_>>().join(" and ")
    });
    let is_used = move || users.with(|users| !users.is_empty());
    let loss = move || is_used().then(|| view! { <p>{format!("{} uses it and will lose it.", users.get())}</p> });
    let unbind = move || is_used().then(|| view! { <input type="hidden" name="unbind" value="on" /> });
    // In an error one may want either: try again now, or give up.
    let can_start = move || {
        use ServiceState::{Epilogue, Error, Init, Stopped};
        matches!(state.get(), Init | Stopped | Epilogue | Error)
    };
    let can_stop = move || can_stop(state.get());
    view! {
        <ProblemBox error=error_of(start) />
        <ProblemBox error=error_of(stop) />
        <ProblemBox error=error_of(restart) />
        <ProblemBox error=error_of(delete) />
        <ProblemBox error=rename_error fields=&["name"] />
        <div class="actions">
            <ActionForm action=start attr:class=move || if can_start() { "" } else { "hidden" }>
                <input type="hidden" name="service" value=id.to_string() />
                <button class="primary" type="submit">
                    "Start"
                </button>
            </ActionForm>
            <ActionForm action=stop attr:class=move || if can_stop() { "" } else { "hidden" }>
                <input type="hidden" name="service" value=id.to_string() />
                <button type="submit">"Stop"</button>
            </ActionForm>
            <ActionForm action=restart attr:class=move || if can_stop() { "" } else { "hidden" }>
                <input type="hidden" name="service" value=id.to_string() />
                <button type="submit" title="Replaces its instances by new ones, one after the other.">
                    "Restart"
                </button>
            </ActionForm>
            <Rename
                name
                error=rename_error
                form=move |inside| {
                    view! {
                        <ActionForm action=rename>
                            <input type="hidden" name="service" value=id.to_string() />
                            {inside}
                        </ActionForm>
                    }
                        .into_any()
                }
            />
            <Confirm
                label="Delete…"
                warning="The service stops, and its code, settings, data and backups are removed. This cannot be undone."
            >
                {loss}
                <ActionForm action=delete>
                    <input type="hidden" name="service" value=id.to_string() />
                    {unbind}
                    <button class="danger" type="submit">
                        "Delete service and its data"
                    </button>
                </ActionForm>
            </Confirm>
        </div>
    }
}
