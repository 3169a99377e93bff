//! Backups for real: rows that were lost come back, and nothing gets stuck when the director dies.

use aerie_domain::{
    BackupId, BackupState, BackupWhy, ServiceId, ServiceState,
    views::{BackupView, ServiceView},
};
use aerie_tests::{Api, Copies, Installation, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

/// Longest wait for a job. Each step is a matter of seconds.
const PATIENCE: Duration = Duration::from_secs(60);

struct Database<'a> {
    home: &'a Installation,
    ada: Api,
    container: String,
    copies: Copies,
}

impl<'a> Database<'a> {
    async fn start(home: &'a Installation) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let view: ServiceView = ada.application_with("shop", "mysql").await?;
        let id = view.summary.id;
        ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        ada.wait_state(id, ServiceState::Running).await?;
        let container = home.containers()?.into_iter().find(|name| name.contains(&id.short()));
        let copies = Copies::of(&ada, id, "mysql");
        Ok(Self { home, ada, container: container.context("it has a container")?, copies })
    }

    /// Runs statements as the platform's own user does.
    fn sql(&self, statements: &str) -> Result<String> {
        let client = "--defaults-file=/run/aerie/mysql/client.cnf";
        let letters = "--default-character-set=utf8mb4";
        let arguments = ["exec", &self.container, "mariadb", client, letters, "-N", "-B", "app", "-e", statements];
        Ok(self.home.docker(&arguments)?.trim().to_owned())
    }
}

#[tokio::test]
async fn rows_come_back_bad_dumps_are_refused_and_nothing_gets_stuck() -> Result<()> {
    let mut home = Installation::start_with("backups", &[("AERIE_BACKUP_HOUR_SECONDS", "5")]).await?;
    let db = Database::start(&home).await?;
    db.sql("create table guests (who varchar(40)); insert into guests values ('ünïcode 🐘'), ('ada')")?;
    let made = db.copies.make().await?;
    ensure!(made.check.as_ref().is_some_and(|check| check.ok) && made.state == BackupState::Ready, "{made:?}");

    // What was lost is back, what came later is gone, and both are in the backup that was made before.
    db.sql("delete from guests; create table later (a int)")?;
    let list = db.copies.restore(made.id).await?;
    let restored = list.last_restore.context("there was a restoration")?;
    ensure!(restored.reason.is_empty(), "{restored:?}");
    ensure!(db.sql("select group_concat(who order by who) from guests; show tables")? == "ada,ünïcode 🐘\nguests");
    let before = list.items.iter().find(|item| Some(item.id) == restored.backup).context("it is listed")?;
    ensure!(
        before.why == BackupWhy::BeforeRestore && before.check.as_ref().is_some_and(|check| check.ok),
        "{before:?}"
    );
    db.copies.restore(before.id).await?;
    ensure!(db.sql("select count(*) from guests; show tables")? == "0\nguests\nlater", "the way back");

    // A file can be taken along and brought back; half of it cannot.
    let file = db.copies.file(made.id).await?;
    let half = db.copies.upload("half.sql.gz", file[..file.len() / 2].to_vec()).await?;
    ensure!(half.state == BackupState::Failed && half.reason.contains("cut off"), "{half:?}");
    let whole = db.copies.upload("whole.sql.gz", file).await?;
    db.copies.restore(whole.id).await?;
    ensure!(db.sql("select count(*) from guests; show tables")? == "2\nguests");

    // One is made by itself; an hour is short here.
    let schedule = Some(json!({ "every": "hour", "keep": 1 }));
    db.ada.send(Method::PUT, &db.copies.path("/schedule"), schedule).await?.error_for_status()?;
    until("a scheduled backup", PATIENCE, || async {
        let list = db.copies.list().await.map_err(|error| error.to_string())?;
        let made = |item: &&BackupView| item.why == BackupWhy::Scheduled && item.check.as_ref().is_some_and(|c| c.ok);
        list.items.iter().find(made).map(|_| ()).ok_or_else(|| format!("{list:?}"))
    })
    .await?;
    let never = Some(json!({ "every": "never", "keep": 1 }));
    db.ada.send(Method::PUT, &db.copies.path("/schedule"), never).await?.error_for_status()?;
    db.copies.idle().await?;

    // The director dies in the middle of one.
    db.sql("create table large (a longblob)")?;
    for _ in 0..6 {
        db.sql("insert into large select random_bytes(1024) from seq_1_to_10000")?;
    }
    let asked: BackupView = db.ada.json(Method::POST, &db.copies.path(""), None).await?;
    until("the dump to run", PATIENCE, || async {
        let said = home.docker(&["top", &db.container, "-eo", "pid,args"]).map_err(|error| error.to_string())?;
        if said.contains("mariadb-dump") { Ok(()) } else { Err(said) }
    })
    .await?;
    let Database { container, copies, .. } = db;
    home.kill_director()?;
    home.restart_director().await?;
    let list = copies.idle().await?;
    let ended = list.items.iter().find(|item| item.id == asked.id).context("it is listed")?;
    let well = ended.state == BackupState::Ready && ended.check.as_ref().is_some_and(|check| check.ok);
    let said = ended.state == BackupState::Failed && !ended.reason.is_empty() && ended.digest.is_none();
    ensure!(well || said, "{ended:?}");
    let client = "--defaults-file=/run/aerie/mysql/client.cnf";
    home.docker(&["exec", &container, "mariadb", client, "-e", "drop table app.large"])?;
    let again = copies.make().await?;
    ensure!(again.check.as_ref().is_some_and(|check| check.ok), "the next one: {again:?}");
    Ok(())
}

