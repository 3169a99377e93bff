//! Volumes: named things of an application that keep files and outlive services.
//!
//! What takes a while (copies, measuring, the end of what was long enough in the trash) is done by the managers'
//! `volumes`; which service has which is in `attach`, what is on them in `files`.

mod attach;
mod files;
mod view;

pub(crate) use files::FILES_AT_ONCE;
pub use files::{VolumeContent, VolumeFiles};

use crate::{Actor, Outcome, UseCases, services::taken};
use aerie_domain::{
    ApplicationId, DesiredState, Problem, ProblemCode, ServiceId, VolumeId, VolumeName, VolumeState,
    views::{ChangeVolume, CreateVolume, EventKind, RestoreVolume, SnapshotVolume, VolumeView},
};
use aerie_store::{ApplicationRow, NewVolume, ServiceRow, Txn, VolumeRow};
use async_recursion::async_recursion as boxed;
use std::collections::BTreeSet;

/// Volumes per application, without those in the trash. Larger: one class mate can fill the machine sooner.
const MAX_VOLUMES: usize = 20;

/// Longest note, in characters.
const MAX_NOTE: usize = 200;

/// When people are warned, if they do not say: MiB.
const WARN_MIB: u32 = 1024;

/// Largest value of that, and of a limit. Larger ones would mean nothing.
const MAX_WARN_MIB: i64 = 1024 * 1024;

impl UseCases {
    /// The volumes of an application, by name.
    #[boxed]
    pub async fn volumes(&self, actor: &Actor, application: ApplicationId) -> Outcome<Vec<VolumeView>> {
        match self.store().application_with_owner(application).await? {
            Some((row, owner)) if actor.may_read_of(owner.id) => {
                let volumes = self.store().volume_list(application).await?;
                self.volume_views(volumes, &[row]).await
            }
            _ => Err(Problem::not_found("application").into()),
        }
    }

    /// What the actor has in the trash, newest first.
    #[boxed]
    pub async fn trash(&self, actor: &Actor) -> Outcome<Vec<VolumeView>> {
        let volumes = self.store().volume_trash_list(actor.user).await?;
        let ids: BTreeSet<ApplicationId> = volumes.iter().filter_map(|volume| volume.application_id).collect();
        let mut applications = Vec::new();
        for id in ids {
            applications.extend(self.store().application_fetch(id).await?);
        }
        self.volume_views(volumes, &applications).await
    }

    /// One volume.
    #[boxed]
    pub async fn volume(&self, actor: &Actor, id: VolumeId) -> Outcome<VolumeView> {
        let row = match self.store().volume_fetch(id).await? {
            Some(row) if row.owner_id == actor.user => row,
            _ => return Err(Problem::not_found("volume").into()),
        };
        let application = match row.application_id {
            Some(application) => self.store().application_fetch(application).await?,
            None => None,
        };
        let mut views = self.volume_views(vec![row], application.as_slice()).await?;
        views.pop().ok_or_else(|| Problem::not_found("volume").into())
    }

    /// Makes an empty volume.
    #[boxed]
    pub async fn create_volume(
        &self,
        actor: &Actor,
        application: ApplicationId,
        form: CreateVolume,
    ) -> Outcome<VolumeView> {
        actor.may_write()?;
        let name = volume_name(&form.name)?;
        let (note, warn_mib) = (note(&form.note)?, form.warn_mib.map_or(Ok(WARN_MIB), warn_mib)?);
        let mut txn = self.store().begin().await?;
        let row = self.lock_owned_application(&mut txn, actor, application).await?;
        self.require_room(0)?;
        let keeper = match form.kept_by {
            Some(service) => Some(self.require_keeper(&mut txn, application, service).await?),
            None => None,
        };
        let quota_mib = quota_mib(form.quota_mib, keeper.is_some())?;
        let id = VolumeId::generate();
        let new = NewVolume {
            id,
            owner_id: actor.user,
            application_id: application,
            name,
            note,
            warn_mib,
            source: None,
            carried_by: keeper,
            quota_mib,
        };
        insert(&mut txn, &new).await?;
        wake_keeper(&mut txn, keeper).await?;
        self.finish_volume(txn, actor, "volume.create", &row, &new.name, id).await
    }

