//! Instances: what managers, agents and pages do with them.

use crate::world::{World, instance, role, sql, world};
use aerie_agent_protocol::{CodePlan, InstanceConfig, InstanceReport};
use aerie_domain::{DirectorId, InstanceId, RolePhase};
use aerie_store::{NewInstance, ReportKept, StoreError};
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};

fn config(instance: InstanceId, generation: i64) -> InstanceConfig {
    InstanceConfig {
        generation,
        instance,
        files: Vec::new(),
        code: CodePlan::default(),
        processes: Vec::new(),
        init: Vec::new(),
        environment: BTreeMap::new(),
        tasks: Vec::new(),
        drain: Vec::new(),
    }
}

async fn retire(world: &World, id: InstanceId, log_bytes: i64) {
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_retire(id, log_bytes).await.unwrap();
    txn.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_condemned_instance_stays_condemned(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_set_roles(id, &[role("web", RolePhase::Draining)], false).await.unwrap();
    txn.instance_set_roles(id, &[role("web", RolePhase::Serving)], true).await.unwrap();
    txn.commit().await.unwrap();
    let row = world.store.instance_fetch(id).await.unwrap().unwrap();
    assert!(!row.wanted);
    assert_eq!(row.roles, [role("web", RolePhase::Serving)]);
    assert_eq!(row.short, id.short());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_configuration_is_replaced_by_a_higher_generation_only(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    assert_eq!(world.store.instance_config(id).await.unwrap(), None);

    let mut txn = world.store.begin().await.unwrap();
    txn.instance_set_config(id, &config(id, 2)).await.unwrap();
    for stale in [1, 2] {
        let error = txn.instance_set_config(id, &config(id, stale)).await.unwrap_err();
        assert!(matches!(error, StoreError::RowsAffected { actual: 0, .. }));
    }
    txn.commit().await.unwrap();
    assert_eq!(world.store.instance_config(id).await.unwrap(), Some(config(id, 2)));
    let row = world.store.instance_fetch(id).await.unwrap().unwrap();
    assert_eq!((row.config, row.config_generation), (Some(config(id, 2)), 2));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_world_and_the_agent_say_is_kept(pool: PgPool) {
    let world = world(pool).await;
    let director = DirectorId::generate();
    let id = instance(&world.store, world.php).await;
    let container = serde_json::json!({"image": "aerie/php"});
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_set_container(id, &container).await.unwrap();
    assert!(txn.instance_set_observed(id, Some("10.208.0.2"), "running").await.unwrap());
    assert!(!txn.instance_set_observed(id, Some("10.208.0.2"), "running").await.unwrap());
    txn.commit().await.unwrap();
    let report = InstanceReport { applied_generation: 3, problem: "none".to_owned(), ..InstanceReport::default() };
    assert_eq!(world.store.instance_report(id, director, &report).await.unwrap(), ReportKept::Yes);
    assert!(world.store.instance_connected(id, director).await.unwrap());

    let row = world.store.instance_fetch(id).await.unwrap().unwrap();
    assert_eq!((row.container, row.address.as_deref()), (Some(container), Some("10.208.0.2")));
    assert_eq!((row.report.as_ref(), row.connected_to), (Some(&report), Some(director)));
    let lite = world.store.instances_of_services(&[world.php]).await.unwrap().remove(0);
    assert_eq!((lite.id, lite.report, lite.connected), (id, Some(report.clone()), true));
    assert_eq!(lite.container_status, "running");
    let brief = world.store.instances_in_lists(&[world.php]).await.unwrap().remove(0);
    assert_eq!((brief.service_id, brief.auxiliary, brief.roles), (world.php, lite.auxiliary, lite.roles));
    assert_eq!(brief.was_healthy, lite.healthy_at.is_some());

    // The agent has moved on to another director meanwhile: the first one's farewell comes too late.
    let other = DirectorId::generate();
    world.store.instance_connected(id, other).await.unwrap();
    world.store.instance_disconnected(id, director).await.unwrap();
    assert_eq!(world.store.instance_fetch(id).await.unwrap().unwrap().connected_to, Some(other));
    // So do reports that the first one finds in its buffers.
    let old = InstanceReport { applied_generation: 2, ..InstanceReport::default() };
    assert_eq!(world.store.instance_report(id, director, &old).await.unwrap(), ReportKept::IsElsewhere);
    let row = world.store.instance_fetch(id).await.unwrap().unwrap();
    assert_eq!((row.report.as_ref(), row.connected_to), (Some(&report), Some(other)));
    // Who hears an agent has its connection, whatever was forgotten meanwhile.
    world.store.director_remove(other).await.unwrap();
    assert_eq!(world.store.instance_fetch(id).await.unwrap().unwrap().connected_to, None);
    world.store.instance_report(id, other, &report).await.unwrap();
    assert_eq!(world.store.instance_fetch(id).await.unwrap().unwrap().connected_to, Some(other));
    world.store.instance_disconnected(id, other).await.unwrap();
    assert_eq!(world.store.instance_fetch(id).await.unwrap().unwrap().connected_to, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_agent_without_an_instance_is_not_known(pool: PgPool) {
    let world = world(pool).await;
    let nobody = InstanceId::generate();
    assert!(!world.store.instance_known(nobody).await.unwrap());
    assert!(!world.store.instance_connected(nobody, DirectorId::generate()).await.unwrap());
    let kept = world.store.instance_report(nobody, DirectorId::generate(), &InstanceReport::default()).await.unwrap();
    assert_eq!(kept, ReportKept::NoInstance);
    assert!(world.store.instance_known(instance(&world.store, world.php).await).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_retired_instance_ends_its_meter_and_leaves_a_trace(pool: PgPool) {
    let world = world(pool).await;
    let id = instance(&world.store, world.php).await;
    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.instance_set_healthy(id, 1000).await.unwrap());
    assert!(!txn.instance_set_healthy(id, 9999).await.unwrap(), "costs begin once");
    txn.commit().await.unwrap();
    assert_eq!(world.store.user_credit(world.ada).await.unwrap().per_hour_millis, 1000);
    assert_eq!(world.store.services_per_hour(&[world.php]).await.unwrap(), BTreeMap::from([(world.php, 1000)]));

    retire(&world, id, 123).await;
    assert_eq!(world.store.instance_fetch(id).await.unwrap(), None);
    assert_eq!(world.store.user_credit(world.ada).await.unwrap().per_hour_millis, 0);
    assert!(world.store.services_per_hour(&[world.php]).await.unwrap().is_empty());
    let removed = world.store.removed_instance_list(world.php).await.unwrap();
    assert_eq!(removed.len(), 1);
    assert_eq!((removed[0].id, removed[0].short.as_str(), removed[0].log_bytes), (id, id.short().as_str(), 123));
    assert_eq!(removed[0].roles, [role("web", RolePhase::Starting)]);

    let mut txn = world.store.begin().await.unwrap();
    let error = txn.instance_retire(id, 0).await.unwrap_err();
    assert!(matches!(error, StoreError::RowsAffected { expected: 1, actual: 0 }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn kept_logs_are_bounded_by_age_and_size(pool: PgPool) {
    let world = world(pool).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let id = instance(&world.store, world.php).await;
        retire(&world, id, 100).await;
        ids.push(id);
    }
    let day = Duration::from_secs(24 * 3600);
    let expired = async |max_age, max_bytes| {
        let rows = world.store.removed_instances_expired(max_age, max_bytes).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(expired(day, 400).await, []);
    assert_eq!(expired(day, 250).await, ids[..2], "the oldest two do not fit");

    sql(
        &world.store,
        "update removed_instances set removed_at = removed_at - interval '2 days'
          where id = (select id from removed_instances order by removed_at limit 1)",
    )
    .await;
    assert_eq!(expired(day, 400).await, ids[..1]);
    world.store.removed_instance_delete(ids[0]).await.unwrap();
    world.store.removed_instance_delete(ids[0]).await.unwrap();
    assert_eq!(expired(day, 400).await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_two_instances_of_a_service_are_in_one_slot(pool: PgPool) {
    let world = world(pool).await;
    let new = |slot: i32| NewInstance {
        id: InstanceId::generate(),
        service_id: world.php,
        auxiliary: false,
        size: "small".to_owned(),
        roles: vec![role("web", RolePhase::Starting)],
        slot: Some(slot),
    };
    let (first, second) = (new(0), new(1));
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_insert(&first).await.unwrap();
    txn.instance_insert(&second).await.unwrap();
    txn.service_set_slots_kept(world.php, 2).await.unwrap();
    txn.commit().await.unwrap();
    let slots: Vec<_> = world.store.instance_list(world.php).await.unwrap().iter().map(|row| row.slot).collect();
    assert_eq!(slots, [Some(0), Some(1)]);
    let (row, ..) = world.store.service_with_owner(world.php).await.unwrap().unwrap();
    assert_eq!(row.slots_kept, 2);

    let mut txn = world.store.begin().await.unwrap();
    assert!(txn.instance_insert(&new(0)).await.is_err(), "condemned or not: until its row is gone");
    drop(txn);
    retire(&world, first.id, 0).await;
    let mut txn = world.store.begin().await.unwrap();
    txn.instance_insert(&new(0)).await.unwrap();
    txn.commit().await.unwrap();
}
