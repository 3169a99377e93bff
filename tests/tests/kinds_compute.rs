//! Kinds that compute, by REST and with real containers: scripts of one's own on a master and its nodes.

use aerie_domain::{
    ServiceState,
    views::{ActionState, LogLine, Page},
};
use aerie_tests::{HowTo, Installation, Lab, Sample, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_master_and_its_workers_do_what_the_page_says() -> Result<()> {
    let home = Installation::start("generic").await?;
    let lab = Lab::start(&home).await?;
    let page = HowTo::follow("kinds/generic").await?;

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

    // What each of them keeps is there for the one that takes its place, and for nobody else.
    let script = "#!/bin/sh\ncase $1 in\nkeep) echo \"$MY_ROLE $MY_ID\" >/keep/who;;\n\
                  kept) who=$(cat /keep/who) && echo \"kept for $MY_ROLE: $who\";;\nesac\n";
    lab.activate("keep.zip", Sample { files: vec![("run.sh", script.to_owned())] }.zip()?).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "keep" } })).await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results.len() == 3 && run.results.iter().all(|result| result.code == Some(0)), "{:?}", run.results);
    let line = |role: &str, instance: &str| format!("kept for {role}: {role} {instance}");
    let wanted: BTreeSet<_> = run.results.iter().map(|result| line(&result.role, &result.instance)).collect();
    let before: BTreeSet<_> = run.results.into_iter().map(|result| result.instance).collect();
    lab.ada.accepted(Method::POST, &lab.path("/restart"), None).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "kept" } })).await?;
    let run = lab.ended(&run).await?;
    ensure!(run.results.iter().all(|result| result.code == Some(0)), "{:?}", run.results);
    ensure!(run.results.iter().all(|result| !before.contains(&result.instance)), "all are new: {:?}", run.results);
    lab.all_said(&run, "kept").await?;
    let page: Page<LogLine> = lab.ada.json(Method::GET, &lab.path("/logs?stream=run&text=kept&tail=200"), None).await?;
    let told: BTreeSet<_> = page.items.into_iter().map(|line| line.text).collect();
    ensure!(told == wanted, "{told:?} {wanted:?}");
    Ok(())
}

/// Whose programs answer a visitor who asks a few times.
async fn who_answers(visitor: &Client, address: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for _ in 0..12 {
        let answer = visitor.get(format!("{address}/who")).send().await?.error_for_status()?;
        names.insert(answer.text().await?.trim().to_owned());
    }
    Ok(names)
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
                 serve) echo \"$MY_ROLE $MY_ID\" >who; exec python3 -m http.server 5050;;\nesac",
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
    lab.all_said(&run, "waiting").await?;
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
    let node = lab.instance("node").await?;
    let form = json!({ "values": { "parameters": "stubborn" }, "instances": [node] });
    let run = lab.press("run", form).await?;
    lab.all_said(&run, "waiting").await?;
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

    // A program for visitors, at the port that was asked for: not at one that the door needs, nor a privileged one.
    let address = view.summary.address.context("address")?;
    let visitor = Visitor::browser_like(&address)?;
    let closed = visitor.get(&address).send().await?;
    ensure!(closed.status() == 503 && closed.text().await?.contains("No port is open"), "closed at first");
    for port in ["80", "8080", "8090"] {
        let form = json!({ "settings": { "port": port } });
        let problem = lab.ada.refused(Method::PUT, &lab.path("/settings"), Some(form)).await?;
        let told = problem.message_for("settings.port").unwrap_or_default();
        ensure!(
            problem.status == 422 && told.contains("0 or 1024 to 65535, but not 8080 or 8090"),
            "{port}: {problem:?}"
        );
    }
    let form = json!({ "settings": { "port": "5050" } });
    lab.ada.accepted(Method::PUT, &lab.path("/settings"), Some(form)).await?;
    let run = lab.press("run", json!({ "values": { "parameters": "serve" } })).await?;
    lab.running(&run).await?;
    until("the student's page", PATIENCE, || async {
        let page = visitor.get(&address).send().await.map_err(|error| error.to_string())?;
        let text = page.text().await.map_err(|error| error.to_string())?;
        if text == "served by a student" { Ok(()) } else { Err(text) }
    })
    .await?;
    let who = who_answers(&visitor, &address).await?;
    ensure!(who.len() == 1 && who.iter().all(|name| name.starts_with("master ")), "the master's alone: {who:?}");
    let form = json!({ "settings": { "port_of": "all" } });
    lab.ada.accepted(Method::PUT, &lab.path("/settings"), Some(form)).await?;
    until("all three to answer in turn", PATIENCE, || async {
        let who = who_answers(&visitor, &address).await.map_err(|error| format!("{error:#}"))?;
        if who.len() == 3 { Ok(()) } else { Err(format!("{who:?}")) }
    })
    .await?;

    // Fewer nodes: those who stay hear of it. Stopped with something running: lost, and startable again.
    lab.scale(0).await?;
    lab.logged("notify", "there are 1 now").await?;
    lab.ada.accepted(Method::POST, &lab.path("/stop"), None).await?;
    let run = lab.ended(&run).await?;
    let of_master = run.results.iter().find(|result| result.role == "master");
    ensure!(of_master.is_some_and(|result| result.state == ActionState::Lost), "{:?}", run.results);
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
