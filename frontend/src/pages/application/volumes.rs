//! The volumes of an application.

use crate::{
    PageError,
    components::{Field, ProblemBox, error_of},
    format,
    live::{PageData, refresh_after},
    server::{ApplicationData, CreateVolume, Dated},
};
use aerie_domain::{ApplicationId, VolumeState, views::VolumeView};
use leptos::{form::ActionForm, prelude::*};

/// The section.
#[component]
pub fn Volumes(id: ApplicationId, page: PageData<Dated<ApplicationData>>, read_only: bool) -> impl IntoView {
    let create = ServerAction::<CreateVolume>::new();
    let error = error_of(create);
    refresh_after(create, page.refresh);
    let volumes = Memo::new(move |_| page.value.with(|page| page.data.volumes.clone()));
    let keepers = Memo::new(move |_| page.value.with(|page| keepers(&page.data)));
    let none = move || volumes.with(Vec::is_empty);
    let rows = move || volumes.get().into_iter().map(|volume| row(volume, read_only)).collect::<Vec<_>>();
    view! {
        <section class="card" id="volumes">
            <div class="card-head">
                <h2>"Volumes"</h2>
                {(!read_only).then(|| view! { <a class="button quiet" href="/trash">"Trash"</a> })}
            </div>
            {move || {
                none()
                    .then(|| {
                        let text = "No volumes. A volume keeps files that all instances of a service share, and outlives them.";
                        view! { <p class="empty">{text}</p> }
                    })
            }}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"Volume"</th>
                        <th scope="col">"Holds"</th>
                        <th scope="col">"Used by"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {(!read_only)
                .then(|| {
                    view! {
                        <ProblemBox error fields=&["name", "note", "quota_mib"] />
                        <ActionForm action=create attr:class="inline-form">
                            <input type="hidden" name="application" value=id.to_string() />
                            <Field form="volume" name="name" label="New volume" error required=true max_length=32 />
                            <Field form="volume" name="note" label="What for (optional)" error max_length=200 />
                            {move || keepers.with(|keepers| place(keepers, error))}
                            <button type="submit">"Create volume"</button>
                        </ActionForm>
                    }
                })}
        </section>
    }
}

/// Services that can keep what is on a volume: ids and names.
fn keepers(data: &ApplicationData) -> Vec<(String, String)> {
    let services = data.application.services.iter().filter(|service| service.keeps_volumes);
    services.map(|service| (service.id.to_string(), service.name.clone())).collect()
}

/// Where a new volume shall lie, if there is a choice.
fn place(keepers: &[(String, String)], error: Signal<Option<PageError>>) -> Option<impl IntoView + use<>> {
    let services: Vec<_> =
        keepers.iter().map(|(id, name)| view! { <option value=id.clone()>{name.clone()}</option> }).collect();
    (!services.is_empty()).then(|| {
        view! {
            <div class="field">
                <label for="volume-kept-by">"Kept by"</label>
                <select id="volume-kept-by" name="kept_by">
                    <option value="">"the host"</option>
                    {services}
                </select>
            </div>
            <Field form="volume" name="quota_mib" label="Limit (MB)" error max_length=7 />
        }
    })
}

fn row(volume: VolumeView, read_only: bool) -> impl IntoView {
    let holds = holds(&volume);
    let keeper = volume.kept_by.map(|service| format!(" kept by {}", service.name));
    let users: Vec<String> = volume.used_by.iter().map(|user| user.service.name.clone()).collect();
    let name = if read_only {
        volume.name.into_any()
    } else {
        view! { <a href=format!("/volumes/{}", volume.id)>{volume.name}</a> }.into_any()
    };
    view! {
        <tr>
            <td data-label="Volume">{name} " " <span class="muted">{volume.note} {keeper}</span></td>
            <td data-label="Holds">{holds}</td>
            <td data-label="Used by">{if users.is_empty() { "–".to_owned() } else { users.join(", ") }}</td>
        </tr>
    }
}

/// How much is on it, or why nobody knows.
pub fn holds(volume: &VolumeView) -> String {
    match (volume.state, volume.size_bytes) {
        (VolumeState::Copying, _) => "is being copied".to_owned(),
        (VolumeState::Failed, _) => "could not be copied".to_owned(),
        (VolumeState::Ready, None) => "not measured yet".to_owned(),
        (VolumeState::Ready, Some(bytes)) if volume.is_large => format!("{}: more than wanted", format::bytes(bytes)),
        (VolumeState::Ready, Some(bytes)) => format::bytes(bytes),
    }
}
