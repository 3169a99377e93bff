//! What students upload on a good day.

use aerie_archive::{ArchiveError, Format};

use crate::assert_refused;
use crate::build::{self, Tar};
use crate::sandbox::Sandbox;

fn site() -> Vec<u8> {
    Tar::new()
        .file("index.php", b"<?php phpinfo();")
        .folder("lib")
        .entry(b'0', "lib/run.sh", b"#!/bin/sh\n", |header| header.set_mode(0o4755))
        .file("lib/deep/er/a.txt", &[7; 3000])
        .finish()
}

#[test]
fn every_format_gives_the_same_normal_form() {
    let sandbox = Sandbox::new();
    let tar = site();
    let (summary, entries) = sandbox.unpacked(&tar);
    assert_eq!((summary.format, summary.files, summary.unpacked_bytes), (Format::Tar, 3, 3026));
    assert_eq!(summary.stripped_top_folder, None);
    let listed: Vec<_> = entries.iter().map(|entry| (entry.0.as_str(), entry.1, entry.2)).collect();
    assert_eq!(
        listed,
        [
            ("index.php", 0o644, 1_700_000_000),
            ("lib/", 0o755, 1_700_000_000),
            ("lib/run.sh", 0o755, 1_700_000_000),
            ("lib/deep/", 0o755, 1_700_000_000),
            ("lib/deep/er/", 0o755, 1_700_000_000),
            ("lib/deep/er/a.txt", 0o644, 1_700_000_000),
        ]
    );
    assert_eq!(entries[5].3, [7; 3000]);
    for (packed, format) in [
        (build::gz(&tar), Format::TarGz),
        (build::bz2(&tar), Format::TarBz2),
        (build::xz(&tar), Format::TarXz),
        (build::zst(&tar), Format::TarZst),
    ] {
        let again = sandbox.normalise(&packed).unwrap();
        assert_eq!((again.format, &again.normalised_digest), (format, &summary.normalised_digest));
    }
}

#[test]
fn normalising_twice_changes_nothing() {
    let sandbox = Sandbox::new();
    let first = sandbox.normalise(&site()).unwrap();
    let second = sandbox.normalise(&std::fs::read(sandbox.output()).unwrap()).unwrap();
    assert_eq!(first.normalised_digest, second.normalised_digest);
}

#[test]
fn a_zip_keeps_contents_modes_and_times() {
    let sandbox = Sandbox::new();
    let time = zip::DateTime::from_date_and_time(2026, 1, 2, 3, 4, 6).unwrap();
    let run = build::options().unix_permissions(0o700).last_modified_time(time);
    let (summary, entries) =
        sandbox.unpacked(&build::zip_with(run, &[("a/", b""), ("a/run", b"hello"), ("empty", b"")]));
    assert_eq!((summary.format, summary.files), (Format::Zip, 2));
    assert_eq!(entries[1], ("a/run".into(), 0o755, 1_767_323_046, b"hello".to_vec()));
    assert_eq!(entries[2], ("empty".into(), 0o755, 1_767_323_046, Vec::new()));
    let stored = build::options().compression_method(zip::CompressionMethod::Stored);
    let (_, entries) = sandbox.unpacked(&build::zip_with(stored, &[("x/ä", b"stored"), ("y", b"")]));
    assert_eq!((entries[1].0.as_str(), entries[1].1, entries[1].3.as_slice()), ("x/ä", 0o644, &b"stored"[..]));
}

#[test]
fn zips_with_large_fields_and_comments_are_read() {
    let sandbox = Sandbox::new();
    let zip = build::zip_with(build::options().large_file(true), &[("a", b"1"), ("b", b"2")]);
    assert_eq!(sandbox.names(&zip), ["a", "b"]);
    let mut commented = build::zip(&[("a", b"1"), ("b", b"2")]);
    let end = commented.len() - 2;
    commented[end..].copy_from_slice(&9u16.to_le_bytes());
    commented.extend_from_slice(b"PK\x05\x06 haha");
    assert_eq!(sandbox.names(&commented), ["a", "b"]);
}

