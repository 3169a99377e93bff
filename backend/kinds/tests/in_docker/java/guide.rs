//! The walk-through of `docs/kinds/java.md`.

use super::app::packed;
use crate::harness::{docker::try_docker, site::HOST, walkthrough::Walkthrough};
use aerie_domain::CodeVersionId;
use std::process::Command;

#[test]
fn the_first_application_of_the_guide_works() {
    assert!(try_docker(&["version"]).0, "there is no container engine");
    let mut page = Walkthrough::of("kinds/java.md");
    page.prepare();
    // What an upload does with it.
    let unpacked = tempfile::tempdir().expect("a folder");
    let war = page.folder().join("hello.war");
    let done = Command::new("unzip").arg("-q").arg(&war).arg("-d").arg(unpacked.path()).status();
    assert!(done.expect("unzip can be started").success(), "the page makes a hello.war");
    let version = (CodeVersionId::generate(), unpacked.path().to_owned());

    let mut site = packed(std::slice::from_ref(&version));
    let (ok, said) =
        site.instances["packed"].container.run(&["/usr/lib/aerie/check-code", &format!("/code/{}", version.0)]);
    assert!(ok, "{said}");
    let asked = page.visit(&format!("http://{HOST}:{}", site.port), |taken| {
        if taken == 1 {
            site.start("java1", &["java"], std::slice::from_ref(&version));
            site.serve("java", &["java1"]);
            site.configure("packed");
        }
    });
    assert_eq!(asked, 2);
}
