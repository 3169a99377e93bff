//! What gets into a kind's image, as a digest: equal digests mean that no build is needed.

use super::KindError;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Parts of a kind's folder that the director reads and that never get into the image.
const NOT_IN_IMAGE: &[&str] = &["files", "template.toml", "icon.svg", "README.md"];

/// SHA-256, hexadecimal, over path, mode and content of everything that a build sees, in the order of the paths.
///
/// Of the mode only "may be executed" counts: the rest depends on the umask of whoever checked the folder out.
pub(super) fn digest(folder: &Path, code_default: Option<&str>) -> Result<String, KindError> {
    let mut found = BTreeMap::new();
    for (name, path) in children(folder)? {
        if !NOT_IN_IMAGE.contains(&name.as_str()) && Some(name.as_str()) != code_default {
            collect(&path, name, &mut found)?;
        }
    }
    let mut hash = Sha256::new();
    for (name, path) in found {
        let content = fs::read(&path).map_err(|error| KindError::io(&path, &error))?;
        let metadata = fs::metadata(&path).map_err(|error| KindError::io(&path, &error))?;
        let executable = metadata.permissions().mode() & 0o111 != 0;
        // Lengths first, so that no two folders give the same bytes.
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(&name);
        hash.update([u8::from(executable)]);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(&content);
    }
    Ok(hex::encode(hash.finalize()))
}

fn collect(path: &Path, name: String, found: &mut BTreeMap<String, PathBuf>) -> Result<(), KindError> {
    let metadata = fs::symlink_metadata(path).map_err(|error| KindError::io(path, &error))?;
    if metadata.is_dir() {
        for (child, path) in children(path)? {
            collect(&path, format!("{name}/{child}"), found)?;
        }
        Ok(())
    } else if metadata.is_file() {
        found.insert(name, path.to_owned());
        Ok(())
    } else {
        Err(KindError::new(path, "is neither file nor folder: a kind has no links and devices"))
    }
}

fn children(folder: &Path) -> Result<Vec<(String, PathBuf)>, KindError> {
    let mut children = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| KindError::io(folder, &error))? {
        let path = entry.map_err(|error| KindError::io(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        children.push((name.ok_or_else(|| KindError::new(&path, "has a name that is not UTF-8"))?, path));
    }
    Ok(children)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["files", "welcome", "scripts"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("x"), name).unwrap();
        }
        fs::write(folder.path().join("Dockerfile"), "FROM aerie/base").unwrap();
        fs::write(folder.path().join("README.md"), "x").unwrap();
        folder
    }

    #[test]
    fn only_what_gets_into_the_image_counts() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let before = digest(folder.path(), Some("welcome")).unwrap();
        assert_eq!(before.len(), 64);
        for name in ["files/x", "files/new", "welcome/x", "README.md", "template.toml", "icon.svg"] {
            fs::write(at(name), "changed").unwrap();
        }
        assert_eq!(digest(folder.path(), Some("welcome")).unwrap(), before);
        assert_ne!(digest(folder.path(), None).unwrap(), before);
    }

    #[test]
    fn contents_names_and_modes_count() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let mut seen = vec![digest(folder.path(), None).unwrap()];
        let mut changed = |what: &str| {
            let now = digest(folder.path(), None).unwrap();
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::write(at("Dockerfile"), "FROM aerie/base\nRUN x").unwrap();
        changed("content");
        fs::rename(at("scripts/x"), at("scripts/y")).unwrap();
        changed("name");
        fs::set_permissions(at("scripts/y"), fs::Permissions::from_mode(0o755)).unwrap();
        changed("mode");
        fs::set_permissions(at("scripts/y"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(&digest(folder.path(), None).unwrap(), seen.last().unwrap(), "the umask does not count");
    }

    #[test]
    fn links_are_refused() {
        let folder = folder();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        assert!(digest(folder.path(), None).unwrap_err().to_string().contains("link"));
    }
}
