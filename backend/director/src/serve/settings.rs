//! From the operator's options to what the rooms below want to know.

use crate::{
    config::{CloudChoice, Config},
    logs::kept_folder,
};
use aerie_cloud::docker::may_mount;
use aerie_domain::Credits;
use aerie_manager::ManagerSettings;
use aerie_usecases::{BackupLimits, Disks, UploadLimits, UseCaseSettings};
use anyhow::Context;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

/// argon2id memory per password, KiB (OWASP's first choice is 19 MiB with two passes). Larger: slower to guess, and a
/// class that logs in at once needs more memory.
const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;

/// For the use cases.
pub(super) fn usecases(config: &Config) -> UseCaseSettings {
    let options = &config.options;
    let mut uploads = UploadLimits::default();
    uploads.archive.max_upload_bytes = u64::from(options.upload_mib) * 1024 * 1024;
    UseCaseSettings {
        data_dir: options.data_dir.clone(),
        domain: options.domain.clone(),
        public_port: options.public_port,
        initial_credit: Credits::whole(i64::from(options.initial_credit)),
        charge_period: Duration::from_secs(u64::from(options.charge_seconds)),
        max_applications: options.max_applications,
        max_instances: options.max_instances,
        max_versions: options.max_versions,
        open_registration: options.open_registration,
        uploads,
        backups: BackupLimits {
            max_bytes: u64::from(options.backup_mib) * 1024 * 1024,
            hour: Duration::from_secs(u64::from(options.backup_hour_seconds)),
        },
        disks: Disks::new(u64::from(options.disk_reserve_mib) * 1024 * 1024, &options.data_dir),
        can_mount: options.cloud == CloudChoice::Simulated || may_mount(),
        session_days: options.session_days,
        password_memory_kib: PASSWORD_MEMORY_KIB,
        login_attempts: options.login_attempts,
    }
}

/// For the managers.
pub(super) fn manager(config: &Config) -> anyhow::Result<ManagerSettings> {
    let options = &config.options;
    let (network, bits) = options.subnet_pool.split_once('/').context("AERIE_SUBNET_POOL has no prefix length")?;
    Ok(ManagerSettings {
        installation: options.installation.clone(),
        agent_port: options.agent_port,
        agent_ports_beside: options.agent_ports_beside.clone(),
        subnet_pool: (network.parse()?, bits.parse()?),
        log_dir: kept_folder(&options.data_dir),
        public_bind: options.public_bind.to_string(),
        public_port: options.public_port,
        entry_ready_port: options.entry_ready_port,
        domain: options.domain.clone(),
        prepare_images: options.prepare_images,
        ..ManagerSettings::default()
    })
}

/// Where this machine reaches the entry: the only address that the load generator connects to.
pub(super) fn entry_address(config: &Config) -> SocketAddr {
    let ip = match config.options.public_bind {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, config.options.public_port)
}
