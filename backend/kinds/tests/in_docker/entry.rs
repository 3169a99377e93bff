//! The entry by itself: many routes, and connections that outlive a reload.

use crate::harness::{
    http::get,
    instance::Instance,
    site::{free_port, image, kind, role},
};
use aerie_domain::InstanceId;
use aerie_kinds::{Member, RenderContext, Route};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

fn context(public_port: u16, routes: Vec<Route>) -> RenderContext {
    let installation = [
        ("public_bind", "127.0.0.1".to_owned()),
        ("public_port", public_port.to_string()),
        ("ready_port", free_port().to_string()),
    ];
    RenderContext {
        service: "entry".to_owned(),
        application: "system".to_owned(),
        instance: InstanceId::generate(),
        roles: vec![role("entry")],
        members: [].into(),
        settings: [].into(),
        secrets: [].into(),
        variables: [].into(),
        bindings: [].into(),
        serving: None,
        versions: vec![],
        routes,
        installation: installation.map(|(name, value)| (name.to_owned(), value)).into(),
        slot: 0,
        draining: Vec::new(),
        slots: 1,
        counts: std::collections::BTreeMap::new(),
        slots_wanted: 1,
        carried: Vec::new(),
    }
}

fn member(name: &str) -> Member {
    Member { name: name.to_owned(), address: "127.0.0.1".to_owned() }
}

#[test]
fn the_entry_takes_two_thousand_routes() {
    let entry = kind("entry");
    let route = |n: u32| Route {
        name: format!("r{n}"),
        hosts: vec![format!("a{n}.ada.localhost"), format!("b{n}.ada.localhost")],
        members: if n.is_multiple_of(2) { vec![member("x"), member("y")] } else { vec![] },
        port: 9,
        state: "is stopped".to_owned(),
    };
    let port = free_port();
    let context = context(port, (0..2000).map(route).collect());
    let mut instance = Instance::start(&entry, &image(&entry), "host", &[]);
    let started = Instant::now();
    instance.apply(entry.render(&context).expect("it can be rendered"));
    eprintln!("2000 routes: ready after {:?}", started.elapsed());
    assert_eq!(get(port, "b1999.ada.localhost", "/", "").status, 503);
    assert!(get(port, "b1999.ada.localhost", "/", "").body.contains("This application is stopped"));
    let unreachable = get(port, "a0.ada.localhost", "/", "");
    assert!(unreachable.status == 503 && unreachable.body.contains("does not answer right now"), "{unreachable:?}");
    let (_, memory) = instance.container.run(&["sh", "-c", "grep -h VmRSS /proc/[0-9]*/status"]);
    eprintln!("2000 routes: {}", memory.replace('\n', "; "));
}

/// An application that turns every connection into a tunnel and sends everything back.
fn echo_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut buffer = [0; 4096];
            let mut seen = 0;
            while !buffer[..seen].ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer[seen..]) {
                    Ok(0) | Err(_) => break,
                    Ok(more) => seen += more,
                }
            }
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
            if seen == 0 || stream.write_all(answer.as_bytes()).is_err() {
                continue;
            }
            while let Ok(more @ 1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..more]).expect("it takes the echo");
            }
        }
    });
    port
}

#[test]
fn a_websocket_survives_changed_routes() {
    let entry = kind("entry");
    let (port, behind) = (free_port(), echo_server());
    let route = |name: &str| Route {
        name: name.to_owned(),
        hosts: vec![format!("{name}.ada.localhost")],
        members: vec![member("x")],
        port: behind,
        state: String::new(),
    };
    let mut context = context(port, vec![route("chat")]);
    let mut instance = Instance::start(&entry, &image(&entry), "host", &[]);
    instance.apply(entry.render(&context).expect("it can be rendered"));

    let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
    let request = "GET / HTTP/1.1\r\nHost: chat.ada.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).expect("it is sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));

    for n in 0..3 {
        context.routes.push(route(&format!("other{n}")));
        // Another shape: the first two without, the last with a reload.
        if n == 2 {
            context.installation.insert("public_bind".to_owned(), "127.0.0.2".to_owned());
        }
        instance.apply(entry.render(&context).expect("it can be rendered"));
        assert_eq!(instance.told.get(), n < 2);
        socket.write_all(b"hello").expect("it is sent");
        let mut echo = [0; 5];
        socket.read_exact(&mut echo).expect("the old worker still serves it");
        assert_eq!(&echo, b"hello");
    }
}

/// An application that says its name to everybody.
fn greeter(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let length = name.len();
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{name}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn changed_routes_take_effect_without_a_reload() {
    let entry = kind("entry");
    let (port, ada, bob) = (free_port(), greeter("ada"), greeter("bob"));
    let route = |name: &str, port: u16, members: &[&str]| Route {
        name: name.to_owned(),
        hosts: vec![format!("{name}.x.localhost"), format!("main-{name}.x.localhost")],
        members: members.iter().map(|name| member(name)).collect(),
        port,
        state: "is <stopped>; quite".to_owned(),
    };
    let mut instance = Instance::start(&entry, &image(&entry), "host", &[]);
    let mut context = context(port, vec![route("a", ada, &["m1"])]);
    instance.apply(entry.render(&context).expect("it can be rendered"));
    let body = |name: &str| get(port, &format!("{name}.x.localhost"), "/", "").body;
    assert_eq!((body("a").as_str(), body("b").contains("There is no application")), ("ada", true));

    let mut told = |routes: Vec<Route>| {
        context.routes = routes;
        instance.apply(entry.render(&context).expect("it can be rendered"));
        assert!(instance.told.get(), "it needed a reload");
    };
    // One comes, one gets a second member and another port, one stops, one goes, one starts again.
    told(vec![route("a", ada, &["m1"]), route("b", bob, &["m2"])]);
    assert_eq!((body("a").as_str(), body("main-b").as_str()), ("ada", "bob"));
    told(vec![route("a", bob, &["m1", "m3"]), route("b", bob, &["m2"])]);
    assert_eq!((body("a").as_str(), body("a").as_str()), ("bob", "bob"));
    told(vec![route("a", bob, &["m3"]), route("b", bob, &[])]);
    assert!(body("b").contains("This application is &lt;stopped&gt;; quite"), "{}", body("b"));
    told(vec![route("b", ada, &["m4"])]);
    assert!(body("a").contains("There is no application"), "{}", body("a"));
    assert_eq!(body("main-b"), "ada");
    // More come and go than there are spare backends.
    for turn in 0..4 {
        let crowd = (0..30).map(|n| route(&format!("c{turn}x{n}"), bob, &["m5"]));
        told(crowd.chain([route("b", ada, &["m4"])]).collect());
    }
    assert_eq!((body("b").as_str(), body("c3x29").as_str()), ("ada", "bob"));

    // What a start from the files would give is the same.
    let (ok, said) = instance.container.run(&["sh", "-c", "kill -USR2 $(cat /run/aerie/entry.pid) && sleep 1"]);
    assert!(ok, "{said}");
    assert_eq!((body("b").as_str(), body("c3x29").as_str()), ("ada", "bob"));
}
