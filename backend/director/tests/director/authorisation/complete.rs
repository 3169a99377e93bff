//! The table names everything there is, and nothing else.

use super::table::{FUNCTIONS, PAGES, PLAIN, REST, Row};
use aerie_director::http::{openapi, pages};
use leptos::server_fn::axum::server_fn_paths;
use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

type Routes = BTreeSet<(String, String)>;

fn named(rows: &[Row]) -> Routes {
    let all: Vec<_> = rows.iter().map(|row| (row.path.to_owned(), row.method.to_owned())).collect();
    let set: Routes = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "the table names something twice");
    set
}

/// Says what to do about each difference.
fn compare(list: &str, there_are: &Routes, rows: &[Row]) {
    let named = named(rows);
    let mut text = String::new();
    for (path, method) in there_are.difference(&named) {
        let body = match (method.as_str(), list) {
            ("GET" | "DELETE", _) => "Nothing",
            (_, "FUNCTIONS") => "Form(\"…\")",
            _ => "Json(r#\"…\"#)",
        };
        let _ = writeln!(text, "  add:    row(\"{method}\", \"{path}\", Owner, {body}),");
    }
    for (path, method) in named.difference(there_are) {
        let _ = writeln!(text, "  remove: row(\"{method}\", \"{path}\", …)");
    }
    assert!(
        text.is_empty(),
        "{list} in backend/director/tests/director/authorisation/table.rs is not complete \
         (Owner, SignedIn, Account, Admin or Anybody: whoever may do it):\n{text}"
    );
}

#[test]
fn every_rest_route_is_in_the_table() {
    let document = openapi::document();
    let paths = document.value()["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap();
        operations.keys().map(move |method| (path.clone(), method.to_uppercase()))
    });
    compare("REST", &routes.collect(), REST);
}

#[test]
fn every_server_function_is_in_the_table() {
    let functions: Routes = server_fn_paths().map(|(path, method)| (path.to_owned(), method.to_string())).collect();
    assert!(functions.len() > 20, "the registry is filled: {functions:?}");
    compare("FUNCTIONS", &functions, FUNCTIONS);
}

#[tokio::test]
async fn every_page_is_in_the_table() {
    compare("PAGES", &pages::paths().map(|path| (path.to_owned(), "GET".to_owned())).collect(), PAGES);
}

/// Routes that are mounted by hand cannot be asked of the router, so they are read from its source.
#[test]
fn every_route_that_is_mounted_by_hand_is_in_the_table() {
    let mut found = BTreeSet::new();
    mounted(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut found);
    // The server functions' one route; each of them is in a list of its own.
    assert!(found.remove("/fn/{*function}"));
    let methods = |path: String| {
        let method = PLAIN.iter().find(|row| row.path == path).map_or("GET", |row| row.method);
        (path, method.to_owned())
    };
    compare("PLAIN", &found.into_iter().map(methods).collect(), PLAIN);
}

fn mounted(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            mounted(&path, into);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        // Tests mount what they like.
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["route(", "nest_service(", "route_service("] {
            for after in source.split(&format!(".{call}")).skip(1) {
                if let Some(rest) = after.trim_start().strip_prefix('"') {
                    into.insert(rest.split('"').next().unwrap_or_default().to_owned());
                }
            }
        }
    }
}
