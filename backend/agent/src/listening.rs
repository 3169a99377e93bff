//! Who listens on which port of the instance, from the kernel's own tables: for messages about probes that fail.

use aerie_agent_protocol::ProbeKind;
use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Ports that a message names. More: unreadable.
const NAMED: usize = 6;

/// The kernel's word for a socket that listens.
const LISTEN: &str = "0A";

/// Adds to a probe's problem what is really listening, when that is the question.
pub(crate) fn explained(problem: String, kind: &ProbeKind) -> String {
    let (ProbeKind::Tcp { port } | ProbeKind::Http { port, .. }) = kind else { return problem };
    if !problem.starts_with("does not accept connections") {
        return problem;
    }
    format!("{problem}. {}", hint(*port, &listeners()))
}

/// All sockets that listen, in this network namespace.
fn listeners() -> BTreeSet<(u16, IpAddr)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines()).filter_map(listener).collect()
}

/// `sl local_address rem_address st …`: addresses are hexadecimal, `<address>:<port>`.
fn listener(line: &str) -> Option<(u16, IpAddr)> {
    let mut fields = line.split_whitespace().skip(1);
    let local = fields.next()?;
    let state = fields.nth(1)?;
    if state != LISTEN {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    Some((u16::from_str_radix(port, 16).ok()?, address_of(address)?))
}

/// Words of 32 bits, each in the byte order of the machine (little endian on all that the agent is built for).
fn address_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok().map(u32::to_le_bytes);
    match text.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_mut(4).enumerate() {
                chunk.copy_from_slice(&word(index * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

fn hint(port: u16, listeners: &BTreeSet<(u16, IpAddr)>) -> String {
    let elsewhere: Vec<String> =
        listeners.iter().filter(|(other, _)| *other == port).map(|(_, address)| address.to_string()).collect();
    if !elsewhere.is_empty() {
        return format!(
            "Something listens on port {port}, but only at {}: have it listen on {}",
            elsewhere.join(" and "),
            Ipv4Addr::UNSPECIFIED
        );
    }
    let ports: BTreeSet<u16> = listeners.iter().map(|(port, _)| *port).collect();
    if ports.is_empty() {
        return "Nothing listens on any port yet: does it take long to start, or does it wait for something?"
            .to_owned();
    }
    let named: Vec<String> = ports.iter().take(NAMED).map(u16::to_string).collect();
    let more = if ports.len() > NAMED { " and more" } else { "" };
    let (word, verb) = if ports.len() == 1 { ("port", "is") } else { ("ports", "are") };
    format!(
        "Nothing listens on port {port}; {word} {}{more} {verb} in use: is the program told another port?",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_kernels_tables_are_read() {
        let v4 = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100";
        assert_eq!(listener(v4), Some((8080, IpAddr::from([127, 0, 0, 1]))));
        let v6 =
            "   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1";
        assert_eq!(listener(v6), Some((80, IpAddr::V6(Ipv6Addr::LOCALHOST))));
        let open =
            "   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100";
        assert_eq!(listener(open), None);
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"), None);
    }

    #[test]
    fn a_listener_of_this_process_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(listeners().contains(&(port, IpAddr::from([127, 0, 0, 1]))));
    }

    #[test]
    fn hints_name_what_is_there_instead() {
        let sockets = |list: &[(u16, [u8; 4])]| list.iter().map(|(port, ip)| (*port, IpAddr::from(*ip))).collect();
        assert!(hint(8080, &sockets(&[])).starts_with("Nothing listens on any port"));
        assert_eq!(
            hint(8080, &sockets(&[(3000, [0, 0, 0, 0])])),
            "Nothing listens on port 8080; port 3000 is in use: is the program told another port?"
        );
        let only_there = hint(8080, &sockets(&[(8080, [10, 1, 2, 3]), (22, [0, 0, 0, 0])]));
        assert_eq!(only_there, "Something listens on port 8080, but only at 10.1.2.3: have it listen on 0.0.0.0");
        let many: Vec<(u16, [u8; 4])> = (1..9).map(|port| (port, [0, 0, 0, 0])).collect();
        assert!(hint(80, &sockets(&many)).contains("ports 1, 2, 3, 4, 5, 6 and more are in use"));
    }

    #[test]
    fn only_refused_connections_are_explained() {
        let kind = ProbeKind::Tcp { port: 1 };
        assert_eq!(explained("did not answer within 3 ms".to_owned(), &kind), "did not answer within 3 ms");
        let text = explained("does not accept connections on port 1 (x)".to_owned(), &kind);
        assert!(text.starts_with("does not accept connections on port 1 (x). "), "{text}");
        let refused = "does not accept connections".to_owned();
        assert_eq!(explained(refused.clone(), &ProbeKind::Alive), refused);
    }
}
