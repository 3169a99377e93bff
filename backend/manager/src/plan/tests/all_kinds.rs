//! Every kind that is shipped starts, scales to its limits and back, and stops.

use super::imitation::Imitation;
use aerie_domain::{DesiredState, ServiceState};
use aerie_kinds::Kinds;
use std::path::Path;

#[test]
fn every_kind_that_is_shipped_converges() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates");
    let kinds = Kinds::load(&folder).unwrap();
    assert!(kinds.iter().count() >= 2, "php and the entry at least");
    for kind in kinds.iter() {
        let mut service = Imitation::of(kind.clone());
        let counts = |wanted: fn(u32, u32) -> u32| {
            let roles = kind.spec.roles.iter().filter(|role| !role.auxiliary);
            roles.map(|role| (role.name.clone(), wanted(role.min, role.max))).collect()
        };
        service.ask(|service| service.desired = DesiredState::Running);
        service.settle();
        assert_eq!(service.state(), ServiceState::Running, "{}", kind.spec.name);
        let first: i64 = service.world.instances.iter().map(|row| row.config_generation).max().unwrap();
        assert!(first <= 2, "{}: {first} configurations to become ready", kind.spec.name);
        service.ask(|service| service.counts = counts(|min, max| max.min(min + 3)));
        service.settle();
        service.ask(|service| service.counts = counts(|min, _| min));
        service.settle();
        assert_eq!(service.state(), ServiceState::Running, "{}", kind.spec.name);
        service.check_fixpoint();
        service.ask(|service| service.desired = DesiredState::Stopped);
        service.settle();
        assert!(service.containers.is_empty(), "{}", kind.spec.name);
    }
}
