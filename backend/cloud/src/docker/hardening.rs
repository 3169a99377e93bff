//! What a container may do: everything is forbidden but what is named here.
//!
//! The one place that turns a [`ContainerSpec`] into the engine's terms. To allow more, add it here and to the
//! contract suite, which inspects real containers.

use super::{client::checked_name, labels::Labels, mounts};
use crate::{CloudError, CloudErrorKind, ContainerSpec, MOUNTER_FOLDER, Mount, NetworkMode, VolumeOwner};
use aerie_domain::ALLOWED_CAPABILITIES;
use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointSettings, HostConfig, HostConfigLogConfig, Mount as EngineMount,
    MountBindOptions, MountBindOptionsPropagationEnum, MountType, MountVolumeOptions, NetworkingConfig,
    ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
};
use std::collections::HashMap;

/// User and group of everything in a container: the one that the base image has.
pub(super) const USER: &str = "1000:1000";

/// The same of a mounter. Its program gives up what it has once it has mounted.
pub(super) const MOUNTER_USER: &str = "0:0";

/// What a mounter may do beyond what its kind names: mount, start a program as another user, and end that.
pub(super) const MOUNTER_CAPABILITIES: [&str; 4] = ["SYS_ADMIN", "SETUID", "SETGID", "KILL"];

/// What a mounter has of the host's devices.
pub(super) const MOUNTER_DEVICE: &str = "/dev/fuse";

/// Length of the scheduler's period. Larger: processes of a small instance stall for longer at a time; smaller: more overhead.
const CPU_PERIOD_MICROS: i64 = 100_000;

/// Open files. Larger: engines with a limit of their own (20 000 is common) may not grant it, and no container starts;
/// smaller: proxies refuse visitors. Unset, some servers reserve memory for a million of them.
const OPEN_FILES: i64 = 16_384;

/// When the *host* runs out of memory, applications go before director, database and engine (0 and below) …
const OOM_SCORE_APPLICATION: i64 = 500;
/// … and before system services, which serve all applications.
const OOM_SCORE_SYSTEM: i64 = 100;

/// Kept output is cut in this many files; the oldest goes as a whole. More: less is lost at a cut, more files to open.
const LOG_FILES: u32 = 2;

/// The engine's create request for a container.
pub(super) fn create_body(
    spec: &ContainerSpec,
    labels: &Labels,
    hash: &str,
) -> Result<ContainerCreateBody, CloudError> {
    check(spec)?;
    Ok(ContainerCreateBody {
        user: Some(if spec.mounter { MOUNTER_USER } else { USER }.to_owned()),
        env: Some(spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        image: Some(spec.image.clone()),
        labels: Some(labels.of_container(spec, hash)),
        host_config: Some(host_config(spec, labels)),
        networking_config: networking(&spec.network),
        ..ContainerCreateBody::default()
    })
}

fn host_config(spec: &ContainerSpec, labels: &Labels) -> HostConfig {
    let memory = i64::from(spec.memory_mib) * 1024 * 1024;
    let (network_mode, oom_score) = match &spec.network {
        NetworkMode::Private { network, .. } => (network.clone(), OOM_SCORE_APPLICATION),
        NetworkMode::Host => ("host".to_owned(), OOM_SCORE_SYSTEM),
    };
    HostConfig {
        // Quota and period, not "nano CPUs": with those the engine refuses a size that is larger than the machine.
        cpu_period: Some(CPU_PERIOD_MICROS),
        cpu_quota: Some(i64::from(spec.cpu_millis) * CPU_PERIOD_MICROS / 1000),
        memory: Some(memory),
        // Equal to memory: no swap on top.
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(spec.pids)),
        oom_score_adj: Some(oom_score),
        ulimits: Some(vec![ulimit("nofile", OPEN_FILES), ulimit("core", 0)]),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(capabilities(spec)),
        // No seccomp option: the engine's default profile applies.
        security_opt: Some(security_options(spec)),
        devices: spec.mounter.then(|| vec![fuse()]),
        privileged: Some(false),
        readonly_rootfs: Some(true),
        tmpfs: Some(tmpfs(spec)),
        mounts: Some(mounts(spec, labels)),
        // The agent is the init process.
        init: Some(false),
        ipc_mode: Some("private".to_owned()),
        network_mode: Some(network_mode),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::ON_FAILURE),
            maximum_retry_count: None,
        }),
        log_config: Some(log_config(spec.log_mib)),
        ..HostConfig::default()
    }
}