/// The same for keys, whose store may be in pieces.
#[tokio::test]
async fn keys_come_back_on_however_many_nodes() -> Result<()> {
    let home = Installation::start("backups-keys").await?;
    let ada = home.api().register("ada").await?;
    let id = ada.application_with("shop", "keyvalue").await?.summary.id;
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let copies = Copies::of(&ada, id, "keyvalue");
    let store = Store { home: &home, ada, id, copies };
    store.run("eval \"for i = 1, 3000 do redis.call('set', 'note:' .. i, i) end\" 0").await?;
    store.run(r#"set "a key\x00with \"all\"" "ünïcode 🐘""#).await?;
    store.run("rpush list a b c").await?;
    store.run("zadd ranks 1.5 ada 2.5 grace").await?;
    store.run("hset card name ada").await?;
    store.run("set passing 1 ex 86400").await?;
    ensure!(store.keys().await? == 3005);
    let one = store.back_up().await?;

    // What came later is gone, what was lost is back, with types and times.
    store.run("del list ranks").await?;
    store.run("set later 1").await?;
    store.restore(one).await?;
    ensure!(store.keys().await? == 3005);
    ensure!(store.run("lrange list 0 -1").await? == "a\nb\nc");
    ensure!(store.run("zrange ranks 0 -1 withscores").await? == "ada\n1.5\ngrace\n2.5");
    ensure!(store.run(r#"get "a key\x00with \"all\"""#).await? == "ünïcode 🐘");
    ensure!(store.run("ttl passing").await?.parse::<u32>().is_ok_and(|seconds| seconds > 86_000));

    // From one node to three and back.
    store.scale(3).await?;
    store.run("set later 1").await?;
    store.restore(one).await?;
    ensure!(store.keys().await? == 3005, "on three nodes");
    store.run("set later 1").await?;
    let three = store.back_up().await?;
    store.scale(1).await?;
    store.run("flushall").await?;
    store.restore(three).await?;
    ensure!(store.keys().await? == 3006, "on one");
    ensure!(store.run("get note:2999").await? == "2999");

    // Not everything is a backup.
    let file = store.copies.file(one).await?;
    for (name, content, complaint) in [
        ("half.tar.gz", file[..file.len() / 2].to_vec(), "cut off"),
        ("notes.txt", b"hello".to_vec(), "neither a backup"),
        ("half.rdb", b"REDIS0010half".to_vec(), "cut off"),
    ] {
        let made = store.copies.upload(name, content).await?;
        ensure!(made.state == BackupState::Failed && made.reason.contains(complaint), "{made:?}");
    }
    ensure!(store.keys().await? == 3006, "and nothing has changed");
    Ok(())
}

struct Store<'a> {
    home: &'a Installation,
    ada: Api,
    id: ServiceId,
    copies: Copies,
}

impl Store<'_> {
    /// Runs a command as the platform's own user does, on whichever node it belongs to.
    async fn run(&self, command: &str) -> Result<String> {
        let script = format!(
            "export REDISCLI_AUTH=$(cat /run/aerie/store/control); printf '%s\\n' {} | redis-cli -c --user aerie",
            quoted(command)
        );
        let node = self.nodes().await?.into_iter().next().context("a node")?;
        Ok(self.home.docker(&["exec", &node, "sh", "-c", &script])?.trim().to_owned())
    }

    async fn nodes(&self) -> Result<Vec<String>> {
        let view = self.ada.service(self.id).await?;
        let names = self.home.containers()?;
        let of = |short: &str| names.iter().find(|name| name.ends_with(short)).cloned();
        view.instances.iter().map(|instance| of(&instance.short).context("its container")).collect()
    }

    async fn keys(&self) -> Result<usize> {
        let script = "REDISCLI_AUTH=$(cat /run/aerie/store/control) redis-cli --user aerie dbsize";
        let mut sum = 0;
        for node in self.nodes().await? {
            sum += self.home.docker(&["exec", &node, "sh", "-c", script])?.trim().parse::<usize>()?;
        }
        Ok(sum)
    }

    async fn scale(&self, nodes: u32) -> Result<()> {
        let form = Some(json!({ "roles": { "store": nodes } }));
        self.ada.accepted(Method::PUT, &format!("/services/{}/scale", self.id), form).await.map(drop)
    }

    /// Makes one that is as it should be.
    async fn back_up(&self) -> Result<BackupId> {
        let made = self.copies.make().await?;
        ensure!(made.check.as_ref().is_some_and(|check| check.ok) && made.state == BackupState::Ready, "{made:?}");
        Ok(made.id)
    }

    async fn restore(&self, id: BackupId) -> Result<()> {
        let restored = self.copies.restore(id).await?.last_restore.context("there was a restoration")?;
        ensure!(restored.reason.is_empty(), "{restored:?}");
        Ok(())
    }
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
