//! Misspelt keys in the parts of `template.toml` whose types live in other crates.
//!
//! Those types travel between programs of different versions and therefore take unknown keys; in a template an unknown
//! key is a typo. So each such part is read and written back: a key that does not come back is one nobody reads.

use aerie_agent_protocol::{HealthProbe, HookSpec, MetricsSpec, StreamNames};
use aerie_domain::{InstanceSize, SettingSpec};
use serde::{Serialize, de::DeserializeOwned};
use toml::Value;

/// Expects a text that has been read as a [`KindSpec`](crate::KindSpec) already.
pub(super) fn check(text: &str) -> Result<(), String> {
    let document: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    part::<InstanceSize>("size", document.get("size"))?;
    for setting in items(document.get("settings")) {
        part::<SettingSpec>(&format!("settings.{}", name(setting)), Some(setting))?;
    }
    for action in items(document.get("actions")) {
        for field in items(action.get("fields")) {
            part::<SettingSpec>(&format!("actions.{}.fields.{}", name(action), name(field)), Some(field))?;
        }
    }
    for role in items(document.get("roles")) {
        let at = format!("roles.{}", name(role));
        for hook in items(role.get("init")) {
            part::<HookSpec>(&format!("{at}.init"), Some(hook))?;
        }
        part::<HookSpec>(&format!("{at}.drain"), role.get("drain"))?;
        let process = role.get("process");
        part::<HealthProbe>(&format!("{at}.process.health"), process.and_then(|process| process.get("health")))?;
        part::<StreamNames>(&format!("{at}.process.streams"), process.and_then(|process| process.get("streams")))?;
        part::<MetricsSpec>(&format!("{at}.process.metrics"), process.and_then(|process| process.get("metrics")))?;
    }
    Ok(())
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or("?")
}

fn part<T: DeserializeOwned + Serialize>(at: &str, written: Option<&Value>) -> Result<(), String> {
    let Some(written) = written else { return Ok(()) };
    let read: T = written.clone().try_into().map_err(|error| format!("{at}: {error}"))?;
    let known = Value::try_from(read).map_err(|error| format!("{at}: {error}"))?;
    compare(at, written, &known)
}

fn compare(at: &str, written: &Value, known: &Value) -> Result<(), String> {
    if let (Some(written), Some(known)) = (written.as_array(), known.as_array()) {
        return written.iter().zip(known).try_for_each(|(written, known)| compare(at, written, known));
    }
    let (Some(written), Some(known)) = (written.as_table(), known.as_table()) else { return Ok(()) };
    for (key, value) in written {
        let Some(other) = known.get(key) else {
            let mut names: Vec<&str> = known.keys().map(String::as_str).collect();
            names.sort_unstable();
            return Err(format!("{at}: unknown key {key:?}, expected some of {}", names.join(", ")));
        };
        compare(&format!("{at}.{key}"), value, other)?;
    }
    Ok(())
}
