//! What a container can connect to, found out by a throw-away container that tries. For the operator's self-test.

use super::{
    DockerCloud,
    client::{CALL_LIMIT, Engine, call, call_within},
    hardening::create_body,
};
use crate::{Cloud, CloudError, CloudErrorKind, ContainerSpec, LogsFrom, NetworkMode, NetworkSpec};
use aerie_domain::{InstanceId, ServiceId};
use bollard::{models::ContainerCreateBody, query_parameters::CreateContainerOptionsBuilder};
use futures_util::TryStreamExt;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

/// How long all attempts may take together: two seconds each at the most, and the start.
const LIMIT: Duration = Duration::from_secs(40);
/// How often we look whether it is done.
const INTERVAL: Duration = Duration::from_millis(100);

/// Runs inside the container; the addresses are its arguments. Bash connects by itself, so the image needs nothing more.
const SCRIPT: &str = r#"
for to; do
  if timeout 2 bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1##*:}"' try "$to" 2>/dev/null; then echo "$to open"; else echo "$to closed"; fi
done
"#;

impl DockerCloud {
    /// Which of these addresses a container on a network of its own can connect to, in their order. Network and container
    /// are gone afterwards.
    ///
    /// # Errors
    /// When the engine does not play along, or the container does not answer in time.
    pub async fn try_to_reach(&self, network: &NetworkSpec, to: &[SocketAddr]) -> Result<Vec<bool>, CloudError> {
        let spec = ContainerSpec {
            name: format!("{}-probe", network.name),
            // Ids of nothing: whoever comes across it knows that nobody needs it.
            instance: InstanceId::generate(),
            service: ServiceId::generate(),
            image: self.shared.settings.base_image.clone(),
            network: NetworkMode::Private { network: network.name.clone(), aliases: vec![] },
            environment: BTreeMap::new(),
            volumes: vec![],
            tmpfs: BTreeMap::new(),
            executable: Vec::new(),
            capabilities: vec![],
            mounter: false,
            cpu_millis: 500,
            memory_mib: 64,
            pids: 32,
            log_mib: 1,
        };
        self.ensure_network(network).await?;
        let result = self.run_probe(&spec, to).await;
        let removed = self.remove_container(&spec.name, Duration::ZERO).await;
        let network_removed = self.remove_network(&network.name).await;
        let open = result?;
        removed.and(network_removed)?;
        Ok(open)
    }

    async fn run_probe(&self, spec: &ContainerSpec, to: &[SocketAddr]) -> Result<Vec<bool>, CloudError> {
        let engine = self.engine().await?;
        engine.start_probe(spec, to).await?;
        let start = Instant::now();
        while start.elapsed() < LIMIT {
            let state = engine.inspect_any(&spec.name).await?.and_then(|found| found.state);
            if state.is_some_and(|state| state.running == Some(false) && state.finished_at.is_some()) {
                let lines: Vec<_> = self.logs(&spec.name, LogsFrom::default()).try_collect().await?;
                let open = |address: &SocketAddr| lines.iter().any(|line| line.text == format!("{address} open"));
                let told =
                    |address: &SocketAddr| lines.iter().any(|line| line.text.starts_with(&format!("{address} ")));
                if to.iter().all(told) {
                    return Ok(to.iter().map(open).collect());
                }
                break;
            }
            tokio::time::sleep(INTERVAL).await;
        }
        Err(CloudError::new(CloudErrorKind::Transient, "the throw-away container did not answer"))
    }
}

impl Engine {
    async fn start_probe(&self, spec: &ContainerSpec, to: &[SocketAddr]) -> Result<(), CloudError> {
        let body = create_body(spec, &self.labels, &spec.hash())?;
        let mut command = vec!["-c".to_owned(), SCRIPT.to_owned(), "probe".to_owned()];
        command.extend(to.iter().map(ToString::to_string));
        let mut host = body.host_config.clone().unwrap_or_default();
        host.restart_policy = None;
        let body = ContainerCreateBody {
            entrypoint: Some(vec!["/bin/bash".to_owned()]),
            cmd: Some(command),
            host_config: Some(host),
            ..body
        };
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        call("making a throw-away container", self.docker.create_container(Some(options), body)).await?;
        let starting = self.docker.start_container(&spec.name, None);
        call_within(CALL_LIMIT, "starting a throw-away container", starting).await
    }
}