fn capabilities(spec: &ContainerSpec) -> Vec<String> {
    let of_mounter = MOUNTER_CAPABILITIES.iter().filter(|_| spec.mounter).map(|name| (*name).to_owned());
    spec.capabilities.iter().cloned().chain(of_mounter).collect()
}

fn security_options(spec: &ContainerSpec) -> Vec<String> {
    let mut options = vec!["no-new-privileges:true".to_owned()];
    if spec.mounter {
        // the engine's profile for AppArmor forbids mounting, whoever asks
        options.push("apparmor=unconfined".to_owned());
    }
    options
}

fn fuse() -> DeviceMapping {
    DeviceMapping {
        path_on_host: Some(MOUNTER_DEVICE.to_owned()),
        path_in_container: Some(MOUNTER_DEVICE.to_owned()),
        cgroup_permissions: Some("rw".to_owned()),
    }
}

fn mounts(spec: &ContainerSpec, labels: &Labels) -> Vec<EngineMount> {
    let mut mounts: Vec<EngineMount> = spec.volumes.iter().map(|mount| volume_mount(mount, spec, labels)).collect();
    if spec.mounter {
        let source = mounts::of_mounter(labels.installation(), &spec.name);
        let shared = MountBindOptionsPropagationEnum::RSHARED;
        mounts.push(bind(&source, MOUNTER_FOLDER, false, shared));
    }
    mounts
}

/// A folder of the host; an error when it is not there.
fn bind(
    source: &std::path::Path,
    target: &str,
    read_only: bool,
    propagation: MountBindOptionsPropagationEnum,
) -> EngineMount {
    EngineMount {
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        source: Some(source.to_string_lossy().into_owned()),
        target: Some(target.to_owned()),
        bind_options: Some(MountBindOptions { propagation: Some(propagation), ..MountBindOptions::default() }),
        ..EngineMount::default()
    }
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

fn tmpfs(spec: &ContainerSpec) -> HashMap<String, String> {
    let user = if spec.mounter { 0 } else { 1000 };
    let options = |(path, mib): (&String, &u32)| {
        let exec = if spec.executable.contains(path) { "exec" } else { "noexec" };
        (path.clone(), format!("rw,{exec},nosuid,nodev,size={mib}m,uid={user},gid={user},mode=0755"))
    };
    spec.tmpfs.iter().map(options).collect()
}

/// The labels matter when the volume is absent: the engine then makes it, and it must be recognised as ours. A named volume of
/// people has its owner already and takes nothing over from the image.
fn volume_mount(mount: &Mount, spec: &ContainerSpec, labels: &Labels) -> EngineMount {
    if let Some(carrier) = &mount.carrier {
        let source = mounts::of_volume(labels.installation(), carrier, &mount.volume);
        return bind(&source, &mount.path, mount.read_only, MountBindOptionsPropagationEnum::RPRIVATE);
    }
    let owner = mount.named.map_or(VolumeOwner::Service(spec.service), VolumeOwner::Volume);
    EngineMount {
        typ: Some(MountType::VOLUME),
        read_only: Some(mount.read_only),
        source: Some(mount.volume.clone()),
        target: Some(mount.path.clone()),
        volume_options: Some(MountVolumeOptions {
            // or an empty one would get the owner of the folder below it, whoever has it
            no_copy: mount.named.map(|_| true),
            labels: Some(labels.of_volume(owner)),
            ..MountVolumeOptions::default()
        }),
        ..EngineMount::default()
    }
}

fn log_config(mib: u32) -> HostConfigLogConfig {
    let config = HashMap::from([
        ("max-size".to_owned(), format!("{}k", (mib.max(1) * 1024) / LOG_FILES)),
        ("max-file".to_owned(), LOG_FILES.to_string()),
    ]);
    HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(config) }
}

fn networking(network: &NetworkMode) -> Option<NetworkingConfig> {
    let NetworkMode::Private { network, aliases } = network else { return None };
    let endpoint = EndpointSettings { aliases: Some(aliases.clone()), ..EndpointSettings::default() };
    Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network.clone(), endpoint)])) })
}

