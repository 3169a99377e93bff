//! When backups are made by themselves.

use super::BackupsData;
use crate::{
    components::{Field, ProblemBox, Until, error_of},
    live::refresh_after,
    server::{Dated, SetBackupSchedule},
};
use aerie_domain::{BackupEvery, ServiceId, views::BackupSchedule};
use leptos::{form::ActionForm, prelude::*};

/// The form.
#[component]
pub fn Schedule(backups: BackupsData, id: ServiceId) -> impl IntoView {
    let set = ServerAction::<SetBackupSchedule>::new();
    let error = error_of(set);
    refresh_after(set, backups.refresh);
    let BackupSchedule { every, keep } = backups.value.with_untracked(|view| view.data.schedule);
    let options: Vec<_> = BackupEvery::ALL
        .iter()
        .map(|option| view! { <option value=option.as_str() selected=*option == every>{label(*option)}</option> })
        .collect();
    let next = Memo::new(move |_| backups.value.with(|Dated { data, now, .. }| Some((data.next_at?, *now))));
    view! {
        <h3>"Schedule"</h3>
        <ProblemBox error fields=&["keep"] />
        <ActionForm action=set attr:class="backup-schedule">
            <input type="hidden" name="service" value=id.to_string() />
            <div class="field">
                <label for="backup-every">"Back up by itself"</label>
                <select id="backup-every" name="every">
                    {options}
                </select>
            </div>
            <Field
                form="backup"
                name="keep"
                label="Keep the newest"
                value=keep.to_string()
                error
                required=true
                hint=format!("1 to {}; older scheduled ones are deleted.", BackupSchedule::MOST_KEPT)
            />
            <button type="submit">"Save"</button>
            <p class="muted" role="status">
                {move || next.get().map(|(at, now)| view! { "Next: " <Until at now /> })}
            </p>
        </ActionForm>
    }
}

fn label(every: BackupEvery) -> &'static str {
    match every {
        BackupEvery::Never => "never",
        BackupEvery::Hour => "every hour",
        BackupEvery::Day => "every day",
        BackupEvery::Week => "every week",
    }
}
