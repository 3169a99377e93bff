//! The program as the build runs it, on the smallest module that there is.

use anyhow::{Context, Result, ensure};
use std::{collections::BTreeMap, fs, io::Read, path::Path, process::Command};

const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

#[test]
fn names_follow_the_content_and_every_file_has_a_packed_one_beside_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let names = bundle(&first)?;
    ensure!(names == bundle(&second)?, "the same content has the same names");
    for (role, extension) in [("wasm", "wasm"), ("js", "js"), ("css", "css"), ("icon", "svg")] {
        let name = names.get(role).with_context(|| format!("{role} in {names:?}"))?;
        ensure!(Path::new(name).extension().is_some_and(|found| found == extension), "{name}");
        let plain = fs::read(first.join(name))?;
        ensure!(!plain.is_empty(), "{name} is empty");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(first.join(format!("{name}.gz")))?).read_to_end(&mut unpacked)?;
        ensure!(plain == unpacked, "{name} and what is packed differ");
    }
    Ok(())
}

fn bundle(out: &Path) -> Result<BTreeMap<String, String>> {
    fs::create_dir_all(out)?;
    let module = out.with_extension("wasm");
    fs::write(&module, EMPTY_MODULE)?;
    let status = Command::new(env!("CARGO_BIN_EXE_aerie-bundle")).arg(&module).arg(out).status()?;
    ensure!(status.success(), "{status}");
    Ok(serde_json::from_slice(&fs::read(out.join("manifest.json"))?)?)
}