/// Refuses what could never work or would reach out of the container.
fn check(spec: &ContainerSpec) -> Result<(), CloudError> {
    let refuse = |message: String| {
        let message = format!("container {}: {message}", spec.name);
        Err(CloudError::new(CloudErrorKind::InvalidSpec, message))
    };
    checked_name(&spec.name)?;
    if let NetworkMode::Private { network, .. } = &spec.network {
        checked_name(network)?;
        if ["host", "bridge", "none", "default"].contains(&network.as_str()) {
            return refuse(format!("{network} is not an application's network"));
        }
    }
    for mount in &spec.volumes {
        // A path instead of a name would mount a folder of the host.
        checked_name(&mount.volume)?;
        mount.carrier.as_deref().map_or(Ok(()), checked_name)?;
    }
    if let Some(unknown) = spec.capabilities.iter().find(|name| !ALLOWED_CAPABILITIES.contains(&name.as_str())) {
        return refuse(format!("capability {unknown} is not allowed"));
    }
    if spec.environment.iter().any(|(name, value)| name.is_empty() || name.contains('=') || value.contains('\0')) {
        return refuse("an environment variable has an impossible name or value".to_owned());
    }
    // Below these the engine or the kernel refuses; 0 would mean "no limit".
    if spec.memory_mib < 6 || spec.cpu_millis < 10 || spec.pids == 0 {
        return refuse("memory, processor and process limits are too small".to_owned());
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use crate::spec::some_container as spec;

    fn refused(spec: &ContainerSpec) -> bool {
        create_body(spec, &Labels::new("x"), "h").is_err_and(|error| error.kind == CloudErrorKind::InvalidSpec)
    }

    #[test]
    fn what_reaches_out_of_the_container_is_refused() {
        assert!(!refused(&spec()));
        assert!(refused(&ContainerSpec { capabilities: vec!["SYS_ADMIN".into()], ..spec() }));
        let host_folder = Mount::own("/etc", "/x");
        assert!(refused(&ContainerSpec { volumes: vec![host_folder], ..spec() }));
        let default_bridge = NetworkMode::Private { network: "bridge".into(), aliases: vec![] };
        assert!(refused(&ContainerSpec { network: default_bridge, ..spec() }));
        assert!(refused(&ContainerSpec { pids: 0, ..spec() }));
        assert!(refused(&ContainerSpec { memory_mib: 0, ..spec() }));
    }

    #[test]
    fn limits_are_translated() {
        let host = host_config(&spec(), &Labels::new("x"));
        assert_eq!((host.cpu_quota, host.cpu_period), (Some(400_000), Some(100_000)));
        assert_eq!(host.memory, host.memory_swap);
        let log = host.log_config.and_then(|log| log.config).unwrap_or_default();
        assert_eq!(log.get("max-size").map(String::as_str), Some("1536k"));
        let tmp = host.tmpfs.unwrap_or_default();
        assert!(tmp["/tmp"].starts_with("rw,noexec,nosuid,nodev,size=16m"));
        assert!(tmp["/code"].starts_with("rw,exec,nosuid,nodev,size=8m"));
    }

    #[test]
    fn nothing_but_a_mounter_has_anything_of_the_host() {
        let labels = Labels::new("x");
        let (plain, mounter) = (spec(), ContainerSpec { mounter: true, ..spec() });
        let of = |spec: &ContainerSpec| create_body(spec, &labels, "h").unwrap();
        assert_eq!((of(&plain).user.as_deref(), of(&mounter).user.as_deref()), (Some(USER), Some(MOUNTER_USER)));
        let host = |spec: &ContainerSpec| of(spec).host_config.unwrap();
        assert_eq!((host(&plain).devices, host(&plain).mounts), (None, Some(vec![])));
        assert_eq!(host(&plain).cap_add, Some(vec!["NET_BIND_SERVICE".to_owned()]));
        let host = host(&mounter);
        assert_eq!(host.privileged, Some(false));
        assert_eq!(host.cap_add.unwrap(), ["NET_BIND_SERVICE", "SYS_ADMIN", "SETUID", "SETGID", "KILL"]);
        assert_eq!(host.mounts.unwrap()[0].source.as_deref(), Some("/run/aerie/x/mounts/aerie-1"));

        // A volume that a mounter carries is a folder of what it has mounted, and nothing else of the host.
        let carried = Mount { carrier: Some("x-7-8".into()), ..Mount::own("x-volume-9", "/data/a") };
        let user = ContainerSpec { volumes: vec![carried.clone()], ..spec() };
        let mounts = of(&user).host_config.unwrap().mounts.unwrap();
        assert_eq!(mounts[0].source.as_deref(), Some("/run/aerie/x/mounts/x-7-8/fs/9"));
        let outside = Mount { carrier: Some("..".into()), ..carried };
        assert!(refused(&ContainerSpec { volumes: vec![outside], ..spec() }));
    }
}
