//! What it takes to use a service. A page of its own, so that passwords are on the screen only when somebody wants them.

use super::id_in_path;
use crate::{
    components::{Confirm, CopyField, Loading, ProblemBox, Refused, error_of},
    live::{PageData, refresh_after},
    server::{AccessData, Dated, RenewSecret, load_access},
};
use aerie_domain::{
    ServiceId,
    views::{OfferView, SecretView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The page.
#[component]
pub fn AccessPage() -> impl IntoView {
    let id = id_in_path::<ServiceId>("service");
    let first = Resource::new(move || id.get(), async |id| load_access(id?).await);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Access first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Access(first: Dated<AccessData>) -> impl IntoView {
    let service = first.data.service.clone();
    let (id, name) = (service.summary.id, service.summary.name.clone());
    let page = PageData::new(first, move || load_access(id));
    let renew = ServerAction::<RenewSecret>::new();
    refresh_after(renew, page.refresh);
    let offers = Memo::new(move |_| page.value.with(|page| page.data.access.offers.clone()));
    let secrets = Memo::new(move |_| page.value.with(|page| page.data.access.secrets.clone()));
    let values = move || offers.get().into_iter().map(offer).collect::<Vec<_>>();
    let passwords = move || secrets.get().into_iter().map(|secret| view! { <Secret secret id renew /> }).collect_view();
    let nothing = move || {
        let text = "There is nothing to show: this service offers nothing to others, or was not started yet.";
        offers.with(Vec::is_empty).then(|| view! { <p class="empty">{text}</p> })
    };
    view! {
        <Title text=format!("Access to {name}") />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            <a href=format!("/applications/{}", service.summary.application_id)>{service.application.clone()}</a>
            <a href=format!("/services/{id}")>{name.clone()}</a>
        </nav>
        <h1>"Access to "{name}</h1>
        <section class="card">
            <h2>"For services of this application"</h2>
            <p class="muted">
                "These addresses work inside the application only. A service that uses this one gets all of it as variables."
            </p>
            {nothing}
            <div class="settings-grid">{values}</div>
        </section>
        <section class="card" class:hidden=move || secrets.with(Vec::is_empty)>
            <h2>"Passwords"</h2>
            <ProblemBox error=error_of(renew) />
            {passwords}
        </section>
    }
}

fn offer(offer: OfferView) -> impl IntoView {
    view! { <CopyField label=title(&offer.name) value=offer.value /> }
}

/// `HOST` → "Host".
fn title(name: &str) -> String {
    let words = name.replace('_', " ").to_lowercase();
    if name == "URL" {
        return name.to_owned();
    }
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}

#[component]
fn Secret(secret: SecretView, id: ServiceId, renew: ServerAction<RenewSecret>) -> impl IntoView {
    let warning = "The old password stops working at once. Services that use this one get the new one by themselves; \
                   programs elsewhere have to be told.";
    view! {
        <h3>{secret.title}</h3>
        <p class="hint">{secret.help}</p>
        <CopyField label="Password" value=secret.value />
        <Confirm label="Make a new one…" warning class="button">
            <ActionForm action=renew>
                <input type="hidden" name="service" value=id.to_string() />
                <input type="hidden" name="name" value=secret.name />
                <button type="submit">"Make a new password"</button>
            </ActionForm>
        </Confirm>
    }
}
