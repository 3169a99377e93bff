//! What visitors of a packed service see, and what they do not.

use super::shop::{Code, packed};
use crate::harness::{
    http::{Connection, get},
    site::HOST,
};
use std::fs;

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
    ("LATER", "x $pool $PATH"),
];

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

    let crash = site.get("/crash.php");
    assert!(crash.status == 502 && crash.body.contains("PHP did not answer"), "{crash:?}");
    let logs = site.instances["packed"].container.logs();
    assert!(logs.contains("Call to undefined function undefined_function()"), "errors are in the logs: {logs}");

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
        assert_eq!(get(site.port, HOST, "/server.php?name=HTTP_PROXY", &hostile).body, "none");
    }
    assert_eq!(site.body("/server.php?name=HTTP_X_AERIE_VERSION"), "none");
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
    assert!(tag.contains(&code.versions[0].0.to_string()) && css.header("Last-Modified").is_none(), "{css:?}");
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
        site.instances["packed"].container.write(&format!("/code/{}/public/{file}", code.versions[0].0), &text);
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
