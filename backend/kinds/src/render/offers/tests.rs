#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use crate::{Bound, Kinds};
use std::{path::Path, sync::Arc};

fn kind(name: &str) -> Arc<Kind> {
    let kinds = Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")).unwrap();
    Arc::clone(kinds.get(name).unwrap())
}

fn context(secrets: &[(&str, &str)]) -> OfferContext {
    OfferContext {
        service: "db".to_owned(),
        application: "shop".to_owned(),
        settings: BTreeMap::new(),
        secrets: secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

#[test]
fn a_database_offers_what_a_client_needs_and_marks_its_secrets() {
    let offers = kind("mysql").offers(&context(&[("password", "pw1"), ("root_password", "pw2")])).unwrap();
    let shown: Vec<_> = offers.iter().map(|offer| (offer.name.as_str(), offer.value.as_str(), offer.secret)).collect();
    assert_eq!(
        shown,
        [
            ("COMMAND", "mariadb --host=db --port=3306 --user=app --password=pw1 app", true),
            ("HOST", "db", false),
            ("NAME", "app", false),
            ("PASSWORD", "pw1", true),
            ("PORT", "3306", false),
            ("URL", "mysql://app:pw1@db:3306/app", true),
            ("USER", "app", false),
        ]
    );
}

#[test]
fn a_missing_secret_is_an_error_and_never_empty_text() {
    let error = kind("keyvalue").offers(&context(&[])).unwrap_err();
    assert_eq!(error.file, "offers.variables.COMMAND");
}

#[test]
fn what_offers_nothing_gives_nothing() {
    assert_eq!(kind("php").offers(&context(&[])).unwrap(), []);
}

#[test]
fn kinds_that_read_no_variable_say_so() {
    assert!(kind("php").takes_variables());
    assert!(!kind("mysql").takes_variables());
    assert!(!kind("keyvalue").takes_variables());
    assert!(!kind("adminer").takes_variables());
}

#[test]
fn kinds_that_hear_of_others_in_any_way_can_use_them() {
    assert!(kind("php").uses_others());
    assert!(kind("adminer").uses_others());
    assert!(!kind("mysql").uses_others());
}

#[test]
fn the_file_of_bindings_is_there_only_with_bindings() {
    let php = kind("php");
    let mut context = crate::render::tests::context(&["php"]);
    let path = |config: &aerie_agent_protocol::InstanceConfig| {
        config.files.iter().find(|file| file.path == "bindings.json").map(|file| file.content.clone())
    };
    assert_eq!(path(&php.render(&context).unwrap()), None);
    let variables = [("PASSWORD".to_owned(), "a\"b".to_owned())].into();
    let bound = Bound { service: "db".to_owned(), kind: "mysql".to_owned(), variables };
    context.bindings.insert("DB".to_owned(), bound);
    let config = php.render(&context).unwrap();
    let read: serde_json::Value = serde_json::from_str(&path(&config).unwrap()).unwrap();
    assert_eq!(read["DB"]["variables"]["PASSWORD"], "a\"b");
    assert!(config.processes.iter().all(|process| !process.files.contains(&"bindings.json".to_owned())));
}
