//! Which connection of an instance is the current one: a new one replaces the old.

use aerie_domain::InstanceId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// All connected instances of this process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections {
    current: Arc<Mutex<HashMap<InstanceId, CancellationToken>>>,
}

/// One connection's place; gives it back when dropped, unless a newer connection has it.
pub(super) struct Place {
    connections: Connections,
    instance: InstanceId,
    replaced: CancellationToken,
}

impl Connections {
    /// Takes the instance's place; whoever had it is told to go.
    pub(super) fn take(&self, instance: InstanceId) -> Place {
        let replaced = CancellationToken::new();
        let before = self.current.lock().unwrap_or_else(PoisonError::into_inner).insert(instance, replaced.clone());
        if let Some(before) = before {
            before.cancel();
        }
        Place { connections: self.clone(), instance, replaced }
    }
}

impl Place {
    /// Waits until a newer connection of the same instance is there.
    pub(super) async fn replaced(&self) {
        self.replaced.cancelled().await;
    }

    /// No newer connection of the same instance is there.
    pub(super) fn is_current(&self) -> bool {
        !self.replaced.is_cancelled()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut current = self.connections.current.lock().unwrap_or_else(PoisonError::into_inner);
        // A token that is cancelled was replaced, so the entry belongs to somebody else.
        if !self.replaced.is_cancelled() {
            current.remove(&self.instance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_new_connection_replaces_the_old_and_keeps_its_place() {
        let (connections, instance) = (Connections::default(), InstanceId::generate());
        let old = connections.take(instance);
        let new = connections.take(instance);
        old.replaced().await;
        drop(old);
        assert!(new.is_current());
        assert_eq!(connections.current.lock().unwrap().len(), 1);
        drop(new);
        assert_eq!(connections.current.lock().unwrap().len(), 0);
    }
}
