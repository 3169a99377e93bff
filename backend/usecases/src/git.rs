//! Repositories of services, for those who upload code with git: whose they are, how much goes on, and their end.
//!
//! A repository is a folder of `<data>/git` that is called like the service's id; whoever runs git makes it and works in
//! it. What is pushed becomes a version like any other upload.

use crate::{Actor, Outcome, PerUser, Place, UseCases, bootstrap::is_old};
use aerie_domain::{ApplicationId, ApplicationName, Problem, ProblemCode, ServiceId};
use async_recursion::async_recursion as boxed;
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    fs,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Pushes and fetches that go on at a time. More: a class that pushes at once needs more memory; fewer: people with slow
/// lines keep others waiting.
const AT_ONCE: usize = 8;
/// Those of one user. More: one user can keep all others waiting.
const PER_USER: usize = 2;
/// How long somebody waits for a place. Longer: a client seems to hang; shorter: a class that pushes at once is refused.
const WAIT: Duration = Duration::from_secs(30);

/// The places for pushes and fetches.
pub(crate) struct Exchanges {
    all: Arc<Semaphore>,
    per_user: PerUser,
}

impl Default for Exchanges {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), per_user: PerUser::new(PER_USER) }
    }
}

/// The place of one push or fetch; given back when dropped.
pub struct GitPlace {
    _of_all: OwnedSemaphorePermit,
    _of_user: Place,
}

impl UseCases {
    /// Where the repositories are.
    pub fn git_folder(&self) -> PathBuf {
        self.settings().data_dir.join("git")
    }

    /// The service of the actor's that a repository's address means: application and service, by name or by id.
    #[boxed]
    pub async fn git_service(&self, actor: &Actor, application: &str, service: &str) -> Outcome<ServiceId> {
        let named = match application.parse::<ApplicationName>() {
            Ok(name) => self.store().application_by_name(actor.user, &name).await?,
            Err(_) => None,
        };
        let found = match (named, application.parse::<ApplicationId>()) {
            (Some(row), _) => Some(row),
            (None, Ok(id)) => self.store().application_owned(id, actor.user).await?,
            (None, Err(_)) => None,
        };
        let application = found.ok_or_else(|| Problem::not_found("repository"))?;
        let services = self.store().service_list(application.id).await?;
        let meant = services.iter().find(|row| row.name.as_str() == service || row.id.to_string() == service);
        let meant = meant.ok_or_else(|| Problem::not_found("repository"))?;
        self.require_code(meant)?;
        Ok(meant.id)
    }

    /// Waits for a place to push or fetch.
    #[boxed]
    pub async fn git_place(&self, actor: &Actor) -> Outcome<GitPlace> {
        let busy = || Problem::new(ProblemCode::TooManyRequests, "Too much is pushed and fetched just now. Try again.");
        let places = &self.inner.git_places;
        let of_user = places.per_user.take(actor.user).ok_or_else(busy)?;
        let Ok(Ok(of_all)) = timeout(WAIT, Arc::clone(&places.all).acquire_owned()).await else {
            return Err(busy().into());
        };
        Ok(GitPlace { _of_all: of_all, _of_user: of_user })
    }

    /// Removes repositories whose service is gone, and what pushes that were cut off have left.
    pub(crate) async fn collect_repositories(&self) -> Outcome<()> {
        let mut entries = match fs::read_dir(self.git_folder()).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        while let Some(entry) = entries.next_entry().await? {
            let garbage = match entry.file_name().to_string_lossy().parse::<ServiceId>() {
                Ok(service) => self.store().service_fetch(service).await?.is_none(),
                Err(_) => is_old(&entry).await?,
            };
            if garbage {
                fs::remove_dir_all(entry.path()).await?;
            }
        }
        Ok(())
    }
}
