//! The director dies, by SIGKILL, at every named point (docs/architecture.md: "What survives what"). One installation
//! serves all points: each is a request, a death in the middle of it, a restart, and the same questions afterwards.

use aerie_domain::{
    ServiceId, ServiceState,
    views::{CodeVersionView, LogLine, Page, ServiceView},
};
use aerie_tests::{Api, Installation, Sample, Visitor, Witness, missing, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// After a restart everything is as it was asked for within this time.
const CONVERGED: Duration = Duration::from_secs(30);

struct Scene {
    home: Installation,
    ada: Api,
    id: ServiceId,
    /// How long each point took from the restart until all was well.
    took: Vec<(String, Duration)>,
}

impl Scene {
    async fn set(name: &str) -> Result<(Self, String)> {
        let home = Installation::start(name).await?;
        let ada = home.api().register("ada").await?;
        let id = ada.application_with("blog", "php").await?.summary.id;
        ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        let first: CodeVersionView = ada.upload(id, "one.tar.gz", Sample::guest_book("one").tar_gz()?).await?;
        let body = json!({ "version_id": first.id });
        ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(body)).await?;
        let address = ada.service(id).await?.summary.address.context("an address")?;
        Ok((Self { home, ada, id, took: Vec::new() }, address))
    }

    fn path(&self, end: &str) -> String {
        format!("/services/{}{end}", self.id)
    }

    /// Asks for something of which the director dies, and starts it again. The answer may be lost on the way.
    async fn dies_at(&mut self, point: &str, method: Method, end: &str, body: Option<Value>) -> Result<Instant> {
        self.home.restart_director_with(&[("AERIE_CRASH_AT", point)]).await?;
        let path = self.path(end);
        // Whether the answer came before the end is chance. One that says "not now" comes from a busy machine.
        while let Ok(answer) = self.ada.send(method.clone(), &path, body.clone()).await
            && answer.status() == StatusCode::SERVICE_UNAVAILABLE
        {}
        self.home.crashed().await.with_context(|| format!("at {point}"))?;
        self.home.restart_director().await?;
        Ok(Instant::now())
    }

    /// The counts are those, and nothing is left over.
    async fn is_well(&mut self, point: &str, since: Instant, counts: &[(&str, u32)]) -> Result<()> {
        let (ada, id) = (&self.ada, self.id);
        let converged = until("what was asked for", CONVERGED, || async {
            let view = ada.service(id).await.map_err(|error| error.to_string())?;
            if is_converged(&view, counts) { Ok(()) } else { Err(format!("{:?} {:?}", view.summary, view.roles)) }
        });
        converged.await.with_context(|| format!("after {point}:\n{}", self.home.director_log()))?;
        let left = CONVERGED.saturating_sub(since.elapsed());
        self.home.wait_until_tidy(left).await.with_context(|| format!("after {point}"))?;
        self.took.push((point.to_owned(), since.elapsed()));
        Ok(())
    }

    async fn scale(&mut self, point: &str, php: u32) -> Result<()> {
        let mut witness = Witness::of(&self.home.containers_of(self.id)?)?;
        let body = json!({ "roles": { "php": php } });
        let since = self.dies_at(point, Method::PUT, "/scale", Some(body)).await?;
        self.is_well(point, since, &[("php", php)]).await?;
        self.no_line_is_lost(&mut witness).await.with_context(|| format!("after {point}"))
    }

    /// What the containers that are gone wrote can still be read.
    async fn no_line_is_lost(&self, witness: &mut Witness) -> Result<()> {
        for (instance, written) in witness.of_the_gone()? {
            let path = self.path(&format!("/logs?instance={instance}&tail=10000"));
            let kept: Page<LogLine> = self.ada.json(Method::GET, &path, None).await?;
            ensure!(!written.is_empty() && !kept.items.is_empty(), "{instance} wrote and was heard");
            let missing = missing(&written, &kept.items);
            ensure!(missing == 0, "{missing} of {} lines of {instance} are lost", written.len());
        }
        Ok(())
    }

    /// The manager's log tells of every instance that there ever was.
    fn the_managers_log_is_complete(&self) -> Result<()> {
        let untold = self.home.sql(&format!(
            "select short from (select short, service_id from instances union all
                                select short, service_id from removed_instances) all_instances
              where service_id = '{0}' and not exists (
                        select from manager_log l where l.service_id = '{0}' and l.text like 'Creating instance%' || short || '%')",
            self.id
        ))?;
        ensure!(untold.is_empty(), "nothing was said of {untold:?}");
        Ok(())
    }

    fn report(&self) {
        for (point, took) in &self.took {
            eprintln!("crash at {point}: well again {:.1} s after the director was", took.as_secs_f64());
        }
    }
}

