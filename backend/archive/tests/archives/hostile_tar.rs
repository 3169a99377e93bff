//! Tar files that want more than to be unpacked.

use aerie_archive::ArchiveError;

use crate::assert_refused;
use crate::build::{self, Tar};
use crate::sandbox::Sandbox;

#[test]
fn what_is_no_archive_is_refused() {
    let sandbox = Sandbox::new();
    assert_refused!(sandbox.refusal(b""), ArchiveError::Empty);
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[1; 900]].concat();
    let html = [b"<!doctype html>".as_slice(), &[b' '; 900]].concat();
    for upload in [b"PK".as_slice(), &png, &html, &[0; 100], &[b'x'; 512], b"Rar!\x1a\x07\x01\0"] {
        assert_refused!(sandbox.refusal(upload), ArchiveError::NotAnArchive);
    }
    for pack in [build::gz, build::bz2, build::xz, build::zst] {
        assert_refused!(sandbox.refusal(&pack(&html)), ArchiveError::NotAnArchive);
    }
}

#[test]
fn what_holds_no_file_is_refused() {
    let sandbox = Sandbox::new();
    for tar in [Tar::new().finish(), Tar::new().folder("a").finish(), Tar::new().file(".DS_Store", b"x").finish()] {
        assert_refused!(sandbox.refusal(&tar), ArchiveError::Empty);
    }
    assert_refused!(sandbox.refusal(&build::gz(&[0; 10240])), ArchiveError::Empty);
}

#[test]
fn names_that_lead_out_are_refused() {
    let sandbox = Sandbox::new();
    let named = |name: &str| sandbox.refusal(&Tar::new().file("a", b"").file(name, b"").finish());
    assert_refused!(named("/etc/passwd"), ArchiveError::AbsolutePath { .. });
    assert_refused!(named("C:/x"), ArchiveError::AbsolutePath { .. });
    assert_refused!(named("../x"), ArchiveError::ParentPath { .. });
    assert_refused!(named("a/../../x"), ArchiveError::ParentPath { .. });
    assert_refused!(named("..\\x"), ArchiveError::BadName { .. });
    assert_refused!(named("a\nb"), ArchiveError::BadName { .. });
    assert_refused!(named(""), ArchiveError::BadName { .. });
    // The same by the ways that give long names.
    let pax = |path: &[u8]| sandbox.refusal(&Tar::new().pax(&[("path", path)]).file("harmless", b"").finish());
    assert_refused!(pax(b"../x"), ArchiveError::ParentPath { .. });
    assert_refused!(pax(b"/x"), ArchiveError::AbsolutePath { .. });
    assert_refused!(pax(b"a\0b"), ArchiveError::BadName { .. });
    assert_refused!(pax(b"\xff"), ArchiveError::BadName { .. });
    let long = |path: &[u8]| Tar::new().entry(b'L', "long", path, |_| {}).file("harmless", b"").finish();
    assert_refused!(sandbox.refusal(&long(b"/x\0")), ArchiveError::AbsolutePath { .. });
    assert_refused!(sandbox.refusal(&long(b"a\0b\0")), ArchiveError::BadName { .. });
    assert_refused!(sandbox.refusal(&long(&[b'x'; 5000])), ArchiveError::BadName { .. });
    // And by the second half of an old long name.
    let ustar = Tar::new().entry(b'0', "x", b"", |header| {
        *header.as_mut_bytes() = *tar::Header::new_ustar().as_bytes();
        header.set_size(0);
        header.as_mut_bytes()[..1].copy_from_slice(b"x");
        header.as_mut_bytes()[345..347].copy_from_slice(b"..");
    });
    assert_refused!(sandbox.refusal(&ustar.finish()), ArchiveError::ParentPath { .. });
}

#[test]
fn links_and_devices_are_refused() {
    let sandbox = Sandbox::new();
    let of_kind = |kind| sandbox.refusal(&Tar::new().file("a", b"").entry(kind, "evil", b"", |_| {}).finish());
    for link in [b'1', b'2'] {
        assert_refused!(of_kind(link), ArchiveError::Link { name } if name == "evil");
    }
    for device in [b'3', b'4', b'6'] {
        assert_refused!(of_kind(device), ArchiveError::Device { .. });
    }
    for strange in [b'D', b'M', b'Z', b'\xff'] {
        assert_refused!(of_kind(strange), ArchiveError::Unsupported { .. });
    }
}

#[test]
fn files_with_holes_are_refused() {
    let sandbox = Sandbox::new();
    let hundred_gigabytes = Tar::new().entry(b'S', "bomb", b"x", |header| {
        header.as_gnu_mut().unwrap().set_real_size(100 << 30);
    });
    assert_refused!(sandbox.refusal(&hundred_gigabytes.finish()), ArchiveError::Sparse { .. });
    for record in ["GNU.sparse.realsize", "GNU.sparse.major", "SCHILY.realsize"] {
        let tar = Tar::new().pax(&[(record, b"107374182400")]).file("bomb", b"x").finish();
        assert_refused!(sandbox.refusal(&tar), ArchiveError::Sparse { .. });
    }
}

