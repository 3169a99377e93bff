//! Failures that a test asks for, and how often each operation was called.

use crate::{CloudError, CloudErrorKind};
use std::collections::{BTreeMap, VecDeque};

/// The operations of a cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named like the methods of the trait")]
pub enum Operation {
    Check,
    Inventory,
    EnsureNetwork,
    RemoveNetwork,
    Networks,
    EnsureVolume,
    CopyVolume,
    VolumeBytes,
    /// `empty_volume`.
    EmptyVolume,
    VolumeFolder,
    VolumeRead,
    VolumeWrite,
    VolumeDelete,
    RemoveVolume,
    Volumes,
    EnsureImage,
    /// The build behind `ensure_image`, which several callers may share.
    Build,
    EnsureContainer,
    StopContainer,
    RemoveContainer,
    Logs,
    Events,
}

#[derive(Default)]
pub(super) struct Failures {
    next: BTreeMap<Operation, VecDeque<CloudErrorKind>>,
    always: BTreeMap<Operation, CloudErrorKind>,
    calls: BTreeMap<Operation, u64>,
    pub(super) unreachable: bool,
}

impl Failures {
    pub(super) fn push(&mut self, operation: Operation, kind: CloudErrorKind) {
        self.next.entry(operation).or_default().push_back(kind);
    }

    pub(super) fn set_always(&mut self, operation: Operation, kind: Option<CloudErrorKind>) {
        match kind {
            Some(kind) => self.always.insert(operation, kind),
            None => self.always.remove(&operation),
        };
    }

    pub(super) fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or_default()
    }

    pub(super) fn enter(&mut self, operation: Operation) -> Result<(), CloudError> {
        *self.calls.entry(operation).or_default() += 1;
        if self.unreachable {
            return Err(CloudError::new(CloudErrorKind::Unreachable, "the simulated engine does not answer"));
        }
        self.fail(operation)
    }

    pub(super) fn fail(&mut self, operation: Operation) -> Result<(), CloudError> {
        let next = self.next.get_mut(&operation).and_then(VecDeque::pop_front);
        match next.or_else(|| self.always.get(&operation).copied()) {
            Some(kind) => Err(CloudError::new(kind, format!("{operation:?} fails because the test wants it"))),
            None => Ok(()),
        }
    }
}
