//! Staging against a source that a test controls.

use super::{fetch::Bytes, *};
use crate::testing::{host, sh};
use futures_util::{StreamExt, future::BoxFuture, stream};
use sha2::{Digest, Sha256};
use std::os::unix::fs::PermissionsExt;

/// Gives the same bytes for every digest.
struct Fixed(Vec<u8>);

impl CodeSource for Fixed {
    fn open<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Bytes, String>> {
        let chunks: Vec<_> = self.0.chunks(100).map(|c| Ok(c.to_vec())).collect();
        Box::pin(async move { Ok(stream::iter(chunks).boxed()) })
    }
}

fn archive(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    fill(&mut tar);
    zstd::encode_all(&*tar.into_inner().unwrap(), 1).unwrap()
}

fn add(tar: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &str) {
    let mut header = tar::Header::new_gnu();
    // Written by hand, because the builder itself refuses bad paths.
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.append(&header, content.as_bytes()).unwrap();
}

fn version(archive: &[u8]) -> CodeVersionSpec {
    let digest = hex::encode(Sha256::digest(archive));
    CodeVersionSpec { id: CodeVersionId::generate(), digest, size_bytes: archive.len() as u64 }
}

async fn stage(folder: &std::path::Path, bytes: Vec<u8>, version: &CodeVersionSpec) -> Result<Code, CodeError> {
    let code = Code::new(folder.to_owned(), Arc::new(Fixed(bytes)));
    code.fetch(version).await?;
    code.unpack(version).await?;
    Ok(code)
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_version_is_unpacked_read_only_and_nothing_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(|tar| {
        add(tar, "./index.php", 0o666, "hello");
        add(tar, "bin/run", 0o755, "#!/bin/sh");
    });
    let version = version(&bytes);
    let code = stage(folder.path(), bytes, &version).await.unwrap();
    assert!(code.has(version.id));
    assert_eq!(names(folder.path()), [version.id.to_string()]);
    let root = folder.path().join(version.id.to_string());
    assert_eq!(fs::read_to_string(root.join("index.php")).unwrap(), "hello");
    let mode = |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("index.php"), mode("bin/run"), mode("bin")), (0o444, 0o555, 0o755));
}

#[tokio::test]
async fn what_differs_from_the_announcement_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(|tar| add(tar, "a", 0o644, "1"));
    let good = version(&bytes);
    let wrong = [
        CodeVersionSpec { digest: "0".repeat(64), ..good.clone() },
        CodeVersionSpec { size_bytes: good.size_bytes - 1, ..good.clone() },
        CodeVersionSpec { size_bytes: good.size_bytes + 1, ..good.clone() },
        CodeVersionSpec { digest: "../../etc/passwd".into(), ..good.clone() },
    ];
    for version in wrong {
        let error = stage(folder.path(), bytes.clone(), &version).await.err().expect("refused");
        assert!(matches!(error, CodeError::Mismatch(_)), "{error}");
        assert!(names(folder.path()).is_empty());
    }
}

#[tokio::test]
async fn paths_upwards_links_and_nonsense_are_refused() {
    let upwards = archive(|tar| add(tar, "a/../../evil", 0o644, "1"));
    let absolute = archive(|tar| add(tar, "/evil", 0o644, "1"));
    let link = archive(|tar| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, "link", "/etc/passwd").unwrap();
    });
    for bytes in [upwards, absolute, link, b"nonsense".to_vec()] {
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path().join("code");
        let error = stage(&code, bytes.clone(), &version(&bytes)).await.err().expect("refused");
        assert!(matches!(error, CodeError::Refused(_)), "{error}");
        assert!(names(&code).is_empty());
        assert_eq!(names(folder.path()), ["code"]);
    }
}

#[tokio::test]
async fn checks_get_the_folder_and_do_not_decide() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = archive(|tar| add(tar, "a", 0o644, "1"));
    let version = version(&bytes);
    let code = stage(folder.path(), bytes, &version).await.unwrap();
    let mut check = sh("ls $1; exit 1");
    check.push("check".to_owned());
    let plan = CodePlan { versions: vec![version.clone()], check, prepare: None };
    let report = code.check(&host().0, &plan, version.id, &BTreeMap::new()).await.unwrap();
    assert_eq!(report, CheckReport { version: version.id, ok: false, output: "a".to_owned() });
    assert!(code.has(version.id));
}

#[tokio::test]
async fn others_and_unfinished_work_are_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, gone) = (CodeVersionId::generate(), CodeVersionId::generate());
    for name in [kept.to_string(), gone.to_string(), "lost+found".into(), format!(".staging-{gone}")] {
        fs::create_dir_all(folder.path().join(name).join("sub")).unwrap();
    }
    fs::write(folder.path().join(format!(".fetch-{gone}")), "half").unwrap();
    let code = Code::new(folder.path().to_owned(), Arc::new(Fixed(Vec::new())));
    let spec = CodeVersionSpec { id: kept, digest: String::new(), size_bytes: 0 };
    let removed = code.remove_others(&CodePlan { versions: vec![spec], check: Vec::new(), prepare: None });
    assert_eq!(removed, [gone]);
    assert_eq!(names(folder.path()), [kept.to_string(), "lost+found".to_owned()]);
}
