//! States and steps in words.

use aerie_domain::{
    BackupJobKind, BackupState, BackupStep, BackupWhy,
    views::{BackupJobView, BackupView},
};

/// Why there is a backup.
pub fn why(why: BackupWhy) -> &'static str {
    match why {
        BackupWhy::Asked => "asked for",
        BackupWhy::Scheduled => "scheduled",
        BackupWhy::BeforeRestore => "before a restore",
        BackupWhy::Uploaded => "uploaded",
    }
}

/// Class and word of a backup's state, and more about it.
pub fn state(backup: &BackupView) -> (&'static str, &'static str, String) {
    match (backup.state, &backup.check) {
        (BackupState::Making, _) => ("adapting", "being made", String::new()),
        (BackupState::Failed, _) => ("error", "failed", backup.reason.clone()),
        (BackupState::Ready, None) => ("prologue", "not checked", String::new()),
        (BackupState::Ready, Some(check)) if check.ok => ("running", "checked", String::new()),
        (BackupState::Ready, Some(check)) => ("error", "check failed", check.message.clone()),
    }
}

/// What a job does now.
pub fn progress(job: &BackupJobView) -> String {
    let source = job.source_name.as_deref().unwrap_or("a backup");
    match (job.kind, job.step) {
        (BackupJobKind::Backup, BackupStep::Check) => "The new backup is being checked …".to_owned(),
        (BackupJobKind::Backup, _) => "A backup is being made …".to_owned(),
        (BackupJobKind::Upload, _) => "The uploaded backup is being checked …".to_owned(),
        (BackupJobKind::Restore, BackupStep::CheckSource) => format!("Restoring {source}: it is being checked …"),
        (BackupJobKind::Restore, BackupStep::Dump) => {
            format!("Restoring {source}: what is there now is backed up first …")
        }
        (BackupJobKind::Restore, BackupStep::Check) => {
            format!("Restoring {source}: the backup of what is there now is being checked …")
        }
        (BackupJobKind::Restore, BackupStep::Load) => format!("Restoring {source}: the data is being replaced …"),
    }
}

/// How a restoration ended, and where the data of before is.
pub fn restored(job: &BackupJobView, items: &[BackupView]) -> String {
    let source = job.source_name.as_deref().unwrap_or("A backup that was deleted");
    let before = items.iter().find(|item| Some(item.id) == job.backup && item.state == BackupState::Ready);
    let before = before.map(|item| format!(" What was there before is in {}.", item.name)).unwrap_or_default();
    if job.reason.is_empty() {
        format!("{source} was restored.{before}")
    } else {
        format!("{source} was not restored. {}{before}", job.reason)
    }
}
