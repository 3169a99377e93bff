//! Backups, the jobs that make them, and when they are due.

use crate::world::{World, instance, sql, world};
use aerie_domain::{
    ActionRunId, BackupEvery, BackupId, BackupJobId, BackupJobKind, BackupState, BackupStep, BackupWhy, InstanceId,
    LifeId,
    views::{ActionState, BackupSchedule},
};
use aerie_store::{NewActionResult, NewActionRun, NewBackup, NewBackupJob};
use sqlx::PgPool;
use std::time::Duration;

async fn backup(world: &World, why: BackupWhy, contents: Option<&str>) -> BackupId {
    let new = NewBackup {
        id: BackupId::generate(),
        service_id: world.php,
        name: "db.sql.gz".to_owned(),
        why,
        contents: contents.map(|digest| (digest.to_owned(), 5)),
        actor_id: world.ada,
    };
    let mut txn = world.store.begin().await.unwrap();
    txn.backup_insert(&new).await.unwrap();
    txn.commit().await.unwrap();
    new.id
}

async fn job(world: &World, step: BackupStep, backup: BackupId) -> Result<BackupJobId, aerie_store::StoreError> {
    let new = NewBackupJob {
        id: BackupJobId::generate(),
        service_id: world.php,
        kind: BackupJobKind::Backup,
        step,
        backup_id: Some(backup),
        source_id: None,
        actor_id: world.ada,
    };
    let mut txn = world.store.begin().await.unwrap();
    txn.backup_job_insert(&new, 2).await?;
    txn.commit().await?;
    Ok(new.id)
}

