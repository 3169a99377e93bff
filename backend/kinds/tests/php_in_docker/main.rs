//! The php and entry kinds for real: rendered by this crate, run in hardened containers, visited over HTTP.
//!
//! Needs a container engine and the base image (`aerie/base:bookworm`, or the one that `AERIE_TEST_BASE` names). Images
//! are built at the first run and kept; everything else is removed.
#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod docker;
mod http;
mod instance;
mod site;

use aerie_domain::CodeVersionId;
use docker::wait_until;
use http::{Answer, Connection, Load, get};
use site::{HOST, Site, image, kind};
use std::{
    fs,
    path::Path,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Values that would break out of a configuration file that does not quote well.
const HOSTILE: &[(&str, &str)] = &[
    ("LINES", "one\ntwo\r\n[www]\nuser = root\n"),
    ("QUOTES", "it's \"quoted\" `x` \\' \\\" \\"),
    ("SIGNS", "a;b # c } { ${PATH} $(id) %[src] = | & ! ~ ^"),
    ("DOLLAR", "$PATH \"; }\n evil"),
    ("EMPTY", ""),
    ("YES", "yes"),
    ("NUMBER", "007"),
    ("UNICODE", "žluťoučký 🐎"),
    ("POOL", "$pool and x $pool"),
];

/// Folders with two versions of a site that differ in what `slow.php` says.
struct Code {
    _folder: tempfile::TempDir,
    versions: Vec<(CodeVersionId, PathBuf)>,
}

impl Code {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates/php/code-default/index.php");
        let versions = ["one", "two"].map(|name| {
            let top = folder.path().join(name);
            for folder in ["public/sub", ".git", ".well-known"] {
                fs::create_dir_all(top.join(folder)).expect("a folder");
            }
            let write = |name: &str, text: &str| fs::write(top.join(name), text).expect("a file");
            fs::copy(&default, top.join("index.php")).expect("a copy");
            write("slow.php", &format!("<?php usleep(random_int(20, 150) * 1000); echo '{name}';"));
            write("long.php", &format!("<?php usleep(2500 * 1000); echo '{name}';"));
            write("count.php", "<?php session_start(); $n = ($_SESSION['n'] ?? 0) + 1; usleep(30000); $_SESSION['n'] = $n; echo $n, ' ', getenv('AERIE_INSTANCE');");
            write("ini.php", "<?php echo ini_get($_GET['name']);");
            write("env.php", "<?php echo json_encode(getenv($_GET['name']));");
            write("server.php", "<?php echo $_SERVER[$_GET['name']] ?? 'none';");
            write("error.php", "<?php undefined_function();");
            write("upload.php", "<?php echo count($_POST), ' ', strlen($_POST['a'] ?? '');");
            write("style.css", &format!("/* {name} */"));
            write("secret.php.bak", "<?php // secret");
            write("Upper.PHP", "<?php // secret");
            write(".env", "secret");
            write(".git/config", "secret");
            write(".well-known/x.txt", "known");
            write("public/index.php", "<?php echo 'front ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['PATH_INFO'] ?? '';");
            write("public/sub/x.txt", "text");
            (CodeVersionId::generate(), top)
        });
        Self { _folder: folder, versions: versions.into() }
    }
}

/// A packed service, its session store and the entry.
fn packed(code: &Code) -> Site {
    let mut site = Site::new(code.versions[0].0);
    site.start("sessions", &["sessions"], &[]);
    for role in ["proxy", "web", "php"] {
        site.serve(role, &["packed"]);
    }
    // Its own address is the loopback one, so it can be told of itself before it is there.
    site.start("packed", &["proxy", "web", "php"], &code.versions);
    site.start("entry", &["entry"], &[]);
    site
}

impl Site {
    fn get(&self, path: &str) -> Answer {
        get(self.port, HOST, path, "")
    }

