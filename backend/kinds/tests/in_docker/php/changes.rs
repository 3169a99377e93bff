//! Reloads, scaling and activation while visitors come and go.

use super::shop::{Code, packed};
use crate::harness::{
    docker::wait_until,
    http::{Load, get},
    site::{HOST, Site},
};
use std::time::{Duration, Instant};

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
    site.serving = Some(code.versions[1].0);
    let before = Instant::now();
    site.configure("packed");
    let after = Instant::now();
    pause();
    let seen = visitors.finish("activation of another version");
    assert!(seen.bodies.iter().all(|(at, body)| body == "two" || *at < after), "the old version after the flip");
    assert!(seen.bodies.iter().all(|(at, body)| body == "one" || *at + Duration::from_millis(200) > before));
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
