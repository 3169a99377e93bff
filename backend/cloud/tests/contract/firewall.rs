//! What containers reach, tried out from inside containers: first without the firewall, so that it is known that the
//! probe sees what is open, then with it.

use crate::{
    docker_only::line_with,
    fixture::Fixture,
    real::{Real, with_real},
};
use aerie_cloud::{ContainerSpec, LogsFrom, NetworkMode, NetworkSpec, docker::firewall::Applied};
use futures_util::TryStreamExt;
use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    process::Command,
};

fn attached(network: &NetworkSpec, spec: ContainerSpec) -> ContainerSpec {
    ContainerSpec { network: NetworkMode::Private { network: network.name.clone(), aliases: vec![] }, ..spec }
}

/// Which of these addresses a container on that network can connect to.
async fn reach(f: &Fixture, network: &NetworkSpec, name: &str, addresses: &[String]) -> BTreeMap<String, bool> {
    let spec = attached(network, f.behaving(name, &format!("reach:{}", addresses.join(","))));
    f.cloud.ensure_container(&spec).await.unwrap();
    line_with(&*f.cloud, &spec.name, "all tried").await;
    let lines: Vec<_> = f.cloud.logs(&spec.name, LogsFrom::default()).try_collect().await.unwrap();
    let told = |line: &str| line.split_once(' ').map(|(address, state)| (address.to_owned(), state == "open"));
    lines.iter().filter(|line| line.text.contains(':')).filter_map(|line| told(&line.text)).collect()
}

