//! Reloads, scaling and activation while visitors come and go.

use super::app::{App, packed};
use crate::harness::{
    docker::wait_until,
    http::{Load, get},
    site::{HOST, Site},
};
use std::time::{Duration, Instant};

/// Asks as the agent does.
const HEALTH: &str = r"exec 3<>/dev/tcp/127.0.0.1/8092 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3";

#[test]
fn no_request_is_lost_while_things_change() {
    let app = App::new();
    let mut site = packed(&app.versions[..1]);
    let load = |site: &Site| Load::start(site.port, HOST, "/api/slow", 8);
    let pause = || std::thread::sleep(Duration::from_millis(400));

    let visitors = load(&site);
    for role in ["proxy", "web"] {
        site.instances["packed"].reload_role(role);
        pause();
    }
    visitors.finish("reloads of proxy and web");

    // From packed to separate, make before break; a request that was there before ends where it began.
    let visitors = load(&site);
    let port = site.port;
    site.start("java1", &["java"], &app.versions[..1]);
    site.start("java2", &["java"], &app.versions[..1]);
    let long = std::thread::spawn(move || get(port, HOST, "/api/long", ""));
    std::thread::sleep(Duration::from_millis(100));
    site.serve("java", &["java1", "java2"]);
    site.configure("packed");
    std::thread::sleep(Duration::from_secs(2));
    site.instances["packed"].stop_role("java");
    let answer = long.join().expect("no panic");
    assert_eq!((answer.status, answer.body.as_str()), (200, "one"));
    visitors.finish("from packed to separate instances");

    // Activation: both deploy the other version beside the one that is served, then it is flipped at one place.
    let visitors = load(&site);
    site.versions = app.versions.iter().map(|(id, _)| *id).collect();
    for name in ["java1", "java2"] {
        site.instances[name].put_code(app.versions[1].0, &app.versions[1].1);
        let started = Instant::now();
        site.configure(name);
        eprintln!("another version is deployed after {:?}", started.elapsed());
    }
    pause();
    site.serving = Some(app.versions[1].0);
    let before = Instant::now();
    site.forget_role("packed", "java");
    site.configure("packed");
    let after = Instant::now();
    pause();
    let seen = visitors.finish("activation of another version");
    assert!(seen.bodies.iter().all(|(at, body)| body == "two" || *at < after), "the old version after the flip");
    assert!(seen.bodies.iter().all(|(at, body)| body == "one" || *at + Duration::from_millis(300) > before));
    assert!(seen.bodies.iter().any(|(_, body)| body == "one") && seen.bodies.iter().any(|(_, body)| body == "two"));

    // An old version is removed, a version that cannot start comes: neither disturbs the one that is served.
    let visitors = load(&site);
    site.versions = vec![app.versions[1].0, app.broken.0];
    site.instances["java1"].put_code(app.broken.0, &app.broken.1);
    site.configure("java1");
    visitors.finish("a version that cannot start");
    let logs = site.instances["java1"].container.logs();
    assert!(logs.contains("no database") && logs.contains("could not be started"), "{logs}");
    let note = format!(
        "note: Version {} could not be started, so visitors get an error page: java.lang.IllegalStateException: no database",
        app.broken.0
    );
    let (_, health) = site.instances["java1"].container.run(&["bash", "-c", HEALTH]);
    assert!(health.contains(&note), "{health}");

    // An instance that dies without notice costs time, not requests.
    site.instances.remove("java2");
    wait_until("an answer with one of two instances dead", Duration::from_secs(5), || {
        let answer = get(port, HOST, "/api/slow", "");
        if answer.status == 200 { Ok(()) } else { Err(answer.body) }
    });
    let visitors = load(&site);
    pause();
    pause();
    visitors.finish("one of two java instances dead");
}
