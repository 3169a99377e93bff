#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use crate::{ActionSpec, Kinds};
use aerie_agent_protocol::ReloadMethod;
use aerie_domain::{ActionRunId, LifeId};
use proptest::prelude::*;
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

pub(super) fn kind(name: &str) -> Arc<Kind> {
    static KINDS: LazyLock<Kinds> =
        LazyLock::new(|| Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")).unwrap());
    Arc::clone(KINDS.get(name).unwrap())
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

fn member(name: &str, address: &str) -> Member {
    Member { name: name.to_owned(), address: address.to_owned() }
}

pub(super) fn context(roles: &[&str]) -> RenderContext {
    RenderContext {
        service: "site".to_owned(),
        application: "shop".to_owned(),
        instance: "0190c0de-0000-7000-8000-0000000000aa".parse().unwrap(),
        roles: roles.iter().map(|name| role(name)).collect(),
        members: BTreeMap::new(),
        counts: BTreeMap::new(),
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
        variables: BTreeMap::new(),
        bindings: BTreeMap::new(),
        serving: Some("0190c0de-0000-7000-8000-000000000001".parse().unwrap()),
        versions: vec![CodeVersionSpec {
            id: "0190c0de-0000-7000-8000-000000000001".parse().unwrap(),
            digest: "d".to_owned(),
            size_bytes: 1,
        }],
        routes: vec![],
        installation: [("public_bind", "0.0.0.0"), ("public_port", "8080"), ("ready_port", "8099")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        slot: 0,
        draining: Vec::new(),
        slots: 1,
        slots_wanted: 1,
        carried: Vec::new(),
    }
}

fn file<'a>(config: &'a InstanceConfig, path: &str) -> &'a str {
    &config.files.iter().find(|file| file.path == path).unwrap().content
}

#[test]
fn an_instance_gets_what_its_roles_need_and_nothing_else() {
    let config = kind("php").render(&context(&["proxy"])).unwrap();
    assert_eq!(config.processes.iter().map(|process| process.name.as_str()).collect::<Vec<_>>(), ["proxy"]);
    assert!(config.files.iter().all(|file| file.path.starts_with("proxy/") && file.mode == 0o640));
    assert_eq!(config.code, CodePlan::default(), "a proxy serves no files");
    let config = kind("php").render(&context(&["web"])).unwrap();
    assert_eq!(config.code.versions.len(), 1);
    assert_eq!(config.code.check, ["/usr/lib/aerie/check-code"]);
    assert_eq!(config.processes[0].reload, ReloadMethod::Signal("HUP".to_owned()));
    assert_eq!(config.generation, 0);
}

#[test]
fn used_roles_start_first() {
    let config = kind("php").render(&context(&["proxy", "web", "php", "sessions"])).unwrap();
    let names: Vec<&str> = config.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["sessions", "php", "web", "proxy"]);
    assert_eq!(config.processes[1].files, ["php/php.ini", "php/php-fpm.conf"]);
}

#[test]
fn a_probe_expects_the_digest_that_the_file_has() {
    let config = kind("php").render(&context(&["proxy"])).unwrap();
    let ProbeKind::Http { expect, .. } = &config.processes[0].health.kind else {
        panic!("the proxy is probed by HTTP")
    };
    assert!(expect.len() == 16 && expect.bytes().all(|digit| digit.is_ascii_hexdigit()), "{expect}");
    assert!(file(&config, "proxy/haproxy.cfg").contains(&format!("string \"{expect}\"")));
    assert!(!config.files.iter().any(|file| file.content.contains("@@DIGEST@@")));
}

#[test]
fn every_change_changes_the_digest_and_nothing_else_does() {
    let kind = kind("php");
    let digest = |context: &RenderContext| match &kind.render(context).unwrap().processes[0].health.kind {
        ProbeKind::Exec { command } => command[2].clone(),
        other => panic!("php is probed by a program, not by {other:?}"),
    };
    let mut changed = context(&["php"]);
    let before = digest(&changed);
    assert_eq!(digest(&changed.clone()), before);
    changed.members.insert(role("php"), vec![member("x", "10.0.0.1")]);
    assert_eq!(digest(&changed), before, "php does not care who else runs php: no reload");
    changed.settings.insert("memory_limit".to_owned(), "64M".to_owned());
    assert_ne!(digest(&changed), before);
    let second = digest(&changed);
    changed.variables.insert("A".to_owned(), "1".to_owned());
    assert_ne!(digest(&changed), second);
}

