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

fn host() -> Host {
    Host { resolvers: vec![IpAddr::from([10, 255, 255, 53])], sees_bridged: true, has_ipv6: true }
}

fn v4() -> Wanted {
    wanted(&settings(), Family::V4, &host())
}

/// What `iptables -S` prints once a transaction of ours has been applied to a fresh host with Docker.
fn applied(wanted: &Wanted) -> [String; 2] {
    let fresh = [
        "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER-USER\n-A FORWARD -j DOCKER-USER\n",
        "-P FORWARD ACCEPT\n-P POSTROUTING ACCEPT\n",
    ];
    let mut tables = fresh.map(ToOwned::to_owned);
    for (table, text) in Table::ALL.into_iter().zip(&mut tables) {
        for chain in wanted.0.iter().filter(|chain| chain.table == table) {
            let _ = writeln!(text, "-N {}\n-A {} {}", chain.name, chain.parents[0], chain.hook);
            for rule in &chain.rules {
                let _ = writeln!(text, "-A {} {rule}", chain.name);
            }
        }
    }
    tables[0].push_str("-A DOCKER-USER -j RETURN\n");
    tables
}

fn listing([filter, mangle]: &[String; 2]) -> Listing {
    Listing { filter: Rules::parse(filter), mangle: Rules::parse(mangle) }
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
fn what_is_refused_is_dropped_at_last_and_nothing_else() {
    let Wanted(chains) = v4();
    let (forward, last) = (&chains[1].rules, &chains[2].rules);
    let targets = |rules: &[String], ends: &str| -> BTreeSet<String> {
        let rules = rules.iter().filter(|rule| rule.contains(ends));
        rules.filter_map(|rule| Some(rule.strip_prefix("-d ")?.split_once(' ')?.0.to_owned())).collect()
    };
    let mut refused = targets(forward, "-j REJECT");
    refused.insert("10.208.0.0/12".to_owned());
    assert_eq!(targets(last, "-j DROP"), refused);
    assert_eq!(targets(last, "-j RETURN"), targets(forward, "-j RETURN"));
    let within = position(last, "--physdev-is-bridged");
    assert!(within < position(last, "-d 10.208.0.0/12 -j DROP"), "one network is one application");
    let wanted = wanted(&settings(), Family::V4, &Host { sees_bridged: false, ..host() });
    assert!(!wanted.0[2].rules.iter().any(|rule| rule.contains("physdev")), "the kernel may not know the word");
}

#[test]
fn nothing_passes_with_ipv6() {
    let Wanted(chains) = wanted(&settings(), Family::V6, &host());
    assert!(chains.iter().all(|chain| chain.rules == ["-j DROP"]));
}

#[test]
fn rules_that_are_in_force_stay() {
    assert_eq!(changes(&v4(), &listing(&applied(&v4()))), None);
}

#[test]
fn a_fresh_host_gets_all_in_one_transaction_per_table() {
    let text = changes(&v4(), &listing(&applied(&Wanted(vec![])))).expect("something to do");
    assert!(text.starts_with("*filter\n:AERIE-") && text.ends_with("\nCOMMIT\n"), "{text}");
    assert!(text.contains("\nCOMMIT\n*mangle\n:AERIE-"), "{text}");
    assert!(text.contains("\n-I INPUT 1 -i ae") && text.contains("\n-I DOCKER-USER 1 -i ae"), "{text}");
    assert!(text.contains("\n-I POSTROUTING 1 -s 10.208.0.0/12 "), "{text}");
    assert!(!text.contains("-D "), "{text}");
}

#[test]
fn without_docker_s_chain_the_general_one_is_used() {
    let bare = Listing { filter: Rules::parse("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n"), mangle: Rules::default() };
    let text = changes(&v4(), &bare).expect("something to do");
    assert!(text.contains("\n-I FORWARD 1 -i ae"), "{text}");
}

#[test]
fn what_others_disturb_is_put_right() {
    let [good, mangle] = applied(&v4());
    let Wanted(chains) = v4();
    let hook = format!("-A INPUT {}\n", chains[0].hook);
    let disturbed = [
        ("the hook is gone", good.replace(&hook, "")),
        ("somebody accepts before us", good.replace(&hook, &format!("-A INPUT -j ACCEPT\n{hook}"))),
        ("it is hooked twice", good.replace(&hook, &format!("{hook}{hook}"))),
        ("a rule is gone", good.replacen("-p tcp -j REJECT --reject-with tcp-reset\n", "\n", 1)),
        ("the chain is empty", good.lines().filter(|l| !l.contains("-FW -d")).collect::<Vec<_>>().join("\n")),
    ];
    for (what, filter) in disturbed {
        assert_ne!(filter, good, "{what}");
        let hooks = filter.matches(&hook).count();
        let text = changes(&v4(), &listing(&[filter, mangle.clone()]));
        let text = text.unwrap_or_else(|| panic!("{what} was not noticed"));
        let inserted = text.matches("\n-I INPUT 1 ").count();
        assert_eq!(inserted, 1, "{what}: {text}");
        assert_eq!(text.matches("\n-D INPUT ").count(), hooks, "{what}: {text}");
    }
    let last = format!("-A POSTROUTING {}\n", chains[2].hook);
    let text = changes(&v4(), &listing(&[good, mangle.replace(&last, "")])).expect("noticed");
    assert!(text.contains("\n-I POSTROUTING 1 "), "{text}");
}

#[test]
fn installations_do_not_disturb_each_other() {
    let other = wanted(&FirewallSettings { installation: "other".to_owned(), ..settings() }, Family::V4, &host());
    let theirs = format!("-A INPUT {}\n", other.0[0].hook);
    let [filter, mangle] = applied(&v4());
    let both = [filter.replace("-A INPUT", &format!("{theirs}-A INPUT")), mangle];
    assert_eq!(changes(&v4(), &listing(&both)), None, "their hook may come before ours");
    assert_ne!(other.0[0].name, v4().0[0].name);
}

#[test]
fn changed_settings_are_noticed() {
    let before = listing(&applied(&v4()));
    let moved =
        wanted(&FirewallSettings { agent_ports: BTreeSet::from([7701, 7702]), ..settings() }, Family::V4, &host());
    assert!(changes(&moved, &before).is_some_and(|text| text.contains("--dport 7702")));
}

#[test]
fn removing_leaves_nothing_of_ours_and_all_of_others() {
    let text = removal("school", &listing(&applied(&v4()))).expect("something to remove");
    for chain in &v4().0 {
        assert!(text.contains(&format!("-F {0}\n-X {0}\n", chain.name)), "{text}");
        assert!(text.contains(&format!("-D {} {}", chain.parents[0], chain.hook)), "{text}");
    }
    assert!(!text.contains("-D DOCKER-USER -j RETURN"), "{text}");
    assert_eq!(removal("other", &listing(&applied(&v4()))), None);
}
