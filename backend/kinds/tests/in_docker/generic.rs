//! A user's own scripts: what they find, how they are started, and who hears of whom.

use crate::harness::{
    docker::{Container, Network, docker, wait_until},
    site::{image, kind},
};
use aerie_domain::InstanceId;
use std::{collections::BTreeMap, time::Duration};

const CODE: &str = "/code/0190c0de-0000-7000-8000-000000000001";

struct Lab {
    id: InstanceId,
    container: Container,
    _network: Network,
}

impl Lab {
    fn start() -> Self {
        let kind = kind("generic");
        let network = Network::new();
        let tmpfs: Vec<(String, u32)> = kind
            .spec
            .tmpfs
            .iter()
            .map(|(path, mib)| {
                let exec = if kind.spec.executable.contains(path) { ":exec" } else { "" };
                (format!("{path}{exec}"), *mib)
            })
            .collect();
        let container = Container::start(&image(&kind), &network.0, &[], &tmpfs, kind.spec.size.memory_mib);
        let lab = Self { id: InstanceId::generate(), container, _network: network };
        lab.members("one", &[]);
        lab
    }

    /// The list as the platform renders it: this one is the master.
    fn members(&self, digest: &str, nodes: &[&str]) {
        let own = self.id.short();
        let nodes: Vec<String> =
            nodes.iter().enumerate().map(|(n, id)| format!("member node {id} 10.0.0.{}", n + 9)).collect();
        let nodes = nodes.join("\n");
        let text = format!(
            "digest {digest}\nservice lab\nversion {}\n\nmember master {own} 127.0.0.1\n{nodes}\n",
            CODE.trim_start_matches("/code/")
        );
        self.container.write("/run/aerie/master/members", text.as_bytes());
    }

    fn script(&self, name: &str, text: &str, executable: bool) {
        let path = format!("{CODE}/{name}.sh");
        self.container.write(&path, text.as_bytes());
        if executable {
            assert!(self.container.run(&["chmod", "555", &path]).0);
        }
    }

    /// Runs a script as an action would; its exit code and what it said.
    fn run(&self, name: &str, parameters: &str) -> (i32, String) {
        let (instance, parameters) = (format!("AERIE_INSTANCE={}", self.id), format!("ACTION_PARAMETERS={parameters}"));
        let shell = r#"/usr/lib/aerie/script "$0" "$1" 2>&1; echo "code $?""#;
        let role = "AERIE_ROLE=master";
        let said = docker(&[
            "exec",
            "-e",
            &instance,
            "-e",
            &parameters,
            "-e",
            role,
            &self.container.name,
            "sh",
            "-c",
            shell,
            name,
            CODE,
        ]);
        let (said, code) = said.rsplit_once("code ").expect("a code");
        (code.parse().expect("a number"), said.to_owned())
    }
}

#[test]
fn scripts_find_what_the_page_promises() {
    let lab = Lab::start();
    lab.members("one", &["ab12cd34"]);
    let text = "#!/bin/bash\necho \"$MY_ROLE $MY_ID $MY_IP $MASTER_IP\"\nprintf '<%s>' \"$@\"; echo\n\
                jq -c '[.[] | [.role, .id, .ip]]' \"$TOPOLOGY\"\npwd; id -u; touch here; echo \"$PARAMETERS\"\nexit 7";
    lab.script("run", text, true);
    let (code, said) = lab.run("run", "a 'b c' \"$HOME;\" *");
    let address = lab.container.address();
    let own = lab.id.short();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(code, 7, "{said}");
    assert_eq!(lines[0], format!("master {own} {address} {address}"));
    assert_eq!(lines[1], "<a><b c><$HOME;><*>", "words as in a shell, and nothing is expanded");
    assert_eq!(lines[2], format!("[[\"master\",\"{own}\",\"{address}\"],[\"node\",\"ab12cd34\",\"10.0.0.9\"]]"));
    assert_eq!(lines[3..], [CODE, "1000", "a 'b c' \"$HOME;\" *"]);
}

#[test]
fn what_cannot_be_started_is_told_in_words() {
    let lab = Lab::start();
    lab.script("other", "", false);
    let (code, said) = lab.run("run", "");
    assert!(code == 127 && said.contains("There is no run.sh") && said.contains("other.sh"), "{code} {said}");
    assert_eq!(lab.run("interrupt", ""), (0, String::new()), "nobody has to bring one");
    lab.script("run", "#!/bin/bash\r\necho no\r\n", false);
    let (code, said) = lab.run("run", "");
    assert!(code == 126 && said.contains("line ends of Windows"), "{code} {said}");
    lab.script("run", "#!/no/such/program\n", true);
    let (code, said) = lab.run("run", "");
    assert!(code == 126 && said.contains("cannot be started"), "{code} {said}");
    lab.script("cleanup", "#!/usr/bin/env python3\nimport sys; print(sys.argv[1:])\n", false);
    assert_eq!(lab.run("cleanup", "x"), (0, "['x']\n".to_owned()), "not marked as executable, and run all the same");
    let (code, said) = lab.run("cleanup", "'half");
    assert!(code == 126 && said.contains("quotation mark"), "{code} {said}");
    assert_eq!(lab.run("cleanup", ""), (0, "[]\n".to_owned()));
}

#[test]
fn those_who_stay_are_notified_once_per_change() {
    let lab = Lab::start();
    let notify = "#!/bin/sh\necho \"now $(jq length \"$TOPOLOGY\")\"; until [ -e /tmp/go ]; do sleep 0.1; done\n";
    lab.script("notify", notify, true);
    let environment: BTreeMap<String, String> =
        [("AERIE_INSTANCE".to_owned(), lab.id.to_string()), ("AERIE_ROLE".to_owned(), "master".to_owned())].into();
    let process = &kind("generic").spec.roles[0].process;
    lab.container.spawn("keeper", &environment, &process.command);
    // At once, long before it can listen: neither is it ended, nor is the news lost.
    lab.container.signal("keeper", "HUP");
    let taken_up = |digest: &str| {
        wait_until(&format!("{digest} to be taken up"), Duration::from_secs(10), || {
            let (ok, said) = lab.container.run(&["/usr/lib/aerie/ready", "master", digest]);
            if ok { Ok(()) } else { Err(said) }
        });
    };
    taken_up("one");
    lab.members("two", &["ab12cd34", "ef56ab78"]);
    assert!(lab.container.signal("keeper", "HUP").0);
    taken_up("two");
    // While it is at that, three more changes: one more call tells of all of them.
    for (digest, nodes) in [("three", &["a1"][..]), ("four", &["a1", "b2", "c3", "d4"]), ("five", &["a1", "b2", "c3"])]
    {
        lab.members(digest, nodes);
        lab.container.signal("keeper", "HUP");
        taken_up(digest);
    }
    lab.container.write("/tmp/go", b"");
    let now =
        || lab.container.logs().lines().filter(|line| line.starts_with("now ")).map(str::to_owned).collect::<Vec<_>>();
    wait_until("the second call", Duration::from_secs(10), || {
        if now().len() >= 2 { Ok(()) } else { Err(lab.container.logs()) }
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(now(), ["now 3", "now 4"]);
    // A list that says the same with other words (another version) is no news.
    lab.members("six", &["a1", "b2", "c3"]);
    lab.container.signal("keeper", "HUP");
    taken_up("six");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(now().len(), 2);
    lab.container.stop("keeper", "TERM", 5);
}
