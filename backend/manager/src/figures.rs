//! What the managers of this process are doing, as numbers for `/metrics` and for the page about the installation.

use crate::queue::{Outcome, Queue};
use aerie_domain::ServiceId;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counters that passes move on. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ManagerFigures {
    queue: Arc<Queue<ServiceId>>,
    counted: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    passes: AtomicU64,
    failed: AtomicU64,
}

impl ManagerFigures {
    pub(crate) fn new(queue: Arc<Queue<ServiceId>>) -> Self {
        Self { queue, counted: Arc::default() }
    }

    /// A pass has ended.
    pub(crate) fn count(&self, outcome: Outcome) {
        let counter = if outcome == Outcome::Failed { &self.counted.failed } else { &self.counted.passes };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Services whose time to be looked at has come, and services that are being looked at.
    pub fn lengths(&self) -> (usize, usize) {
        self.queue.lengths()
    }

    /// Passes that ended well, and that did not.
    pub fn passes(&self) -> (u64, u64) {
        (self.counted.passes.load(Ordering::Relaxed), self.counted.failed.load(Ordering::Relaxed))
    }
}
