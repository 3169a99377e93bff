//! What the tests of the application layer begin with.

use aerie_domain::{
    Credits, ProblemCode, SessionId,
    views::{CreateApplication, CreateService, Register, ServiceView},
};
use aerie_kinds::Kinds;
use aerie_store::Store;
use aerie_usecases::{
    Actor, BackupLimits, ClientInfo, Disks, Failure, Outcome, UploadLimits, UseCaseSettings, UseCases, Via,
};
use sqlx::PgPool;
use std::path::Path;
use tempfile::TempDir;

/// The use cases over a database of its own.
pub struct House {
    pub usecases: UseCases,
    pub store: Store,
    _data: TempDir,
}

impl House {
    pub fn open(pool: PgPool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Store::from_pool(pool);
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates");
        let settings = UseCaseSettings {
            backups: BackupLimits::default(),
            data_dir: data.path().to_owned(),
            domain: "localhost".into(),
            public_port: 7780,
            initial_credit: Credits::whole(50),
            charge_period: std::time::Duration::from_secs(60),
            max_applications: 2,
            max_instances: 6,
            max_versions: 5,
            open_registration: true,
            uploads: UploadLimits::default(),
            disks: Disks::new(0, data.path()),
            can_mount: true,
            session_days: 30,
            password_memory_kib: 64,
            login_attempts: 5,
        };
        let usecases = UseCases::new(store.clone(), Kinds::load(&templates).unwrap(), settings);
        Self { usecases, store, _data: data }
    }

    pub async fn person(&self, name: &str) -> Actor {
        let form = Register {
            user_name: name.into(),
            email: format!("{name}@example.org"),
            password: PASSWORD.into(),
            password_again: PASSWORD.into(),
            first_name: String::new(),
            last_name: String::new(),
            affiliation: String::new(),
        };
        let user = self.usecases.register(form, &ClientInfo::default()).await.unwrap();
        let via = Via::Session(SessionId::generate());
        Actor { user: user.id, name: user.name, role: user.role, via, address: "127.0.0.1".into() }
    }

    pub async fn php(&self, actor: &Actor) -> ServiceView {
        let form = CreateApplication { name: "blog".into() };
        let application = self.usecases.create_application(actor, form).await.unwrap();
        let form = CreateService { kind: "php".into(), name: None };
        self.usecases.create_service(actor, application.id, form).await.unwrap()
    }
}

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";

/// The code of a refusal.
pub fn code<T>(outcome: Outcome<T>) -> ProblemCode {
    match outcome.err().unwrap() {
        Failure::Refused(problem) => problem.code,
        fault => panic!("a fault instead of a refusal: {fault:?}"),
    }
}
