//! What containers can reach on the host and around it: nothing but what is named here.
//!
//! Docker keeps its bridges apart from each other, but a container reaches every port of the host through its gateway,
//! the machines of the local network, and the metadata service of a cloud. This closes those ways with chains of our
//! own, three per installation, hooked into `INPUT`, `DOCKER-USER` and the mangle table's `POSTROUTING`. The last one closes
//! once more, without an answer, what the second one refuses: Docker takes its own chains out and puts them back whenever a
//! network is made, and a connection that slips through at that moment stays.
//!
//! Called by the director, at its start and again every few seconds, since others (firewalld, an administrator) may
//! flush all rules. The rules name the installation's bridges by the beginning of their names, so they hold for a network
//! before it exists, and nothing has to be done when one comes or goes.
//!
//! Guarantees: each table's rules change in one transaction, without a moment in which they are missing; rules of
//! others are not touched. Applying twice is the same as once; several directors of one installation do no harm.
//! Caveat: the rules outlive the director on purpose, as containers do. [`Firewall::remove`] takes them away.
//!
//! To let containers reach more: a rule in `rules`, and its line in `docs/security.md`.

mod host;
mod listing;
mod network;
mod rules;
mod tables;

pub use network::{Network, NotANetwork};

use host::Host;
use listing::Listing;
use rules::Family;
use std::collections::BTreeSet;
use tables::Tables;

/// What an installation lets its containers reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallSettings {
    /// The installation's name: part of comments and, as a digest, of the names of bridges and chains.
    pub installation: String,
    /// The range that all its networks are cut from; their gateways lie in it.
    pub pool: Network,
    /// Ports of the agent listeners of this installation's directors on this host, the only ones that containers reach
    /// here.
    pub agent_ports: BTreeSet<u16>,
    /// Private networks that containers may reach all the same, such as that of a licence server.
    pub reachable: Vec<Network>,
}

/// Whether something had to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The rules were in force already.
    Already,
    /// They were missing or others, and are in force now.
    Renewed,
}

/// Why the rules are not in force, in one sentence for an operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FirewallError(pub(crate) String);

/// The rules of one installation. Cheap to make: nothing is asked until it is used.
#[derive(Debug, Clone)]
pub struct Firewall {
    settings: FirewallSettings,
}

impl Firewall {
    /// The rules that follow from these settings.
    pub fn new(settings: FirewallSettings) -> Self {
        Self { settings }
    }

    /// Brings the rules into force if they are not.
    ///
    /// # Errors
    /// When this process may not change rules (it is not root), when there is no `iptables`, or when it refuses.
    pub async fn ensure(&self) -> Result<Applied, FirewallError> {
        let host = Host::look();
        let (tables, listing) = Tables::find(Family::V4, None).await?;
        let mut applied = self.ensure_family(&tables, &listing, &host).await?;
        if host.has_ipv6 {
            let (tables, listing) = Tables::find(Family::V6, Some(&tables)).await?;
            if self.ensure_family(&tables, &listing, &host).await? == Applied::Renewed {
                applied = Applied::Renewed;
            }
        }
        Ok(applied)
    }

    /// Whether the rules are in force; changes nothing.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub async fn is_in_force(&self) -> Result<bool, FirewallError> {
        let host = Host::look();
        let good = |tables: &Tables, listing: &Listing| {
            rules::changes(&rules::wanted(&self.settings, tables.family(), &host), listing).is_none()
        };
        let (tables, listing) = Tables::find(Family::V4, None).await?;
        let v4 = good(&tables, &listing);
        if !host.has_ipv6 {
            return Ok(v4);
        }
        let (tables, listing) = Tables::find(Family::V6, Some(&tables)).await?;
        Ok(v4 && good(&tables, &listing))
    }

    async fn ensure_family(&self, tables: &Tables, listing: &Listing, host: &Host) -> Result<Applied, FirewallError> {
        let wanted = rules::wanted(&self.settings, tables.family(), host);
        let Some(input) = rules::changes(&wanted, listing) else { return Ok(Applied::Already) };
        tables.restore(&input).await?;
        Ok(Applied::Renewed)
    }

    /// Takes the rules away. Succeeds when there are none.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub async fn remove(&self) -> Result<(), FirewallError> {
        let (tables, listing) = Tables::find(Family::V4, None).await?;
        self.remove_family(&tables, &listing).await?;
        if Host::look().has_ipv6 {
            let (tables, listing) = Tables::find(Family::V6, Some(&tables)).await?;
            self.remove_family(&tables, &listing).await?;
        }
        Ok(())
    }

    async fn remove_family(&self, tables: &Tables, listing: &Listing) -> Result<(), FirewallError> {
        match rules::removal(&self.settings.installation, listing) {
            Some(input) => tables.restore(&input).await,
            None => Ok(()),
        }
    }
}
