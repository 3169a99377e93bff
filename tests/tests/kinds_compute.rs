//! Kinds that compute, by REST and with real containers: scripts of one's own on a master and its nodes.

use aerie_domain::{
    InstanceId, Problem, ServiceId, ServiceState,
    views::{ActionRunView, ActionState, ActionsView, LogLine, Page},
};
use aerie_tests::{Api, HowTo, Installation, Sample, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A service of the kind and its owner.
struct Lab {
    ada: Api,
    id: ServiceId,
}

impl Lab {
    async fn start(home: &Installation) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let id = ada.application_with("lab", "generic").await?.summary.id;
        let lab = Self { ada, id };
        lab.ada.accepted(Method::POST, &lab.path("/start"), None).await?;
        Ok(lab)
    }

    fn path(&self, end: &str) -> String {
        format!("/services/{}{end}", self.id)
    }

    async fn activate(&self, name: &str, archive: Vec<u8>) -> Result<()> {
        let version = self.ada.upload(self.id, name, archive).await?;
        let form = json!({ "version_id": version.id });
        self.ada.accepted(Method::POST, &self.path("/activate"), Some(form)).await.map(|_| ())
    }

    async fn scale(&self, nodes: u32) -> Result<()> {
        let form = json!({ "roles": { "node": nodes } });
        self.ada.accepted(Method::PUT, &self.path("/scale"), Some(form)).await.map(|_| ())
    }

    async fn press(&self, action: &str, form: Value) -> Result<ActionRunView> {
        self.ada.json(Method::POST, &self.path(&format!("/actions/{action}")), Some(form)).await
    }

    async fn refused(&self, action: &str) -> Result<Problem> {
        self.ada.refused(Method::POST, &self.path(&format!("/actions/{action}")), Some(json!({}))).await
    }

    async fn actions(&self) -> Result<ActionsView> {
        self.ada.json(Method::GET, &self.path("/actions"), None).await
    }

    /// Waits until a run has come to its end everywhere; its codes by instance.
    async fn ended(&self, run: &ActionRunView) -> Result<ActionRunView> {
        until(&format!("{} to end", run.action), PATIENCE, || async {
            let runs = self.ada.json::<Page<ActionRunView>>(Method::GET, &self.path("/actions/runs"), None).await;
            let runs = runs.map_err(|error| error.to_string())?;
            let found = runs.items.into_iter().find(|other| other.id == run.id).ok_or("the run is gone")?;
            let over = found.results.iter().all(|result| result.state.is_final());
            if over { Ok(found) } else { Err(format!("{:?}", found.results)) }
        })
        .await
    }

    async fn running(&self, run: &ActionRunView) -> Result<()> {
        until(&format!("{} to run", run.action), PATIENCE, || async {
            let view = self.actions().await.map_err(|error| error.to_string())?;
            let lights: Vec<_> = view.instances.iter().flat_map(|instance| &instance.lights).collect();
            let mine: Vec<_> = lights.into_iter().filter(|light| light.run == run.id).collect();
            let all = mine.len() == run.results.len() && mine.iter().all(|light| light.state == ActionState::Running);
            if all { Ok(()) } else { Err(format!("{mine:?}")) }
        })
        .await
    }

    /// Waits until the log has a line like this of this stream.
    async fn logged(&self, stream: &str, text: &str) -> Result<LogLine> {
        until(&format!("{text:?} in the log"), PATIENCE, || async {
            // The filter finds it among the lines of a flood, too.
            let word = text.split(' ').next().unwrap_or_default();
            let path = self.path(&format!("/logs?stream={stream}&text={word}&tail=200"));
            let page: Page<LogLine> =
                self.ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            let lines = page.items;
            let found = lines.iter().find(|line| line.text.contains(text)).cloned();
            found.ok_or_else(|| format!("{:?}", lines.iter().map(|line| &line.text).collect::<Vec<_>>()))
        })
        .await
    }

    async fn instance(&self, role: &str) -> Result<InstanceId> {
        let view = self.actions().await?;
        let found = view.instances.iter().find(|instance| instance.roles.iter().any(|own| own == role));
        found.map(|instance| instance.id).with_context(|| format!("a {role}: {:?}", view.instances))
    }
}

