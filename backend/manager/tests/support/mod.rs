//! A town: a real database, a simulated engine, make-believe agents, managers, and people who ask for things.

pub mod agents;

use aerie_cloud::{Cloud, ContainerSpec, simulated::SimulatedCloud};
use aerie_domain::{
    CodeVersionId, DesiredState, DirectorId, InstanceId, OperationId, OperationKind, OperationState, RolePhase,
    ServiceId, ServiceState, UserId, UserRole,
};
use aerie_kinds::Kinds;
use aerie_manager::{Identities, Manager, ManagerParts, ManagerSettings};
use aerie_store::{InstanceRow, NewOperation, NewService, NewUser, NewVersion, ServiceIntent, ServiceRow, Store};
use agents::Agents;
use sqlx::PgPool;
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

struct Papers;

impl Identities for Papers {
    fn identity(&self, instance: InstanceId) -> String {
        format!("papers of {instance}")
    }
}

/// A manager that can be stopped or dropped.
pub struct RunningManager {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningManager {
    /// Ends it in an orderly way.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }

    /// As SIGKILL would, as far as that is possible within a process.
    pub fn kill(self) {
        self.task.abort();
    }
}

pub struct Town {
    pub store: Store,
    pub cloud: SimulatedCloud,
    pub kinds: Kinds,
    pub owner: UserId,
    pub logs: tempfile::TempDir,
    _agents: Agents,
}

impl Town {
    pub async fn new(pool: PgPool) -> Self {
        Self::with_cloud(pool, SimulatedCloud::default()).await
    }

    pub async fn with_cloud(pool: PgPool, cloud: SimulatedCloud) -> Self {
        let store = Store::from_pool(pool);
        let agents = Agents::start(store.clone(), cloud.clone());
        let kinds = Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds")).unwrap();
        let owner = user(&store, "ada").await;
        Self { store, cloud, kinds, owner, logs: tempfile::tempdir().unwrap(), _agents: agents }
    }

    pub fn manager(&self) -> RunningManager {
        self.manager_on(Arc::new(self.cloud.clone()))
    }

    /// One that starts so many containers at a time.
    pub fn manager_with_places(&self, places: usize) -> RunningManager {
        let settings = ManagerSettings { container_concurrency: places, ..self.settings() };
        self.manager_of(Arc::new(self.cloud.clone()), settings)
    }

    pub fn manager_on(&self, cloud: Arc<dyn Cloud>) -> RunningManager {
        self.manager_of(cloud, self.settings())
    }

    fn settings(&self) -> ManagerSettings {
        ManagerSettings {
            installation: "town".into(),
            log_dir: self.logs.path().to_owned(),
            ..ManagerSettings::default()
        }
    }

    fn manager_of(&self, cloud: Arc<dyn Cloud>, settings: ManagerSettings) -> RunningManager {
        let manager = Manager::new(ManagerParts {
            store: self.store.clone(),
            cloud,
            kinds: self.kinds.clone(),
            director: DirectorId::generate(),
            identities: Arc::new(Papers),
            settings,
        });
        let cancel = CancellationToken::new();
        let task = tokio::spawn(manager.run(cancel.clone()));
        RunningManager { cancel, task }
    }

    /// Another user.
    pub async fn user(&self, name: &str) -> UserId {
        user(&self.store, name).await
    }

    /// A service in an application of its own, with its first version; not started.
    pub async fn service(&self, application: &str, kind: &str) -> ServiceId {
        self.service_of(self.owner, application, kind).await
    }

    /// The same, of another user.
    pub async fn service_of(&self, owner: UserId, application: &str, kind: &str) -> ServiceId {
        let id = ServiceId::generate();
        let mut txn = self.store.begin().await.unwrap();
        let application = txn.application_insert(owner, &application.parse().unwrap()).await.unwrap();
        let takes_code = self.kinds.get(kind).unwrap().spec.code.is_some();
        let version = CodeVersionId::generate();
        let counts = self.kinds.get(kind).unwrap().spec.roles.iter();
        txn.service_insert(&NewService {
            id,
            application_id: application.id,
            name: kind.parse().unwrap(),
            kind: kind.parse().unwrap(),
            counts: counts.filter(|role| !role.auxiliary).map(|role| (role.name.clone(), 1)).collect(),
            settings: BTreeMap::new(),
            active_version_id: takes_code.then_some(version),
        })
        .await
        .unwrap();
        if takes_code {
            txn.version_insert(&new_version(version, id)).await.unwrap();
        }
        txn.commit().await.unwrap();
        id
    }

    pub async fn upload(&self, service: ServiceId) -> CodeVersionId {
        let id = CodeVersionId::generate();
        let mut txn = self.store.begin().await.unwrap();
        txn.version_insert(&new_version(id, service)).await.unwrap();
        txn.commit().await.unwrap();
        id
    }

