//! Figures of the whole installation, for those who run it.

use crate::{Actor, Outcome, UseCases};
use aerie_domain::{InstanceId, Problem, ProblemCode, UserRole};
use aerie_store::{InstanceNames, PoolFigures};
use async_recursion::async_recursion as boxed;

/// What the database knows.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Kept operations by kind and state.
    pub operations: Vec<(String, String, u64)>,
    /// Services by state.
    pub services: Vec<(String, u64)>,
    /// Seconds that the oldest event waits for an older transaction.
    pub events_held_s: f64,
    /// Connections to the database.
    pub pool: PoolFigures,
    /// What instances are called.
    pub names: Vec<InstanceNames>,
}

impl UseCases {
    /// Figures of the installation, with the names of these instances. For admins; a token that may only read is enough.
    #[boxed]
    pub async fn figures(&self, actor: &Actor, instances: &[InstanceId]) -> Outcome<Figures> {
        if actor.role != UserRole::Admin {
            let detail = "Only admins may read the figures of the whole installation.";
            return Err(Problem::new(ProblemCode::NotAllowed, detail).into());
        }
        let store = self.store();
        Ok(Figures {
            operations: store.operation_counts().await?,
            services: store.service_counts().await?,
            events_held_s: store.events_held_s().await?,
            pool: store.pool_figures(),
            names: store.instance_names(instances).await?,
        })
    }
}