#[tokio::test]
async fn a_master_and_its_workers_do_what_the_page_says() -> Result<()> {
    let home = Installation::start("generic").await?;
    let lab = Lab::start(&home).await?;
    let page = HowTo::follow("kinds/generic")?;

    // What it begins with works by itself.
    let run = lab.press("run", json!({ "values": { "parameters": "1000" } })).await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results.len() == 1 && run.results[0].code == Some(0), "{:?}", run.results);
    lab.logged("run", "168 primes below 1000, counted by 1 instances").await?;
    lab.logged("init", "init on master").await?;

    lab.activate("squares.tar.gz", page.file("squares.tar.gz")?).await?;
    lab.scale(2).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "100" } })).await?;
    ensure!(run.results.len() == 3, "on all of them: {:?}", run.results);
    let run = lab.ended(&run).await?;
    ensure!(run.results.iter().all(|result| result.code == Some(0)), "{:?}", run.results);
    let line = lab.logged("run", &page.seen[0]).await?;
    ensure!(line.text == page.seen[0], "{line:?}");
    let view = lab.ada.service(lab.id).await?;
    ensure!(view.summary.state == ServiceState::Running, "actions are no change: {:?}", view.summary);
    Ok(())
}

#[tokio::test]
async fn what_never_ends_is_interrupted_and_news_reach_those_who_stay() -> Result<()> {
    let home = Installation::start("endless").await?;
    let lab = Lab::start(&home).await?;
    let script = |text: &str| format!("#!/bin/sh\n{text}\n");
    let files = vec![
        ("notify.sh", script("echo \"there are $(jq length \"$TOPOLOGY\") now\"")),
        (
            "run.sh",
            script(
                "case $1 in\nforever) trap 'echo asked to end; exit 5' TERM; echo waiting; while :; do sleep 0.1; done;;\n\
                 stubborn) trap '' TERM; echo waiting; while :; do sleep 0.1; done;;\n\
                 bomb) for i in $(seq 2000); do sleep 30 & done; exit 0;;\n\
                 flood) exec yes flood;;\n\
                 serve) exec python3 -m http.server 5050;;\nesac",
            ),
        ),
        ("interrupt.sh", script("echo interrupting $MY_ROLE")),
        ("cleanup.sh", script("rm -rf /tmp/*; echo clean")),
        ("index.html", "served by a student".to_owned()),
    ];
    lab.activate("endless.zip", Sample { files }.zip()?).await?;
    lab.scale(2).await?;
    lab.logged("notify", "there are 3 now").await?;

    // Never ends: asked to, and it does.
    let run = lab.press("run", json!({ "values": { "parameters": "forever" } })).await?;
    lab.running(&run).await?;
    let refused = lab.refused("cleanup").await?;
    ensure!(refused.status == 409 && refused.detail.contains("run"), "{refused}");
    let interrupt = lab.press("interrupt", json!({})).await?;
    let interrupt = lab.ended(&interrupt).await?;
    ensure!(interrupt.results.iter().all(|result| result.code == Some(0)), "{:?}", interrupt.results);
    let run = lab.ended(&run).await?;
    ensure!(run.results.iter().all(|result| result.code == Some(5)), "{:?}", run.results);
    lab.logged("run", "asked to end").await?;
    lab.logged("interrupt", "interrupting node").await?;

    // Does not listen: ended by force the second time, on the node where it was asked for only.
    let (master, node) = (lab.instance("master").await?, lab.instance("node").await?);
    let form = json!({ "values": { "parameters": "stubborn" }, "instances": [node] });
    let run = lab.press("run", form).await?;
    lab.running(&run).await?;
    for _ in 0..2 {
        let interrupt = lab.press("interrupt", json!({ "instances": [node] })).await?;
        lab.ended(&interrupt).await?;
    }
    let run = lab.ended(&run).await?;
    ensure!(run.results.len() == 1 && run.results[0].code.is_none(), "{:?}", run.results);
    ensure!(run.results[0].message.contains("KILL"), "{:?}", run.results);

    // Forks without end and a flood of output: bounded, told, and the instance goes on.
    let form = |what: &str| json!({ "values": { "parameters": what }, "instances": [node] });
    let run = lab.press("run", form("bomb")).await?;
    lab.ended(&run).await?;
    lab.logged("run", "fork").await?;
    let run = lab.press("run", form("flood")).await?;
    lab.logged("run", "dropped: this program writes faster than").await?;
    lab.press("interrupt", json!({ "instances": [node] })).await?;
    lab.ended(&run).await?;
    let view = lab.ada.wait_state(lab.id, ServiceState::Running).await?;
    ensure!(view.instances.iter().all(|i| i.roles.iter().all(|role| role.restarts == 0)), "{:?}", view.instances);

    // A program for visitors, at the port that was asked for.
    let address = view.summary.address.context("address")?;
    let visitor = Visitor::browser_like(&address)?;
    let closed = visitor.get(&address).send().await?;
    ensure!(closed.status() == 503 && closed.text().await?.contains("No port is open"), "closed at first");
    let form = json!({ "settings": { "port": "5050" } });
    lab.ada.accepted(Method::PUT, &lab.path("/settings"), Some(form)).await?;
    let form = json!({ "values": { "parameters": "serve" }, "instances": [master] });
    let run = lab.press("run", form).await?;
    lab.running(&run).await?;
    until("the student's page", PATIENCE, || async {
        let page = visitor.get(&address).send().await.map_err(|error| error.to_string())?;
        let text = page.text().await.map_err(|error| error.to_string())?;
        if text == "served by a student" { Ok(()) } else { Err(text) }
    })
    .await?;

    // Fewer nodes: those who stay hear of it. Stopped with something running: lost, and startable again.
    lab.scale(0).await?;
    lab.logged("notify", "there are 1 now").await?;
    lab.ada.accepted(Method::POST, &lab.path("/stop"), None).await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results[0].state == ActionState::Lost, "{:?}", run.results);
    lab.ada.accepted(Method::POST, &lab.path("/start"), None).await?;
    let cleanup = lab.press("cleanup", json!({})).await?;
    let cleanup = lab.ended(&cleanup).await?;
    ensure!(cleanup.results[0].code == Some(0), "{:?}", cleanup.results);
    Ok(())
}

