//! The name servers that containers ask. Docker's own resolver passes their questions on from inside their network, so
//! they need a way to servers that lie in the local network.

use std::{fs, net::IpAddr, path::Path};

/// Docker takes the second one when the first names only the loopback address (systemd-resolved).
const FILES: &[&str] = &["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// What the kernel shows when it knows IPv6.
const IPV6: &str = "/proc/net/if_inet6";

/// The name servers of this host that a container could ask.
pub(super) fn of_this_host() -> Vec<IpAddr> {
    // A file that is not there names nobody.
    let mut all: Vec<_> =
        FILES.iter().flat_map(|file| servers(&fs::read_to_string(file).unwrap_or_default())).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether there are IPv6 rules to keep.
pub(super) fn host_has_ipv6() -> bool {
    Path::new(IPV6).exists()
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
