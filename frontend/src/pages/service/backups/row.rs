//! One backup, and what can be done with it.

use super::words;
use crate::{
    components::{Ago, Confirm},
    format,
    server::{DeleteBackup, RestoreBackup},
};
use aerie_domain::{BackupState, ServiceId, views::BackupView};
use leptos::{form::ActionForm, prelude::*};
use time::OffsetDateTime;

/// A row of the table.
#[component]
pub fn Row(
    backup: BackupView,
    id: ServiceId,
    now: OffsetDateTime,
    /// Of the service: what has to be typed.
    name: String,
    delete: ServerAction<DeleteBackup>,
    restore: ServerAction<RestoreBackup>,
    busy: Memo<bool>,
) -> impl IntoView {
    let (class, word, more) = words::state(&backup);
    let size = backup.size_bytes.and_then(|bytes| u64::try_from(bytes).ok()).map(format::bytes);
    let by = backup.requested_by.as_ref().map(|name| format!(" by {name}"));
    let ready = backup.state == BackupState::Ready;
    let usable = ready && backup.check.as_ref().is_none_or(|check| check.ok);
    let download = format!("/api/v1/services/{id}/backups/{}/file", backup.id);
    view! {
        <tr>
            <td data-label="Backup" class="wrap">
                {backup.name.clone()}
            </td>
            <td data-label="Made">
                <Ago at=backup.created_at now />
                {by}
            </td>
            <td data-label="Why">{words::why(backup.why)}</td>
            <td data-label="Size">{size.unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label="State" class="wrap">
                <span class=format!("state state-{class}")>{word}</span>
                {(!more.is_empty()).then(|| view! { <p class="muted wrap">{more}</p> })}
            </td>
            <td class="row-actions">
                {ready
                    .then(|| {
                        view! {
                            <a href=download rel="external" download="">
                                "Download"
                            </a>
                        }
                    })}
                {usable.then(|| view! { <Restore backup=backup.clone() id name restore busy /> })}
                {(backup.state != BackupState::Making)
                    .then(|| {
                        view! {
                            <Confirm label="Delete…" warning="The backup is removed for good." class="button quiet">
                                <ActionForm action=delete>
                                    <input type="hidden" name="service" value=id.to_string() />
                                    <input type="hidden" name="backup" value=backup.id.to_string() />
                                    <button class="danger" type="submit">
                                        "Delete backup"
                                    </button>
                                </ActionForm>
                            </Confirm>
                        }
                    })}
            </td>
        </tr>
    }
}

#[component]
fn Restore(
    backup: BackupView,
    id: ServiceId,
    name: String,
    restore: ServerAction<RestoreBackup>,
    busy: Memo<bool>,
) -> impl IntoView {
    let field = format!("confirm-{}", backup.id);
    let warning =
        "The data of the service is replaced by what is in this backup. What is there now is backed up first.";
    view! {
        <Confirm label="Restore…" warning class="button quiet">
            <ActionForm action=restore>
                <input type="hidden" name="service" value=id.to_string() />
                <input type="hidden" name="backup" value=backup.id.to_string() />
                <div class="field">
                    <label for=field.clone()>{format!("Type the name of the service: {name}")}</label>
                    <input
                        id=field
                        type="text"
                        name="confirm"
                        required
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                    />
                </div>
                <button class="danger" type="submit" disabled=move || busy.get()>
                    "Replace the data"
                </button>
            </ActionForm>
        </Confirm>
    }
}
