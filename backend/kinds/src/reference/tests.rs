#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use crate::Kinds;
use aerie_domain::views::KindCategory;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

/// Where the part of a page begins that comes from the template …
const BEGIN: &str = "<!-- from the template: begin -->\n";
/// … and where it ends.
const END: &str = "<!-- from the template: end -->\n";

/// Set, pages that say something else are written anew instead of being told: `make docs`.
const RENEW: &str = "AERIE_RENEW_DOCS";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn kinds() -> Kinds {
    Kinds::load(&root().join("service-templates")).unwrap()
}

/// The page with this between its marks.
fn renewed(page: &str, reference: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{reference}{END}{after}"))
}

#[test]
fn pages_say_of_a_kind_what_its_template_says() {
    let mut old = Vec::new();
    for kind in kinds().iter().filter(|kind| kind.spec.category != KindCategory::System) {
        let path = root().join("docs/kinds").join(format!("{}.md", kind.spec.name));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let wanted = renewed(&page, &kind.reference().unwrap());
        let wanted = wanted.unwrap_or_else(|| panic!("{} has not both of {BEGIN}{END}", path.display()));
        if wanted != page && env::var_os(RENEW).is_some() {
            fs::write(&path, wanted).unwrap();
        } else if wanted != page {
            old.push(format!("docs/kinds/{}.md", kind.spec.name));
        }
    }
    assert!(old.is_empty(), "{old:?} are not what the templates say. `make docs` renews them.");
}

#[test]
fn every_page_is_about_a_kind_and_is_listed() {
    let names: BTreeSet<String> = kinds().iter().map(|kind| format!("{}.md", kind.spec.name)).collect();
    let list = fs::read_to_string(root().join("docs/kinds/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs/kinds")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "README.md" {
            assert!(names.contains(&name), "docs/kinds/{name} is about no kind");
            assert!(list.contains(&format!("]({name})")), "docs/kinds/README.md does not list {name}");
        }
    }
}

#[test]
fn what_is_in_a_cell_does_not_end_it() {
    let table = table(["a", "b"], &[["x|y".to_owned(), "two\nlines".to_owned()], [String::new(), "z".to_owned()]]);
    assert_eq!(table.as_deref(), Some("| a | b |\n|---|---|\n| x\\|y | two lines |\n| | z |"));
    assert_eq!(super::table(["a"], &[]), None, "without rows there is no table");
}

#[test]
fn names_are_listed_as_people_do() {
    assert_eq!(list([""; 0], "and"), "");
    assert_eq!(list(["a"], "and"), "`a`");
    assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    assert_eq!((counted("1", "core"), counted("1.5", "core")), ("1 core".to_owned(), "1.5 cores".to_owned()));
}