fn is_converged(view: &ServiceView, counts: &[(&str, u32)]) -> bool {
    let serving = |role: &str| view.roles.iter().find(|r| r.name == role).map(|r| r.serving);
    view.summary.state == ServiceState::Running
        && view.observed_generation == view.generation
        && view.operation.is_none()
        && counts.iter().all(|(role, count)| serving(role) == Some(*count))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_director_that_dies_while_scaling_goes_on_where_it_was() -> Result<()> {
    let (mut scene, address) = Scene::set("crash-scale").await?;
    let load = Visitor::keep_asking_for(&format!("{address}/plain.php"), 2, Duration::from_secs(400))?;
    for (point, php) in [
        ("request-accepted", 2),
        ("instance-inserted", 3),
        ("container-created", 4),
        ("container-started", 5),
        ("role-draining", 4),
        ("role-ended", 3),
        ("container-stopped", 2),
        ("config-written:2", 3),
        ("kept-log-half", 2),
        ("container-started:2", 4),
        ("kept-log-written:2", 2),
        ("container-removed", 1),
    ] {
        scene.scale(point, php).await?;
    }
    scene.report();
    load.finish_without_loss(1000, &scene.ada, scene.id).await?;
    scene.the_managers_log_is_complete()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_director_that_dies_while_code_comes_or_changes_loses_and_mixes_nothing() -> Result<()> {
    let (mut scene, address) = Scene::set("crash-code").await?;
    let load = Visitor::keep_asking_for(&format!("{address}/plain.php"), 2, Duration::from_secs(300))?;
    let archive = Sample::guest_book("two").tar_gz()?;
    let digest = hex::encode(Sha256::digest(&archive));

    // Uploads: a version is there as a whole or not at all, and asking again is always right.
    for (point, arrived) in [("upload-received", false), ("upload-kept", false), ("upload-committed", true)] {
        scene.home.restart_director_with(&[("AERIE_CRASH_AT", point)]).await?;
        let before = scene.ada.service(scene.id).await?.versions.len();
        let answer = scene.ada.upload_raw(scene.id, "two.tar.gz", archive.clone()).await;
        ensure!(answer.is_err(), "the answer cannot have come: {answer:?}");
        scene.home.crashed().await.with_context(|| format!("at {point}"))?;
        scene.home.restart_director().await?;
        let since = Instant::now();
        scene.is_well(point, since, &[("php", 1)]).await?;
        let versions = scene.ada.service(scene.id).await?.versions;
        ensure!((versions.len() > before) == arrived, "{point}: {} versions, {before} before", versions.len());
        if !arrived {
            scene.ada.upload(scene.id, "two.tar.gz", archive.clone()).await?;
        }
    }
    let versions = scene.ada.service(scene.id).await?.versions;
    let uploaded: Vec<&CodeVersionView> = versions.iter().filter(|version| version.name == "two.tar.gz").collect();
    ensure!(uploaded.len() == 3, "{versions:?}");
    for version in &versions {
        let path = scene.path(&format!("/versions/{}/file", version.id));
        let bytes = scene.ada.send(Method::GET, &path, None).await?.bytes().await?;
        ensure!(
            hex::encode(Sha256::digest(&bytes)) == version.digest,
            "version {} comes back as it was",
            version.number
        );
    }
    ensure!(uploaded.iter().all(|version| version.digest == digest), "and is what was sent");

    // Activation: visitors see the one or the other version, whole.
    let (first, second) = (versions.iter().find(|v| v.name == "one.tar.gz").context("one")?.id, uploaded[0].id);
    let mut next = [second, first].into_iter().cycle();
    for point in ["request-accepted", "config-written", "version-flipped", "config-written"] {
        let version = next.next().context("endless")?;
        let body = json!({ "version_id": version });
        let since = scene.dies_at(point, Method::POST, "/activate", Some(body)).await?;
        scene.is_well(point, since, &[("php", 1)]).await?;
        let view = scene.ada.service(scene.id).await?;
        ensure!(view.versions.iter().any(|v| v.id == version && v.serving), "{point}: {:?}", view.versions);
    }
    scene.report();
    let seen = load.finish_without_loss(0, &scene.ada, scene.id).await?;
    let bodies: Vec<&str> = seen.bodies.keys().map(String::as_str).collect();
    ensure!(bodies == ["one/one", "two/two"], "no request saw half-changed code: {:?}", seen.bodies);

    // Stop and delete: what is condemned goes, its lines stay until the service is deleted.
    let mut witness = Witness::of(&scene.home.containers_of(scene.id)?)?;
    let since = scene.dies_at("container-removed", Method::POST, "/stop", None).await?;
    scene.home.wait_until_tidy(CONVERGED).await?;
    ensure!(scene.ada.service(scene.id).await?.summary.state == ServiceState::Stopped, "stopped");
    scene.took.push(("container-removed (stop)".to_owned(), since.elapsed()));
    scene.no_line_is_lost(&mut witness).await?;
    let since = scene.dies_at("volumes-removed", Method::DELETE, "", None).await?;
    until("the service to be gone", CONVERGED, || async {
        match scene.ada.service(scene.id).await {
            Ok(view) => Err(format!("{:?}", view.summary)),
            Err(error) if error.to_string().contains("404") => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?;
    scene.home.wait_until_tidy(CONVERGED).await?;
    scene.took.push(("volumes-removed (delete)".to_owned(), since.elapsed()));
    scene.report();
    ensure!(scene.home.containers()?.len() == 1, "only the entry is left");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_point_that_there_is_not_is_refused() -> Result<()> {
    let mut home = Installation::start("crash-unknown").await?;
    home.kill_director()?;
    for (point, names) in [("nowhere", "request-accepted, instance-inserted"), ("role-ended:0", "role-ended")] {
        let said = home.director_refuses(&[("AERIE_CRASH_AT", point)])?;
        ensure!(said.contains("AERIE_CRASH_AT names no crash point") && said.contains(names), "{point}: {said}");
    }
    Ok(())
}