    /// What a use case does: intent, generation, operation, wake-up, in one transaction.
    pub async fn ask(
        &self,
        service: ServiceId,
        kind: OperationKind,
        change: impl FnOnce(&mut ServiceIntent),
    ) -> OperationId {
        let mut txn = self.store.begin().await.unwrap();
        let row = txn.service_lock(service).await.unwrap().unwrap();
        let mut intent = row.intent();
        change(&mut intent);
        let generation = txn.service_set_intent(service, &intent).await.unwrap();
        let id = OperationId::generate();
        txn.operation_insert(&NewOperation {
            id,
            service_id: service,
            owner_id: self.owner,
            kind,
            target_generation: generation,
            actor_id: Some(self.owner),
        })
        .await
        .unwrap();
        txn.wake_service(service).await.unwrap();
        txn.commit().await.unwrap();
        id
    }

    pub async fn start(&self, service: ServiceId) -> OperationId {
        self.ask(service, OperationKind::Start, |intent| intent.desired = DesiredState::Running).await
    }

    pub async fn stop(&self, service: ServiceId) -> OperationId {
        self.ask(service, OperationKind::Stop, |intent| intent.desired = DesiredState::Stopped).await
    }

    pub async fn delete(&self, service: ServiceId) -> OperationId {
        self.ask(service, OperationKind::Delete, |intent| intent.desired = DesiredState::Deleted).await
    }

    pub async fn scale(&self, service: ServiceId, role: &str, count: u32) -> OperationId {
        self.ask(service, OperationKind::Scale, |intent| {
            intent.counts.insert(role.parse().unwrap(), count);
        })
        .await
    }

    pub async fn row(&self, service: ServiceId) -> ServiceRow {
        self.store.service_fetch(service).await.unwrap().unwrap()
    }

    pub async fn instances(&self, service: ServiceId) -> Vec<InstanceRow> {
        self.store.instance_list(service).await.unwrap()
    }

    /// How many serve a role.
    pub async fn serving(&self, service: ServiceId, role: &str) -> usize {
        let serves = |row: &&InstanceRow| {
            row.wanted && row.roles.iter().any(|r| r.role.as_str() == role && r.phase == RolePhase::Serving)
        };
        self.instances(service).await.iter().filter(serves).count()
    }

    /// Waits for an operation's end, and says how long that took.
    pub async fn done(&self, operation: OperationId) -> Duration {
        let begun = Instant::now();
        loop {
            let row = self.store.operation_fetch(operation, self.owner).await.unwrap().unwrap();
            match row.state {
                OperationState::Done => return begun.elapsed(),
                OperationState::Failed | OperationState::Superseded => panic!("{row:?}"),
                _ if begun.elapsed() > Duration::from_secs(45) => {
                    let service = self.store.service_fetch(row.service_id).await.unwrap();
                    let log = self.store.manager_log_tail(row.service_id, 50).await.unwrap();
                    let log: Vec<String> = log.into_iter().map(|line| line.text).collect();
                    let instances = self.instances(row.service_id).await;
                    panic!("{row:?}\n{service:?}\n{}\n{instances:#?}", log.join("\n"));
                }
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    pub async fn state(&self, service: ServiceId, wanted: ServiceState) -> ServiceRow {
        let begun = Instant::now();
        loop {
            let row = self.row(service).await;
            if row.state == wanted {
                return row;
            }
            assert!(begun.elapsed() < Duration::from_secs(45), "{row:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn specs(&self) -> Vec<ContainerSpec> {
        self.cloud.containers().iter().filter_map(|container| self.cloud.spec(&container.name)).collect()
    }
}

async fn user(store: &Store, name: &str) -> UserId {
    let id = UserId::generate();
    let mut txn = store.begin().await.unwrap();
    txn.user_insert(&NewUser {
        id,
        name: name.to_owned(),
        email: format!("{name}@example.org"),
        password_hash: None,
        first_name: String::new(),
        last_name: String::new(),
        affiliation: String::new(),
        role: UserRole::User,
        granted_millis: 1_000_000,
    })
    .await
    .unwrap();
    txn.commit().await.unwrap();
    id
}

fn new_version(id: CodeVersionId, service: ServiceId) -> NewVersion {
    NewVersion {
        id,
        service_id: service,
        name: "code".into(),
        digest: format!("{:064x}", id.0.as_u128()),
        size_bytes: 10,
        files: 1,
        normalised_digest: format!("{:064x}", id.0.as_u128()),
        normalised_bytes: 10,
        note: String::new(),
        uploaded_by: None,
    }
}
