//! What containers may do, and what one can reach from inside.

use super::Finding;
use crate::{config::Config, errors::chain, firewall};
use aerie_cloud::{
    NetworkSpec,
    docker::{DockerCloud, DockerSettings},
};
use aerie_domain::ApplicationId;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The metadata service of most clouds: whoever reaches it may get the machine's own rights.
const METADATA: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), 80);
/// Postgres' usual port, and those of Docker's API.
const USUAL_PORTS: &[u16] = &[22, 5432, 2375, 2376];

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let options = &config.options;
    let mut settings = DockerSettings::new(options.installation.clone(), config.agent_binary.clone());
    settings.socket.clone_from(&options.docker_socket);
    let cloud = DockerCloud::new(settings);
    let mut all = audited(&cloud).await;
    all.push(rules(config).await);
    all.extend(from_inside(config, &cloud).await);
    all
}

/// The settings of every container that runs.
async fn audited(cloud: &DockerCloud) -> Vec<Finding> {
    let check = "containers may do what they should and no more";
    match cloud.audit().await {
        Err(error) => vec![Finding::problem(check, format!("Docker does not answer: {}", chain(&error)))],
        Ok(all) => {
            let bad = all.iter().filter(|container| !container.problems.is_empty());
            let mut findings: Vec<_> = bad
                .map(|container| {
                    Finding::problem(check, format!("{} {}.", container.name, container.problems.join(", ")))
                })
                .collect();
            if findings.is_empty() {
                findings.push(Finding::ok(check, format!("{} looked at", all.len())));
            }
            findings
        }
    }
}

async fn rules(config: &Config) -> Finding {
    let check = "firewall rules are in force";
    match firewall::is_in_force(&config.options).await {
        Ok(true) => Finding::ok(check, ""),
        Ok(false) => {
            Finding::problem(check, "They are not: is the director running as root? aerie-director firewall apply")
        }
        Err(error) => Finding::problem(check, format!("They cannot be looked at: {error:#}")),
    }
}

/// A container of a network of its own tries the doors of the host.
async fn from_inside(config: &Config, cloud: &DockerCloud) -> Vec<Finding> {
    let check = "a container reaches agents' listener and nothing else here";
    let Some(network) = last_network(config) else {
        return vec![Finding::problem(check, "AERIE_SUBNET_POOL is not usable.")];
    };
    let options = &config.options;
    let mut closed = vec![METADATA];
    let mut ports = vec![options.listen.port(), options.public_port, options.entry_ready_port];
    ports.extend(USUAL_PORTS);
    closed.extend(ports.into_iter().map(|port| SocketAddr::new(network.gateway, port)));
    let agents = SocketAddr::new(network.gateway, options.agent_port);
    let mut all = closed.clone();
    all.push(agents);
    let reached = match cloud.try_to_reach(&network, &all).await {
        Ok(reached) => reached,
        Err(error) => return vec![Finding::problem(check, format!("It could not be tried: {}", chain(&error)))],
    };
    let open: Vec<_> = all.iter().zip(&reached).filter(|(_, open)| **open).map(|(address, _)| *address).collect();
    let mut findings: Vec<_> = open
        .iter()
        .filter(|address| **address != agents)
        .map(|address| Finding::problem(check, format!("A container can connect to {address}.")))
        .collect();
    if !open.contains(&agents) {
        let hint = format!("A container cannot connect to {agents}: does another firewall on this host forbid it?");
        findings.push(Finding::problem(check, hint));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{} addresses tried", all.len())));
    }
    findings
}

/// The last /24 of the pool: applications get theirs from the beginning.
fn last_network(config: &Config) -> Option<NetworkSpec> {
    let (address, bits) = config.options.subnet_pool.split_once('/')?;
    let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    let hosts = u32::MAX.checked_shr(bits)?;
    let last = (u32::from(address) | hosts) & !0xff;
    Some(NetworkSpec {
        name: format!("{}-selftest-{}", config.options.installation, ApplicationId::generate().short()),
        subnet: format!("{}/24", Ipv4Addr::from(last)),
        gateway: IpAddr::V4(Ipv4Addr::from(last | 1)),
    })
}
