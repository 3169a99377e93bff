//! Zips that want more than to be unpacked.

use aerie_archive::ArchiveError;

use crate::assert_refused;
use crate::build::{self, replace_all, zip, zip_records};
use crate::sandbox::Sandbox;

#[test]
fn names_that_lead_out_are_refused() {
    let sandbox = Sandbox::new();
    let named = |name: &[u8; 8]| {
        let mut bytes = zip(&[("a", b""), ("NAMENAME", b"x")]);
        replace_all(&mut bytes, b"NAMENAME", name);
        sandbox.refusal(&bytes)
    };
    assert_refused!(named(b"/etc/pwd"), ArchiveError::AbsolutePath { .. });
    assert_refused!(named(b"C:\\x.txt"), ArchiveError::AbsolutePath { .. });
    assert_refused!(named(b"../x.txt"), ArchiveError::ParentPath { .. });
    assert_refused!(named(b"aa/../.x"), ArchiveError::ParentPath { .. });
    assert_refused!(named(b"..\\x.txt"), ArchiveError::BadName { .. });
    assert_refused!(named(b"aaa\0/../"), ArchiveError::ParentPath { .. });
    assert_refused!(named(b"aaa\0.txt"), ArchiveError::BadName { .. });
}

#[test]
fn old_windows_names_become_utf8() {
    let mut bytes = zip(&[("NAME.txt", b"x")]);
    replace_all(&mut bytes, b"NAME", b"\x9ab\x84r");
    assert_eq!(Sandbox::new().names(&bytes), ["Übär.txt"]);
}

#[test]
fn links_and_devices_are_refused() {
    let sandbox = Sandbox::new();
    let of_mode = |mode: u32| {
        let mut bytes = zip(&[("evil", b"/etc/passwd")]);
        let record = zip_records(&bytes)[0];
        bytes[record + 38..record + 42].copy_from_slice(&(mode << 16).to_le_bytes());
        sandbox.refusal(&bytes)
    };
    assert_refused!(of_mode(0o120_777), ArchiveError::Link { name } if name == "evil");
    for mode in [0o010_644, 0o020_644, 0o060_644, 0o140_644] {
        assert_refused!(of_mode(mode), ArchiveError::Device { .. });
    }
}

#[test]
fn duplicates_are_refused() {
    let sandbox = Sandbox::new();
    for other in [b"aaaa", b"./aa", b"aa/b"] {
        let mut bytes = zip(&[("aaaa", b"1"), ("aa", b"2"), ("BBBB", b"3")]);
        replace_all(&mut bytes, b"BBBB", other);
        assert_refused!(sandbox.refusal(&bytes), ArchiveError::Duplicate { .. });
    }
}

#[test]
fn encrypted_and_exotic_zips_are_refused() {
    let sandbox = Sandbox::new();
    let patched = |offset: usize, value: u16| {
        let mut bytes = zip(&[("secret", b"x")]);
        let record = zip_records(&bytes)[0];
        bytes[record + offset..record + offset + 2].copy_from_slice(&value.to_le_bytes());
        sandbox.refusal(&bytes)
    };
    for flags in [1, 0x41, 0x2000] {
        assert_refused!(patched(8, flags), ArchiveError::Encrypted { name } if name == "secret");
    }
    assert_refused!(patched(10, 99), ArchiveError::Encrypted { .. });
    for method in [9, 12, 14, 93] {
        assert_refused!(patched(10, method), ArchiveError::Unsupported { .. });
    }
    let mut part = zip(&[("a", b"")]);
    let end = part.len() - 22;
    part[end + 4] = 1;
    assert_refused!(sandbox.refusal(&part), ArchiveError::Unsupported { .. });
}

#[test]
fn empty_truncated_and_prefixed_zips_are_refused() {
    let sandbox = Sandbox::new();
    assert_refused!(sandbox.refusal(&zip(&[])), ArchiveError::Empty);
    assert_refused!(sandbox.refusal(&zip(&[("a/", b"")])), ArchiveError::Empty);
    let whole = zip(&[("a", b"12345"), ("b", b"67890")]);
    for keep in 4..whole.len() {
        assert_refused!(sandbox.refusal(&whole[..keep]), ArchiveError::Truncated | ArchiveError::Damaged { .. });
    }
    assert_refused!(sandbox.refusal(&[&whole, b"x".as_slice()].concat()), ArchiveError::Truncated);
    assert_refused!(sandbox.refusal(&[b"#!/bin/sh\n", whole.as_slice()].concat()), ArchiveError::NotAnArchive);
    assert_refused!(sandbox.refusal(&[b"PK\x03\x04", whole.as_slice()].concat()), ArchiveError::Damaged { .. });
}

#[test]
fn data_that_differs_from_the_list_is_refused() {
    let sandbox = Sandbox::new();
    for (offset, what) in [(16, "checksum"), (20, "packed size"), (24, "size"), (42, "place")] {
        for change in [1u8, 3, 0x80] {
            let mut bytes = zip(&[("a", &[b'x'; 200]), ("b", &[b'y'; 200])]);
            let record = zip_records(&bytes)[0];
            bytes[record + offset] ^= change;
            let reason = sandbox.refusal(&bytes);
            assert!(matches!(reason, ArchiveError::Damaged { .. }), "{what}: {reason:?}");
        }
    }
    let stored = build::options().compression_method(zip::CompressionMethod::Stored);
    let mut bytes = build::zip_with(stored, &[("a", b"content")]);
    replace_all(&mut bytes, b"content", b"CONTENT");
    assert_refused!(sandbox.refusal(&bytes), ArchiveError::Damaged { .. });
}

#[test]
fn a_count_that_lies_is_refused() {
    let sandbox = Sandbox::new();
    for count in [0u16, 1, 3, 0xfffe, 0xffff] {
        let mut bytes = zip(&[("a", b"1"), ("b", b"2")]);
        let end = bytes.len() - 22;
        bytes[end + 10..end + 12].copy_from_slice(&count.to_le_bytes());
        assert_refused!(sandbox.refusal(&bytes), ArchiveError::Damaged { .. });
    }
}
