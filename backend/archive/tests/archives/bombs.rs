//! Small uploads that would become large, deep, many or slow.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use aerie_archive::ArchiveError;

use crate::assert_refused;
use crate::build::{self, Tar, zip, zip_records};
use crate::sandbox::Sandbox;

/// A tar with one file of so many zeros, packed while it is made.
fn zeros(bytes: u64, mut encoder: impl Write) {
    let header = Tar::new().entry(b'0', "zeros", b"", |header| header.set_size(bytes)).unfinished();
    encoder.write_all(&header).unwrap();
    io::copy(&mut io::repeat(0).take(bytes + 1024), &mut encoder).unwrap();
    encoder.flush().unwrap();
}

#[test]
fn a_high_ratio_is_refused_early() {
    let sandbox = Sandbox::new();
    let mut bomb = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zeros(64 << 20, &mut bomb);
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 64 << 10);
    assert_refused!(sandbox.refusal(&bomb), ArchiveError::Ratio { limit: 200 });
}

#[test]
fn a_small_archive_of_zeros_is_no_bomb() {
    let sandbox = Sandbox::new();
    let mut zipped = zstd::Encoder::new(Vec::new(), 1).unwrap();
    zeros(8 << 20, &mut zipped);
    assert_eq!(sandbox.normalise(&zipped.finish().unwrap()).unwrap().unpacked_bytes, 8 << 20);
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_unpacked_bytes = 10_000;
    let files = |size: usize| Tar::new().file("a", &vec![1; size / 2]).file("b", &vec![2; size / 2]).finish();
    assert_eq!(sandbox.normalise(&files(10_000)).unwrap().unpacked_bytes, 10_000);
    assert_refused!(sandbox.refusal(&files(10_002)), ArchiveError::TooLarge { limit: 10_000, .. });
    let content = vec![b'x'; 5001];
    let zipped = zip(&[("a", &content), ("b", &content)]);
    assert_refused!(sandbox.refusal(&zipped), ArchiveError::TooLarge { limit: 10_000, .. });
    // Junk is not kept but has to be read.
    let junk = Tar::new().file("a", b"1").file("__MACOSX/x", &[0; 10_001]).finish();
    assert_refused!(sandbox.refusal(&junk), ArchiveError::TooLarge { .. });
}

#[test]
fn an_upload_over_the_limit_is_not_even_opened() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_upload_bytes = 1000;
    assert_refused!(sandbox.refusal(&[0; 1001]), ArchiveError::TooLarge { limit: 1000, .. });
}

#[test]
fn zeros_after_the_end_are_counted_too() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_unpacked_bytes = 1 << 10;
    sandbox.limits.max_entries = 10;
    let tar = [Tar::new().file("a", b"1").finish(), vec![0; 4 << 20]].concat();
    assert_refused!(sandbox.refusal(&build::gz(&tar)), ArchiveError::TooLarge { .. });
}

#[test]
fn a_zip_that_lies_about_its_size_is_stopped() {
    let sandbox = Sandbox::new();
    let mut bytes = zip(&[("bomb", &vec![0; 32 << 20])]);
    assert_refused!(sandbox.refusal(&bytes), ArchiveError::Ratio { .. });
    let record = zip_records(&bytes)[0];
    bytes[record + 24..record + 28].copy_from_slice(&5u32.to_le_bytes());
    assert_refused!(sandbox.refusal(&bytes), ArchiveError::Damaged { .. });
}

#[test]
fn files_that_share_their_data_are_refused() {
    let sandbox = Sandbox::new();
    let mut bytes = zip(&[("a", &[b'x'; 1000]), ("b", &[b'x'; 1000]), ("c", b"")]);
    let records = zip_records(&bytes);
    let place: [u8; 4] = bytes[records[0] + 42..records[0] + 46].try_into().unwrap();
    bytes[records[1] + 42..records[1] + 46].copy_from_slice(&place);
    assert_refused!(sandbox.refusal(&bytes), ArchiveError::Damaged { detail } if detail.contains("share"));
}

#[test]
fn a_million_entries_stop_at_the_limit() {
    let sandbox = Sandbox::new();
    let started = Instant::now();
    let mut tar = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for number in 0..60_000u32 {
        tar.write_all(&Tar::new().file(&format!("{number}"), b"").unfinished()).unwrap();
    }
    // The rest of the million need not be readable: nobody gets there.
    tar.write_all(&[0x55; 5120]).unwrap();
    let mut sandbox = sandbox;
    sandbox.limits.max_ratio = u64::MAX;
    assert_refused!(sandbox.refusal(&tar.finish().unwrap()), ArchiveError::TooManyEntries { limit: 50_000 });
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn folders_that_are_only_implied_count() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_entries = 10;
    let tar = Tar::new().file("a/b/c/d/e", b"").file("f/g/h/i/j", b"").finish();
    assert!(sandbox.normalise(&tar).is_ok());
    let tar = Tar::new().file("a/b/c/d/e", b"").file("f/g/h/i/j/k", b"").finish();
    assert_refused!(sandbox.refusal(&tar), ArchiveError::TooManyEntries { limit: 10 });
}

#[test]
fn endless_extension_headers_are_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.limits.max_entries = 10;
    let mut tar = Tar::new();
    for _ in 0..100 {
        tar = tar.pax(&[("comment", b"x")]);
    }
    assert_refused!(sandbox.refusal(&tar.file("a", b"").finish()), ArchiveError::TooManyEntries { .. });
    for kind in [b'L', b'x'] {
        let long = Tar::new().entry(kind, "long", &vec![b'1'; (1 << 20) + 1], |_| {}).file("a", b"").finish();
        assert_refused!(sandbox.refusal(&long), ArchiveError::Damaged { .. });
    }
}

#[test]
fn streams_that_need_much_memory_are_refused() {
    let sandbox = Sandbox::new();
    let tar = Tar::new().file("a", b"1").finish();
    let mut wide = zstd::Encoder::new(Vec::new(), 1).unwrap();
    wide.window_log(30).unwrap();
    wide.include_contentsize(false).unwrap();
    wide.write_all(&tar).unwrap();
    assert_refused!(sandbox.refusal(&wide.finish().unwrap()), ArchiveError::TooMuchMemory);

    // The dictionary size is a byte in the block header (28 means 64 MiB, 40 means 4 GiB), behind a checksum.
    let dictionary = |size: u8| {
        let mut xz = build::xz(&tar);
        let filter = xz.windows(3).position(|window| window[..2] == [0x21, 1]).unwrap();
        xz[filter + 2] = size;
        let header = 12..12 + (usize::from(xz[12]) + 1) * 4 - 4;
        let mut crc = flate2::Crc::new();
        crc.update(&xz[header.clone()]);
        xz[header.end..header.end + 4].copy_from_slice(&crc.sum().to_le_bytes());
        xz
    };
    assert!(sandbox.normalise(&dictionary(28)).is_ok(), "as `xz -9` makes it");
    assert_refused!(sandbox.refusal(&dictionary(40)), ArchiveError::TooMuchMemory);
}
