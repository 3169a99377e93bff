//! What an operator can configure about the use cases.

use crate::{BackupLimits, Disks, UploadLimits};
use aerie_domain::Credits;
use std::{path::PathBuf, time::Duration};

/// Limits and addresses of the installation.
#[derive(Debug, Clone)]
pub struct UseCaseSettings {
    /// Data directory: `blobs/` is ours.
    pub data_dir: PathBuf,
    /// Applications live at `<app>.<owner>.<domain>`.
    pub domain: String,
    /// Port of the public entry, as visitors see it; left out of addresses when 80.
    pub public_port: u16,
    /// What a new user gets.
    pub initial_credit: Credits,
    /// Running instances are booked whenever they have run for so long. Smaller: more rows, and credit that ends sooner
    /// after it is used up.
    pub charge_period: Duration,
    /// Applications per user. Larger: more networks on the host (about 4 000 fit in the default pool).
    pub max_applications: u32,
    /// Instances per service, auxiliary ones not counted. Larger: one class mate can fill the machine.
    pub max_instances: u32,
    /// Code versions kept per service. Larger: more disk.
    pub max_versions: u32,
    /// People may register themselves.
    pub open_registration: bool,
    /// Limits of uploads.
    pub uploads: UploadLimits,
    /// Limits of backups.
    pub backups: BackupLimits,
    /// Where room is needed, and how much of it.
    pub disks: Disks,
    /// The director may mount on the host of the containers: kinds whose services keep volumes need that.
    pub can_mount: bool,
    /// Days after which a session ends, however active.
    pub session_days: u32,
    /// argon2 memory in KiB. Larger: slower to guess and to log in. Tests use less.
    pub password_memory_kib: u32,
    /// Wrong passwords per account or address within 15 minutes before a pause.
    pub login_attempts: u32,
}