/// Asks an instance for the step of a job.
async fn ask(world: &World, job: BackupJobId, on: InstanceId) -> ActionRunId {
    let id = ActionRunId::generate();
    let (role, life) = ("web".parse().unwrap(), LifeId::generate());
    let run = NewActionRun {
        id,
        service_id: world.php,
        action: "backup-dump".parse().unwrap(),
        values: [].into(),
        actor_id: world.ada,
        on: vec![NewActionResult { instance_id: on, short: on.short(), role, life }],
    };
    let mut txn = world.store.begin().await.unwrap();
    txn.action_run_insert(&run, 10).await.unwrap();
    txn.backup_job_asked(job, id).await.unwrap();
    txn.commit().await.unwrap();
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_the_instance_that_was_asked_gets_at_contents_and_only_meanwhile(pool: PgPool) {
    let world = world(pool).await;
    let store = &world.store;
    let (one, other) = (instance(store, world.php).await, instance(store, world.php).await);
    let new = backup(&world, BackupWhy::Asked, None).await;
    let job = job(&world, BackupStep::Dump, new).await.unwrap();
    let run = ask(&world, job, one).await;
    assert!(store.backup_output(one, run).await.unwrap());
    assert!(!store.backup_output(other, run).await.unwrap());
    assert!(!store.backup_output(one, ActionRunId::generate()).await.unwrap());
    assert_eq!(store.backup_input(one, run).await.unwrap(), None, "it is there to write");
    assert!(!store.backup_keep(other, run, "forged", 1).await.unwrap());
    assert!(store.backup_keep(one, run, "digest", 7).await.unwrap());
    assert!(!store.backup_keep(one, run, "another", 7).await.unwrap(), "once");
    assert!(store.blob_digests_in_use().await.unwrap().contains("digest"), "the contents are kept");

    let mut txn = store.begin().await.unwrap();
    txn.backup_set_ready(new).await.unwrap();
    txn.backup_job_step(job, BackupStep::Check, Some(new)).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.backup_input(one, run).await.unwrap(), None, "nobody was asked for this step yet");
    let run = ask(&world, job, one).await;
    assert_eq!(store.backup_input(one, run).await.unwrap().as_deref(), Some("digest"));
    assert_eq!(store.backup_input(other, run).await.unwrap(), None);
    assert!(!store.backup_output(one, run).await.unwrap());
    let mut txn = store.begin().await.unwrap();
    txn.action_result_set(run, one, ActionState::Ended, Some(0), "").await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.backup_input(one, run).await.unwrap(), None, "it has ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_job_at_a_time_and_few_are_remembered(pool: PgPool) {
    let world = world(pool).await;
    let new = backup(&world, BackupWhy::Asked, Some("digest")).await;
    let first = job(&world, BackupStep::Check, new).await.unwrap();
    let second = job(&world, BackupStep::Check, new).await;
    assert_eq!(second.unwrap_err().constraint(), Some("backup_jobs_open_key"));
    assert_eq!(world.store.backup_jobs_open().await.unwrap(), [world.php]);
    let mut open = Some(first);
    for _ in 0..5 {
        let mut txn = world.store.begin().await.unwrap();
        txn.backup_job_end(open.take().unwrap(), "").await.unwrap();
        txn.commit().await.unwrap();
        open = Some(job(&world, BackupStep::Check, new).await.unwrap());
    }
    let kept = sqlx::query_scalar::<_, i64>("select count(*) from backup_jobs").fetch_one(world.store.pool()).await;
    assert!(kept.unwrap() <= 3);
    let open = world.store.backup_job_open(world.php).await.unwrap().unwrap();
    assert_eq!((open.backup_id, open.requested_by.as_deref()), (Some(new), Some("ada")));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_oldest_go_but_not_what_failed_instead_of_them(pool: PgPool) {
    let world = world(pool).await;
    let mut good = Vec::new();
    for number in 0..4 {
        good.push(backup(&world, BackupWhy::Scheduled, Some(&format!("digest {number}"))).await);
    }
    let asked = backup(&world, BackupWhy::Asked, Some("asked")).await;
    let mut failed = Vec::new();
    let mut txn = world.store.begin().await.unwrap();
    for _ in 0..3 {
        let id = BackupId::generate();
        let new = NewBackup {
            id,
            service_id: world.php,
            name: "x".to_owned(),
            why: BackupWhy::Scheduled,
            contents: None,
            actor_id: world.ada,
        };
        txn.backup_insert(&new).await.unwrap();
        txn.backup_set_failed(id, "the disk is nearly full").await.unwrap();
        failed.push(id);
    }
    // One that cannot be put back does not count as a good one.
    txn.backup_set_check(good[3], false, "it does not load").await.unwrap();
    txn.commit().await.unwrap();
    // The oldest is about to be put back.
    let job = job(&world, BackupStep::Load, good[0]).await.unwrap();
    let mut txn = world.store.begin().await.unwrap();
    txn.backups_prune(world.php, BackupWhy::Scheduled, 1, 1).await.unwrap();
    txn.commit().await.unwrap();
    let left = async || {
        let rows = world.store.backup_list(world.php).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(left().await, [failed[2], asked, good[2], good[0]]);
    let mut txn = world.store.begin().await.unwrap();
    txn.backup_job_end(job, "").await.unwrap();
    txn.backups_prune(world.php, BackupWhy::Scheduled, 1, 1).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(left().await, [failed[2], asked, good[2]]);
    let row = world.store.backup_fetch(world.php, failed[2]).await.unwrap().unwrap();
    assert_eq!((row.state, row.digest, row.reason.as_str()), (BackupState::Failed, None, "the disk is nearly full"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_due_is_taken_once_and_only_from_services_that_run(pool: PgPool) {
    let world = world(pool).await;
    let store = &world.store;
    let daily = BackupSchedule { every: BackupEvery::Day, keep: 3 };
    let day = Duration::from_hours(24);
    let set = async |schedule: BackupSchedule, first: Option<Duration>| {
        let mut txn = store.begin().await.unwrap();
        txn.backup_schedule_set(world.php, &schedule, first).await.unwrap();
        txn.commit().await.unwrap();
    };
    assert_eq!(store.backup_schedule(world.php).await.unwrap(), None);
    set(daily, Some(day)).await;
    sql(store, "update services set desired = 'running'").await;
    assert_eq!(store.backups_due().await.unwrap(), []);
    // More often: sooner. Less often: not later than it would have been.
    set(BackupSchedule { every: BackupEvery::Hour, keep: 3 }, Some(Duration::ZERO)).await;
    set(daily, Some(day)).await;
    assert_eq!(store.backups_due().await.unwrap(), [world.php]);
    sql(store, "update services set desired = 'stopped'").await;
    assert_eq!(store.backups_due().await.unwrap(), [], "it waits until the service runs again");
    sql(store, "update services set desired = 'running'").await;
    let new = backup(&world, BackupWhy::Asked, None).await;
    let job = job(&world, BackupStep::Dump, new).await.unwrap();
    assert_eq!(store.backups_due().await.unwrap(), [], "something goes on");
    let mut txn = store.begin().await.unwrap();
    txn.backup_job_end(job, "").await.unwrap();
    assert!(txn.backup_schedule_take(world.php, day).await.unwrap());
    assert!(!txn.backup_schedule_take(world.php, day).await.unwrap(), "somebody else was faster");
    txn.commit().await.unwrap();
    set(BackupSchedule { every: BackupEvery::Never, keep: 3 }, None).await;
    let (schedule, due) = store.backup_schedule(world.php).await.unwrap().unwrap();
    assert_eq!((schedule.every, due), (BackupEvery::Never, None));
    set(daily, Some(day)).await;
    assert!(store.backup_schedule(world.php).await.unwrap().unwrap().1.is_some());
}
