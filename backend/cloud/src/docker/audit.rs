//! Whether the containers that exist are what [`hardening`](super::hardening) asks for. An older director, or somebody by
//! hand, may have made them otherwise. For the operator's self-test.

use super::{
    DockerCloud,
    client::{Engine, call},
    hardening::{MOUNTER_CAPABILITIES, MOUNTER_DEVICE, MOUNTER_USER, USER},
    labels::Labels,
    mounts,
};
use crate::CloudError;
use aerie_domain::ALLOWED_CAPABILITIES;
use bollard::{
    models::{ContainerInspectResponse, DeviceMapping, HostConfig, MountPoint},
    query_parameters::ListContainersOptionsBuilder,
};

/// A container and what it may do although it should not; nothing for most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Its name.
    pub name: String,
    /// One sentence each.
    pub problems: Vec<String>,
}

impl DockerCloud {
    /// Looks at every container of the installation that runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn audit(&self) -> Result<Vec<Audited>, CloudError> {
        self.engine().await?.audit().await
    }
}

impl Engine {
    async fn audit(&self) -> Result<Vec<Audited>, CloudError> {
        let filters = self.labels.filter(None);
        let options = ListContainersOptionsBuilder::default().filters(&filters).build();
        let mut audited = Vec::new();
        for summary in call("listing containers", self.docker.list_containers(Some(options))).await? {
            let Some(id) = summary.id else { continue };
            // Gone in between is as good as fine.
            let Some(found) = self.inspect_any(&id).await? else { continue };
            let name = found.name.as_deref().unwrap_or(&id).trim_start_matches('/').to_owned();
            let problems = problems(&found, self.labels.installation());
            audited.push(Audited { name, problems });
        }
        audited.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(audited)
    }
}

fn problems(found: &ContainerInspectResponse, installation: &str) -> Vec<String> {
    let bare = HostConfig::default();
    let host = found.host_config.as_ref().unwrap_or(&bare);
    let user = found.config.as_ref().and_then(|config| config.user.as_deref()).unwrap_or_default();
    let positive = |value: Option<i64>| value.is_some_and(|value| value > 0);
    let options = host.security_opt.as_deref().unwrap_or_default();
    let dropped = host.cap_drop.as_deref().unwrap_or_default();
    let added = host.cap_add.as_deref().unwrap_or_default();
    let shared = [&host.pid_mode, &host.uts_mode, &host.userns_mode];
    let empty = |list: Option<&Vec<String>>| list.is_none_or(Vec::is_empty);
    let no_ports = host.port_bindings.as_ref().is_none_or(std::collections::HashMap::is_empty);
    let is_mounter = Labels::are_of_mounter(found.config.as_ref().and_then(|config| config.labels.as_ref()));
    let may_add = |name: &String| {
        ALLOWED_CAPABILITIES.contains(&name.as_str()) || is_mounter && MOUNTER_CAPABILITIES.contains(&name.as_str())
    };
    let may_have = |device: &DeviceMapping| is_mounter && device.path_on_host.as_deref() == Some(MOUNTER_DEVICE);
    let no_devices = host.devices.iter().flatten().all(may_have);
    let is_ours = |mount: &MountPoint| match mount.typ.as_deref() {
        Some("volume" | "tmpfs") => true,
        // of a mounter, or what it has mounted
        Some("bind") => mount.source.as_deref().is_some_and(|source| mounts::is_inside(installation, source)),
        _ => false,
    };
    let foreign = !found.mounts.iter().flatten().all(is_ours);
    let log = host.log_config.as_ref();
    let keeps_nothing = log.is_some_and(|log| log.typ.as_deref() == Some("none"));
    let log = log.and_then(|log| log.config.as_ref());
    [
        (user == if is_mounter { MOUNTER_USER } else { USER }, "runs as another user than 1000"),
        (host.privileged != Some(true), "is privileged"),
        (dropped.iter().any(|name| name == "ALL"), "keeps capabilities"),
        (added.iter().all(may_add), "has capabilities that are not allowed"),
        (options.iter().any(|option| option.starts_with("no-new-privileges")), "may gain privileges"),
        (
            !options.iter().any(|option| option.contains("seccomp") && option.contains("unconfined")),
            "runs without seccomp",
        ),
        (host.readonly_rootfs == Some(true), "has a writable root"),
        (positive(host.memory), "has no memory limit"),
        (positive(host.cpu_quota), "has no processor limit"),
        (positive(host.pids_limit), "has no limit of processes"),
        (keeps_nothing || log.is_some_and(|log| log.contains_key("max-size")), "has no limit of kept output"),
        (shared.iter().all(|mode| mode.as_deref() != Some("host")), "shares a namespace of the host"),
        (host.ipc_mode.as_deref() != Some("host"), "shares memory with the host"),
        (empty(host.binds.as_ref()) && !foreign, "mounts a folder of the host"),
        (no_ports, "publishes ports past the firewall"),
        (no_devices, "has devices of the host"),
    ]
    .into_iter()
    .filter(|(holds, _)| !holds)
    .map(|(_, problem)| problem.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ContainerConfig;

    #[test]
    fn a_container_made_by_hand_has_many_problems() {
        let bare = ContainerInspectResponse {
            config: Some(ContainerConfig { user: Some("root".into()), ..ContainerConfig::default() }),
            host_config: Some(HostConfig {
                privileged: Some(true),
                pid_mode: Some("host".into()),
                security_opt: Some(vec!["seccomp=unconfined".into()]),
                cap_add: Some(vec!["SYS_ADMIN".into()]),
                ..HostConfig::default()
            }),
            mounts: Some(vec![MountPoint { typ: Some("bind".into()), ..MountPoint::default() }]),
            ..ContainerInspectResponse::default()
        };
        let found = problems(&bare, "x");
        assert_eq!(found.len(), 13, "{found:#?}");
    }
}
