//! What the servers and nodes of a cluster say, asked in their containers as the platform does.

use crate::{Shop, until};
use anyhow::Result;
use std::{collections::BTreeSet, time::Duration};

/// Longest wait until everybody has caught up.
const CAUGHT_UP: Duration = Duration::from_secs(60);

impl Shop {
    /// Asks the database server in a container something.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn mariadb(&self, container: &str, statements: &str) -> Result<String> {
        let client = "--defaults-file=/run/aerie/mysql/client.cnf";
        self.home.docker(&["exec", container, "mariadb", client, "-N", "-B", "-e", statements])
    }

    /// What one server says of its cluster: whether it has everything, and how many it sees (`Synced 3`).
    ///
    /// # Errors
    /// When it does not answer.
    pub fn galera_of(&self, container: &str) -> Result<String> {
        let status = "show global status where variable_name in ('wsrep_cluster_size', 'wsrep_local_state_comment')";
        let said = self.mariadb(container, status)?;
        Ok(said.split_whitespace().skip(1).step_by(2).collect::<Vec<_>>().join(" "))
    }

    /// What every server says of its cluster.
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn galera(&self) -> Result<Vec<String>> {
        self.containers_of("mysql").await?.iter().map(|name| self.galera_of(name)).collect()
    }

    /// Waits until there are so many servers, which all have everything.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn wait_synced(&self, servers: usize) -> Result<()> {
        until(&format!("{servers} servers in sync"), CAUGHT_UP, || async {
            let told = self.galera().await.map_err(|error| vec![format!("{error:#}")])?;
            if told == vec![format!("Synced {servers}"); servers] { Ok(()) } else { Err(told) }
        })
        .await
    }

    /// The site's rows as one server has them, when it has caught up with the others.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn rows_of(&self, container: &str) -> Result<BTreeSet<u64>> {
        let said = self.mariadb(container, "set session wsrep_sync_wait = 1; select id from app.notes")?;
        said.split_whitespace().map(|id| Ok(id.parse::<u64>()?)).collect()
    }

    /// Asks the Redis in a container something.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn redis(&self, container: &str, what: &str) -> Result<String> {
        let ask = format!("REDISCLI_AUTH=$(cat /run/aerie/store/control) timeout 2 redis-cli --user aerie {what}");
        self.home.docker(&["exec", container, "sh", "-c", &ask])
    }

    /// Waits until three nodes have a part each and the three others are their replicas; gives those with a part.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn paired(&self) -> Result<Vec<String>> {
        until("three pairs", CAUGHT_UP, || async {
            let (parts, copies) = self.parts_and_copies().await.map_err(|error| format!("{error:#}"))?;
            if parts.len() == 3 && copies.len() == 3 { Ok(parts) } else { Err(format!("{parts:?} {copies:?}")) }
        })
        .await
    }

    /// Containers of nodes that have a part of the key space, and of their replicas.
    async fn parts_and_copies(&self) -> Result<(Vec<String>, Vec<String>)> {
        let (mut parts, mut copies) = (Vec::new(), Vec::new());
        for name in self.containers_of("store").await? {
            let said = self.redis(&name, "info replication")?;
            if said.contains("role:master") && said.contains("connected_slaves:1") {
                parts.push(name);
            } else if said.contains("role:slave") && said.contains("master_link_status:up") {
                copies.push(name);
            }
        }
        Ok((parts, copies))
    }
}
