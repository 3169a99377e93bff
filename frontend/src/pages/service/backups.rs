//! What the service keeps, taken out of it and put back.

mod row;
mod schedule;
mod words;

use crate::{
    components::{Ago, FileField, FileForm, ProblemBox, UploadForm, error_of, upload_error},
    live::{PageData, refresh_after},
    server::{Dated, DeleteBackup, MakeBackup, RestoreBackup},
};
use aerie_domain::{
    ServiceId,
    views::{BackupView, BackupsView},
};
use leptos::{form::ActionForm, prelude::*};
use row::Row;
use schedule::Schedule;

/// What the parts of this section share.
pub type BackupsData = PageData<Dated<BackupsView>>;

/// The section.
#[component]
pub fn Backups(backups: BackupsData, id: ServiceId) -> impl IntoView {
    let make = ServerAction::<MakeBackup>::new();
    let delete = ServerAction::<DeleteBackup>::new();
    let restore = ServerAction::<RestoreBackup>::new();
    refresh_after(make, backups.refresh);
    refresh_after(delete, backups.refresh);
    refresh_after(restore, backups.refresh);
    let obstacle = Memo::new(move |_| backups.value.with(|view| view.data.obstacle.clone()));
    let busy = Memo::new(move |_| obstacle.with(|obstacle| !obstacle.is_empty()));
    let error = upload_error(UploadForm::Backup(id));
    view! {
        <section class="card" id="backups" aria-labelledby="backups-title">
            <h2 id="backups-title">"Backups"</h2>
            <ProblemBox error=error_of(make) />
            <ProblemBox error=error_of(delete) />
            <ProblemBox error=error_of(restore) />
            <Progress backups />
            <LastRestore backups />
            <ActionForm action=make>
                <input type="hidden" name="service" value=id.to_string() />
                <div class="form-foot">
                    <button type="submit" disabled=move || busy.get()>
                        "Back up now"
                    </button>
                    <span class="muted">{move || obstacle.get()}</span>
                </div>
            </ActionForm>
            <List backups id delete restore busy />
            <Schedule backups id />
            <h3>"Upload a backup"</h3>
            <FileForm form=UploadForm::Backup(id) error done=backups.refresh>
                <FileField
                    id="backup-file"
                    label="File"
                    accept=""
                    hint=Signal::derive(move || {
                        let takes = backups.value.with(|view| view.data.takes.clone());
                        format!("A backup of such a service, that is {takes}. It is checked, and nothing is replaced yet.")
                    })
                    error
                />
            </FileForm>
        </section>
    }
}

/// What goes on now.
#[component]
fn Progress(backups: BackupsData) -> impl IntoView {
    let job = Memo::new(move |_| backups.value.with(|view| view.data.job.clone()));
    view! {
        <div role="status">
            {move || {
                let text = job.get().map(|job| words::progress(&job));
                text.map(|text| view! { <p class="backup-progress">{text}</p> })
            }}
        </div>
    }
}

/// How the last restoration ended.
#[component]
fn LastRestore(backups: BackupsData) -> impl IntoView {
    let told = Memo::new(move |_| {
        backups.value.with(|Dated { data, now, .. }| {
            let last = data.last_restore.clone()?;
            Some((words::restored(&last, &data.items), last.reason.is_empty(), last.ended_at?, *now))
        })
    });
    move || {
        told.get().map(|(text, well, at, now)| {
            let (class, role) = if well { ("muted", "status") } else { ("warning", "alert") };
            view! {
                <div class=class role=role>
                    <p>{text} " (" <Ago at now /> ")"</p>
                </div>
            }
        })
    }
}

#[component]
fn List(
    backups: BackupsData,
    id: ServiceId,
    delete: ServerAction<DeleteBackup>,
    restore: ServerAction<RestoreBackup>,
    busy: Memo<bool>,
) -> impl IntoView {
    let items = Memo::new(move |_| backups.value.with(|view| view.data.items.clone()));
    let none = move || items.with(Vec::is_empty);
    let rows = move || {
        let (now, name) = backups.value.with_untracked(|view| (view.now, view.data.confirm.clone()));
        let row = |backup: BackupView| view! { <Row backup id now name=name.clone() delete restore busy /> };
        items.get().into_iter().map(row).collect::<Vec<_>>()
    };
    view! {
        {move || {
            none().then(|| view! {
                <p class="empty">"There are no backups yet. Deleting the service removes its data for good."</p>
            })
        }}
        <table class="stack backups" class:hidden=none>
            <thead>
                <tr>
                    <th scope="col">"Backup"</th>
                    <th scope="col">"Made"</th>
                    <th scope="col">"Why"</th>
                    <th scope="col">"Size"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">
                        <span class="hidden">"More"</span>
                    </th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}