/// What the rules in force are, and how many packets met each.
fn rules(arguments: &[&str]) -> String {
    let output = Command::new("/usr/sbin/iptables").args(["-w", "5"]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Names of the chains that are there for this bridge prefix.
fn chains(real: &Real) -> Vec<String> {
    let hook = format!("aerie installation {} ", real.installation);
    let hooks = rules(&["-S"]) + &rules(&["-t", "mangle", "-S"]);
    hooks.lines().filter(|line| line.contains(&hook)).filter_map(|l| Some(l.rsplit_once("-j ")?.1.to_owned())).collect()
}

#[tokio::test]
async fn containers_reach_the_agent_listener_and_nothing_else_of_the_host() {
    with_real(async |real, f| {
        let (one, other) = (f.network_spec("one"), f.network_spec("other"));
        f.cloud.ensure_network(&one).await.unwrap();
        f.cloud.ensure_network(&other).await.unwrap();
        let agents = TcpListener::bind("0.0.0.0:0").unwrap();
        let secret = TcpListener::bind("0.0.0.0:0").unwrap();
        let [agents, secret] = [&agents, &secret].map(|listener| listener.local_addr().unwrap().port());
        let at = |host: &str, port: u16| format!("{host}:{port}");
        let own_gateway = at(&one.gateway.to_string(), secret);
        // Any other address of the host is as good as its outer one.
        let other_address = at(&other.gateway.to_string(), secret);
        let listener = at(&one.gateway.to_string(), agents);
        let addresses = [own_gateway.clone(), other_address.clone(), listener.clone(), "169.254.169.254:80".to_owned()];

        let before = reach(&f, &one, "before", &addresses).await;
        assert!(before[&own_gateway] && before[&other_address] && before[&listener], "the probe works: {before:?}");

        let firewall = real.firewall(agents);
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Renewed);
        let after = reach(&f, &one, "after", &addresses).await;
        assert!(after[&listener], "agents need it: {after:?}");
        assert!(!after[&own_gateway] && !after[&other_address] && !after["169.254.169.254:80"], "{after:?}");
        let forward = chains(real).into_iter().find(|chain| chain.ends_with("-FW")).expect("hooked");
        let counted = rules(&["-nvxL", &forward]);
        let metadata = counted.lines().find(|line| line.contains("169.254.0.0/16")).expect("a rule");
        assert_ne!(metadata.split_whitespace().next(), Some("0"), "the rule was met: {counted}");
    })
    .await;
}

#[tokio::test]
async fn applications_reach_only_themselves() {
    with_real(async |real, f| {
        let (ada, eve) = (f.network_spec("ada"), f.network_spec("eve"));
        f.cloud.ensure_network(&ada).await.unwrap();
        f.cloud.ensure_network(&eve).await.unwrap();
        let server = attached(&ada, f.behaving("server", "serve:8080"));
        let address = f.cloud.ensure_container(&server).await.unwrap().address.unwrap();
        line_with(&*f.cloud, &server.name, "serving").await;
        let address = [format!("{address}:8080")];
        assert!(reach(&f, &ada, "friend", &address).await[&address[0]], "the probe works");
        assert!(!reach(&f, &eve, "stranger", &address).await[&address[0]], "the engine's own isolation");
        real.firewall(1).ensure().await.unwrap();
        assert!(reach(&f, &ada, "friend-2", &address).await[&address[0]], "within an application all is allowed");
        assert!(!reach(&f, &eve, "stranger-2", &address).await[&address[0]]);
    })
    .await;
}

/// Docker takes its rules out of `FORWARD` and puts them back whenever a network is made. This is that moment, made long: an
/// exception in the chain that Docker leaves to others, which it comes to before its own rules.
#[tokio::test]
async fn applications_reach_only_themselves_while_docker_s_own_rules_are_away() {
    with_real(async |real, f| {
        let (ada, eve) = (f.network_spec("ada"), f.network_spec("eve"));
        f.cloud.ensure_network(&ada).await.unwrap();
        f.cloud.ensure_network(&eve).await.unwrap();
        let server = attached(&ada, f.behaving("server", "serve:8080"));
        let address = f.cloud.ensure_container(&server).await.unwrap().address.unwrap();
        line_with(&*f.cloud, &server.name, "serving").await;
        let address = [format!("{address}:8080")];
        let _open = [Exception::make(&eve, &ada), Exception::make(&ada, &eve)];
        assert!(reach(&f, &eve, "stranger", &address).await[&address[0]], "the way is open");
        real.firewall(1).ensure().await.unwrap();
        assert!(!reach(&f, &eve, "stranger-2", &address).await[&address[0]]);
        assert!(reach(&f, &ada, "friend", &address).await[&address[0]], "within an application all is allowed");
    })
    .await;
}

/// Lets one network into another one, and goes with the test, whatever happens.
struct Exception([String; 6]);

impl Exception {
    fn make(from: &NetworkSpec, to: &NetworkSpec) -> Self {
        let words = ["-s", &from.subnet, "-d", &to.subnet, "-j", "ACCEPT"];
        let made = Self(words.map(ToOwned::to_owned));
        let listed = || rules(&["-S", "DOCKER-USER"]);
        // Before the last rule, which ends the chain, and behind the hooks of other tests, which want to be the first. Those
        // come and go, so that a place may be gone when it has been counted.
        for _ in 0..20 {
            if listed().contains(&words.join(" ")) {
                return made;
            }
            let last = listed().lines().filter(|line| line.starts_with("-A ")).count().max(1);
            rules(&[&["-I", "DOCKER-USER", &last.to_string()], words.as_slice()].concat());
        }
        panic!("no place for an exception: {}", listed());
    }
}

impl Drop for Exception {
    fn drop(&mut self) {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        rules(&[&["-D", "DOCKER-USER"], words.as_slice()].concat());
    }
}

#[tokio::test]
async fn the_self_test_sees_what_is_open_and_leaves_nothing() {
    with_real(async |real, f| {
        let network = f.network_spec("selftest");
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let open = SocketAddr::new(network.gateway, listener.local_addr().unwrap().port());
        let closed = SocketAddr::new(network.gateway, 1);
        assert_eq!(real.cloud.try_to_reach(&network, &[closed, open]).await.unwrap(), [false, true]);
        real.firewall(1).ensure().await.unwrap();
        assert!(real.firewall(1).is_in_force().await.unwrap());
        assert_eq!(real.cloud.try_to_reach(&network, &[closed, open]).await.unwrap(), [false, false]);
        assert!(f.cloud.networks().await.unwrap().is_empty());
        let spec = f.idle("audited");
        f.cloud.ensure_container(&spec).await.unwrap();
        let audited = real.cloud.audit().await.unwrap();
        assert_eq!(audited.len(), 1, "the throw-away containers are gone: {audited:?}");
        assert_eq!((audited[0].name.as_str(), audited[0].problems.len()), (spec.name.as_str(), 0), "{audited:?}");
    })
    .await;
}

#[tokio::test]
async fn rules_come_back_when_others_flush_them_and_go_when_asked() {
    with_real(async |real, _| {
        let firewall = real.firewall(7701);
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Renewed);
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Already);
        let ours = chains(real);
        assert_eq!(ours.len(), 3, "{ours:?}");
        rules(&["-F", &ours[0]]);
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Renewed, "flushed rules come back");
        let hook = rules(&["-S", "INPUT"]);
        let hook = hook.lines().find(|line| line.contains(&format!("installation {} ", real.installation))).unwrap();
        let interface = hook.split_whitespace().skip_while(|word| *word != "-i").nth(1).unwrap();
        let comment = hook.split('"').nth(1).unwrap();
        let input = ours.iter().find(|chain| chain.ends_with("-IN")).unwrap();
        rules(&["-D", "INPUT", "-i", interface, "-m", "comment", "--comment", comment, "-j", input]);
        assert_eq!(chains(real).len(), 2, "unhooked");
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Renewed, "a hook that is gone comes back");
        assert_eq!(firewall.ensure().await.unwrap(), Applied::Already);
        let everything = rules(&["-S"]) + &rules(&["-t", "mangle", "-S"]);
        firewall.remove().await.unwrap();
        firewall.remove().await.expect("twice is as good");
        assert_eq!(chains(real), Vec::<String>::new());
        let left = rules(&["-S"]) + &rules(&["-t", "mangle", "-S"]);
        assert!(
            ours.iter().all(|chain| everything.contains(chain.as_str()) && !left.contains(chain.as_str())),
            "{left}"
        );
    })
    .await;
}