    /// Gives a volume another name, note or limit.
    #[boxed]
    pub async fn change_volume(&self, actor: &Actor, id: VolumeId, form: ChangeVolume) -> Outcome<VolumeView> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let (row, application) = self.lock_owned_volume(&mut txn, actor, id).await?;
        let name = form.name.as_deref().map_or_else(|| Ok(row.name.clone()), volume_name)?;
        let note = form.note.as_deref().map_or_else(|| Ok(row.note.clone()), note)?;
        let limit = form.warn_mib.map_or(Ok(row.warn_mib), warn_mib)?;
        let quota = match form.quota_mib {
            Some(_) => quota_mib(form.quota_mib, row.carried_by.is_some())?,
            None => row.quota_mib,
        };
        txn.volume_change(id, &name, &note, limit, quota).await.map_err(name_taken)?;
        wake_keeper(&mut txn, row.carried_by).await?;
        self.finish_volume(txn, actor, "volume.change", &application, &name, id).await
    }

    /// Makes a copy of a volume. The managers do the work; what is written meanwhile may be on it or not.
    #[boxed]
    pub async fn snapshot_volume(&self, actor: &Actor, id: VolumeId, form: SnapshotVolume) -> Outcome<VolumeView> {
        actor.may_write()?;
        let name = volume_name(&form.name)?;
        let mut txn = self.store().begin().await?;
        let (row, application) = self.lock_owned_volume(&mut txn, actor, id).await?;
        require_ready(&row)?;
        self.require_room(row.size_bytes.unwrap_or(0))?;
        let copy = VolumeId::generate();
        let new = NewVolume {
            id: copy,
            owner_id: actor.user,
            application_id: application.id,
            name,
            note: format!("A copy of {}", row.name),
            warn_mib: row.warn_mib,
            source: Some(id),
            carried_by: row.carried_by,
            quota_mib: row.quota_mib,
        };
        insert(&mut txn, &new).await?;
        wake_keeper(&mut txn, row.carried_by).await?;
        self.finish_volume(txn, actor, "volume.snapshot", &application, &new.name, copy).await
    }

    /// Moves a volume to the trash, unless services have it.
    #[boxed]
    pub async fn delete_volume(&self, actor: &Actor, id: VolumeId) -> Outcome<()> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let (row, application) = self.lock_owned_volume(&mut txn, actor, id).await?;
        let users = txn.attachments_of_volumes(&[id]).await?;
        if !users.is_empty() {
            let services = txn.service_list(application.id).await?;
            let has = |service: &&ServiceRow| users.iter().any(|user| user.service_id == service.id);
            let names: Vec<String> = services.iter().filter(has).map(|service| service.name.to_string()).collect();
            let detail = format!("{} is used by {}. Take it away from there first.", row.name, names.join(" and "));
            return Err(Problem::new(ProblemCode::Conflict, detail).into());
        }
        txn.volume_trash(id).await?;
        self.record_volume(&mut txn, actor, "volume.delete", &application, &row.name).await?;
        Ok(txn.commit().await?)
    }

    /// Takes a volume out of the trash, into its application or, if that is gone, into another one.
    #[boxed]
    pub async fn restore_volume(&self, actor: &Actor, id: VolumeId, form: RestoreVolume) -> Outcome<VolumeView> {
        actor.may_write()?;
        let mut txn = self.store().begin().await?;
        let row = match txn.volume_lock(id).await? {
            Some(row) if row.owner_id == actor.user => row,
            _ => return Err(Problem::not_found("volume").into()),
        };
        if row.deleted_at.is_none() {
            return Err(Problem::new(ProblemCode::Conflict, "This volume is not in the trash.").into());
        }
        let into = form.application_id.or(row.application_id).ok_or_else(|| {
            Problem::field("application_id", "must name one of your applications: the one it was in is gone")
        })?;
        let application = self.lock_owned_application(&mut txn, actor, into).await?;
        if row.carried_by.is_some() && row.application_id != Some(into) {
            let detail =
                "What is on this volume is kept by a service of its application: it can be restored there only.";
            return Err(Problem::field("application_id", detail).into());
        }
        require_place(&mut txn, into).await?;
        txn.volume_restore(id, into).await.map_err(name_taken)?;
        self.finish_volume(txn, actor, "volume.restore", &application, &row.name, id).await
    }

    /// A service of the application that can keep the content of volumes.
    async fn require_keeper(
        &self,
        txn: &mut Txn<'_>,
        application: ApplicationId,
        service: ServiceId,
    ) -> Outcome<ServiceId> {
        let found = txn.service_list(application).await?.into_iter().find(|sibling| sibling.id == service);
        let found = found.filter(|found| found.desired != DesiredState::Deleted);
        let Some(found) = found else {
            return Err(Problem::field("kept_by", "must be a service of this application").into());
        };
        if self.kind_of(&found.kind)?.spec.mounter().is_none() {
            return Err(Problem::field("kept_by", format!("{} cannot keep volumes", found.name)).into());
        }
        Ok(service)
    }

    /// A volume of the actor's that is not in the trash, with its application, both locked until the transaction ends.
    async fn lock_owned_volume(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        id: VolumeId,
    ) -> Outcome<(VolumeRow, ApplicationRow)> {
        let found = self.store().volume_fetch(id).await?.filter(|row| row.owner_id == actor.user);
        let found = found.ok_or_else(|| Problem::not_found("volume"))?;
        if let (None, Some(application)) = (found.deleted_at, found.application_id) {
            // applications first, always: two who change the same things must not wait for each other
            let application = self.lock_owned_application(txn, actor, application).await?;
            let row = txn.volume_lock(id).await?.filter(|row| row.application_id == Some(application.id));
            if let Some(row) = row.filter(|row| row.deleted_at.is_none()) {
                return Ok((row, application));
            }
        }
        let detail = "This volume is in the trash. Restore it first.";
        Err(Problem::new(ProblemCode::Conflict, detail).into())
    }

    async fn finish_volume(
        &self,
        mut txn: Txn<'_>,
        actor: &Actor,
        action: &str,
        application: &ApplicationRow,
        name: &VolumeName,
        id: VolumeId,
    ) -> Outcome<VolumeView> {
        self.record_volume(&mut txn, actor, action, application, name).await?;
        txn.commit().await?;
        self.volume(actor, id).await
    }

    async fn record_volume(
        &self,
        txn: &mut Txn<'_>,
        actor: &Actor,
        action: &str,
        application: &ApplicationRow,
        name: &VolumeName,
    ) -> Outcome<()> {
        let target = format!("volume {}/{name}", application.name);
        self.record_plain(txn, actor, action, &target, EventKind::Application, Some(application.id), None).await
    }
}