#[test]
fn members_and_the_serving_version_reach_the_files() {
    let mut context = context(&["proxy", "web"]);
    context.members.insert(role("web"), vec![member("w1", "127.0.0.1"), member("w2", "10.0.0.3")]);
    context.members.insert(role("php"), vec![member("p1", "10.0.0.4")]);
    let config = kind("php").render(&context).unwrap();
    let proxy = file(&config, "proxy/haproxy.cfg");
    assert!(proxy.contains("\n    server w1 127.0.0.1:8081\n    server w2 10.0.0.3:8081\n"), "{proxy}");
    assert!(proxy.contains("set-header X-Aerie-Version '0190c0de-0000-7000-8000-000000000001'"));
    assert!(file(&config, "web/nginx.conf").contains("\n        server 10.0.0.4:9000 max_fails=2 fail_timeout=2s;\n"));
    context.serving = None;
    context.members.clear();
    let config = kind("php").render(&context).unwrap();
    assert!(!file(&config, "proxy/haproxy.cfg").contains("default_backend"));
    assert!(file(&config, "web/nginx.conf").contains("server 127.0.0.1:9000 down;"));
}

#[test]
fn variables_are_the_environment_unless_the_files_name_them() {
    let mut context = context(&["php"]);
    context.variables.insert("DB_HOST".to_owned(), "db\n".to_owned());
    let php = kind("php");
    let config = php.render(&context).unwrap();
    assert!(config.environment.is_empty(), "a changed variable must not restart anything");
    assert!(file(&config, "php/php-fpm.conf").contains("env[DB_HOST] = 'db'PHP_EOL\n"));
    let entry = RenderContext { roles: vec![role("entry")], ..context };
    assert_eq!(kind("entry").render(&entry).unwrap().environment, entry.variables);
}

fn route(name: &str, hosts: &[&str], members: Vec<Member>, state: &str) -> Route {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    Route { name: name.to_owned(), hosts, members, port: 8080, state: state.to_owned() }
}

#[test]
fn the_entry_knows_all_routes() {
    let mut context = context(&["entry"]);
    let two = vec![member("a", "10.0.0.1"), member("b", "10.0.0.2")];
    context.routes = vec![
        route("r1", &["shop.ada.localhost", "site.shop.ada.localhost"], two, ""),
        route("r2", &["idle.ada.localhost"], vec![], "is <b>starting</b>\nevil route-r1"),
    ];
    let config = kind("entry").render(&context).unwrap();
    assert_eq!(
        file(&config, "entry/hosts.map"),
        "shop.ada.localhost route-r1\nsite.shop.ada.localhost route-r1\n\
         idle.ada.localhost !is &lt;b&gt;starting&lt;/b&gt; evil route-r1\n"
    );
    let backends = file(&config, "entry/routes.cfg");
    assert!(backends.contains("backend route-r1\n") && !backends.contains("backend route-r2"));
    assert!(backends.contains("    server b-checked 10.0.0.2:8080 check inter 500ms fall 2 rise 1\n"), "{backends}");
    assert_eq!(
        file(&config, "entry/routes"),
        "route-r1 shop.ada.localhost a-checked 10.0.0.1 8080 500\n\
         route-r1 shop.ada.localhost b-checked 10.0.0.2 8080 500\n"
    );
    let ProbeKind::Exec { command } = &config.processes[0].health.kind else {
        panic!("the entry is probed by a program")
    };
    assert_eq!(command[1], "8099");
    assert!(file(&config, "entry/loaded.map").contains(&format!("digest {}\n", command[2])));
}

#[test]
fn a_changed_map_changes_the_digest_that_the_entry_is_asked_for() {
    let digest = |routes| {
        let context = RenderContext { routes, ..context(&["entry"]) };
        match kind("entry").render(&context).unwrap().processes.remove(0).health.kind {
            ProbeKind::Exec { command } => command[2].clone(),
            other => panic!("the entry is probed by a program, not by {other:?}"),
        }
    };
    let shape = |routes| {
        let context = RenderContext { routes, ..context(&["entry"]) };
        file(&kind("entry").render(&context).unwrap(), "entry/haproxy.cfg").to_owned()
    };
    let starting = digest(vec![route("r", &["a.localhost"], vec![], "is starting")]);
    let stopped = digest(vec![route("r", &["a.localhost"], vec![], "is stopped")]);
    assert_ne!(starting, stopped);
    assert_eq!(shape(vec![]), shape(vec![route("r", &["a.localhost"], vec![member("a", "10.0.0.1")], "")]));
}

#[test]
fn two_thousand_routes_are_rendered_quickly_and_checked_gently() {
    let members = |n: usize| vec![member(&format!("a{n}"), "10.0.0.1"), member(&format!("b{n}"), "10.0.0.2")];
    let routes: Vec<Route> =
        (0..2000).map(|n| route(&format!("r{n}"), &[format!("a{n}.localhost").as_str()], members(n), "")).collect();
    let context = RenderContext { routes, ..context(&["entry"]) };
    let started = std::time::Instant::now();
    let config = kind("entry").render(&context).unwrap();
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    assert_eq!(file(&config, "entry/hosts.map").lines().count(), 2000);
    assert!(file(&config, "entry/routes.cfg").contains("check inter 20000ms"));
}

