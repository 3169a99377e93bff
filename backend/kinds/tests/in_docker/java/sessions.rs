//! Sessions over instances, versions and the death of an instance.

use super::app::{App, packed};
use crate::harness::{
    http::{Answer, Connection, get},
    site::{HOST, Site},
};
use std::time::{Duration, Instant};

/// Asks one java instance itself, as a web instance would: so that the test decides which one answers.
fn ask(address: &str, version: &str, cookie: &str, path: &str) -> Answer {
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {version}\r\nX-Aerie-Host: {HOST}\r\nCookie: {cookie}\r\nConnection: close"
    );
    Connection::open_at(address, 8082).and_then(|mut connection| connection.send(&head, "")).expect("an answer")
}

fn cookie(answer: &Answer) -> String {
    answer.header("Set-Cookie").and_then(|cookie| cookie.split(';').next()).expect("a session").to_owned()
}

fn counted(site: &Site, cookie: &str) -> String {
    let body = get(site.port, HOST, "/api/count", &format!("Cookie: {cookie}\r\n")).body;
    body.split(' ').next().expect("a number").to_owned()
}

#[test]
fn sessions_belong_to_no_instance_and_to_no_version() {
    let app = App::new();
    let mut site = packed(&app.versions);
    let [one, two] = [app.versions[0].0.to_string(), app.versions[1].0.to_string()];
    let session = cookie(&site.get("/api/count"));
    assert_eq!(counted(&site, &session), "2");

    // What scaling leaves behind: other instances, and none of the first.
    site.start("java1", &["java"], &app.versions);
    site.start("java2", &["java"], &app.versions);
    site.serve("java", &["java1", "java2"]);
    site.configure("packed");
    assert_eq!(counted(&site, &session), "3");
    let [first, second] = ["java1", "java2"].map(|name| site.instances[name].address.clone());

    // Requests of one visitor take turns, on whichever instances they are.
    let at_once: Vec<_> = (0..8)
        .map(|n| {
            let (at, one, session) = ([&first, &second][n % 2].clone(), one.clone(), session.clone());
            std::thread::spawn(move || ask(&at, &one, &session, "/api/count").body)
        })
        .collect();
    let bodies: Vec<String> = at_once.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    let mut numbers: Vec<u32> = bodies.iter().filter_map(|body| body.split(' ').next()?.parse().ok()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (4..=11).collect::<Vec<_>>(), "{bodies:?}");

    // Another version reads what its predecessor wrote, a class of the application included.
    assert!(ask(&second, &two, &session, "/api/count").body.starts_with("12 "));

    // New id at log-in, asynchronous answers, an end.
    let renewed = cookie(&ask(&first, &one, &session, "/api/new-id"));
    assert_ne!(renewed, session);
    assert!(ask(&second, &one, &renewed, "/api/count").body.starts_with("13 "));
    assert!(ask(&second, &one, &session, "/api/count").body.starts_with("1 "), "nobody is found under the old id");
    assert_eq!(ask(&first, &one, &renewed, "/api/async").body, "later");
    assert!(ask(&second, &one, &renewed, "/api/count").body.starts_with("101 "));
    ask(&first, &one, &renewed, "/api/leave");
    assert!(ask(&second, &one, &renewed, "/api/count").body.starts_with("1 "));

    // What cannot be kept is said.
    ask(&first, &one, "", "/api/keep-junk");
    let logs = site.instances["java1"].container.logs();
    assert!(logs.contains("Session attribute \"junk\" is lost after each request: java.lang.Object"), "{logs}");

    // An instance dies in the middle of a request that holds the session: others wait for a moment, then go on.
    let session = cookie(&ask(&second, &one, "", "/api/count"));
    let (at, version, carried) = (second.clone(), one.clone(), session.clone());
    let cut = std::thread::spawn(move || {
        let head = format!(
            "GET /api/count-slowly HTTP/1.1\r\nHost: {version}\r\nX-Aerie-Host: {HOST}\r\nCookie: {carried}\r\nConnection: close"
        );
        Connection::open_at(&at, 8082).and_then(|mut connection| connection.send(&head, ""))
    });
    std::thread::sleep(Duration::from_millis(700));
    site.instances["java2"].kill_role("java");
    assert!(cut.join().expect("no panic").is_err(), "that request is lost with its instance");
    let started = Instant::now();
    assert_eq!(counted(&site, &session), "2", "what was there before the death");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    eprintln!("the session of a dead instance: after {:?}", started.elapsed());

    // The store starts anew, from its volume.
    site.instances["sessions"].reload_role("sessions");
    assert_eq!(counted(&site, &session), "3");
}
