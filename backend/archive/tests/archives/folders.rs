//! Packing folders of our own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use aerie_archive::{ArchiveError, Format, pack_folder};

use crate::assert_refused;
use crate::sandbox::read_normal_form;

fn fill(folder: &Path) {
    fs::create_dir_all(folder.join("site/lib")).unwrap();
    fs::create_dir(folder.join(".git")).unwrap();
    fs::write(folder.join(".git/HEAD"), "x").unwrap();
    fs::write(folder.join("site/index.php"), "<?php").unwrap();
    fs::write(folder.join("site/lib/run"), "#!/bin/sh").unwrap();
    fs::set_permissions(folder.join("site/lib/run"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_same_files_give_the_same_digest_everywhere() {
    let (first, second, out) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(first.path());
    fill(second.path());
    let output = out.path().join("out");
    let one = pack_folder(first.path(), &output).unwrap();
    let entries = read_normal_form(&fs::read(&output).unwrap());
    let listed: Vec<_> = entries.iter().map(|entry| (entry.0.as_str(), entry.1)).collect();
    let expected = [("site/", 0o755), ("site/index.php", 0o644), ("site/lib/", 0o755), ("site/lib/run", 0o755)];
    assert_eq!(listed, expected, "sorted, and a folder of ours is not stripped");
    assert_eq!((one.format, one.files, one.unpacked_bytes), (Format::TarZst, 2, 14));
    assert_eq!(pack_folder(second.path(), &output).unwrap(), one);
}

#[test]
fn links_and_empty_folders_are_refused() {
    let (folder, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let output = out.path().join("out");
    assert_refused!(pack_folder(folder.path(), &output).expect_err("accepted"), ArchiveError::Empty);
    symlink("/etc/passwd", folder.path().join("evil")).unwrap();
    assert_refused!(pack_folder(folder.path(), &output).expect_err("accepted"), ArchiveError::Link { .. });
    assert!(!output.exists());
    let missing = pack_folder(&folder.path().join("missing"), &output).expect_err("accepted");
    assert!(!missing.is_callers_fault());
}
