//! What must exist before anybody logs in, and what must not stay forever.

use crate::{Failure, Outcome, UseCases};
use aerie_domain::{
    ApplicationId, ApplicationName, Credits, DesiredState, KindName, NameError, ServiceId, ServiceName, UserId,
    UserRole,
};
use aerie_store::{NewAudit, NewService, NewUser, ServiceIntent};
use async_recursion::async_recursion as boxed;
use rand::{TryRngCore, rngs::OsRng};
use std::time::{Duration, SystemTime};
use tokio::fs;

/// User name of the platform itself.
const SYSTEM_USER: &str = "aerie-system";
/// User name of the first admin.
pub const FIRST_ADMIN: &str = "teacher";
/// The kind that receives all public requests, and the name of its one service.
const ENTRY: &str = "entry";
/// Credit of the first admin.
const ADMIN_CREDIT: Credits = Credits::whole(1_000);
/// A reader that was away longer is told to fetch everything again. Longer: a larger table.
const KEEP_EVENTS: Duration = Duration::from_hours(24);
/// How long ended operations and manager logs are kept. Longer: larger tables.
const KEEP_HISTORY: Duration = Duration::from_hours(30 * 24);
/// Lines of manager log per service. Larger: a flapping service takes more room.
const KEEP_MANAGER_LINES: i64 = 10_000;
/// Files younger than this may belong to an upload whose row is not there yet. Longer: garbage stays longer.
const SPARE_FILES: Duration = Duration::from_hours(1);

impl UseCases {
    /// Makes the system user with the application and the entry service that every installation has. Safe to repeat.
    #[boxed]
    pub async fn ensure_system(&self) -> Outcome<()> {
        let store = self.store();
        let bug = |error: NameError| Failure::Bug(error.to_string());
        let owner = if let Some(user) = store.user_system().await? {
            user.id
        } else {
            let new = NewUser {
                id: UserId::generate(),
                name: SYSTEM_USER.to_owned(),
                email: format!("{SYSTEM_USER}@invalid"),
                password_hash: None,
                first_name: String::new(),
                last_name: String::new(),
                affiliation: String::new(),
                role: UserRole::System,
                granted_millis: 0,
            };
            let mut txn = store.begin().await?;
            txn.user_insert(&new).await?;
            txn.commit().await?;
            new.id
        };
        let application = if let Some(row) = store.application_list(owner, None, 1).await?.into_iter().next() {
            row.id
        } else {
            let name: ApplicationName = "system".parse().map_err(bug)?;
            let mut txn = store.begin().await?;
            let row = txn.application_insert(owner, &name).await?;
            txn.commit().await?;
            row.id
        };
        self.ensure_entry(application).await
    }

    async fn ensure_entry(&self, application: ApplicationId) -> Outcome<()> {
        let bug = |error: NameError| Failure::Bug(error.to_string());
        let store = self.store();
        if store.service_list(application).await?.iter().any(|service| service.kind.as_str() == ENTRY) {
            return Ok(());
        }
        let kind: KindName = ENTRY.parse().map_err(bug)?;
        let spec = &self.kind_of(&kind)?.spec;
        let id = ServiceId::generate();
        let name: ServiceName = ENTRY.parse().map_err(bug)?;
        let new = NewService {
            id,
            application_id: application,
            name,
            kind: kind.clone(),
            counts: spec.roles.iter().map(|role| (role.name.clone(), role.min)).collect(),
            settings: spec.settings.iter().map(|s| (s.name.clone(), s.default.clone())).collect(),
            active_version_id: None,
        };
        let mut txn = store.begin().await?;
        txn.service_insert(&new).await?;
        if let Some(service) = txn.service_lock(id).await? {
            let intent = ServiceIntent { desired: DesiredState::Running, ..service.intent() };
            txn.service_set_intent(id, &intent).await?;
        }
        txn.wake_service(id).await?;
        Ok(txn.commit().await?)
    }

    /// Makes the first admin with a random password, if there is no person yet. Returns the password then.
    #[boxed]
    pub async fn ensure_admin(&self) -> Outcome<Option<String>> {
        if self.store().user_count().await? > 0 {
            return Ok(None);
        }
        let password = random_password()?;
        let new = NewUser {
            id: UserId::generate(),
            name: FIRST_ADMIN.to_owned(),
            email: format!("{FIRST_ADMIN}@localhost"),
            password_hash: Some(self.passwords().hash(&password).await?),
            first_name: "First".to_owned(),
            last_name: "Teacher".to_owned(),
            affiliation: String::new(),
            role: UserRole::Admin,
            granted_millis: ADMIN_CREDIT.millis,
        };
        let mut txn = self.store().begin().await?;
        txn.user_insert(&new).await?;
        txn.audit_append(&NewAudit {
            actor: None,
            via: "system".to_owned(),
            address: String::new(),
            action: "user.register".to_owned(),
            target: format!("user {FIRST_ADMIN}"),
            detail: serde_json::json!({"role": UserRole::Admin.as_str()}),
        })
        .await?;
        txn.commit().await?;
        Ok(Some(password))
    }

    /// Removes what nobody needs any more: ended sessions, old events, blobs without a version, repositories
    /// without a service, cut-off uploads.
    #[boxed]
    pub async fn collect_garbage(&self) -> Outcome<()> {
        self.store().sessions_prune().await?;
        self.store().tokens_prune().await?;
        self.store().events_prune(KEEP_EVENTS).await?;
        self.store().operations_prune(KEEP_HISTORY).await?;
        self.store().announcements_prune(KEEP_HISTORY).await?;
        self.store().manager_log_prune(KEEP_HISTORY, KEEP_MANAGER_LINES).await?;
        self.collect_repositories().await?;
        let mut entries = match fs::read_dir(self.blob_folder()).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut old = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            if is_old(&entry).await? {
                old.push(entry);
            }
        }
        // Asked after the listing: a version that came meanwhile is in the answer or its file is young.
        let used = self.store().blob_digests_in_use().await?;
        for entry in old {
            // Looked at again: an upload of the same content may have replaced it a moment ago.
            if !used.contains(entry.file_name().to_string_lossy().as_ref()) && is_old(&entry).await? {
                fs::remove_file(entry.path()).await?;
            }
        }
        Ok(())
    }
}

/// Whether something is too old to belong to an upload that goes on.
pub(crate) async fn is_old(entry: &fs::DirEntry) -> std::io::Result<bool> {
    let modified = fs::metadata(entry.path()).await?.modified()?;
    Ok(SystemTime::now().duration_since(modified).is_ok_and(|age| age > SPARE_FILES))
}

/// Four groups of five letters and digits that cannot be mistaken for each other: about 98 bits.
fn random_password() -> Outcome<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0u8; 20];
    OsRng.try_fill_bytes(&mut random).map_err(|error| Failure::Bug(format!("no randomness: {error}")))?;
    let letters: Vec<char> = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}
