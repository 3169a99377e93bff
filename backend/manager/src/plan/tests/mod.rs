//! The planner's rules, each as a small story on an imitation of rows, engine and agents.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests fail loudly")]

mod all_kinds;
mod histories;
mod histories_slots;
mod imitation;
mod rules_actions;
mod rules_bindings;
mod rules_code;
mod rules_failures;
mod rules_replacing;
mod rules_scaling;
mod rules_slots;
mod rules_stopping;
mod rules_volumes;
