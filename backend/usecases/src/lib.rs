//! The application layer: everything a person or program can ask for, one module per resource.
//!
//! Called by the REST handlers and by the pages' server functions, which only extract, call and present. Calls the
//! store, the kinds and the archive room; never a container engine: it writes intent, managers bring it about.
//! To extend: a method in the resource's module that starts with authorisation, one transaction, an audit row and an
//! event; and a test that another user gets nothing.

mod access;
mod accounts;
mod actions;
mod actor;
mod admin;
mod applications;
mod backups;
mod bindings;
mod blobs;
mod bootstrap;
mod charging;
mod code;
mod credit;
mod disks;
mod events;
mod failure;
mod figures;
mod git;
mod kinds;
mod load;
mod load_runs;
mod logs;
mod now;
mod operations;
mod passwords;
mod per_user;
mod services;
mod sessions;
mod settings;
mod tokens;
mod view;
mod volumes;
mod whole;

pub use actor::{Actor, ClientInfo, Via};
pub use backups::{BackupLimits, BackupOutput};
pub use bootstrap::FIRST_ADMIN;
pub use charging::Uptime;
pub use code::{StagedUpload, UploadLimits};
pub use disks::Disks;
pub use events::EventFeed;
pub use failure::Failure;
pub use figures::Figures;
pub use git::GitPlace;
pub use load_runs::{LoadOrder, MAX_RATE, MAX_SECONDS};
pub use logs::{LogAccess, LoggedInstance};
pub use operations::MAX_WAIT;
pub use per_user::{PerUser, Place};
pub use sessions::AuthenticatedUser;
pub use settings::UseCaseSettings;
pub use volumes::{VolumeContent, VolumeFiles};

use aerie_kinds::Kinds;
use aerie_store::Store;
use std::sync::{Arc, OnceLock};

/// Result of every use case.
pub type Outcome<T> = Result<T, Failure>;

/// All use cases. Cheap to clone.
#[derive(Clone)]
pub struct UseCases {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    kinds: Kinds,
    settings: UseCaseSettings,
    passwords: passwords::Passwords,
    attempts: sessions::Attempts,
    load_sender: OnceLock<load_runs::Sender>,
    volume_files: OnceLock<Arc<dyn VolumeFiles>>,
    volume_work: PerUser,
    git_places: git::Exchanges,
}

impl UseCases {
    /// The use cases over a store and the loaded kinds.
    pub fn new(store: Store, kinds: Kinds, settings: UseCaseSettings) -> Self {
        let passwords = passwords::Passwords::new(&settings);
        let attempts = sessions::Attempts::new(&settings);
        let inner = Inner {
            store,
            kinds,
            settings,
            passwords,
            attempts,
            load_sender: OnceLock::new(),
            volume_files: OnceLock::new(),
            volume_work: PerUser::new(volumes::FILES_AT_ONCE),
            git_places: git::Exchanges::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The kinds of this installation.
    pub fn kinds(&self) -> &Kinds {
        &self.inner.kinds
    }

    /// What the installation was configured with.
    pub fn settings(&self) -> &UseCaseSettings {
        &self.inner.settings
    }
}
