//! Backups for real: rows that were lost come back, and nothing gets stuck when the director dies.

use aerie_domain::{
    BackupId, BackupState, BackupWhy, ServiceId, ServiceState,
    views::{BackupView, BackupsView, ServiceView},
};
use aerie_tests::{Api, Installation, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{fs, path::Path, time::Duration};

/// Longest wait for a job. Each step is a matter of seconds.
const PATIENCE: Duration = Duration::from_secs(60);

struct Database<'a> {
    home: &'a Installation,
    ada: Api,
    id: ServiceId,
    container: String,
}

impl<'a> Database<'a> {
    async fn start(home: &'a Installation) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let view: ServiceView = ada.application_with("shop", "mysql").await?;
        let id = view.summary.id;
        ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        ada.wait_state(id, ServiceState::Running).await?;
        let container = home.containers()?.into_iter().find(|name| name.contains(&id.short()));
        Ok(Self { home, ada, id, container: container.context("it has a container")? })
    }

    /// Runs statements as the platform's own user does.
    fn sql(&self, statements: &str) -> Result<String> {
        let client = "--defaults-file=/run/aerie/mysql/client.cnf";
        let letters = "--default-character-set=utf8mb4";
        let arguments = ["exec", &self.container, "mariadb", client, letters, "-N", "-B", "app", "-e", statements];
        Ok(self.home.docker(&arguments)?.trim().to_owned())
    }

    fn path(&self, end: &str) -> String {
        format!("/services/{}/backups{end}", self.id)
    }

    async fn list(&self) -> Result<BackupsView, String> {
        self.ada.json(Method::GET, &self.path(""), None).await.map_err(|error| error.to_string())
    }

    /// Waits until nothing goes on.
    async fn idle(&self) -> Result<BackupsView> {
        until("the job to end", PATIENCE, || async {
            let list = self.list().await?;
            if list.job.is_none() { Ok(list) } else { Err(format!("{:?}", list.job)) }
        })
        .await
    }

    async fn backup(&self, id: BackupId) -> Result<BackupView> {
        self.ada.json(Method::GET, &self.path(&format!("/{id}")), None).await
    }

    async fn make(&self) -> Result<BackupView> {
        let made: BackupView = self.ada.json(Method::POST, &self.path(""), None).await?;
        self.idle().await?;
        self.backup(made.id).await
    }

    /// Runs the script of the users' page; gives what it says.
    async fn follow_the_page(&self) -> Result<String> {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds/mysql.md");
        let text = fs::read_to_string(page)?;
        let section = text.split("\n## Backups\n").nth(1).context("there is such a section")?;
        let script = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).context("a script")?;
        let folder = tempfile::tempdir()?;
        let output = tokio::process::Command::new("bash")
            .args(["-euc", script])
            .current_dir(folder.path())
            .env("AERIE", self.home.url())
            .env("SERVICE", self.id.to_string())
            .env("TOKEN", self.ada.token().context("ada has signed in")?)
            .output();
        let output = tokio::time::timeout(PATIENCE, output).await??;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{out}{err}");
        Ok(out.into_owned())
    }

    async fn restore(&self, id: BackupId) -> Result<BackupsView> {
        let confirm = Some(json!({ "confirm": "mysql" }));
        let begun = self.ada.send(Method::POST, &self.path(&format!("/{id}/restore")), confirm).await?;
        ensure!(begun.status() == 202, "{} {}", begun.status(), begun.text().await?);
        self.idle().await
    }
}

