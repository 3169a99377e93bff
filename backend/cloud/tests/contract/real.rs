//! A real Docker Engine as a fixture. Whatever a case leaves behind, or however it fails, is cleaned up.

use crate::fixture::{BEHAVE, Fixture, Hands, Pool, silent};
use aerie_cloud::docker::{
    DockerCloud, DockerSettings,
    firewall::{Firewall, FirewallSettings},
};
use async_trait::async_trait;
use bollard::{
    Docker,
    models::{ContainerCreateBody, ContainerInspectResponse},
    query_parameters::{
        CreateContainerOptionsBuilder, InspectContainerOptions, KillContainerOptions, ListContainersOptionsBuilder,
        ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveImageOptionsBuilder, RemoveVolumeOptions,
    },
};
use futures_util::FutureExt;
use std::{
    collections::HashMap,
    fs,
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// No case may take longer.
const CASE_LIMIT: Duration = Duration::from_secs(50);

/// Stands in for the agent: does as the environment says, and ends on TERM like an agent that was not told to shut down.
const AGENT: &str = r#"#!/bin/sh
trap 'exit 143' TERM
SERVE='$| = 1; $l = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5); print "serving\n"; close $l->accept while 1'
case "$BEHAVE" in
  exit:*) exit "${BEHAVE#exit:}" ;;
  memory) tail /dev/zero; exit 1 ;;
  lines:*) i=1; while [ $i -le "${BEHAVE#lines:}" ]; do echo "line $i"; i=$((i+1)); done ;;
  ticks) i=1; while :; do echo "line $i"; i=$((i+1)); sleep 0.05; done ;;
  count) echo x >> /data/count; echo "count $(wc -l < /data/count)" ;;
  links) ln -s /etc /data/folder; ln -s /etc/passwd /data/file; ln -s ../.. /data/up; mkfifo /data/pipe; echo made ;;
  find:*) getent hosts "${BEHAVE#find:}" ;;
  serve:*) perl -MIO::Socket::INET -e "$SERVE" "${BEHAVE#serve:}" & ;;
  reach:*) for to in $(echo "${BEHAVE#reach:}" | tr , ' '); do
      if timeout 2 bash -c "exec 3<>/dev/tcp/${to%:*}/${to##*:}" 2>/dev/null; then echo "$to open"; else echo "$to closed"; fi
    done; echo "all tried" ;;
  probe) cat /proc/self/status; touch /x 2>/dev/null && echo "root is writable"; touch /tmp/x && echo "tmp is writable" ;;
esac
while :; do sleep 1 & wait $!; done
"#;

/// `/data` is for a volume: a fresh one takes its owner from here.
const DOCKERFILE: &str = "FROM aerie/base\nCOPY --chown=1000:1000 data /data\n";

struct DockerHands(Docker);

#[async_trait]
impl Hands for DockerHands {
    async fn kill(&self, name: &str) {
        self.0.kill_container(name, None::<KillContainerOptions>).await.unwrap();
    }

    async fn add_foreign(&self, name: &str) {
        let body = ContainerCreateBody { image: Some(base_image()), ..idle_body() };
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        self.0.create_container(Some(options), body).await.unwrap();
    }

    async fn has_foreign(&self, name: &str) -> bool {
        self.0.inspect_container(name, None::<InspectContainerOptions>).await.is_ok()
    }
}

fn idle_body() -> ContainerCreateBody {
    ContainerCreateBody { cmd: Some(vec!["sleep".into(), "60".into()]), ..ContainerCreateBody::default() }
}

pub fn base_image() -> String {
    std::env::var("AERIE_TEST_BASE_IMAGE").unwrap_or_else(|_| DockerSettings::BASE_IMAGE.to_owned())
}

/// A Docker Engine of which one case owns what carries its label.
pub struct Real {
    pub docker: Docker,
    pub cloud: DockerCloud,
    pub installation: String,
    pub folder: TempDir,
    pub pool: Arc<Pool>,
}

