//! In which order the processes of an instance start.

use crate::{KindSpec, RoleSpec};
use aerie_domain::RoleName;
use std::collections::BTreeSet;

/// Roles such that every role comes after those that it uses; otherwise in page order. The error is a role that leads
/// back to itself.
pub(crate) fn start_order(kind: &KindSpec) -> Result<Vec<&RoleSpec>, RoleName> {
    let mut placed: BTreeSet<&RoleName> = BTreeSet::new();
    let mut order = Vec::new();
    while order.len() < kind.roles.len() {
        let waiting = || kind.roles.iter().filter(|role| !placed.contains(&role.name));
        let exists = |used: &RoleName| kind.roles.iter().any(|role| role.name == *used);
        let ready = waiting().find(|role| role.uses.iter().all(|used| placed.contains(used) || !exists(used)));
        match (ready, waiting().next()) {
            (Some(role), _) => {
                placed.insert(&role.name);
                order.push(role);
            }
            (None, Some(stuck)) => return Err(stuck.name.clone()),
            // Two roles of one name: counted twice, placed once. Loading refuses them with a message of its own.
            (None, None) => break,
        }
    }
    Ok(order)
}
