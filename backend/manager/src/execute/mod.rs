//! Does the steps of a plan, without choices of its own: rows in one transaction under the lease, then the engine.
//!
//! Called by passes only. Every step may be repeated; whatever is left undone is in the next plan. To add a step: a
//! variant of [`Step`], its arm here or in `rows`.

mod images;
mod rows;
mod turns;
mod works;

pub(crate) use images::Images;
pub(crate) use works::Works;

use crate::{
    Identities, ManagerSettings, kept_logs, names,
    step::{Plan, Step},
    world::Task,
};
use aerie_agent_protocol::ENV_IDENTITY;
use aerie_cloud::{Cloud, CloudError, CloudErrorKind, ContainerSpec, Observed, VolumeOwner};
use aerie_crash_points::{self as crash_points, Point};
use aerie_domain::{ApplicationId, InstanceId, ServiceId, UserId};
use aerie_kinds::Kind;
use aerie_store::{Lease, Store, StoreError};
use std::{sync::Arc, time::Duration};

/// How long making and starting a container may take. Shorter: a busy engine looks broken; longer: one that hangs is
/// noticed later.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long removing one may take beyond the time that its processes have to end. As above.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);

/// Why a pass did not get to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PassError {
    /// The database.
    #[error("the database did not play along")]
    Store(#[from] StoreError),
    /// The engine.
    #[error("the container engine did not play along")]
    Cloud(#[from] CloudError),
    /// Some call takes too long.
    #[error("it took too long")]
    Slow,
    /// The disk.
    #[error("kept output could not be removed")]
    Io(#[from] std::io::Error),
}

/// Which service, and what its rows and events need to name.
#[derive(Clone)]
pub(crate) struct Subject {
    pub service: ServiceId,
    pub application: ApplicationId,
    pub owner: UserId,
    pub size: String,
    pub kind: Option<Arc<Kind>>,
    /// The public entry, if the service has a public role.
    pub entry: Option<ServiceId>,
}

/// Everything that steps act on.
pub(crate) struct Executor {
    pub store: Store,
    pub cloud: Arc<dyn Cloud>,
    pub identities: Arc<dyn Identities>,
    pub settings: Arc<ManagerSettings>,
    pub works: Works,
    pub images: Arc<Images>,
}

impl Executor {
    /// Does all steps in their order.
    pub async fn run(&self, subject: &Subject, lease: &Lease, plan: &Plan) -> Result<(), PassError> {
        let mut lines = plan.lines.as_slice();
        let mut steps = plan.steps.as_slice();
        while !steps.is_empty() || !lines.is_empty() {
            let count = steps.iter().take_while(|step| step.is_row()).count();
            let (rows, rest) = steps.split_at(count);
            if !rows.is_empty() || !lines.is_empty() {
                self.write(subject, lease, rows, lines).await?;
                lines = &[];
            }
            let Some((step, rest)) = rest.split_first() else { break };
            self.act(subject, lease, step).await?;
            steps = rest;
        }
        Ok(())
    }

    async fn act(&self, subject: &Subject, lease: &Lease, step: &Step) -> Result<(), PassError> {
        match step {
            Step::BuildImage => {
                if let Some(kind) = &subject.kind {
                    self.images.build(kind, subject.service);
                }
            }
            Step::EnsureNetwork(network) => self.cloud.ensure_network(network).await?,
            Step::EnsureVolume(volume) => self.cloud.ensure_volume(volume).await?,
            Step::Run { id, spec, keep_output } => self.start(subject, *id, spec, *keep_output),
            Step::Remove { id, grace } => self.remove(subject, *id, *grace),
            Step::RemoveVolumes => {
                let volumes = self.cloud.volumes().await?;
                let own = VolumeOwner::Service(subject.service);
                for volume in volumes.iter().filter(|volume| volume.owner == own) {
                    self.cloud.remove_volume(&volume.name).await?;
                }
                crash_points::pass(Point::VolumesRemoved);
            }
            Step::RemoveNetwork => {
                let name = names::network(&self.settings.installation, subject.application);
                match self.cloud.remove_network(&name).await {
                    // somebody is still attached: the reaper will find it when nobody is
                    Err(error) if error.kind == CloudErrorKind::Conflict => {}
                    result => result?,
                }
            }
            Step::Delete(generation) => {
                kept_logs::forget_service(&self.settings.log_dir, subject.service).await?;
                self.delete(subject, lease, *generation).await?;
            }
            // the others are rows
            _ => {}
        }
        Ok(())
    }

    /// Makes and starts a container, in the background. Its row says so before the work counts as done.
    fn start(&self, subject: &Subject, id: InstanceId, spec: &ContainerSpec, keep_output: bool) {
        let mut spec = spec.clone();
        let (service, store, cloud) = (subject.service, self.store.clone(), self.cloud.clone());
        let (identities, images, kind) = (self.identities.clone(), self.images.clone(), subject.kind.clone());
        let file = kept_logs::path(&self.settings.log_dir, service, id);
        self.works.start(subject.owner, service, id, Task::Run, START_LIMIT, async move {
            if keep_output {
                kept_logs::keep_ended(cloud.as_ref(), &spec.name, &file).await;
            }
            spec.environment.insert(ENV_IDENTITY.to_owned(), identities.identity(id));
            let observed = match cloud.ensure_container(&spec).await {
                Ok(observed) => observed,
                Err(error) => {
                    if let (CloudErrorKind::NotFound, Some(kind)) = (error.kind, &kind) {
                        images.forget(kind);
                    }
                    return Err(error);
                }
            };
            crash_points::pass(Point::ContainerStarted);
            if let Err(error) = note_started(&store, id, &observed).await {
                // the next inventory tells the same
                tracing::debug!(instance.id = %id, error = &error as &dyn std::error::Error, "a start was not noted");
            }
            Ok(())
        });
    }

    /// Keeps the output and removes a container, in the background. Only for condemned instances: that is final, and
    /// names are never used again, so even a late removal hits nothing else.
    fn remove(&self, subject: &Subject, id: InstanceId, grace: Duration) {
        let name = names::container(&self.settings.installation, subject.service, id);
        let file = kept_logs::path(&self.settings.log_dir, subject.service, id);
        let cloud = self.cloud.clone();
        self.works.start(subject.owner, subject.service, id, Task::Remove, grace + REMOVE_LIMIT, async move {
            // Its output is kept before it goes: a crash in between leaves a container that has ended, and the next
            // attempt keeps the same lines once more.
            cloud.stop_container(&name, grace).await?;
            crash_points::pass(Point::ContainerStopped);
            kept_logs::keep_ended(cloud.as_ref(), &name, &file).await;
            crash_points::pass(Point::KeptLogWritten);
            cloud.remove_container(&name, Duration::ZERO).await?;
            crash_points::pass(Point::ContainerRemoved);
            Ok(())
        });
    }
}

async fn note_started(store: &Store, id: InstanceId, observed: &Observed) -> Result<(), StoreError> {
    let address = observed.address.map(|address| address.to_string());
    let mut txn = store.begin().await?;
    txn.instance_set_observed(id, address.as_deref(), "running").await?;
    txn.commit().await
}
