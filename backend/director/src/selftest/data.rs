//! The data directory and its secrets.

use super::Finding;
use crate::config::Config;
use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// Bits of those who are neither owner nor the director.
const OTHERS: u32 = 0o077;

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let folder = &config.options.data_dir;
    vec![
        private(folder, "data directory is closed to others", "chmod 700"),
        private(&folder.join("authority.key"), "secret of the agents' authority is closed to others", "chmod 600"),
        admin_password(&folder.join("admin-password")),
        strangers_in(folder),
    ]
}

/// Only the owner may look.
fn private(path: &Path, check: &str, command: &str) -> Finding {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Finding::problem(check, format!("{} is a link.", path.display())),
        Ok(found) if found.mode() & OTHERS != 0 => {
            let hint = format!("Its mode is {:o}. Run: {command} {}", found.mode() & 0o777, path.display());
            Finding::problem(check, hint)
        }
        Ok(_) => Finding::ok(check, ""),
        Err(error) => Finding::problem(check, format!("{} cannot be looked at: {error}", path.display())),
    }
}

fn admin_password(path: &Path) -> Finding {
    let check = "first password is put away";
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::ok(check, ""),
        Ok(found) if found.mode() & OTHERS == 0 => {
            Finding::note(check, format!("Delete {} once you have changed the password.", path.display()))
        }
        _ => Finding::problem(check, format!("Others can read {}: delete it and change the password.", path.display())),
    }
}

/// Everything in the directory belongs to whom the directory belongs (the private database has an account of its own).
fn strangers_in(folder: &Path) -> Finding {
    let check = "nobody else owns files in the data directory";
    let owner = fs::metadata(folder).map(|found| found.uid());
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let (Ok(owner), Ok(entries)) = (owner, entries) else {
        return Finding::problem(check, format!("{} cannot be read.", folder.display()));
    };
    let stranger = entries
        .iter()
        .find(|entry| entry.file_name() != "postgres" && entry.metadata().is_ok_and(|found| found.uid() != owner));
    match stranger {
        None => Finding::ok(check, ""),
        Some(entry) => Finding::problem(check, format!("{} does.", entry.path().display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::Verdict;
    use std::os::unix::fs::PermissionsExt;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_others_can_read_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let verdict = |path: &Path| private(path, "x", "chmod 600").verdict;
        assert_eq!(verdict(&file), Verdict::Problem, "it is not there");
        fs::write(&file, "x").unwrap();
        set(&file, 0o640);
        assert_eq!(verdict(&file), Verdict::Problem);
        set(&file, 0o600);
        assert_eq!(verdict(&file), Verdict::Ok);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(verdict(&link), Verdict::Problem);
        assert_eq!(strangers_in(folder.path()).verdict, Verdict::Ok);
    }

    #[test]
    fn the_first_password_may_wait_but_not_in_public() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("admin-password");
        assert_eq!(admin_password(&file).verdict, Verdict::Ok);
        fs::write(&file, "x").unwrap();
        set(&file, 0o600);
        assert_eq!(admin_password(&file).verdict, Verdict::Note);
        set(&file, 0o644);
        assert_eq!(admin_password(&file).verdict, Verdict::Problem);
    }
}
