//! The check of uploaded code.

use crate::harness::{
    docker::Container,
    site::{image, kind},
};

#[test]
fn mistakes_in_code_are_found() {
    let php = kind("php");
    let container = Container::start(
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
