//! One volume: what is on it, who has it, and what can be done with it.

use super::{application::holds, id_in_path};
use crate::{
    components::{Ago, Confirm, Field, Loading, ProblemBox, Refused, Until, error_of},
    live::{PageData, refresh_after, refresh_every, use_events},
    server::{ChangeVolume, Dated, DeleteVolume, SnapshotVolume, load_volume},
};
use aerie_domain::{
    VolumeId, VolumeState,
    views::{EventView, VolumeUseView, VolumeView},
};
use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use std::time::Duration;

/// How often it is looked at while it is being copied. Shorter: more requests.
const PACE: Duration = Duration::from_secs(3);

/// The page.
#[component]
pub fn VolumePage() -> impl IntoView {
    let id = id_in_path::<VolumeId>("volume");
    let first = Resource::new(move || id.get(), async |id| load_volume(id?).await);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Volume first /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Volume(first: Dated<VolumeView>) -> impl IntoView {
    let (id, application_id, application) = (first.data.id, first.data.application_id, first.data.application.clone());
    let in_trash = first.data.removed_at.is_some();
    let seen = first.seen.clone();
    let page = PageData::new(first, move || load_volume(id));
    let copying = Memo::new(move |_| page.value.with(|page| page.data.state == VolumeState::Copying));
    refresh_every(PACE, Signal::derive(move || copying.get()), page.refresh);
    let _connection = use_events(seen, move |event: &EventView| event.application_id == application_id, page.refresh);
    let name = Memo::new(move |_| page.value.with(|page| page.data.name.clone()));
    let data = Memo::new(move |_| page.value.with(Clone::clone));
    let trail = application_id.map(|application_id| {
        view! { <a href=format!("/applications/{application_id}")>{application}</a> }
    });
    view! {
        <Title text=move || name.get() />
        <nav class="trail" aria-label="Breadcrumb">
            <a href="/applications">"Applications"</a>
            {trail}
        </nav>
        <h1>{move || name.get()}</h1>
        <section class="card">
            <h2>"On it"</h2>
            {move || facts(data.get())}
            {(!in_trash)
                .then(|| {
                    view! {
                        <p>
                            <a class="button" href=format!("/volumes/{id}/files")>
                                "Browse files"
                            </a>
                        </p>
                    }
                })}
        </section>
        {(!in_trash).then(|| view! { <Manage id page /> })}
    }
}

fn facts(page: Dated<VolumeView>) -> impl IntoView {
    let (volume, now) = (page.data, page.now);
    let holds = holds(&volume);
    let measured = volume.measured_at.map(|at| view! { <span class="muted">" measured " <Ago at now /></span> });
    let trash = volume.removed_at.map(|at| {
        view! {
            <p class="notice">
                "It is in the " <a href="/trash">"trash"</a> " and is removed with all that is on it " <Until at now /> "."
            </p>
        }
    });
    let large = volume.is_large.then(|| {
        let text = format!(
            "It holds more than {} MB. Nothing stops who writes more; the disk is everybody's.",
            volume.warn_mib
        );
        view! { <p class="notice">{text}</p> }
    });
    let kept = volume.kept_by.map(|service| {
        let limit = match volume.quota_mib {
            Some(mib) => format!(", with at most {mib} MB on it."),
            None => ", without a limit.".to_owned(),
        };
        view! {
            <p>
                "Kept by " <a href=format!("/services/{}", service.id)>{service.name}</a> {limit}
            </p>
        }
    });
    let reason = (!volume.reason.is_empty()).then(|| view! { <p class="reason">{volume.reason}</p> });
    let users: Vec<_> = volume.used_by.into_iter().map(user).collect();
    let unused = users.is_empty();
    view! {
        {trash}
        {large}
        {reason}
        <p>{holds} {measured}</p>
        {kept}
        <p class="muted">{volume.note}</p>
        <h3>"Used by"</h3>
        {unused.then(|| view! { <p class="empty">"No service. Tick it on the page of one."</p> })}
        <ul>{users}</ul>
    }
}

fn user(user: VolumeUseView) -> impl IntoView {
    view! {
        <li>
            <a href=format!("/services/{}#volumes", user.service.id)>{user.service.name}</a>
            " at "
            <code>{user.path}</code>
            {user.read_only.then_some(" (read-only)")}
        </li>
    }
}

#[component]
fn Manage(id: VolumeId, page: PageData<Dated<VolumeView>>) -> impl IntoView {
    let (change, snapshot, delete) = (
        ServerAction::<ChangeVolume>::new(),
        ServerAction::<SnapshotVolume>::new(),
        ServerAction::<DeleteVolume>::new(),
    );
    refresh_after(change, page.refresh);
    let (change_error, snapshot_error) = (error_of(change), error_of(snapshot));
    let volume = page.value.with_untracked(|page| page.data.clone());
    let quota = volume.kept_by.is_some().then(|| {
        let value = volume.quota_mib.unwrap_or(0).to_string();
        view! {
            <Field form="change" name="quota_mib" label="Limit (MB), 0 for none" value error=change_error required=true max_length=7 />
        }
    });
    let copy = format!("{}-copy", volume.name.chars().take(27).collect::<String>());
    view! {
        <section class="card">
            <h2>"Copy"</h2>
            <p class="muted">
                "Makes a new volume with all that is on this one now. Stop the services that write to it if every file has to be whole."
            </p>
            <ProblemBox error=snapshot_error fields=&["name"] />
            <ActionForm action=snapshot attr:class="inline-form">
                <input type="hidden" name="volume" value=id.to_string() />
                <Field form="snapshot" name="name" label="Name of the copy" value=copy error=snapshot_error required=true max_length=32 />
                <button type="submit">"Copy"</button>
            </ActionForm>
        </section>
        <section class="card quiet-card">
            <h2>"Manage"</h2>
            <ProblemBox error=change_error fields=&["name", "note", "warn_mib", "quota_mib"] />
            <ProblemBox error=error_of(delete) />
            <ActionForm action=change>
                <input type="hidden" name="volume" value=id.to_string() />
                <Field form="change" name="name" label="Name" value=volume.name error=change_error required=true max_length=32 />
                <Field form="change" name="note" label="What for" value=volume.note error=change_error max_length=200 />
                <Field
                    form="change"
                    name="warn_mib"
                    label="Warn above (MB)"
                    value=volume.warn_mib.to_string()
                    error=change_error
                    required=true
                    max_length=7
                />
                {quota}
                <button type="submit">"Save"</button>
            </ActionForm>
            <Confirm label="Delete volume…" warning="It goes to the trash, where it can be restored for seven days.">
                <ActionForm action=delete>
                    <input type="hidden" name="volume" value=id.to_string() />
                    <button class="danger" type="submit">
                        "Move to the trash"
                    </button>
                </ActionForm>
            </Confirm>
        </section>
    }
}
