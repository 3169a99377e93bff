//! The newest configuration: the director's wishes on one side, the reconciler on the other.

use aerie_agent_protocol::InstanceConfig;
use aerie_domain::InstanceId;
use std::sync::Arc;
use tokio::sync::watch;

/// What became of a configuration that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is the new target.
    Taken,
    /// It is the target already; sent on every connect.
    Known,
    /// The target is newer.
    Old,
    /// The target has the same generation and another content: a mistake of the sender.
    Conflict,
    /// It is for another instance.
    Foreign,
}

/// Holds the newest configuration.
pub(crate) struct Targets {
    instance: InstanceId,
    newest: watch::Sender<Option<Arc<InstanceConfig>>>,
}

impl Targets {
    /// Of this instance; none yet.
    pub(crate) fn new(instance: InstanceId) -> Self {
        Self { instance, newest: watch::Sender::new(None) }
    }

    /// Follows the newest one.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Option<Arc<InstanceConfig>>> {
        self.newest.subscribe()
    }

    /// Takes a configuration if it is newer.
    pub(crate) fn offer(&self, offered: InstanceConfig) -> Offer {
        let mut offer = Offer::Taken;
        self.newest.send_if_modified(|newest| {
            offer = judge(self.instance, newest.as_deref(), &offered);
            if offer == Offer::Taken {
                *newest = Some(Arc::new(offered));
            }
            offer == Offer::Taken
        });
        offer
    }
}

fn judge(instance: InstanceId, newest: Option<&InstanceConfig>, offered: &InstanceConfig) -> Offer {
    if offered.instance != instance {
        return Offer::Foreign;
    }
    match newest {
        Some(newest) if newest.generation > offered.generation => Offer::Old,
        Some(newest) if newest == offered => Offer::Known,
        Some(newest) if newest.generation == offered.generation => Offer::Conflict,
        // Generations count from 1; 0 means "none" in reports.
        None if offered.generation < 1 => Offer::Old,
        _ => Offer::Taken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_agent_protocol::CodePlan;
    use std::collections::BTreeMap;

    #[test]
    fn only_newer_ones_are_taken() {
        let instance = InstanceId::generate();
        let config = |generation: i64, variable: &str| InstanceConfig {
            generation,
            instance,
            files: Vec::new(),
            code: CodePlan::default(),
            processes: Vec::new(),
            init: Vec::new(),
            environment: BTreeMap::from([("A".to_owned(), variable.to_owned())]),
            tasks: Vec::new(),
            drain: Vec::new(),
        };
        let targets = Targets::new(instance);
        let follower = targets.subscribe();
        assert_eq!(targets.offer(config(0, "1")), Offer::Old);
        assert_eq!(targets.offer(config(2, "1")), Offer::Taken);
        assert_eq!(targets.offer(config(2, "1")), Offer::Known);
        assert_eq!(targets.offer(config(2, "2")), Offer::Conflict);
        assert_eq!(targets.offer(config(1, "2")), Offer::Old);
        assert_eq!(
            targets.offer(InstanceConfig { instance: InstanceId::generate(), ..config(9, "1") }),
            Offer::Foreign
        );
        assert_eq!(follower.borrow().as_ref().unwrap().generation, 2);
        assert_eq!(targets.offer(config(3, "2")), Offer::Taken);
        assert_eq!(follower.borrow().as_ref().unwrap().generation, 3);
    }
}
