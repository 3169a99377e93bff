//! Keeps the firewall of this installation's containers in force, and tells whether it is.
//!
//! The rules themselves are the cloud's. They stay when the director stops, as containers do; `aerie-director firewall
//! remove` takes them away.

use crate::{
    config::{CloudChoice, Config, Options},
    errors::chain,
    lifecycle::Lifecycle,
};
use aerie_cloud::docker::firewall::{Applied, Firewall, FirewallError, FirewallSettings, Network};
use anyhow::Context;
use clap::ValueEnum;
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

/// How often the rules are looked at. Longer: rules that somebody flushed are missing for longer; shorter: more processes
/// are started for nothing (two of a few milliseconds each).
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What an operator can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FirewallAction {
    /// Bring the rules into force.
    Apply,
    /// Take them away: after the last container of the installation is gone.
    Remove,
}

/// Whether containers are kept from the host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Protection(watch::Receiver<Option<String>>);

impl Protection {
    /// None, for this reason.
    pub fn off(reason: &str) -> Self {
        Self(watch::channel(Some(format!("The firewall is off: {reason}."))).1)
    }

    /// Why containers are not kept from the host, in one sentence; nothing when they are.
    pub fn problem(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// Applies the rules once and then looks after them until the process stops.
///
/// # Errors
/// When the options make no sense. That rules cannot be applied is no reason not to start: it is told in the log and by
/// `/readyz`.
pub async fn start(config: &Config, lifecycle: &Lifecycle) -> anyhow::Result<Protection> {
    let options = &config.options;
    if options.cloud == CloudChoice::Simulated {
        return Ok(Protection::off("containers are only pretended"));
    }
    if !options.firewall {
        tracing::warn!("the firewall is off (AERIE_FIREWALL=false): containers can reach ports of this host");
        return Ok(Protection::off("AERIE_FIREWALL is false"));
    }
    let firewall = Firewall::new(settings(options)?);
    let (tell, told) = watch::channel(None);
    look(&firewall, &tell).await;
    lifecycle.spawn_until_soft(async move {
        let mut tick = interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            look(&firewall, &tell).await;
        }
    });
    Ok(Protection(told))
}

/// Does what an operator asks for, and says what was done.
///
/// # Errors
/// When the rules cannot be changed.
pub async fn act(options: &Options, action: FirewallAction) -> anyhow::Result<String> {
    let firewall = Firewall::new(settings(options)?);
    let installation = &options.installation;
    Ok(match action {
        FirewallAction::Apply => match firewall.ensure().await? {
            Applied::Already => format!("The firewall of installation {installation} is in force."),
            Applied::Renewed => format!("The firewall of installation {installation} was brought into force."),
        },
        FirewallAction::Remove => {
            firewall.remove().await?;
            format!("There are no firewall rules of installation {installation} any more.")
        }
    })
}

/// Whether the rules are in force; changes nothing.
///
/// # Errors
/// When they cannot be looked at.
pub async fn is_in_force(options: &Options) -> anyhow::Result<bool> {
    Ok(Firewall::new(settings(options)?).is_in_force().await?)
}

fn settings(options: &Options) -> anyhow::Result<FirewallSettings> {
    let pool: Network = options.subnet_pool.parse().context("AERIE_SUBNET_POOL is not usable")?;
    Ok(FirewallSettings {
        installation: options.installation.clone(),
        pool,
        agent_ports: options.agent_ports_beside.iter().copied().chain([options.agent_port]).collect(),
        reachable: options.reachable_networks.clone(),
    })
}

/// Says something only when it is news.
async fn look(firewall: &Firewall, tell: &watch::Sender<Option<String>>) {
    let problem = match firewall.ensure().await {
        Ok(Applied::Already) => None,
        Ok(Applied::Renewed) => {
            tracing::info!("the firewall of this installation's containers was brought into force");
            None
        }
        Err(error) => Some(told_once(&error, tell)),
    };
    tell.send_if_modified(|known| {
        let news = *known != problem;
        *known = problem;
        news
    });
}

/// Details are for the log: anybody may ask `/readyz`.
fn told_once(error: &FirewallError, tell: &watch::Sender<Option<String>>) -> String {
    if tell.borrow().is_none() {
        tracing::warn!(
            error = chain(error),
            "containers can reach ports of this host, because firewall rules cannot be set; trying again"
        );
    }
    "Containers can reach ports of this host: the firewall rules could not be set. The log says why.".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_that_is_off_says_why() {
        let problem = Protection::off("AERIE_FIREWALL is false").problem();
        assert_eq!(problem.as_deref(), Some("The firewall is off: AERIE_FIREWALL is false."));
    }
}
