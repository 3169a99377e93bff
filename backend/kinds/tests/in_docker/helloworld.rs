//! The worked example of `docs/add-a-service-kind.md`: the page's steps make the kind, and it runs.

use crate::harness::{
    http::Load,
    site::{HOST, Site, templates},
    walkthrough::{Walkthrough, tree},
};
use aerie_kinds::Kinds;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

#[test]
fn the_page_makes_a_kind_that_works() {
    let mut page = Walkthrough::of("add-a-service-kind.md");
    page.prepare();
    let made = page.folder().join("service-templates");
    assert_eq!(tree(&made.join("helloworld")), tree(&templates().join("helloworld")), "page and folder are the same");
    let kinds = Kinds::load(&made).expect("the kind is sound");
    let kind = Arc::clone(kinds.get("helloworld").expect("the page makes it"));

    let mut site = Site::of(kind, None);
    site.serve("hello", &["one"]);
    site.start("one", &["hello"], &[]);
    site.start("entry", &["entry"], &[]);
    let asked = page.visit(&format!("http://{HOST}:{}", site.port), |_| {});
    assert!(asked > 0, "the page asks the service");

    // Scaling out and in, and another greeting, lose nothing.
    let load = Load::start(site.port, HOST, "/", 4);
    site.start("two", &["hello"], &[]);
    site.serve("hello", &["one", "two"]);
    site.configure("entry");
    std::thread::sleep(Duration::from_millis(400));
    site.settings.insert("greeting".to_owned(), "it's \"quoted\" $HOME; } \\".to_owned());
    site.configure("one");
    site.configure("two");
    std::thread::sleep(Duration::from_millis(400));
    site.serve("hello", &["two"]);
    site.configure("entry");
    std::thread::sleep(Duration::from_secs(2));
    site.instances.remove("one");
    let seen = load.finish("scaling and another greeting");
    let said: BTreeSet<&str> = seen.bodies.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(said.len(), 4, "two instances, two greetings: {said:?}");
    assert!(said.iter().any(|body| body.starts_with("it's \"quoted\" $HOME; } \\ I am instance ")), "{said:?}");
}
