//! One folder per test: an upload goes in, the normalised archive comes out, nothing else appears.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use aerie_archive::{ArchiveError, Limits, Summary, normalise};
use tempfile::TempDir;

/// An entry of a normalised archive: path (folders end with `/`), mode, time, content.
pub type Unpacked = Vec<(String, u32, u64, Vec<u8>)>;

pub struct Sandbox {
    folder: TempDir,
    pub limits: Limits,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), limits: Limits::default() }
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("output")
    }

    pub fn normalise(&self, upload: &[u8]) -> Result<Summary, ArchiveError> {
        let input = self.folder.path().join("upload");
        fs::write(&input, upload).unwrap();
        // Of an earlier upload of the same test.
        let _ = fs::remove_file(self.output());
        let result = normalise(&input, &self.output(), &self.limits);
        let mut left: Vec<_> = fs::read_dir(&self.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let expected: &[&str] = if result.is_ok() { &["output", "upload"] } else { &["upload"] };
        assert_eq!(left, expected, "{result:?}");
        result
    }

    /// The result of a good upload, after checking that it is in the normal form.
    pub fn unpacked(&self, upload: &[u8]) -> (Summary, Unpacked) {
        let summary = self.normalise(upload).unwrap();
        let packed = fs::read(self.output()).unwrap();
        assert_eq!(packed.len() as u64, summary.normalised_bytes);
        let entries = read_normal_form(&packed);
        assert_eq!(entries.iter().filter(|entry| !entry.0.ends_with('/')).count() as u64, summary.files);
        assert_eq!(entries.iter().map(|entry| entry.3.len() as u64).sum::<u64>(), summary.unpacked_bytes);
        (summary, entries)
    }

    pub fn names(&self, upload: &[u8]) -> Vec<String> {
        self.unpacked(upload).1.into_iter().map(|entry| entry.0).collect()
    }

    /// The reason for which the upload is refused.
    pub fn refusal(&self, upload: &[u8]) -> ArchiveError {
        self.normalise(upload).expect_err("accepted")
    }
}

pub fn read_normal_form(packed: &[u8]) -> Unpacked {
    let mut archive = tar::Archive::new(zstd::Decoder::new(packed).unwrap());
    let mut entries: Unpacked = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        assert!(path.trim_end_matches('/').split('/').all(|part| !matches!(part, "" | "." | "..")), "{path}");
        match header.entry_type() {
            tar::EntryType::Directory => {
                assert!(path.ends_with('/'));
                assert_eq!(header.mode().unwrap(), 0o755);
            }
            tar::EntryType::Regular => assert!(matches!(header.mode().unwrap(), 0o644 | 0o755)),
            other => panic!("{path} is a {other:?}"),
        }
        if let Some((parent, _)) = path.trim_end_matches('/').rsplit_once('/') {
            assert!(entries.iter().any(|entry| entry.0 == format!("{parent}/")), "{path} comes before its folder");
        }
        assert!(entries.iter().all(|entry| entry.0 != path), "{path} twice");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        entries.push((path, header.mode().unwrap(), header.mtime().unwrap(), content));
    }
    entries
}

/// Fails with the actual reason unless it is the expected one.
#[macro_export]
macro_rules! assert_refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            $pattern $(if $guard)? => {}
            other => panic!("refused for another reason: {other:?}: {other}"),
        }
    };
}
