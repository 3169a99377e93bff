//! What processes and scripts see of the world. Nothing is inherited: the agent's own environment holds its key.

use aerie_agent_protocol::ENV_INSTANCE;
use aerie_domain::{InstanceId, RoleName};
use std::collections::BTreeMap;

/// Environment variable with the role that a process or script belongs to.
const ENV_ROLE: &str = "AERIE_ROLE";

/// The environment of a process or script: the fixed set, the configuration's, its own. Later ones win, except that
/// nobody lies about instance and role.
pub(crate) fn compose(
    instance: InstanceId,
    role: Option<&RoleName>,
    configured: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let fixed = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        // The only writable folder that every instance has.
        ("HOME", "/tmp"),
        ("LANG", "C.UTF-8"),
    ];
    let mut all: BTreeMap<_, _> = fixed.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    for (name, value) in configured.iter().chain(own) {
        // The kernel ends strings at NUL, so the value would be cut silently (and std refuses to start the program).
        if !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0') {
            all.insert(name.clone(), value.clone());
        }
    }
    all.insert(ENV_INSTANCE.to_owned(), instance.to_string());
    all.remove(ENV_ROLE);
    if let Some(role) = role {
        all.insert(ENV_ROLE.to_owned(), role.to_string());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn own_variables_win_over_configured_and_fixed_ones() {
        let role: RoleName = "web".parse().unwrap();
        let all = compose(InstanceId::generate(), Some(&role), &one("HOME", "/a"), &one("HOME", "/b"));
        assert_eq!(all["HOME"], "/b");
        assert_eq!(all["LANG"], "C.UTF-8");
        assert_eq!(all[ENV_ROLE], "web");
    }

    #[test]
    fn nobody_lies_about_the_instance_and_nothing_is_inherited() {
        let id = InstanceId::generate();
        let all = compose(id, None, &one(ENV_INSTANCE, "other"), &one(ENV_ROLE, "other"));
        assert_eq!(all[ENV_INSTANCE], id.to_string());
        assert_eq!(all.len(), 4, "{all:?}");
    }

    #[test]
    fn variables_that_the_kernel_cannot_carry_are_left_out() {
        assert_eq!(compose(InstanceId::generate(), None, &one("A=B", "x"), &one("C", "a\0b")).len(), 4);
    }
}
