//! What the rules have to know of the host.

use std::{fs, net::IpAddr, path::Path};

/// Docker takes the second one when the first names only the loopback address (systemd-resolved).
const RESOLVERS: &[&str] = &["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// What the kernel shows when it knows IPv6.
const IPV6: &str = "/proc/net/if_inet6";

/// Says `1` when frames inside a bridge meet the rules for routed packets, too (kernel documentation, `br_netfilter`).
const BRIDGED: &str = "/proc/sys/net/bridge/bridge-nf-call-iptables";

/// The host at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// The name servers that a container could ask. Docker's own resolver passes containers' questions on from inside
    /// their network, so they need a way to servers that lie in the local network.
    pub(super) resolvers: Vec<IpAddr>,
    /// Whether what containers of one network tell each other meets our rules.
    pub(super) sees_bridged: bool,
    /// Whether there are IPv6 rules to keep.
    pub(super) has_ipv6: bool,
}

impl Host {
    /// Looks at the files of this host. One that is not there says nothing.
    pub(super) fn look() -> Self {
        let read = |file: &&str| fs::read_to_string(file).unwrap_or_default();
        let mut resolvers: Vec<_> = RESOLVERS.iter().flat_map(|file| servers(&read(file))).collect();
        resolvers.sort();
        resolvers.dedup();
        Self { resolvers, sees_bridged: read(&BRIDGED).trim() == "1", has_ipv6: Path::new(IPV6).exists() }
    }
}

fn servers(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next()?.parse::<IpAddr>().ok()).flatten()
        })
        .filter(|address| !address.is_loopback() && !address.is_unspecified())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::servers;

    #[test]
    fn servers_on_the_loopback_address_are_not_meant() {
        let text = "# nameserver 1.1.1.1\nnameserver 10.255.255.53\nnameserver 127.0.0.53\nsearch x\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\n";
        let found: Vec<_> = servers(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["10.255.255.53", "2001:db8::53"]);
    }
}