#[test]
fn a_zip_that_needs_the_large_end_record_is_read() {
    let mut sandbox = Sandbox::new();
    let names: Vec<_> = (0..66_000).map(|number| format!("{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let stored = build::options().compression_method(zip::CompressionMethod::Stored);
    let zip = build::zip_with(stored, &files);
    sandbox.limits.max_entries = 70_000;
    assert_eq!(sandbox.normalise(&zip).unwrap().files, 66_000);
    sandbox.limits.max_entries = 65_000;
    assert_refused!(sandbox.refusal(&zip), ArchiveError::TooManyEntries { limit: 65_000 });
}

#[test]
fn a_single_folder_around_everything_is_stripped_once() {
    let sandbox = Sandbox::new();
    let tar = Tar::new().folder("./shop/").file("./shop/index.php", b"x").file("./shop/shop/a", b"y").finish();
    let (summary, entries) = sandbox.unpacked(&tar);
    assert_eq!(summary.stripped_top_folder.as_deref(), Some("shop"));
    assert_eq!(entries.iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>(), ["index.php", "shop/", "shop/a"]);

    // Junk beside it does not count, and a zip from macOS looks just like this.
    let zip = build::zip(&[("shop/index.php", b"x"), ("__MACOSX/shop/._index.php", b"j"), (".DS_Store", b"j")]);
    let (summary, entries) = sandbox.unpacked(&zip);
    assert_eq!(summary.stripped_top_folder.as_deref(), Some("shop"));
    assert_eq!(entries.len(), 1);
}

#[test]
fn what_looks_like_one_folder_but_is_not_stays() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.names(&build::zip(&[("a/x", b""), ("b", b"")])), ["a/", "a/x", "b"]);
    assert_eq!(sandbox.names(&build::zip(&[("a/x", b""), ("ab/x", b"")])), ["a/", "a/x", "ab/", "ab/x"]);
    assert_eq!(sandbox.names(&build::zip(&[("one.php", b"")])), ["one.php"]);
    assert_eq!(sandbox.names(&build::zip(&[("WEB-INF/web.xml", b"")])), ["WEB-INF/", "WEB-INF/web.xml"]);
}

#[test]
fn junk_and_git_are_left_out() {
    let sandbox = Sandbox::new();
    let tar = Tar::new()
        .entry(b'g', "pax_global_header", b"52 comment=0123456789012345678901234567890123456789\n", |_| {})
        .file(".git/config", b"secret")
        .entry(b'2', ".git/link", b"", |_| {})
        .file("._a", b"junk")
        .file("a", b"1")
        .file("sub/.DS_Store", b"junk")
        .file("sub/.gitignore", b"2")
        .finish();
    assert_eq!(sandbox.names(&tar), ["a", "sub/", "sub/.gitignore"]);
}

#[test]
fn long_and_foreign_names_come_through() {
    let sandbox = Sandbox::new();
    let long = format!("{}/{}", "d".repeat(180), "f".repeat(180));
    let pax = format!("{}/ünï", "e".repeat(180));
    let tar = Tar::new()
        .entry(b'L', "././@LongLink", format!("{long}\0").as_bytes(), |_| {})
        .file("cut off", b"1")
        .pax(&[("path", pax.as_bytes()), ("mtime", b"-5.5"), ("LIBARCHIVE.xattr.x", b"a\nb=\xff")])
        .file("cut off", b"2")
        .pax(&[("mtime", b"1800000000.25")])
        .file("plain", b"3")
        .finish();
    let (_, entries) = sandbox.unpacked(&tar);
    let files: Vec<_> =
        entries.iter().filter(|entry| !entry.0.ends_with('/')).map(|entry| (&*entry.0, entry.2)).collect();
    assert_eq!(files, [(&*long, 1_700_000_000), (&*pax, 0), ("plain", 1_800_000_000)]);
}

#[test]
fn compressed_streams_in_a_row_are_one() {
    let sandbox = Sandbox::new();
    let tar = site();
    let whole = sandbox.normalise(&tar).unwrap().normalised_digest;
    let (head, tail) = tar.split_at(700);
    for pack in [build::gz, build::bz2, build::xz, build::zst] {
        let joined = [pack(head), pack(tail)].concat();
        assert_eq!(sandbox.normalise(&joined).unwrap().normalised_digest, whole);
    }
}