#[test]
fn duplicates_are_refused_in_every_disguise() {
    let sandbox = Sandbox::new();
    let pair = |first: &str, second: &str| Tar::new().file("z", b"").file(first, b"1").file(second, b"2").finish();
    for (first, second) in [("a", "a"), ("a", "./a"), ("a/b", "a//b"), ("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")] {
        assert_refused!(sandbox.refusal(&pair(first, second)), ArchiveError::Duplicate { .. });
    }
    assert_eq!(sandbox.names(&pair("a", "A")).len(), 3, "Linux tells them apart");
    let folder_twice = Tar::new().folder("a").file("a/b", b"").folder("a/").file("c", b"").finish();
    assert_eq!(sandbox.names(&folder_twice), ["a/", "a/b", "c"]);
}

#[test]
fn truncated_archives_are_refused_wherever_they_end() {
    let sandbox = Sandbox::new();
    let unfinished = Tar::new().file("a", &[1; 1000]).file("b", b"2").unfinished();
    assert_refused!(sandbox.refusal(&unfinished), ArchiveError::Truncated);
    for length in (513..unfinished.len()).step_by(173) {
        assert_refused!(sandbox.refusal(&unfinished[..length]), ArchiveError::Truncated);
    }
    let noise: Vec<u8> = (0..20_000u32).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    let tar = Tar::new().file("a", &noise).finish();
    for pack in [build::gz, build::bz2, build::xz, build::zst] {
        let packed = pack(&tar);
        for keep in [packed.len() / 3, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
            assert_refused!(sandbox.refusal(&packed[..keep]), ArchiveError::Truncated);
        }
    }
}

#[test]
fn damage_and_trailing_data_are_refused() {
    let sandbox = Sandbox::new();
    let tar = Tar::new().file("a", b"1").file("b", &[2; 5000]).finish();
    let mut broken = tar.clone();
    broken[1030] ^= 1;
    assert_refused!(sandbox.refusal(&broken), ArchiveError::Damaged { .. });
    assert_refused!(sandbox.refusal(&[tar.as_slice(), &tar].concat()), ArchiveError::Damaged { .. });
    for pack in [build::gz, build::bz2, build::xz, build::zst] {
        let packed = pack(&tar);
        assert_refused!(
            sandbox.refusal(&[&packed, b"garbage, and not too little".as_slice()].concat()),
            ArchiveError::Damaged { .. }
        );
        let mut broken = packed.clone();
        let at = broken.len() / 2;
        broken[at] ^= 0x55;
        broken[at + 1] ^= 0x55;
        assert!(sandbox.normalise(&broken).is_err(), "checksums find it");
    }
}

#[test]
fn contradicting_or_impossible_headers_are_refused() {
    let sandbox = Sandbox::new();
    let two_sizes = Tar::new().pax(&[("size", b"0")]).file("a", b"hidden").finish();
    assert_refused!(sandbox.refusal(&two_sizes), ArchiveError::Damaged { .. });
    let huge = Tar::new().entry(b'0', "a", b"", |header| header.set_size(u64::MAX - 1000)).finish();
    assert_refused!(sandbox.refusal(&huge), ArchiveError::TooLarge { .. });
    let lying = Tar::new().file("z", b"").entry(b'0', "a", b"", |header| header.set_size(1 << 20)).finish();
    assert_refused!(sandbox.refusal(&lying), ArchiveError::Truncated);
    let no_number = Tar::new().entry(b'0', "a", b"", |header| header.as_mut_bytes()[124..136].fill(b'z')).finish();
    assert_refused!(sandbox.refusal(&no_number), ArchiveError::Damaged { .. });
    let full_folder = Tar::new().entry(b'5', "a", b"data", |_| {}).finish();
    assert_refused!(sandbox.refusal(&full_folder), ArchiveError::Damaged { .. });
    let nameless = Tar::new().file("a", b"").pax(&[("path", b"x")]).finish();
    assert_refused!(sandbox.refusal(&nameless), ArchiveError::Damaged { .. });
    for records in [b"999 path=x\n".as_slice(), b"path", b"0 a=b\n", b"5 a=b", b"-1 a=b\n", b"8 pathx\n", b"\xff a=b\n"]
    {
        let tar = Tar::new().entry(b'x', "p", records, |_| {}).file("a", b"").finish();
        assert_refused!(sandbox.refusal(&tar), ArchiveError::Damaged { .. });
    }
}
