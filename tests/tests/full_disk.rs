//! The disk of a database fills up while a dump is put back: that is said, the database goes on, there is a way back, and
//! another owner's shop, which keeps all that its visitors order meanwhile, notices nothing.

use aerie_domain::{BackupStep, ServiceId, ServiceState, views::BackupView};
use aerie_tests::{Api, Copies, Installation, Shop, SmallDisk, Writer, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::{fmt::Write, time::Duration};

/// Bob's database has a disk of its own, of so many MiB. Server and trial server take half of it and the dump 250; with less,
/// the dump would be refused beforehand.
const DISK_MIB: u64 = 1000;

/// Rows of the dump, of 5 MB each, and the pause after each: time for the disk to fill up.
const ROWS: u32 = 50;
const PAUSE_S: f32 = 0.1;

/// What somebody else writes to the same disk, until 100 MiB are left: less than a dump may leave.
const FILL_MOST: &str = "free=$(df --output=avail -B1M /data | tail -n 1); fallocate -l $((free - 100))M /data/others";

/// Until not a byte is left.
const FILL_ALL: &str = "cat /dev/zero >>/data/others; true";

/// A dump as large as said once it is put back: its text is short.
fn dump() -> Result<String> {
    let mut text = "CREATE TABLE `orders` (id int primary key, what longblob);\n".to_owned();
    for row in 1..=ROWS {
        writeln!(text, "INSERT INTO `orders` SELECT {row}, repeat('x', 5000000); DO sleep({PAUSE_S});")?;
    }
    Ok(text + "-- Dump completed\n")
}

/// Bob's database, on a small disk.
struct Database<'a> {
    home: &'a Installation,
    bob: Api,
    id: ServiceId,
    copies: Copies,
    _disk: SmallDisk,
}

impl<'a> Database<'a> {
    async fn start(home: &'a Installation) -> Result<Self> {
        let bob = home.api().register("bob").await?;
        let id = bob.application_with("library", "mysql").await?.summary.id;
        let name = format!("{}-{}-data", home.label(), id.0.simple());
        let disk = SmallDisk::new(DISK_MIB)?;
        disk.become_volume(home, &name, id)?;
        bob.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
        bob.wait_state(id, ServiceState::Running).await?;
        let copies = Copies::of(&bob, id, "mysql");
        Ok(Self { home, bob, id, copies, _disk: disk })
    }

    fn sql(&self, statements: &str) -> Result<String> {
        let client = "mariadb --defaults-file=/run/aerie/mysql/client.cnf -N -B app -e";
        self.shell(&format!("{client} \"{statements}\""))
    }

    fn shell(&self, script: &str) -> Result<String> {
        let containers = self.home.containers()?;
        let own = containers.iter().find(|name| name.contains(&self.id.short())).context("its container")?;
        Ok(self.home.docker(&["exec", own, "bash", "-c", script])?.trim().to_owned())
    }

    /// Asks for a backup to be put back.
    async fn begin_restore(&self, backup: &BackupView) -> Result<()> {
        let path = self.copies.path(&format!("/{}/restore", backup.id));
        let begun = self.bob.send(Method::POST, &path, Some(json!({ "confirm": "mysql" }))).await?;
        ensure!(begun.status() == 202, "{} {}", begun.status(), begun.text().await?);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_while_a_dump_is_put_back_is_told_and_survived() -> Result<()> {
    let shop = Shop::with_mysql(Installation::start("full-disk").await?).await?;
    let orders = Writer::start(&shop.address)?;
    shop.wait_written(&orders).await?;

    let db = Database::start(&shop.home).await?;
    db.sql("create table books (title varchar(40)); insert into books values ('Emma'), ('Persuasion')")?;
    let dump = db.copies.upload("orders.sql", dump()?.into_bytes()).await?;
    ensure!(dump.check.as_ref().is_some_and(|check| check.ok), "it fits: {dump:?}");

    db.begin_restore(&dump).await?;
    until("some rows to be put back", Duration::from_secs(60), || async {
        let list = db.copies.list().await.map_err(|error| error.to_string())?;
        let step = list.job.as_ref().map(|job| job.step);
        if step != Some(BackupStep::Load) {
            return Err(format!("{list:?}"));
        }
        let rows = db.sql("select count(*) from orders").map_err(|error| error.to_string())?;
        if rows == "0" { Err("no rows yet".to_owned()) } else { Ok(()) }
    })
    .await?;
    db.shell(FILL_MOST)?;
    let list = db.copies.idle().await?;
    let failed = list.last_restore.context("there was a restoration")?;
    let told = ["the disk is full", "backup that was made first"];
    ensure!(told.iter().all(|words| failed.reason.contains(words)), "{failed:?}");
    let rows: u32 = db.sql("select count(*) from orders")?.parse()?;
    ensure!((1..ROWS).contains(&rows), "in the middle: {rows}");

    // The database takes and gives small things in what was left for it; large ones are refused.
    db.sql("insert into books values ('Lady Susan')")?;
    ensure!(db.sql("select count(*) from books")? == "3");
    let view = db.bob.wait_state(db.id, ServiceState::Running).await?;
    ensure!(view.instances.iter().all(|i| i.roles.iter().all(|role| role.restarts == 0)), "{:?}", view.instances);
    let text = b"CREATE TABLE `a` (a int);\n-- Dump completed\n".to_vec();
    let refused = db.copies.upload("again.sql", text).await?;
    ensure!(refused.reason.contains("not enough room on the disk"), "{refused:?}");

    // Not a byte is left: MariaDB may give up in the middle of taking a large row back. It comes back by itself, with all
    // that was acknowledged.
    db.shell(FILL_ALL)?;
    let refused = db
        .sql("insert into orders select -seq, repeat('x', 15000000) from seq_1_to_5")
        .err()
        .context("there is no room")?;
    eprintln!("not a byte left: {refused:#}");
    db.shell("rm /data/others")?;
    // It looks once a minute whether there is room again, when it was started without any.
    until("the database to be back", Duration::from_secs(150), || async {
        let titles =
            db.sql("select group_concat(title order by title) from books").map_err(|error| error.to_string())?;
        if titles == "Emma,Lady Susan,Persuasion" { Ok(()) } else { Err(titles) }
    })
    .await?;
    db.bob.wait_state(db.id, ServiceState::Running).await?;

    // The way back that the message names.
    db.shell("test ! -e /data/backup")?;
    let before = list.items.iter().find(|item| Some(item.id) == failed.backup).context("it is listed")?;
    db.begin_restore(before).await?;
    let restored = db.copies.idle().await?.last_restore.context("there was another")?;
    ensure!(restored.reason.is_empty(), "{restored:?}");
    ensure!(db.sql("show tables; select count(*) from books")? == "books\n2", "as it was before");

    let orders = orders.finish().await;
    eprintln!("the other shop: {}", orders.summary());
    ensure!(orders.refused.is_empty() && orders.acknowledged.len() > 100, "{}", orders.summary());
    shop.keeps(&orders, "beside a full disk").await
}
