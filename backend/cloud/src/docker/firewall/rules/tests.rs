//! The text of the rules, and what leads to a change of them.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

use super::*;
use crate::docker::firewall::Network;
use std::collections::BTreeSet;

fn settings() -> FirewallSettings {
    FirewallSettings {
        installation: "school".to_owned(),
        pool: "10.208.0.0/12".parse().expect("a network"),
        agent_ports: BTreeSet::from([7701]),
        reachable: vec!["192.168.5.0/24".parse().expect("a network")],
    }
}

fn resolvers() -> Vec<IpAddr> {
    vec![IpAddr::from([10, 255, 255, 53])]
}

fn v4() -> Wanted {
    wanted(&settings(), Family::V4, &resolvers())
}

/// What `iptables -S` prints once a transaction of ours has been applied to a fresh host with Docker.
fn applied(wanted: &Wanted) -> String {
    let mut text = "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER-USER\n".to_owned();
    for chain in &wanted.0 {
        let _ = writeln!(text, "-N {}", chain.name);
    }
    text.push_str("-A FORWARD -j DOCKER-USER\n");
    for chain in &wanted.0 {
        let _ = writeln!(text, "-A {} {}", chain.parents[0], chain.hook);
        for rule in &chain.rules {
            let _ = writeln!(text, "-A {} {rule}", chain.name);
        }
    }
    text.push_str("-A DOCKER-USER -j RETURN\n");
    text
}

fn position(rules: &[String], part: &str) -> usize {
    rules.iter().position(|rule| rule.contains(part)).unwrap_or_else(|| panic!("{part} is missing in {rules:#?}"))
}

#[test]
fn only_the_agent_listener_is_open_on_the_host() {
    let Wanted(chains) = v4();
    let accepted: Vec<_> = chains[0].rules.iter().filter(|rule| rule.ends_with("-j ACCEPT")).collect();
    assert_eq!(accepted[0], "-d 10.208.0.0/12 -p tcp -m tcp --dport 7701 -j ACCEPT");
    assert!(accepted[1..].iter().all(|rule| rule.contains("10.255.255.53/32") && rule.contains("--dport 53")));
    assert!(chains[0].rules.last().is_some_and(|rule| rule.starts_with("-j REJECT")), "whatever else is refused");
}

#[test]
fn metadata_and_private_networks_are_closed_and_the_internet_is_not() {
    let Wanted(chains) = v4();
    let rules = &chains[1].rules;
    for network in ["169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"] {
        assert!(rules[position(rules, &format!("-d {network} "))].contains("REJECT"));
    }
    assert!(
        rules.iter().all(|rule| rule.contains("-j RETURN") || rule.starts_with("-d ")),
        "no rule for all addresses"
    );
    let allowed = position(rules, "192.168.5.0/24 -j RETURN");
    assert!(allowed < position(rules, "192.168.0.0/16"), "what is allowed comes before what forbids it");
    assert!(position(rules, "10.255.255.53/32") < position(rules, "10.0.0.0/8"));
    assert!(PRIVATE.iter().all(|text| text.parse::<Network>().is_ok_and(|network| network.to_string() == **text)));
}

#[test]
fn nothing_passes_with_ipv6() {
    let Wanted(chains) = wanted(&settings(), Family::V6, &resolvers());
    assert!(chains.iter().all(|chain| chain.rules == ["-j DROP"]));
}

#[test]
fn rules_that_are_in_force_stay() {
    assert_eq!(changes(&v4(), &Listing::parse(&applied(&v4()))), None);
}

#[test]
fn a_fresh_host_gets_all_in_one_transaction() {
    let fresh = Listing::parse("-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n");
    let text = changes(&v4(), &fresh).expect("something to do");
    assert!(text.starts_with("*filter\n:AERIE-") && text.ends_with("\nCOMMIT\n"), "{text}");
    assert!(text.contains("\n-I INPUT 1 -i ae") && text.contains("\n-I DOCKER-USER 1 -i ae"), "{text}");
    assert!(!text.contains("-D "), "{text}");
}

#[test]
fn without_docker_s_chain_the_general_one_is_used() {
    let text = changes(&v4(), &Listing::parse("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n")).expect("something to do");
    assert!(text.contains("\n-I FORWARD 1 -i ae"), "{text}");
}

#[test]
fn what_others_disturb_is_put_right() {
    let good = applied(&v4());
    let Wanted(chains) = v4();
    let hook = format!("-A INPUT {}\n", chains[0].hook);
    let disturbed = [
        ("the hook is gone", good.replace(&hook, "")),
        ("somebody accepts before us", good.replace(&hook, &format!("-A INPUT -j ACCEPT\n{hook}"))),
        ("it is hooked twice", good.replace(&hook, &format!("{hook}{hook}"))),
        ("a rule is gone", good.replacen("-p tcp -j REJECT --reject-with tcp-reset\n", "\n", 1)),
        ("the chain is empty", good.lines().filter(|l| !l.contains("-FW -d")).collect::<Vec<_>>().join("\n")),
    ];
    for (what, listing) in disturbed {
        assert_ne!(listing, good, "{what}");
        let text = changes(&v4(), &Listing::parse(&listing)).unwrap_or_else(|| panic!("{what} was not noticed"));
        let inserted = text.matches("\n-I INPUT 1 ").count();
        assert_eq!(inserted, 1, "{what}: {text}");
        assert_eq!(text.matches("\n-D INPUT ").count(), listing.matches(&hook).count(), "{what}: {text}");
    }
}

#[test]
fn installations_do_not_disturb_each_other() {
    let other = wanted(&FirewallSettings { installation: "other".to_owned(), ..settings() }, Family::V4, &resolvers());
    let theirs = format!("-A INPUT {}\n", other.0[0].hook);
    let both = applied(&v4()).replace("-A INPUT", &format!("{theirs}-A INPUT"));
    assert_eq!(changes(&v4(), &Listing::parse(&both)), None, "their hook may come before ours");
    assert_ne!(other.0[0].name, v4().0[0].name);
}

#[test]
fn changed_settings_are_noticed() {
    let before = Listing::parse(&applied(&v4()));
    let moved =
        wanted(&FirewallSettings { agent_ports: BTreeSet::from([7701, 7702]), ..settings() }, Family::V4, &resolvers());
    assert!(changes(&moved, &before).is_some_and(|text| text.contains("--dport 7702")));
}

#[test]
fn removing_leaves_nothing_of_ours_and_all_of_others() {
    let text = removal("school", &Listing::parse(&applied(&v4()))).expect("something to remove");
    for chain in &v4().0 {
        assert!(text.contains(&format!("-F {0}\n-X {0}\n", chain.name)), "{text}");
        assert!(text.contains(&format!("-D {} {}", chain.parents[0], chain.hook)), "{text}");
    }
    assert!(!text.contains("-D DOCKER-USER -j RETURN"), "{text}");
    assert_eq!(removal("other", &Listing::parse(&applied(&v4()))), None);
}
