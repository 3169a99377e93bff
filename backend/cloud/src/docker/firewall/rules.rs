//! The rules as text. Pure: everything is decided here and tried out in tests.

use super::{
    FirewallSettings,
    host::Host,
    listing::{Listing, Rules, Table},
    tables::DOCKER_USER,
};
use crate::docker::networks::{bridge_prefix, installation_tag};
use sha2::{Digest, Sha256};
use std::{fmt::Write, net::IpAddr};

/// Which kind of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6: our networks have none, so nothing passes.
    V6,
}

impl Family {
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }
}

/// Addresses that are not the Internet (IANA's registry of special-purpose addresses): the local network, the host's other
/// networks, link-local with the metadata services of clouds (169.254.169.254), multicast.
const PRIVATE: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// One chain of ours and what leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chain {
    table: Table,
    name: String,
    /// Chains of others to hook it into; the first that exists is taken.
    parents: &'static [&'static str],
    /// What follows `-A <parent>`, as `iptables -S` prints it.
    hook: String,
    /// What follows `-A <name>`.
    rules: Vec<String>,
}

/// All chains of one installation and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted(Vec<Chain>);

/// Names of an installation's chains and the tables that they are in.
fn names(installation: &str) -> [(Table, String); 3] {
    let name = |end| format!("AERIE-{}-{end}", installation_tag(installation));
    [(Table::Filter, name("IN")), (Table::Filter, name("FW")), (Table::Mangle, name("OUT"))]
}

/// What shall be in force.
pub(super) fn wanted(settings: &FirewallSettings, family: Family, host: &Host) -> Wanted {
    let installation = &settings.installation;
    let from_bridges = format!("-i {}+", bridge_prefix(installation));
    let from_pool = format!("-s {}", settings.pool);
    let [input, forward, last] = names(installation);
    let chain = |name, parents, from: &str, rules| chain(installation, name, parents, from, rules);
    Wanted(match family {
        Family::V4 => vec![
            chain(input, &["INPUT"], &from_bridges, input_v4(settings, &host.resolvers)),
            chain(forward, &[DOCKER_USER, "FORWARD"], &from_bridges, forward_v4(settings, &host.resolvers)),
            chain(last, &["POSTROUTING"], &from_pool, last_v4(settings, host)),
        ],
        // Nothing speaks IPv6 on our networks; what somebody makes by hand shall not become a way out.
        Family::V6 => vec![
            chain(input, &["INPUT"], &from_bridges, vec!["-j DROP".to_owned()]),
            chain(forward, &[DOCKER_USER, "FORWARD"], &from_bridges, vec!["-j DROP".to_owned()]),
        ],
    })
}

/// The hook's comment names the installation for people and carries a digest of the rules for us.
fn chain(
    installation: &str,
    (table, name): (Table, String),
    parents: &'static [&'static str],
    from: &str,
    rules: Vec<String>,
) -> Chain {
    let digest = hex::encode(&Sha256::digest(rules.join("\n"))[..6]);
    let hook = format!("{from} -m comment --comment \"aerie installation {installation} {digest}\" -j {name}");
    Chain { table, name, parents, hook, rules }
}

/// From our containers to the host itself.
fn input_v4(settings: &FirewallSettings, resolvers: &[IpAddr]) -> Vec<String> {
    // Answers: the entry and the director's probes talk to containers from here.
    let mut rules = vec!["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN".to_owned()];
    let accept = |port| format!("-d {} -p tcp -m tcp --dport {port} -j ACCEPT", settings.pool);
    rules.extend(settings.agent_ports.iter().map(accept));
    rules.extend(to_resolvers(resolvers, "ACCEPT"));
    // Refused and not dropped: programs go on at once instead of waiting for a minute.
    rules.push("-p tcp -j REJECT --reject-with tcp-reset".to_owned());
    rules.push("-j REJECT --reject-with icmp-port-unreachable".to_owned());
    rules
}

/// From our containers to anywhere else. What is not refused here goes on to Docker's own rules.
fn forward_v4(settings: &FirewallSettings, resolvers: &[IpAddr]) -> Vec<String> {
    // Within a network everything is allowed, between networks nothing: Docker's rules say both.
    let mut rules = vec![format!("-o {}+ -j RETURN", bridge_prefix(&settings.installation))];
    rules.push("-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN".to_owned());
    rules.extend(to_resolvers(resolvers, "RETURN"));
    rules.extend(settings.reachable.iter().map(|network| format!("-d {network} -j RETURN")));
    rules.extend(PRIVATE.iter().map(|network| format!("-d {network} -j REJECT --reject-with icmp-admin-prohibited")));
    rules
}

