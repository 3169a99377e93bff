//! Short-lived containers that work on volumes: hardened as every other, of the base image, without any network. They run what
//! is written here and nothing else.

use super::{
    DockerCloud,
    client::{CALL_LIMIT, Engine, call, call_within},
    hardening::create_body,
};
use crate::{Cloud, CloudError, CloudErrorKind, ContainerSpec, LogsFrom, Mount, NetworkMode, VolumeOwner, VolumeSpec};
use aerie_domain::{InstanceId, ServiceId};
use bollard::{
    models::{ContainerCreateBody, HostConfigLogConfig},
    query_parameters::CreateContainerOptionsBuilder,
};
use futures_util::TryStreamExt;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long a copy may take. Longer: one that hangs is noticed later; shorter: large volumes cannot be copied.
const COPY_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How long looking through a volume may take. As above.
const MEASURE_LIMIT: Duration = Duration::from_secs(120);

/// How often to look whether it is done.
const INTERVAL: Duration = Duration::from_millis(100);

/// A folder of the base image that belongs to user 1000: a fresh volume that is mounted over it takes that owner.
const OWNED_FOLDER: &str = "/data";

/// What is there goes first, so that it can be repeated.
const COPY: &str = "find /data -mindepth 1 -delete && cp -a /mnt/. /data/";

const EMPTY: &str = "find /data -mindepth 1 -delete";

/// What cannot be read is not counted.
const MEASURE: &str = "du -s -B1 /mnt 2>/dev/null | cut -f 1";

/// Whom the volumes of a helper belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// To the owner of the folder over which they are mounted, if they are empty.
    FromImage,
    /// To whom they belonged before.
    Kept,
}

/// What a helper runs.
pub(super) struct Program {
    /// For the shell.
    pub(super) script: String,
    /// Its arguments, from `$1` on.
    pub(super) arguments: Vec<String>,
    /// Whom its volumes belong to.
    pub(super) ownership: Ownership,
    /// It is talked to while it runs: its output is not kept, and it is removed by the engine when it ends.
    pub(super) talks: bool,
}

impl Program {
    fn quiet(script: &str, ownership: Ownership) -> Self {
        Self { script: script.to_owned(), arguments: Vec::new(), ownership, talks: false }
    }
}

impl DockerCloud {
    /// Makes a named volume of people, writable for user 1000.
    ///
    /// The engine makes a volume that is named in a container and gives it the owner of the folder below it, both in one
    /// call: so there is never one that has no owner yet, wherever we are interrupted.
    pub(super) async fn make_named_volume(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        let spec = self.helper(&format!("{}-made", volume.name), vec![mount(volume, OWNED_FOLDER)]);
        self.remove_container(&spec.name, Duration::ZERO).await?;
        let made = self.engine().await?.create_helper(&spec, &Program::quiet("true", Ownership::FromImage)).await;
        let removed = self.remove_container(&spec.name, Duration::ZERO).await;
        made.and(removed)
    }

    pub(super) async fn copy(&self, from: &VolumeSpec, to: &VolumeSpec) -> Result<(), CloudError> {
        self.ensure_volume(to).await?;
        let source = Mount { read_only: true, ..mount(from, "/mnt") };
        let spec = self.helper(&format!("{}-copy", to.name), vec![source, mount(to, OWNED_FOLDER)]);
        self.run_helper(&spec, COPY, COPY_LIMIT).await.map(drop)
    }

    pub(super) async fn empty(&self, volume: &VolumeSpec) -> Result<(), CloudError> {
        let spec = self.helper(&format!("{}-end", volume.name), vec![mount(volume, OWNED_FOLDER)]);
        self.run_helper(&spec, EMPTY, COPY_LIMIT).await.map(drop)
    }

    pub(super) async fn measure(&self, volume: &VolumeSpec) -> Result<u64, CloudError> {
        let spec =
            self.helper(&format!("{}-size", volume.name), vec![Mount { read_only: true, ..mount(volume, "/mnt") }]);
        let told = self.run_helper(&spec, MEASURE, MEASURE_LIMIT).await?;
        told.trim().parse().map_err(|_| CloudError::new(CloudErrorKind::Transient, "the size of a volume was not told"))
    }

