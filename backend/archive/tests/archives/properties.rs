//! Whatever the bytes, there is an answer, and nothing appears but the output (the sandbox checks that every time).

use proptest::prelude::*;

use crate::build::{self, Tar};
use crate::sandbox::{Sandbox, read_normal_form};

fn seeds() -> Vec<Vec<u8>> {
    let tar = Tar::new()
        .folder("top")
        .pax(&[("path", "top/ä".as_bytes()), ("mtime", b"1.5")])
        .file("x", b"content")
        .entry(b'L', "long", b"top/long name\0", |_| {})
        .file("y", &[9; 700])
        .finish();
    let large = build::options().large_file(true);
    vec![
        build::gz(&tar),
        build::bz2(&tar),
        build::xz(&tar),
        build::zst(&tar),
        build::zip(&[("top/", b""), ("top/a", b"content content content"), ("top/b", b"")]),
        build::zip_with(large, &[("a", b"content"), ("b", b"more")]),
        tar,
    ]
}

/// A refusal is fine, a panic is not; what is accepted must be in the normal form.
fn survives(sandbox: &Sandbox, upload: &[u8]) {
    match sandbox.normalise(upload) {
        Ok(_) => {
            read_normal_form(&std::fs::read(sandbox.output()).unwrap());
            std::fs::remove_file(sandbox.output()).unwrap();
        }
        Err(error) => {
            assert!(error.is_callers_fault(), "{error:?}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
        }
    }
}

#[test]
fn flipped_bytes_are_survived() {
    let sandbox = Sandbox::new();
    for seed in seeds() {
        // A sample: the archives differ in length, so the steps do.
        for at in (0..seed.len()).step_by(1 + seed.len() / 250) {
            for flip in [0x01, 0xff] {
                let mut upload = seed.clone();
                upload[at] ^= flip;
                survives(&sandbox, &upload);
            }
        }
    }
}

proptest! {
    // PROPTEST_CASES=20000 in the environment looks further than the 256 cases of every run.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_survived(magic in 0usize..8, tail in prop::collection::vec(any::<u8>(), 0..2000)) {
        let magics: [&[u8]; 8] = [
            b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08\0", b"BZh91AY&SY", b"\xfd7zXZ\0\0\x04", b"\x28\xb5\x2f\xfd",
            b"\0",
        ];
        survives(&Sandbox::new(), &[magics[magic], &tail].concat());
    }

    #[test]
    fn mutated_archives_are_survived(
        seed in 0usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
        doubled in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>())),
    ) {
        let mut upload = seeds().swap_remove(seed);
        if let Some((from, to)) = doubled {
            let (from, to) = (from.index(upload.len()), to.index(upload.len()));
            let piece = upload[from.min(to)..from.max(to)].to_vec();
            upload.splice(from..from, piece);
        }
        for (at, value) in changes {
            let at = at.index(upload.len());
            upload[at] = value;
        }
        if let Some(cut) = cut {
            upload.truncate(cut.index(upload.len()));
        }
        survives(&Sandbox::new(), &upload);
    }

    /// Headers with right checksums get further than flipped bytes do.
    #[test]
    fn well_formed_tars_with_any_fields_are_survived(
        entries in prop::collection::vec((any::<u8>(), "[a./\\\\:-]{0,12}", 0u64..3000, prop::collection::vec(any::<u8>(), 0..64)), 1..6),
    ) {
        let mut tar = Tar::new();
        for (kind, name, size, content) in entries {
            let kind = if kind < 128 { b"0005xLgS"[usize::from(kind % 8)] } else { kind };
            tar = tar.entry(kind, &name, &content, |header| {
                if size < 1000 {
                    header.set_size(size);
                }
            });
        }
        survives(&Sandbox::new(), &tar.finish());
    }
}
