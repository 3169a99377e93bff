//! What most tests begin with: Ada, her application `blog` and its service `php`.

use aerie_domain::{ApplicationId, CodeVersionId, InstanceId, RolePhase, ServiceId, ServiceName, UserId, UserRole};
use aerie_store::{ApplicationRow, InstanceRole, NewInstance, NewService, NewUser, NewVersion, Store};
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};
use time::OffsetDateTime;

pub struct World {
    pub store: Store,
    pub ada: UserId,
    pub blog: ApplicationRow,
    pub php: ServiceId,
}

pub async fn world(pool: PgPool) -> World {
    let store = Store::from_pool(pool);
    let ada = user(&store, "ada").await;
    let blog = application(&store, ada, "blog").await;
    let php = service(&store, blog.id, "php", "php").await;
    World { store, ada, blog, php }
}

pub fn new_user(name: &str) -> NewUser {
    NewUser {
        id: UserId::generate(),
        name: name.to_owned(),
        email: format!("{name}@example.org"),
        password_hash: Some("$argon2id$…".to_owned()),
        first_name: String::new(),
        last_name: String::new(),
        affiliation: String::new(),
        role: UserRole::User,
        granted_millis: 50_000,
    }
}

pub async fn user(store: &Store, name: &str) -> UserId {
    let user = new_user(name);
    let mut txn = store.begin().await.unwrap();
    txn.user_insert(&user).await.unwrap();
    txn.commit().await.unwrap();
    user.id
}

pub async fn application(store: &Store, owner: UserId, name: &str) -> ApplicationRow {
    let mut txn = store.begin().await.unwrap();
    let row = txn.application_insert(owner, &name.parse().unwrap()).await.unwrap();
    txn.commit().await.unwrap();
    row
}

pub fn new_service(application: ApplicationId, name: &str, kind: &str) -> NewService {
    NewService {
        id: ServiceId::generate(),
        application_id: application,
        name: name.parse::<ServiceName>().unwrap(),
        kind: kind.parse().unwrap(),
        counts: BTreeMap::from([("web".parse().unwrap(), 1)]),
        settings: BTreeMap::from([("memory_limit".to_owned(), "128".to_owned())]),
        active_version_id: None,
    }
}

pub async fn service(store: &Store, application: ApplicationId, name: &str, kind: &str) -> ServiceId {
    let service = new_service(application, name, kind);
    let mut txn = store.begin().await.unwrap();
    txn.service_insert(&service).await.unwrap();
    txn.commit().await.unwrap();
    service.id
}

pub fn new_version(service: ServiceId, name: &str) -> NewVersion {
    NewVersion {
        id: CodeVersionId::generate(),
        service_id: service,
        name: name.to_owned(),
        digest: format!("digest of {name}"),
        size_bytes: 10,
        files: 1,
        normalised_digest: format!("normalised digest of {name}"),
        normalised_bytes: 8,
        note: String::new(),
        uploaded_by: None,
    }
}

pub async fn version(store: &Store, service: ServiceId, name: &str) -> CodeVersionId {
    let version = new_version(service, name);
    let mut txn = store.begin().await.unwrap();
    txn.version_insert(&version).await.unwrap();
    txn.commit().await.unwrap();
    version.id
}

pub fn role(name: &str, phase: RolePhase) -> InstanceRole {
    // Whole microseconds: what Postgres and JSON both keep.
    let since = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    InstanceRole { role: name.parse().unwrap(), phase, since, drain_until: None }
}

pub async fn instance(store: &Store, service: ServiceId) -> InstanceId {
    let instance = NewInstance {
        id: InstanceId::generate(),
        service_id: service,
        auxiliary: false,
        size: "small".to_owned(),
        roles: vec![role("web", RolePhase::Starting)],
        slot: None,
    };
    let mut txn = store.begin().await.unwrap();
    txn.instance_insert(&instance).await.unwrap();
    txn.commit().await.unwrap();
    instance.id
}

/// Runs a statement that no part of the product runs: the passing of time, mostly.
pub async fn sql(store: &Store, statement: &'static str) {
    sqlx::query(statement).execute(store.pool()).await.unwrap();
}

/// Asks until the answer is the expected one. Events may be late while other tests hold transactions open.
pub async fn eventually<T, F>(expected: T, mut ask: impl FnMut() -> F)
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = T>,
{
    let mut last = None;
    for _ in 0..200 {
        let answer = ask().await;
        if answer == expected {
            return;
        }
        last = Some(answer);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("expected {expected:?}, got {last:?}");
}

/// A meter of Ada's that ran for so many seconds from 1970 on and has ended.
pub async fn ran(world: &World, price: i64, seconds: f64) -> InstanceId {
    let id = InstanceId::generate();
    sqlx::query(
        "insert into instance_meters (instance_id, owner_id, service_id, label, price_millis_per_hour, started_at, ended_at)
         values ($1, $2, $3, 'blog/php', $4, timestamptz 'epoch', timestamptz 'epoch' + make_interval(secs => $5))",
    )
    .bind(id.0)
    .bind(world.ada.0)
    .bind(world.php.0)
    .bind(price)
    .bind(seconds)
    .execute(world.store.pool())
    .await
    .unwrap();
    id
}
