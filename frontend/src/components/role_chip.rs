//! A role on an instance.

use aerie_domain::{
    RolePhase,
    views::{InstanceRoleView, RoleView},
};
use leptos::prelude::*;

/// How many colours the style sheet has for roles.
const COLOURS: usize = 6;

/// A role's colour, by its position in the kind.
pub fn role_class(roles: &[RoleView], name: &str) -> String {
    let position = roles.iter().position(|role| role.name == name).unwrap_or(COLOURS - 1);
    format!("role-{}", position % COLOURS)
}

/// `PHP`, in the role's colour; hollow while it is not serving, marked when it is not healthy.
#[component]
pub fn RoleChip(
    /// The role.
    role: InstanceRoleView,
    /// Its colour.
    colour: String,
) -> impl IntoView {
    let (phase, words) = match role.phase {
        RolePhase::Starting => ("starting", "is starting"),
        RolePhase::Serving if !role.healthy => ("unhealthy", "is not healthy"),
        RolePhase::Serving => ("serving", "is serving"),
        RolePhase::Draining => ("draining", "is leaving"),
    };
    let title = if role.message.is_empty() {
        format!("{} {words}", role.role)
    } else {
        format!("{} {words}: {}", role.role, role.message)
    };
    view! {
        <span class=format!("chip {colour} {phase}") title=title>
            {role.role.to_uppercase()}
            {(phase != "serving").then(|| view! { <span class="chip-phase">{phase}</span> })}
        </span>
    }
}
