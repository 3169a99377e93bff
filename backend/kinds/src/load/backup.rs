//! What must hold for the `[backup]` of a `template.toml`.

use super::check::{Check, ensure};
use crate::KindSpec;
use aerie_domain::BackupScript;

/// Longest name of a file. Longer: some file systems cut it, with the service's name and the time before it.
const MAX_FILE: usize = 60;

/// Checks it.
pub(super) fn check(spec: &KindSpec) -> Check {
    let Some(backup) = &spec.backup else { return Ok(()) };
    let role = spec.roles.iter().find(|role| role.name == backup.role);
    let role = role.ok_or_else(|| format!("backup.role: there is no role {}", backup.role))?;
    ensure(role.volume.is_some(), || format!("backup.role: {} keeps nothing, it has no volume", backup.role))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let file = &backup.file;
    ensure(!file.is_empty() && file.len() <= MAX_FILE && file.bytes().all(plain) && !file.starts_with('.'), || {
        format!("backup.file: {file:?} is not a plain name of a file such as \"sql.gz\"")
    })?;
    ensure(!backup.takes.trim().is_empty(), || "backup.takes: say what can be uploaded".to_owned())?;
    for script in BackupScript::ALL {
        let (at, script) = (script.key(), backup.script(*script));
        ensure(!script.command.is_empty(), || format!("{at}.command: is empty"))?;
        ensure(script.timeout_s > 0, || format!("{at}.timeout_s: must be above 0"))?;
    }
    Ok(())
}
