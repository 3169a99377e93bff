//! Rows as people see them.

use aerie_domain::views::{BackupCheckView, BackupJobView, BackupView};
use aerie_store::{BackupJobRow, BackupRow};

/// A backup.
pub(super) fn backup(row: &BackupRow) -> BackupView {
    let check = row.check_ok.zip(row.checked_at).map(|(ok, checked_at)| BackupCheckView {
        ok,
        message: row.check_message.clone(),
        checked_at,
    });
    BackupView {
        id: row.id,
        name: row.name.clone(),
        why: row.why,
        state: row.state,
        reason: row.reason.clone(),
        digest: row.digest.clone(),
        size_bytes: row.size_bytes,
        check,
        requested_by: row.requested_by.clone(),
        created_at: row.created_at,
    }
}

/// A job.
pub(super) fn job(row: BackupJobRow) -> BackupJobView {
    BackupJobView {
        id: row.id,
        kind: row.kind,
        step: row.step,
        backup: row.backup_id,
        source: row.source_id,
        source_name: row.source_name,
        reason: row.reason,
        requested_by: row.requested_by,
        started_at: row.started_at,
        ended_at: row.ended_at,
    }
}
