//! What was deleted and can be restored for a while.

use super::application::holds;
use crate::{
    components::{Loading, ProblemBox, Refused, Until, error_of},
    server::{Dated, RestoreVolume, TrashData, load_trash},
};
use aerie_domain::views::{ApplicationView, VolumeView};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use time::OffsetDateTime;

/// The page.
#[component]
pub fn TrashPage() -> impl IntoView {
    let first = Resource::new(|| (), async |()| load_trash().await);
    view! {
        <Title text="Trash" />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
        </nav>
        <h1>"Trash"</h1>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Trash first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Trash(first: Dated<TrashData>) -> impl IntoView {
    let restore = ServerAction::<RestoreVolume>::new();
    let Dated { now, data: TrashData { volumes, applications }, .. } = first;
    let empty = volumes.is_empty();
    let rows: Vec<_> = volumes.into_iter().map(|volume| row(volume, &applications, now, restore)).collect();
    view! {
        <section class="card">
            <p class="muted">"Volumes that were deleted, or whose application was. After seven days they are removed for good."</p>
            <ProblemBox error=error_of(restore) />
            {empty.then(|| view! { <p class="empty">"The trash is empty."</p> })}
            <ul class="service-list">{rows}</ul>
        </section>
    }
}

fn row(
    volume: VolumeView,
    applications: &[ApplicationView],
    now: OffsetDateTime,
    restore: ServerAction<RestoreVolume>,
) -> impl IntoView + use<> {
    let holds = holds(&volume);
    let select = format!("into-{}", volume.id);
    let options: Vec<_> = applications
        .iter()
        .filter(|application| !application.deleting)
        .map(|application| {
            let selected = Some(application.id) == volume.application_id;
            view! { <option value=application.id.to_string() selected=selected>{application.name.clone()}</option> }
        })
        .collect();
    let form = (!options.is_empty()).then(|| {
        view! {
            <ActionForm action=restore attr:class="inline-form">
                <input type="hidden" name="volume" value=volume.id.to_string() />
                <div class="field">
                    <label for=select.clone()>"Into application"</label>
                    <select id=select name="application">
                        {options}
                    </select>
                </div>
                <button type="submit">"Restore"</button>
            </ActionForm>
        }
    });
    view! {
        <li>
            <p>
                <strong>{volume.name}</strong>
                " "
                <span class="muted">{volume.application}</span>
                " "
                {holds}
                ", removed "
                {volume.removed_at.map(|at| view! { <Until at now /> })}
            </p>
            {form}
        </li>
    }
}
