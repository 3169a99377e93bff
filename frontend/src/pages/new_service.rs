//! Choosing a kind for a new service.

use super::id_in_path;
use crate::{
    components::{Field, KindIcon, Loading, ProblemBox, Refused, error_of},
    server::{CreateService, NewServiceData, load_new_service},
};
use aerie_domain::{
    ApplicationId,
    views::{ApplicationView, KindCategory, KindView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;

/// The groups in which kinds are shown.
const GROUPS: [(KindCategory, &str); 4] = [
    (KindCategory::Web, "Web"),
    (KindCategory::Data, "Data"),
    (KindCategory::Compute, "Compute"),
    (KindCategory::Other, "Other"),
];

/// The page.
#[component]
pub fn NewServicePage() -> impl IntoView {
    let id = id_in_path::<ApplicationId>("application");
    let loaded = Resource::new(move || id.get(), async |id| load_new_service(id?).await);
    view! {
        <Title text="Add a service" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(data) => view! { <Choice data /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Choice(data: NewServiceData) -> impl IntoView {
    let NewServiceData { application: ApplicationView { id, name, .. }, kinds } = data;
    let action = ServerAction::<CreateService>::new();
    let error = error_of(action);
    let chosen = error
        .with_untracked(|error| error.as_ref().and_then(|error| error.typed.get("kind").cloned()))
        .or_else(|| first_shown(&kinds))
        .unwrap_or_default();
    let groups: Vec<_> = GROUPS
        .into_iter()
        .filter_map(|(category, title)| {
            let cards: Vec<_> = kinds
                .iter()
                .filter(|kind| kind.category == category)
                .map(|kind| view! { <KindCard kind=kind.clone() checked={kind.name == chosen} /> })
                .collect();
            (!cards.is_empty()).then(|| {
                view! {
                    <fieldset class="kinds">
                        <legend>{title}</legend>
                        <div class="kind-cards">{cards}</div>
                    </fieldset>
                }
            })
        })
        .collect();
    view! {
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            <a href=format!("/applications/{id}")>{name}</a>
        </nav>
        <h1>"Add a service"</h1>
        <ProblemBox error fields=&["name"] />
        <ActionForm action>
            <input type="hidden" name="application" value=id.to_string() />
            {groups}
            <div class="card">
                <Field
                    name="name"
                    label="Name (optional)"
                    error
                    max_length=32
                    hint="Other services of the application reach it by this name. Left empty, it is called after its kind."
                />
                <button class="primary" type="submit">
                    "Create service"
                </button>
            </div>
        </ActionForm>
    }
}

/// The kind at the top of the page, of those that can run here.
fn first_shown(kinds: &[KindView]) -> Option<String> {
    let usable = |kind: &&KindView| kind.obstacle.is_empty();
    let of = |category: KindCategory| kinds.iter().filter(usable).find(|kind| kind.category == category);
    GROUPS.into_iter().find_map(|(category, _)| of(category)).map(|kind| kind.name.clone())
}

#[component]
fn KindCard(kind: KindView, checked: bool) -> impl IntoView {
    let roles: Vec<_> = kind
        .roles
        .into_iter()
        .filter(|role| !role.auxiliary)
        .enumerate()
        .map(|(position, role)| {
            view! { <span class=format!("chip serving role-{}", position % 6) title=role.summary>{role.name.to_uppercase()}</span> }
        })
        .collect();
    let unusable = !kind.obstacle.is_empty();
    let obstacle = unusable.then(|| view! { <span class="muted">{kind.obstacle}</span> });
    view! {
        <label class="kind-card">
            <input type="radio" name="kind" value=kind.name checked=checked disabled=unusable required />
            <KindIcon svg=kind.icon />
            <span class="kind-text">
                <strong>{kind.title}</strong>
                <span>{kind.summary}</span>
                {obstacle}
                <span class="chips">{roles}</span>
            </span>
        </label>
    }
}