/// From our containers to anywhere else, once more, where nobody but us changes rules. What the chain above refuses politely
/// does not get here, so this may be silent.
fn last_v4(settings: &FirewallSettings, host: &Host) -> Vec<String> {
    let mut rules = vec!["-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN".to_owned()];
    // The host itself, by the gateways' addresses: the entry and the director's probes.
    rules.push("-m addrtype --src-type LOCAL -j RETURN".to_owned());
    if host.sees_bridged {
        // Within one network.
        rules.push("-m physdev --physdev-is-bridged -j RETURN".to_owned());
    }
    rules.extend(to_resolvers(&host.resolvers, "RETURN"));
    rules.extend(settings.reachable.iter().map(|network| format!("-d {network} -j RETURN")));
    // The networks of other applications.
    rules.push(format!("-d {} -j DROP", settings.pool));
    rules.extend(PRIVATE.iter().map(|network| format!("-d {network} -j DROP")));
    rules
}

fn to_resolvers(resolvers: &[IpAddr], target: &str) -> Vec<String> {
    let v4 = resolvers.iter().filter(|address| address.is_ipv4());
    v4.flat_map(|address| {
        ["udp", "tcp"].map(|protocol| format!("-d {address}/32 -p {protocol} -m {protocol} --dport 53 -j {target}"))
    })
    .collect()
}

/// The transactions that bring the wanted rules into force, one per table; nothing when they are.
pub(super) fn changes(wanted: &Wanted, listing: &Listing) -> Option<String> {
    let Wanted(chains) = wanted;
    if chains.iter().all(|chain| is_in_force(chain, listing.table(chain.table))) {
        return None;
    }
    Some(per_table(|table, text| {
        let chains = || chains.iter().filter(|chain| chain.table == table);
        for chain in chains() {
            // Naming a chain here makes it, or empties it.
            let _ = writeln!(text, ":{} - [0:0]", chain.name);
        }
        for chain in chains() {
            for rule in &chain.rules {
                let _ = writeln!(text, "-A {} {rule}", chain.name);
            }
            unhook(text, &chain.name, listing.table(table));
            if let Some(parent) = parent(chain, listing.table(table)) {
                let _ = writeln!(text, "-I {parent} 1 {}", chain.hook);
            }
        }
    }))
}

/// The transactions that take an installation's chains away; nothing when there are none.
pub(super) fn removal(installation: &str, listing: &Listing) -> Option<String> {
    let present = names(installation).into_iter().filter(|(table, chain)| listing.table(*table).has_chain(chain));
    let present: Vec<_> = present.collect();
    if present.is_empty() {
        return None;
    }
    Some(per_table(|table, text| {
        for (_, chain) in present.iter().filter(|(of, _)| *of == table) {
            unhook(text, chain, listing.table(table));
            let _ = writeln!(text, "-F {chain}\n-X {chain}");
        }
    }))
}

/// What `iptables-restore` reads: a part per table that has something to say.
fn per_table(write: impl Fn(Table, &mut String)) -> String {
    let mut text = String::new();
    for table in Table::ALL {
        let mut part = String::new();
        write(table, &mut part);
        if !part.is_empty() {
            let _ = write!(text, "*{}\n{part}COMMIT\n", table.name());
        }
    }
    text
}

fn unhook(text: &mut String, chain: &str, rules: &Rules) {
    for line in rules.jumps_to(chain) {
        let _ = writeln!(text, "{}", line.replacen("-A ", "-D ", 1));
    }
}

fn parent(chain: &Chain, rules: &Rules) -> Option<&'static str> {
    chain.parents.iter().copied().find(|parent| rules.has_chain(parent))
}

/// Hooked once, before everything but hooks like it, with all its rules. That the rules are the right ones is told by the
/// digest in the hook.
fn is_in_force(chain: &Chain, rules: &Rules) -> bool {
    let Some(parent) = parent(chain, rules) else { return false };
    let hook = format!("-A {parent} {}", chain.hook);
    let first = rules.of(parent).find(|rule| !rule.contains("-j AERIE-") || **rule == hook);
    first == Some(hook.as_str())
        && rules.jumps_to(&chain.name).count() == 1
        && rules.of(&chain.name).count() == chain.rules.len()
}

#[cfg(test)]
mod tests;