    fn body(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

#[test]
fn a_packed_service_serves_pages_and_keeps_its_secrets() {
    let code = Code::new();
    let mut site = packed(&code);

    // The welcome page counts visits.
    let first = site.get("/");
    assert!(
        first.status == 200 && first.body.contains("It works") && first.body.contains("PHP</dt><dd id=\"php\">8.2"),
        "{}",
        first.body
    );
    let cookie = first.header("Set-Cookie").and_then(|cookie| cookie.split(';').next()).expect("a session").to_owned();
    let second = get(site.port, HOST, "/", &format!("Cookie: {cookie}\r\n"));
    assert!(second.body.contains("<dd id=\"your\">2</dd>"), "{}", second.body);

    // Settings.
    for (name, value) in [
        ("memory_limit", "128M"),
        ("upload_max_filesize", "8M"),
        ("max_execution_time", "30"),
        ("session.save_handler", "redis"),
    ] {
        assert_eq!(site.body(&format!("/ini.php?name={name}")), value, "{name}");
    }
    assert!(["", "0", "off"].contains(&site.body("/ini.php?name=display_errors").as_str()));
    let error = site.get("/error.php");
    assert!(error.status == 500 && !error.body.contains("undefined_function"), "{error:?}");

    // What is no visitor's business.
    for path in [
        "/.env",
        "/.git/config",
        "/%2egit/config",
        "/secret.php.bak",
        "/Upper.PHP",
        "/nothing.php",
        "/style.css/x.php",
        "/../../etc/passwd",
    ] {
        let answer = site.get(path);
        assert!([400, 404].contains(&answer.status) && !answer.body.contains("secret"), "{path}: {answer:?}");
    }
    assert_eq!(site.body("/.well-known/x.txt"), "known");

    // The version is named by the proxy, never by a visitor.
    for header in ["X-Aerie-Version", "x-aerie-VERSION", "X_Aerie_Version"] {
        let hostile = format!(
            "{header}: {}\r\nProxy: evil\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: X-Aerie-Version\r\n",
            code.versions[1].0
        );
        assert_eq!(
            get(site.port, HOST, "/slow.php", &hostile.replace("Connection: X-Aerie-Version\r\n", "")).body,
            "one",
            "{header}"
        );
        let head = format!("GET /slow.php HTTP/1.1\r\nHost: {HOST}\r\n{}", hostile.trim_end());
        let answer = Connection::open(site.port).and_then(|mut c| c.send(&head, "")).expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (200, "one"), "{header}");
        assert_eq!(get(site.port, HOST, "/server.php?name=REMOTE_ADDR", &hostile).body, "127.0.0.1");
        assert_eq!(get(site.port, HOST, "/server.php?name=HTTP_PROXY", &hostile).body, "");
    }
    assert_eq!(site.body("/server.php?name=HTTP_X_AERIE_VERSION"), "");
    assert_eq!(site.body("/server.php?name=SERVER_PORT"), site.port.to_string());
    assert_eq!(site.body("/server.php?name=SERVER_NAME"), HOST);
    assert_eq!(site.body("/server.php?name=HTTP_HOST"), format!("{HOST}:{}", site.port));

    // The director's cookie stays at the entry, others pass.
    for (sent, seen) in [
        ("a=1; __Host-aerie=secret; b=2", "a=1; b=2"),
        ("__Host-aerie=secret", ""),
        ("aerie_session=s; a=1", "a=1"),
        ("a=1; aerie_session=s", "a=1"),
        ("__Host-aerie=1;__Host-aerie=2; aerie_session=3; x_aerie_session=4", "x_aerie_session=4"),
    ] {
        let body = get(site.port, HOST, "/server.php?name=HTTP_COOKIE", &format!("Cookie: {sent}\r\n")).body;
        assert_eq!(body.replace("none", "").trim_end_matches([';', ' ']), seen, "{sent}");
    }

    // Static files carry the version as their tag.
    let css = site.get("/style.css");
    let tag = css.header("ETag").expect("a tag").to_owned();
    assert!(tag.contains(&site.serving.to_string()) && css.header("Last-Modified").is_none(), "{css:?}");
    assert_eq!(get(site.port, HOST, "/style.css", &format!("If-None-Match: {tag}\r\n")).status, 304);

    // Bodies: kept whole, too large ones are refused.
    let post = |size: usize| {
        let head = format!(
            "POST /upload.php HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close"
        );
        Connection::open(site.port)
            .and_then(|mut connection| connection.send(&head, &format!("a={}", "x".repeat(size))))
            .map(|answer| (answer.status, answer.body))
    };
    assert_eq!(post(5_000_000).expect("an answer"), (200, "1 5000000".to_owned()));
    assert!(post(9_000_000).map_or(true, |(status, _)| status == 413));

    // Hosts.
    assert_eq!(get(site.port, &format!("{}.", HOST.to_uppercase()), "/slow.php", "").body, "one");
    let unknown = get(site.port, "other.ada.localhost", "/", "");
    assert!(unknown.status == 404 && unknown.body.contains("There is no application at this address"));
    let idle = get(site.port, "idle.ada.localhost", "/", "");
    assert!(
        idle.status == 503 && idle.body.contains("This application is starting&#39; } &lt;script&gt;%[src]</h1>"),
        "{}",
        idle.body
    );
    assert_eq!(idle.header("Refresh"), Some("2"));

    // Hostile variables arrive as they are; settings can change; the document root moves.
    site.variables = HOSTILE.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    site.settings = [("memory_limit", "64M"), ("display_errors", "on"), ("document_root", "public")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for file in ["ini.php", "env.php", "error.php"] {
        let text = fs::read(code.versions[0].1.join(file)).expect("a file");
        site.instances["packed"].container.write(&format!("/code/{}/public/{file}", site.serving), &text);
    }
    site.configure("packed");
    for (name, value) in HOSTILE {
        let seen: serde_json::Value = serde_json::from_str(&site.body(&format!("/env.php?name={name}"))).expect("JSON");
        assert_eq!(seen.as_str(), Some(*value), "{name}");
    }
    assert_eq!(site.body("/env.php?name=AERIE_IDENTITY"), "false");
    assert_eq!(site.body("/ini.php?name=memory_limit"), "64M");
    assert!(site.get("/error.php").body.contains("undefined_function"));
    assert_eq!(site.body("/some/page?x=1"), "front /some/page?x=1 ");
    assert_eq!(site.body("/index.php/a/b"), "front /index.php/a/b /a/b");
    let moved = site.get("/sub");
    assert_eq!((moved.status, moved.header("Location")), (301, Some("/sub/")));
    assert_eq!(site.get("/sub/").status, 403);
    assert_eq!(site.body("/sub/x.txt"), "text");
}

#[test]
fn no_request_is_lost_while_things_change() {
    let code = Code::new();
    let mut site = packed(&code);
    let load = |site: &Site| Load::start(site.port, HOST, "/slow.php", 8);
    let pause = || std::thread::sleep(Duration::from_millis(400));

    for (instance, role) in [("entry", "entry"), ("packed", "proxy"), ("packed", "web"), ("packed", "php")] {
        let visitors = load(&site);
        for _ in 0..4 {
            site.instances[instance].reload_role(role);
            pause();
        }
        visitors.finish(&format!("four reloads of {role}"));
    }

    // A script that runs longer than everything else survives a reload of all four.
    let (port, started) = (site.port, Instant::now());
    let long = std::thread::spawn(move || get(port, HOST, "/long.php", ""));
    std::thread::sleep(Duration::from_millis(300));
    for (instance, role) in [("entry", "entry"), ("packed", "proxy"), ("packed", "web"), ("packed", "php")] {
        site.instances[instance].reload_role(role);
    }
    let answer = long.join().expect("no panic");
    assert_eq!((answer.status, answer.body.as_str()), (200, "one"), "after {:?}", started.elapsed());

    // From packed to separate, make before break.
    let visitors = load(&site);
    site.start("php1", &["php"], &code.versions);
    site.start("php2", &["php"], &code.versions);
    site.serve("php", &["php1", "php2"]);
    site.start("web1", &["web"], &code.versions);
    site.start("web2", &["web"], &code.versions);
    site.serve("web", &["web1", "web2"]);
    site.configure("packed");
    pause();
    visitors.finish("from packed to separate instances");

    // Sessions are shared, and counted right although requests come at once.
    let first = site.get("/count.php");
    let cookie = first.header("Set-Cookie").and_then(|cookie| cookie.split(';').next()).expect("a session").to_owned();
    let headers = format!("Cookie: {cookie}\r\n");
    let at_once: Vec<_> = (0..8)
        .map(|_| {
            let headers = headers.clone();
            std::thread::spawn(move || get(port, HOST, "/count.php", &headers).body)
        })
        .collect();
    let bodies: Vec<String> = at_once.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let mut counted: Vec<u32> = bodies.iter().filter_map(|body| body.split(' ').next()?.parse().ok()).collect();
    counted.sort_unstable();
    assert_eq!(counted, (2..=9).collect::<Vec<_>>(), "{bodies:?}");
    let mut instances: Vec<&str> = bodies.iter().filter_map(|body| body.split(' ').nth(1)).collect();
    instances.sort_unstable();
    instances.dedup();
    assert_eq!(instances.len(), 2, "both php instances answered: {bodies:?}");

    // The other version, flipped at the one place that names it.
    let visitors = load(&site);
    pause();
    site.serving = code.versions[1].0;
    let before = Instant::now();
    site.configure("packed");
    let after = Instant::now();
    pause();
    let seen = visitors.finish("activation of another version");
    assert!(seen.bodies.iter().all(|(at, body)| body == "two" || *at < after), "the old version after the flip");
    assert!(seen.bodies.iter().all(|(at, body)| body == "one" || *at > before - Duration::from_millis(200)));
    assert!(seen.bodies.iter().any(|(_, body)| body == "one") && seen.bodies.iter().any(|(_, body)| body == "two"));

    // Scale down: told first, gone after the drain time.
    let visitors = load(&site);
    site.serve("php", &["php1"]);
    site.configure("web1");
    site.configure("web2");
    site.serve("web", &["web1"]);
    site.configure("packed");
    std::thread::sleep(Duration::from_secs(2));
    site.instances.remove("php2");
    site.instances.remove("web2");
    pause();
    visitors.finish("scaling down");

    // A php instance that dies without notice costs time, not requests.
    site.start("php3", &["php"], &code.versions);
    site.serve("php", &["php1", "php3"]);
    site.configure("web1");
    pause();
    let (port, patient) = (site.port, Duration::from_secs(5));
    site.instances.remove("php3");
    wait_until("an answer with one of two php instances dead", patient, || {
        let answer = get(port, HOST, "/slow.php", "");
        if answer.status == 200 { Ok(()) } else { Err(answer.body) }
    });
    let visitors = load(&site);
    pause();
    pause();
    visitors.finish("one of two php instances dead");
}

#[test]
fn mistakes_in_code_are_found() {
    let php = kind("php");
    let container = docker::Container::start(
        &image(&php),
        "none",
        &[],
        &[("/code".to_owned(), 16), ("/run/aerie".to_owned(), 4), ("/tmp".to_owned(), 4)],
        256,
    );
    let check = |name: &str, text: &str| {
        container.write(&format!("/code/{name}"), text.as_bytes());
        container.run(&["/usr/lib/aerie/check-code", "/code"])
    };
    assert_eq!(check("a file's name.php", "<?php echo 1;"), (true, String::new()));
    let (ok, said) = check("lib/broken one.php", "<?php\n\necho (;");
    assert!(!ok);
    assert_eq!(said.trim(), "Parse error: syntax error, unexpected token \";\" in lib/broken one.php on line 3");
    let (ok, said) = check("other.php", "<?php function f() {} function f() {}");
    assert!(
        !ok && said.lines().count() == 2 && said.contains("Cannot redeclare f()") && !said.contains("/code"),
        "{said}"
    );
}

#[test]
fn the_entry_takes_two_thousand_routes() {
    let entry = kind("entry");
    let member = |name: &str| aerie_kinds::Member { name: name.to_owned(), address: "127.0.0.1".to_owned() };
    let route = |n: usize| aerie_kinds::Route {
        name: format!("r{n}"),
        hosts: vec![format!("a{n}.ada.localhost"), format!("b{n}.ada.localhost")],
        members: if n % 2 == 0 { vec![member("x"), member("y")] } else { vec![] },
        port: 9,
        state: "is stopped".to_owned(),
    };
    let (port, ready_port) = (site::free_port(), site::free_port());
    let installation = [
        ("public_bind", "127.0.0.1".to_owned()),
        ("public_port", port.to_string()),
        ("ready_port", ready_port.to_string()),
    ];
    let context = aerie_kinds::RenderContext {
        service: "entry".to_owned(),
        application: "system".to_owned(),
        instance: aerie_domain::InstanceId::generate(),
        roles: vec![site::role("entry")],
        members: [].into(),
        settings: [].into(),
        variables: [].into(),
        serving: None,
        versions: vec![],
        routes: (0..2000).map(route).collect(),
        installation: installation.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    let mut instance = instance::Instance::start(&entry, &image(&entry), "host", &[]);
    let started = Instant::now();
    instance.apply(entry.render(&context).expect("it can be rendered"));
    eprintln!("2000 routes: ready after {:?}", started.elapsed());
    assert_eq!(get(port, "b1999.ada.localhost", "/", "").status, 503);
    assert!(get(port, "b1999.ada.localhost", "/", "").body.contains("This application is stopped"));
    let unreachable = get(port, "a0.ada.localhost", "/", "");
    assert!(unreachable.status == 503 && unreachable.body.contains("does not answer right now"), "{unreachable:?}");
}