#[tokio::test]
async fn rows_come_back_bad_dumps_are_refused_and_nothing_gets_stuck() -> Result<()> {
    let mut home = Installation::start_with("backups", &[("AERIE_BACKUP_HOUR_SECONDS", "5")]).await?;
    let db = Database::start(&home).await?;
    db.sql("create table guests (who varchar(40)); insert into guests values ('ünïcode 🐘'), ('ada')")?;
    let made = db.make().await?;
    ensure!(made.check.as_ref().is_some_and(|check| check.ok) && made.state == BackupState::Ready, "{made:?}");

    // What was lost is back, what came later is gone, and both are in the backup that was made before.
    db.sql("delete from guests; create table later (a int)")?;
    let list = db.restore(made.id).await?;
    let restored = list.last_restore.context("there was a restoration")?;
    ensure!(restored.reason.is_empty(), "{restored:?}");
    ensure!(db.sql("select group_concat(who order by who) from guests; show tables")? == "ada,ünïcode 🐘\nguests");
    let before = list.items.iter().find(|item| Some(item.id) == restored.backup).context("it is listed")?;
    ensure!(
        before.why == BackupWhy::BeforeRestore && before.check.as_ref().is_some_and(|check| check.ok),
        "{before:?}"
    );
    db.restore(before.id).await?;
    ensure!(db.sql("select count(*) from guests; show tables")? == "0\nguests\nlater", "the way back");

    // A file can be taken along and brought back; half of it cannot.
    let file = db.ada.send(Method::GET, &db.path(&format!("/{}/file", made.id)), None).await?.bytes().await?;
    let uploaded = db.ada.upload_backup(db.id, "half.sql.gz", file[..file.len() / 2].to_vec()).await?;
    ensure!(uploaded.status() == 201, "{}", uploaded.status());
    let half: BackupView = uploaded.json().await?;
    db.idle().await?;
    let half = db.backup(half.id).await?;
    ensure!(half.state == BackupState::Failed && half.reason.contains("cut off"), "{half:?}");
    let whole: BackupView = db.ada.upload_backup(db.id, "whole.sql.gz", file.to_vec()).await?.json().await?;
    db.idle().await?;
    db.restore(whole.id).await?;
    ensure!(db.sql("select count(*) from guests; show tables")? == "2\nguests");

    // What the page for users says works as it stands there.
    db.sql("delete from guests")?;
    let said = db.follow_the_page().await?;
    ensure!(said.contains("restored: mysql-") && said.contains(r#""keep":10"#), "{said}");
    ensure!(db.sql("select count(*) from guests")? == "0");

    // One is made by itself; an hour is short here.
    let schedule = Some(json!({ "every": "hour", "keep": 1 }));
    db.ada.send(Method::PUT, &db.path("/schedule"), schedule).await?.error_for_status()?;
    until("a scheduled backup", PATIENCE, || async {
        let list = db.list().await?;
        let made = |item: &&BackupView| item.why == BackupWhy::Scheduled && item.check.as_ref().is_some_and(|c| c.ok);
        list.items.iter().find(made).map(|_| ()).ok_or_else(|| format!("{list:?}"))
    })
    .await?;
    let never = Some(json!({ "every": "never", "keep": 1 }));
    db.ada.send(Method::PUT, &db.path("/schedule"), never).await?.error_for_status()?;
    db.idle().await?;

    // The director dies in the middle of one.
    db.sql("create table large (a longblob)")?;
    for _ in 0..6 {
        db.sql("insert into large select random_bytes(1024) from seq_1_to_10000")?;
    }
    let asked: BackupView = db.ada.json(Method::POST, &db.path(""), None).await?;
    until("the dump to run", PATIENCE, || async {
        let said = home.docker(&["top", &db.container, "-eo", "pid,args"]).map_err(|error| error.to_string())?;
        if said.contains("mariadb-dump") { Ok(()) } else { Err(said) }
    })
    .await?;
    let Database { ada, id, container, .. } = db;
    home.kill_director()?;
    home.restart_director().await?;
    let path = format!("/services/{id}/backups");
    let list = until("the job to end", PATIENCE, || async {
        let list: BackupsView = ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
        if list.job.is_none() { Ok(list) } else { Err(format!("{:?}", list.job)) }
    })
    .await?;
    let ended = list.items.iter().find(|item| item.id == asked.id).context("it is listed")?;
    let well = ended.state == BackupState::Ready && ended.check.as_ref().is_some_and(|check| check.ok);
    let said = ended.state == BackupState::Failed && !ended.reason.is_empty() && ended.digest.is_none();
    ensure!(well || said, "{ended:?}");
    let client = "--defaults-file=/run/aerie/mysql/client.cnf";
    home.docker(&["exec", &container, "mariadb", client, "-e", "drop table app.large"])?;
    let again: BackupView = ada.json(Method::POST, &path, None).await?;
    until("the next one", PATIENCE, || async {
        let view: BackupView =
            ada.json(Method::GET, &format!("{path}/{}", again.id), None).await.map_err(|error| error.to_string())?;
        if view.check.as_ref().is_some_and(|check| check.ok) { Ok(()) } else { Err(format!("{view:?}")) }
    })
    .await
}
