//! Writes files under names that change with their content, and the manifest that says which are current.

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Hexadecimal digits of the digest in a name. Longer: longer addresses; 16 digits never meet twice in one project.
const DIGITS: usize = 16;

/// Name of the folder for what is not published.
const SCRATCH: &str = ".scratch";

/// A folder that is being filled.
pub struct Publisher {
    folder: PathBuf,
    manifest: BTreeMap<String, String>,
    written: BTreeSet<String>,
}

impl Publisher {
    /// Makes the folder if it is not there.
    pub fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), manifest: BTreeMap::new(), written: BTreeSet::new() })
    }

    /// An empty folder for what is not published; gone at the end.
    pub fn scratch(&self) -> Result<PathBuf> {
        let folder = self.folder.join(SCRATCH);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// Writes a file and its gzipped sibling; returns the name it got.
    pub fn add(&mut self, key: &str, name: &str, content: &[u8]) -> Result<String> {
        let digest = hex::encode(Sha256::digest(content));
        let (stem, extension) = name.rsplit_once('.').context("a published file needs an extension")?;
        let hashed = format!("{stem}.{}.{extension}", &digest[..DIGITS]);
        self.write(&hashed, content)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        self.write(&format!("{hashed}.gz"), &gzip.finish()?)?;
        self.manifest.insert(key.to_owned(), hashed.clone());
        Ok(hashed)
    }

    /// Writes the manifest last, so that it never names files that are not there, and removes what earlier runs left.
    pub fn finish(mut self) -> Result<()> {
        let entries: Vec<String> = self.manifest.iter().map(|(key, name)| format!("  \"{key}\": \"{name}\"")).collect();
        self.write("manifest.json", format!("{{\n{}\n}}\n", entries.join(",\n")).as_bytes())?;
        let scratch = self.folder.join(SCRATCH);
        if scratch.exists() {
            fs::remove_dir_all(scratch)?;
        }
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self.written.contains(entry.file_name().to_string_lossy().as_ref()) && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes beside and renames, so that a running director never reads half a file. Equal files are left alone.
    fn write(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        self.written.insert(name.to_owned());
        if fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        let unfinished = self.folder.join(format!("{name}.new"));
        fs::write(&unfinished, content).with_context(|| format!("cannot write {}", unfinished.display()))?;
        fs::rename(&unfinished, &path).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Reads a file, naming it when that fails.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::*;
    use std::{env, process};

    #[test]
    fn names_follow_content_and_old_files_go() {
        let folder = env::temp_dir().join(format!("aerie-bundle-publish-{}", process::id()));
        let publish = |content: &[u8]| {
            let mut publisher = Publisher::new(&folder).unwrap();
            let name = publisher.add("css", "app.css", content).unwrap();
            publisher.finish().unwrap();
            name
        };
        let (first, second) = (publish(b"a {}"), publish(b"b {}"));
        let manifest = String::from_utf8(read(&folder.join("manifest.json")).unwrap()).unwrap();
        let left: BTreeSet<String> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_ne!(first, second);
        assert_eq!(manifest, format!("{{\n  \"css\": \"{second}\"\n}}\n"));
        assert_eq!(left, BTreeSet::from([second.clone(), format!("{second}.gz"), "manifest.json".to_owned()]));
    }
}