#[tokio::test]
async fn a_version_whose_init_fails_is_not_used_and_mistakes_are_told() -> Result<()> {
    let home = Installation::start("mistakes").await?;
    let lab = Lab::start(&home).await?;
    let bad = Sample { files: vec![("init.sh", "#!/bin/bash\necho no room for me; exit 3\n".to_owned())] };
    let version = lab.ada.upload(lab.id, "bad.tar.gz", bad.tar_gz()?).await?;
    let form = json!({ "version_id": version.id });
    lab.ada.send(Method::POST, &lab.path("/activate"), Some(form)).await?;
    until("the reason", PATIENCE, || async {
        let view = lab.ada.service(lab.id).await.map_err(|error| error.to_string())?;
        let told = view.summary.reason.contains("no room for me") && view.summary.reason.contains("exit code 3");
        if told { Ok(()) } else { Err(format!("{} {}", view.summary.state, view.summary.reason)) }
    })
    .await?;
    // The one before goes on, and another one heals it.
    let run = lab.press("run", json!({ "values": { "parameters": "100" } })).await?;
    ensure!(lab.ended(&run).await?.results[0].code == Some(0), "{:?}", run.results);
    let files =
        vec![("run.sh", "#!/no/such/program\n".to_owned()), ("init.sh", "echo without a first line\n".to_owned())];
    lab.activate("odd.tar.gz", Sample { files }.tar_gz()?).await?;
    lab.logged("init", "without a first line").await?;
    let run = lab.press("run", json!({})).await?;
    let run = lab.ended(&run).await?;
    ensure!(
        run.results[0].code == Some(126) && run.results[0].message.contains("cannot be started"),
        "{:?}",
        run.results
    );
    let cleanup = lab.press("cleanup", json!({})).await?;
    let cleanup = lab.ended(&cleanup).await?;
    ensure!(cleanup.results[0].code == Some(127), "{:?}", cleanup.results);
    ensure!(cleanup.results[0].message.contains("There is no cleanup.sh"), "{:?}", cleanup.results);
    let run = lab.press("run", json!({ "values": { "parameters": "'half" } })).await?;
    ensure!(lab.ended(&run).await?.results[0].message.contains("quotation mark"), "{:?}", run.results);
    Ok(())
}
