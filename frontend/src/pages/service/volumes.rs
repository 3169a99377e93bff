//! Volumes of the application that this service has: a box for each.

use super::{ServicePageData, part};
use crate::{
    components::{FieldMessage, ProblemBox, error_of},
    live::refresh_after,
    server::SetVolume,
};
use aerie_domain::{ApplicationId, ServiceId, views::ServiceVolumeView};
use leptos::{form::ActionForm, prelude::*};

/// The section; nothing for kinds that take no volumes.
#[component]
pub fn Volumes(page: ServicePageData, id: ServiceId, application: ApplicationId) -> impl IntoView {
    let takes = page.value.with_untracked(|page| !page.data.service.volumes.folder.is_empty());
    let volumes = part(page, |service| service.volumes.volumes.clone());
    takes.then(|| {
        view! {
            <section class="card" id="volumes">
                <h2>"Volumes"</h2>
                <p class="muted">
                    "All instances see a volume at the same path and share what is on it. A change replaces them one after the other."
                </p>
                {move || {
                    volumes
                        .with(Vec::is_empty)
                        .then(|| {
                            view! {
                                <p class="empty">
                                    "The application has no volumes. "
                                    <a href=format!("/applications/{application}#volumes")>"Create one"</a>
                                </p>
                            }
                        })
                }}
                <For each=move || volumes.get() key=|volume| (volume.id, volume.attached, volume.path.clone(), volume.read_only) let:volume>
                    <Row page id volume />
                </For>
            </section>
        }
    })
}

#[component]
fn Row(page: ServicePageData, id: ServiceId, volume: ServiceVolumeView) -> impl IntoView {
    let set = ServerAction::<SetVolume>::new();
    let error = error_of(set);
    refresh_after(set, page.refresh);
    let [box_id, path_id, only_id] = ["has", "path", "only"].map(|what| format!("{what}-{}", volume.id));
    view! {
        <ProblemBox error fields=&["path"] />
        <ActionForm action=set attr:class="inline-form">
            <input type="hidden" name="service" value=id.to_string() />
            <input type="hidden" name="volume" value=volume.id.to_string() />
            <div class="check">
                <input type="checkbox" id=box_id.clone() name="attached" checked=volume.attached />
                <label for=box_id>{volume.name}</label>
            </div>
            <div class="field">
                <label for=path_id.clone()>"Path"</label>
                <input id=path_id.clone() name="path" value=volume.path required maxlength="100" autocomplete="off" spellcheck="false" />
                <FieldMessage id=path_id name="path" error />
            </div>
            <div class="check">
                <input type="checkbox" id=only_id.clone() name="read_only" checked=volume.read_only />
                <label for=only_id>"Read-only"</label>
            </div>
            <button type="submit">"Save"</button>
        </ActionForm>
    }
}
