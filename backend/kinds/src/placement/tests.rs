#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use crate::{Kind, Kinds};
use proptest::prelude::*;
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

fn php() -> Arc<Kind> {
    static KINDS: LazyLock<Kinds> =
        LazyLock::new(|| Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")).unwrap());
    Arc::clone(KINDS.get("php").unwrap())
}

fn counts(proxy: u32, web: u32, php: u32) -> BTreeMap<RoleName, u32> {
    [("proxy", proxy), ("web", web), ("php", php)].map(|(name, count)| (name.parse().unwrap(), count)).into()
}

/// "proxy web php" and so on; the auxiliary instance is in brackets.
fn placed(kind: &Kind, counts: &BTreeMap<RoleName, u32>) -> Vec<String> {
    let text = |placement: Placement| {
        let roles: Vec<&str> = placement.roles.iter().map(RoleName::as_str).collect();
        if placement.auxiliary { format!("[{}]", roles.join(" ")) } else { roles.join(" ") }
    };
    place(&kind.spec, counts).into_iter().map(text).collect()
}

#[test]
fn a_service_starts_packed() {
    assert_eq!(placed(&php(), &counts(1, 1, 1)), ["proxy web php", "[sessions]"]);
}

#[test]
fn a_role_with_more_than_one_instance_leaves_the_packed_one() {
    let php = php();
    assert_eq!(placed(&php, &counts(1, 1, 3)), ["proxy web", "php", "php", "php", "[sessions]"]);
    assert_eq!(placed(&php, &counts(1, 2, 1)), ["proxy php", "web", "web", "[sessions]"]);
    assert_eq!(placed(&php, &counts(1, 2, 2)), ["proxy", "web", "web", "php", "php", "[sessions]"]);
}

#[test]
fn without_a_single_anchor_every_role_stands_alone() {
    assert_eq!(placed(&php(), &counts(2, 1, 1)), ["proxy", "proxy", "web", "php", "[sessions]"]);
}

proptest! {
    #[test]
    fn counts_mean_what_they_say(proxy in 0..5u32, web in 0..11u32, php_count in 0..21u32) {
        let php = php();
        let counts = counts(proxy, web, php_count);
        let placements = place(&php.spec, &counts);
        for role in &php.spec.roles {
            let found = placements.iter().filter(|placement| placement.roles.contains(&role.name)).count();
            let wanted = if role.auxiliary { 1 } else { counts[&role.name] };
            prop_assert_eq!(u32::try_from(found).unwrap(), wanted, "{}", role.name);
        }
        for placement in &placements {
            let order: Vec<_> = php.spec.roles.iter().map(|role| &role.name).filter(|name| placement.roles.contains(name)).collect();
            prop_assert_eq!(order, placement.roles.iter().collect::<Vec<_>>(), "in the kind's order, none twice, none empty");
            prop_assert!(!placement.roles.is_empty());
            prop_assert!(placement.roles.len() == 1 || placement.roles.iter().all(|role| php.spec.pack.contains(role)));
        }
        prop_assert_eq!(place(&php.spec, &counts), placements, "equal counts, equal placements");
    }

    #[test]
    fn more_of_a_role_never_takes_from_another(proxy in 1..4u32, web in 1..5u32, php_count in 1..5u32) {
        let php = php();
        let instances = |proxy, web, php_count| place(&php.spec, &counts(proxy, web, php_count)).len();
        let before = instances(proxy, web, php_count);
        prop_assert!(instances(proxy + 1, web, php_count) > before);
        prop_assert!(instances(proxy, web + 1, php_count) > before);
        prop_assert!(instances(proxy, web, php_count + 1) > before);
    }
}
