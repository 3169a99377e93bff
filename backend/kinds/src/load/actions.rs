//! What must hold for the actions of a `template.toml`.

use super::check::{Check, ensure, fields};
use crate::{ActionSpec, KindSpec};
use aerie_domain::{ActionName, BackupScript, SettingKind};
use std::collections::BTreeSet;

/// A word of `excludes`, and an address of the REST API.
const TAKEN: &[&str] = &[ActionSpec::ACTIVATE, "runs"];
/// Fields of one action. More: a form that nobody fills in.
const MAX_FIELDS: usize = 20;
/// Longest text that may be typed into one. Longer: every press is a large row, and a large variable.
const MAX_TEXT: usize = 4_000;

/// Checks all of them.
pub(super) fn check(spec: &KindSpec) -> Check {
    let mut seen = BTreeSet::new();
    for action in &spec.actions {
        let at = format!("actions.{}", action.name);
        ensure(seen.insert(&action.name), || format!("{at}: is there twice"))?;
        let backup = BackupScript::ALL.iter().any(|script| script.action() == action.name.as_str());
        ensure(!backup && !TAKEN.contains(&action.name.as_str()), || format!("{at}.name: is taken by the platform"))?;
        ensure(!action.title.trim().is_empty(), || format!("{at}.title: is empty"))?;
        ensure(!action.command.is_empty(), || format!("{at}.command: is empty"))?;
        ensure(!action.roles.is_empty(), || format!("{at}.roles: is empty"))?;
        for role in &action.roles {
            ensure(spec.roles.iter().any(|other| other.name == *role), || {
                format!("{at}.roles: there is no role {role}")
            })?;
        }
        let exists = |key: &str, name: &ActionName| {
            let known = spec.actions.iter().any(|other| other.name == *name);
            ensure(known, || format!("{at}.{key}: there is no action {name}"))
        };
        let others = |name: &&ActionName| name.as_str() != ActionSpec::ACTIVATE;
        action.excludes.iter().filter(others).try_for_each(|name| exists("excludes", name))?;
        action.stops.iter().try_for_each(|name| exists("stops", name))?;
        ensure(action.fields.len() <= MAX_FIELDS, || format!("{at}.fields: are more than {MAX_FIELDS}"))?;
        fields(&format!("{at}.fields"), &action.fields)?;
        for field in &action.fields {
            let fits = !matches!(field.kind, SettingKind::Text { max_length } if max_length > MAX_TEXT);
            ensure(fits, || format!("{at}.fields.{}.max_length: must be at most {MAX_TEXT}", field.name))?;
        }
    }
    Ok(())
}