impl Real {
    /// The engine's own view of a container.
    pub async fn inspect(&self, name: &str) -> ContainerInspectResponse {
        self.docker.inspect_container(name, None::<InspectContainerOptions>).await.unwrap()
    }

    /// Its firewall, with the agent listener on this port.
    pub fn firewall(&self, agent_port: u16) -> Firewall {
        Firewall::new(FirewallSettings {
            installation: self.installation.clone(),
            pool: self.pool.network().parse().unwrap(),
            agent_ports: std::collections::BTreeSet::from([agent_port]),
            reachable: vec![],
        })
    }

    pub fn fixture(&self, image: &str) -> Fixture {
        Fixture {
            cloud: Arc::new(self.cloud.clone()),
            hands: Arc::new(DockerHands(self.docker.clone())),
            image: image.to_owned(),
            folder: self.folder.path().join("kind"),
            run: self.installation.clone(),
            pool: Arc::clone(&self.pool),
        }
    }
}

pub fn write_kind(folder: &Path, dockerfile: &str) {
    fs::create_dir_all(folder.join("data")).unwrap();
    // Different in every case: no case may share layers with another one, which removes its images when it ends.
    fs::write(folder.join("data/.keep"), folder.display().to_string()).unwrap();
    fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
}

/// Runs a case of the contract.
pub async fn with_docker<F: Future<Output = ()>>(case: impl FnOnce(Fixture) -> F) {
    with_real(async |_, fixture| case(fixture).await).await;
}

/// Runs a case that also wants the engine itself.
pub async fn with_real(case: impl AsyncFnOnce(&Real, Fixture)) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let installation = format!("aerie-contract-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("agent"), AGENT).unwrap();
    write_kind(&folder.path().join("kind"), DOCKERFILE);
    let mut settings = DockerSettings::new(&installation, folder.path().join("agent"));
    settings.base_image = base_image();
    let cloud = DockerCloud::connect(settings).await.expect("a Docker Engine at /var/run/docker.sock");
    let docker = Docker::connect_with_local_defaults().unwrap().negotiate_version().await.unwrap();
    let real = Real { docker, cloud, installation, folder, pool: Pool::new() };
    let running = async {
        let bare = real.fixture("");
        let image = bare.cloud.ensure_image(&bare.image_spec("0123"), silent()).await.unwrap();
        case(&real, real.fixture(&image)).await;
    };
    let outcome = AssertUnwindSafe(tokio::time::timeout(CASE_LIMIT, running)).catch_unwind().await;
    clean_up(&real).await;
    match outcome {
        Ok(in_time) => in_time.expect("the case took too long"),
        Err(panic) => resume_unwind(panic),
    }
}

/// Removes everything by name, label or kind, however it came about.
async fn clean_up(real: &Real) {
    let (docker, run) = (&real.docker, &real.installation);
    drop(real.firewall(0).remove().await);
    let filter = |key: &str, value: String| HashMap::from([(key.to_owned(), vec![value])]);
    let ours = filter("name", format!("{run}-"));
    let options = ListContainersOptionsBuilder::default().all(true).filters(&ours).build();
    for container in docker.list_containers(Some(options)).await.unwrap() {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        drop(docker.remove_container(&container.id.unwrap(), Some(options)).await);
    }
    let options = ListNetworksOptionsBuilder::default().filters(&ours).build();
    for network in docker.list_networks(Some(options)).await.unwrap() {
        drop(docker.remove_network(&network.id.unwrap()).await);
    }
    let options = ListVolumesOptionsBuilder::default().filters(&ours).build();
    for volume in docker.list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default() {
        drop(docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await);
    }
    let labelled = filter("label", format!("aerie.kind={run}"));
    let options = ListImagesOptionsBuilder::default().filters(&labelled).build();
    for image in docker.list_images(Some(options)).await.unwrap() {
        for tag in image.repo_tags {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            drop(docker.remove_image(&tag, Some(options), None).await);
        }
    }
}

/// So that the name of the variable is the same on both sides.
#[test]
fn the_stand_in_reads_the_variable_that_cases_set() {
    assert!(AGENT.contains(&format!("case \"${BEHAVE}\"")));
}