#[test]
fn a_name_that_is_not_there_is_an_error() {
    let mut context = context(&["entry"]);
    context.installation.remove("public_port");
    let error = kind("entry").render(&context).unwrap_err();
    assert_eq!(error.to_string(), "kind entry: files/haproxy.cfg cannot be rendered");
}

/// Lines of a file, with what may legally differ between two values left out.
fn shape(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split(['\'', '"']).next().unwrap_or_default().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn hostile_values_add_no_line_to_any_file(value in "[\n\r\"'`;$%{}#\\\\\\[\\]= a-z]{1,40}") {
        prop_assume!(!value.contains('$'));
        let kind = kind("php");
        let roles = ["proxy", "web", "php", "sessions"];
        let with = |value: &str| {
            let mut context = context(&roles);
            context.variables.insert("X".to_owned(), value.to_owned());
            for name in ["memory_limit", "document_root", "display_errors", "post_max_size"] {
                context.settings.insert(name.to_owned(), value.to_owned());
            }
            context.members.insert(role("web"), vec![member(value, value)]);
            context.members.insert(role("php"), vec![member(value, value)]);
            kind.render(&context).unwrap()
        };
        let (hostile, harmless) = (with(&value), with("x"));
        for (one, other) in hostile.files.iter().zip(&harmless.files) {
            // A quoted nginx string may have line ends in it; everywhere else a line is a line.
            if one.path != "web/nginx.conf" {
                prop_assert_eq!(one.content.lines().count(), other.content.lines().count(), "{}", one.path);
            }
            if one.path == "php/php-fpm.conf" {
                let starts = |lines: Vec<String>| lines.iter().map(|l| l.split('=').next().unwrap_or("").to_owned()).collect::<Vec<_>>();
                prop_assert_eq!(starts(shape(&one.content)), starts(shape(&other.content)));
            }
        }
    }

    #[test]
    fn rendering_is_deterministic(roles in proptest::sample::subsequence(vec!["proxy", "web", "php", "sessions"], 0..5)) {
        let context = context(&roles);
        let kind = kind("php");
        let config = kind.render(&context).unwrap();
        prop_assert_eq!(&config, &kind.render(&context).unwrap());
        prop_assert_eq!(config.processes.len(), roles.len());
    }
}

#[test]
fn a_task_takes_what_was_typed_as_variables_and_whole_arguments() {
    let kind = kind("generic");
    let run = kind.spec.actions.iter().find(|action| action.name.as_str() == "run").unwrap();
    let hostile = "'; rm -rf / #\" $HOME {{ secrets }}";
    let call = ActionCall {
        id: ActionRunId::generate(),
        life: LifeId::generate(),
        role: role("node"),
        values: [("parameters".to_owned(), hostile.to_owned())].into(),
    };
    let task = kind.task(run, &call, &context(&["node"])).unwrap();
    assert_eq!(task.environment["ACTION_PARAMETERS"], hostile, "as it was typed");
    assert_eq!(task.command[2], "/code/0190c0de-0000-7000-8000-000000000001");
    assert_eq!((task.id, task.life, task.stop_timeout_s), (call.id, call.life, 10));
    let none = RenderContext { serving: None, ..context(&["node"]) };
    assert_eq!(kind.task(run, &call, &none).unwrap().command[2], "");

    // As part of a command, a value stays one argument.
    let echo = ActionSpec { command: vec!["/echo".to_owned(), "{{ values.parameters }}".to_owned()], ..run.clone() };
    assert_eq!(kind.task(&echo, &call, &context(&["node"])).unwrap().command, ["/echo", hostile]);
}

#[test]
fn a_master_and_a_node_see_everybody_and_the_code_is_prepared() {
    let members = BTreeMap::from([
        (role("master"), vec![member("m1", "10.0.0.2")]),
        (role("node"), vec![member("n1", "127.0.0.1"), member("n2", "10.0.0.4")]),
    ]);
    let config = kind("generic").render(&RenderContext { members, ..context(&["node"]) }).unwrap();
    let list = file(&config, "node/members");
    assert!(list.contains("member master m1 10.0.0.2\nmember node n1 127.0.0.1\nmember node n2 10.0.0.4\n"), "{list}");
    let prepare = config.code.prepare.as_ref().unwrap();
    assert_eq!((prepare.name.as_str(), prepare.role.as_str()), ("init", "node"));
    assert_eq!(config.tasks, []);
}