/// It makes the volume's folder, and sees to its limit.
async fn wake_keeper(txn: &mut Txn<'_>, keeper: Option<ServiceId>) -> Outcome<()> {
    match keeper {
        Some(keeper) => Ok(txn.wake_service(keeper).await?),
        None => Ok(()),
    }
}

fn require_ready(row: &VolumeRow) -> Outcome<()> {
    let detail = match row.state {
        VolumeState::Ready => return Ok(()),
        VolumeState::Copying => format!("{} is still being copied.", row.name),
        VolumeState::Failed => format!("{} could not be copied and holds nothing of use.", row.name),
    };
    Err(Problem::new(ProblemCode::Conflict, detail).into())
}

async fn require_place(txn: &mut Txn<'_>, application: ApplicationId) -> Outcome<()> {
    if txn.volume_list(application).await?.len() < MAX_VOLUMES {
        return Ok(());
    }
    let detail = format!("An application has at most {MAX_VOLUMES} volumes.");
    Err(Problem::new(ProblemCode::LimitReached, detail).into())
}

async fn insert(txn: &mut Txn<'_>, new: &NewVolume) -> Outcome<()> {
    require_place(txn, new.application_id).await?;
    txn.volume_insert(new).await.map_err(name_taken)
}

fn name_taken(error: aerie_store::StoreError) -> crate::Failure {
    taken(error, "volumes_name_key", "another volume of this application")
}

fn volume_name(text: &str) -> Outcome<VolumeName> {
    text.trim().parse().map_err(|error: aerie_domain::NameError| Problem::field("name", error.to_string()).into())
}

fn note(text: &str) -> Outcome<String> {
    let text = text.trim();
    if text.chars().count() > MAX_NOTE || text.chars().any(char::is_control) {
        return Err(Problem::field("note", format!("must be one line of at most {MAX_NOTE} characters")).into());
    }
    Ok(text.to_owned())
}

/// 0 is no limit, as nothing is.
fn quota_mib(number: Option<i64>, kept: bool) -> Outcome<Option<u32>> {
    let Some(number) = number.filter(|number| *number != 0) else { return Ok(None) };
    if !kept {
        let message = "is for volumes that a service keeps: the disk of the containers cannot limit them";
        return Err(Problem::field("quota_mib", message).into());
    }
    let fits = u32::try_from(number).ok().filter(|_| (1..=MAX_WARN_MIB).contains(&number));
    let fits = fits.ok_or_else(|| Problem::field("quota_mib", format!("must be between 1 and {MAX_WARN_MIB}, or 0")));
    Ok(Some(fits?))
}

fn warn_mib(number: i64) -> Outcome<u32> {
    let fits = u32::try_from(number).ok().filter(|_| (1..=MAX_WARN_MIB).contains(&number));
    fits.ok_or_else(|| Problem::field("warn_mib", format!("must be between 1 and {MAX_WARN_MIB}")).into())
}