    /// Removes what was left behind by somebody who was interrupted.
    pub(super) async fn remove_helpers(&self, volume: &str) -> Result<(), CloudError> {
        for work in ["made", "copy", "size", "end"] {
            self.remove_container(&format!("{volume}-{work}"), Duration::ZERO).await?;
        }
        Ok(())
    }

    pub(super) fn helper(&self, name: &str, volumes: Vec<Mount>) -> ContainerSpec {
        ContainerSpec {
            name: name.to_owned(),
            // ids of nothing: it is recognised by its name
            instance: InstanceId::generate(),
            service: ServiceId::generate(),
            image: self.shared.settings.base_image.clone(),
            network: NetworkMode::Host, // not in the end: see `create_helper`
            environment: BTreeMap::new(),
            volumes,
            tmpfs: BTreeMap::new(),
            executable: Vec::new(),
            capabilities: vec![],
            mounter: false,
            cpu_millis: 1000,
            memory_mib: 128,
            pids: 32,
            log_mib: 1,
        }
    }

    /// Runs one to its end; what it printed, if it ended well.
    async fn run_helper(&self, spec: &ContainerSpec, script: &str, limit: Duration) -> Result<String, CloudError> {
        // of somebody who was interrupted
        self.remove_container(&spec.name, Duration::ZERO).await?;
        let result = self.wait_for_helper(spec, script, limit).await;
        let removed = self.remove_container(&spec.name, Duration::ZERO).await;
        let told = result?;
        removed.map(|()| told)
    }

    async fn wait_for_helper(&self, spec: &ContainerSpec, script: &str, limit: Duration) -> Result<String, CloudError> {
        let engine = self.engine().await?;
        engine.create_helper(spec, &Program::quiet(script, Ownership::Kept)).await?;
        let starting = engine.docker.start_container(&spec.name, None);
        call_within(CALL_LIMIT, "starting a container for a volume", starting).await?;
        let start = Instant::now();
        while start.elapsed() < limit {
            let state = engine.inspect_any(&spec.name).await?.and_then(|found| found.state);
            let Some(code) = state.filter(|state| state.running == Some(false)).and_then(|state| state.exit_code)
            else {
                tokio::time::sleep(INTERVAL).await;
                continue;
            };
            let lines: Vec<_> = self.logs(&spec.name, LogsFrom::default()).try_collect().await?;
            let text: Vec<String> = lines.into_iter().map(|line| line.text).collect();
            if code == 0 {
                return Ok(text.join("\n"));
            }
            let last = text.last().cloned().unwrap_or_else(|| format!("it ended with code {code}"));
            return Err(CloudError::new(CloudErrorKind::Transient, last));
        }
        Err(CloudError::new(CloudErrorKind::Transient, format!("not done after {} s", limit.as_secs())))
    }
}

impl Engine {
    pub(super) async fn create_helper(&self, spec: &ContainerSpec, program: &Program) -> Result<(), CloudError> {
        let body = create_body(spec, &self.labels, &spec.hash())?;
        let mut host = body.host_config.clone().unwrap_or_default();
        host.restart_policy = None;
        host.network_mode = Some("none".to_owned());
        for options in host.mounts.iter_mut().flatten().filter_map(|mount| mount.volume_options.as_mut()) {
            options.no_copy = Some(program.ownership == Ownership::Kept);
        }
        if program.talks {
            host.auto_remove = Some(true);
            host.log_config = Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None });
        }
        let name = "helper".to_owned();
        let body = ContainerCreateBody {
            entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), program.script.clone(), name]),
            cmd: Some(program.arguments.clone()),
            attach_stdout: Some(program.talks),
            attach_stdin: Some(program.talks),
            open_stdin: Some(program.talks),
            // the end of the connection is the end of the input
            stdin_once: Some(program.talks),
            host_config: Some(host),
            networking_config: None,
            ..body
        };
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        call("making a container for a volume", self.docker.create_container(Some(options), body)).await.map(drop)
    }
}

pub(super) fn mount(volume: &VolumeSpec, path: &str) -> Mount {
    let named = match volume.owner {
        VolumeOwner::Volume(id) => Some(id),
        VolumeOwner::Service(_) => None,
    };
    Mount { named, carrier: volume.carrier.clone(), ..Mount::own(&volume.name, path) }
}
