//! Which roles share an instance: a pure function of the counts.

use crate::KindSpec;
use aerie_domain::RoleName;
use std::collections::BTreeMap;

/// The roles of one wanted instance, in the kind's order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placement {
    /// At least one role.
    pub roles: Vec<RoleName>,
    /// It holds an auxiliary role.
    pub auxiliary: bool,
}

/// The instances that a service with these counts consists of.
///
/// Roles of `pack` whose count is 1 share one instance as long as the anchor (the first of them) has a count of 1; every
/// other role instance stands alone. So `{proxy 1, web 1, php 1}` is one instance, `{1, 1, 3}` is `PROXY WEB` and three
/// `PHP`, and `{2, 1, 1}` is four instances. Counts mean what they say.
pub fn place(kind: &KindSpec, counts: &BTreeMap<RoleName, u32>) -> Vec<Placement> {
    let count = |role: &RoleName| counts.get(role).copied().unwrap_or(0);
    let anchored = kind.pack.first().is_some_and(|anchor| count(anchor) == 1);
    let packed: Vec<RoleName> = kind
        .roles
        .iter()
        .filter(|role| anchored && kind.pack.contains(&role.name) && count(&role.name) == 1)
        .map(|role| role.name.clone())
        .collect();
    let mut placements = Vec::new();
    if !packed.is_empty() {
        placements.push(Placement { roles: packed.clone(), auxiliary: false });
    }
    for role in kind.roles.iter().filter(|role| !packed.contains(&role.name)) {
        let wanted = if role.auxiliary { 1 } else { count(&role.name) };
        for _ in 0..wanted {
            placements.push(Placement { roles: vec![role.name.clone()], auxiliary: role.auxiliary });
        }
    }
    placements
}

#[cfg(test)]
#[path = "placement/tests.rs"]
mod tests;
