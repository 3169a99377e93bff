//! What visitors of a packed service see, and what they do not.

use super::app::{App, packed};
use crate::harness::{
    http::{Connection, get},
    site::HOST,
};

#[test]
fn a_packed_service_serves_pages_and_keeps_its_secrets() {
    let app = App::new();
    let welcome = App::welcome();
    let mut site = packed(&[app.versions[0].clone(), welcome.clone(), app.broken.clone()]);
    let port = site.port;

    // Servlets under a wildcard, pages, files.
    assert_eq!(site.body("/api/slow"), "one");
    assert_eq!(site.body("/"), "page /");
    assert_eq!(site.body("/index.jsp"), "page /index.jsp");
    assert_eq!(site.body("/style.css"), "/* one */");
    for path in ["/WEB-INF/web.xml", "/WEB-INF/secret.css", "/META-INF/", "/%57EB-INF/secret.css", "/nothing", "/api/x"]
    {
        let answer = site.get(path);
        assert!(answer.status == 404 && !answer.body.contains("secret"), "{path}: {answer:?}");
    }

    // The application sees what visitors wrote, and nothing of how it is hosted.
    assert_eq!(
        site.body("/api/who/am/i"),
        format!("http {HOST} {port} {HOST}:{port} 127.0.0.1 http://{HOST}:{port}/api/who/am/i /who/am/i")
    );
    let hostile = format!(
        "X-Aerie-Version: {}\r\nX-Aerie-Host: evil\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Port: 1\r\n\
         X-Forwarded-Proto: https\r\n",
        welcome.0
    );
    let seen = get(port, HOST, "/api/who", &hostile).body;
    assert_eq!(seen.split(' ').nth(1), Some(HOST));
    assert!(!seen.contains("6.6.6.6") && !seen.contains("evil") && !seen.contains("https"), "{seen}");
    for name in ["X-Aerie-Version", "X-Aerie-Host"] {
        assert_eq!(get(port, HOST, &format!("/api/header?name={name}"), &hostile).body, "null");
    }

    // Bodies: kept whole, too large ones are refused.
    let send = |size: usize| {
        let head = format!("POST /api/body HTTP/1.1\r\nHost: {HOST}\r\nConnection: close");
        Connection::open(port)
            .and_then(|mut connection| connection.send(&head, &"x".repeat(size)))
            .map(|answer| (answer.status, answer.body))
    };
    assert_eq!(send(5_000_000).expect("an answer"), (200, "5000000".to_owned()));
    assert!(send(9_000_000).map_or(true, |(status, _)| status == 413));

    // Errors are in the logs; visitors see them in debug mode only.
    let error = site.get("/api/error");
    assert!(error.status == 500 && !error.body.contains("secret detail") && !error.body.contains("Tomcat/"));
    assert!(site.instances["packed"].container.logs().contains("a secret detail"));

    // A websocket.
    let mut socket = Connection::open(port).expect("a connection");
    let upgrade = format!(
        "GET /echo HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    );
    assert_eq!(socket.upgrade(&upgrade).expect("an answer"), 101);
    // A masked text frame "hi" (the mask is all zeros), and the echo without a mask: RFC 6455, section 5.2.
    assert_eq!(socket.exchange(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'], 4).expect("an echo"), [0x81, 2, b'h', b'i']);

    // Settings: static files past the application, errors on the page, what Java may use. The versions stay deployed.
    site.settings = [("static_files", "web"), ("show_errors", "on"), ("heap", "96M")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    site.settings.insert("max_request".to_owned(), "4M".to_owned());
    site.settings.insert("jvm_options".to_owned(), "-Dapp.mode='a \"b\" $HOME' -Xmx32M".to_owned());
    site.variables = [("MOOD", "fine; \"x\" $y\nand"), ("JDK_JAVA_OPTIONS", "-Dapp.mode=evil")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    site.configure("packed");
    let css = site.get("/style.css");
    let tag = css.header("ETag").expect("a tag").to_owned();
    assert!(css.body == "/* one */" && tag.contains(&app.versions[0].0.to_string()), "{css:?}");
    assert_eq!(get(port, HOST, "/style.css", &format!("If-None-Match: {tag}\r\n")).status, 304);
    assert_eq!(site.get("/WEB-INF/secret.css").status, 404);
    assert_eq!(site.get("/nothing.css").status, 404);
    assert!(site.get("/api/error").body.contains("secret detail"));
    assert_eq!(send(3_000_000).expect("an answer"), (200, "3000000".to_owned()));
    assert!(send(5_000_000).map_or(true, |(status, _)| status == 413), "it was small enough before");
    assert_eq!(site.body("/api/env?name=MOOD"), "fine; \"x\" $y\nand");
    assert_eq!(site.body("/api/env?name=AERIE_IDENTITY"), "null");
    assert_eq!(site.body("/api/property?name=app.mode"), "a \"b\" $HOME");
    let heap: u32 = site.body("/api/heap").parse().expect("a number");
    assert!((80..=96).contains(&heap), "the setting wins: {heap} MiB");

    // The welcome page counts visits.
    site.serving = Some(welcome.0);
    site.configure("packed");
    let first = site.get("/");
    assert!(first.status == 200 && first.body.contains("It works") && first.body.contains("17, Apache Tomcat/10"));
    let cookie = first.header("Set-Cookie").expect("a session").to_owned();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    let session = cookie.split(';').next().expect("a name and a value");
    let second = get(port, HOST, "/", &format!("Cookie: {session}\r\n"));
    assert!(second.body.contains("<dd id=\"your\">2</dd>"), "{}", second.body);

    // A version that does not start says so.
    site.serving = Some(app.broken.0);
    site.configure("packed");
    let answer = site.get("/");
    assert!(answer.status == 503 && answer.body.contains("This version could not be started"), "{answer:?}");

    // Who waits for too long gets a page that says so.
    site.settings.insert("request_timeout".to_owned(), "2".to_owned());
    site.serving = Some(app.versions[0].0);
    site.configure("packed");
    let answer = site.get("/api/long");
    assert!(answer.status == 504 && answer.body.contains("took longer than it may"), "{answer:?}");
}
