//! wasm-bindgen as a library: its version is the one in the lock file, so it always fits the crate.

use crate::publish::read;
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;

/// What wasm-bindgen made.
pub struct Built {
    /// The wasm.
    pub wasm: Vec<u8>,
    /// Scripts that crates bring along: the path by which the main script imports them → content.
    pub snippets: BTreeMap<String, Vec<u8>>,
    js: String,
}

/// Makes the script and the wasm for browsers, by way of an empty folder.
pub fn bind(input: &Path, folder: &Path) -> Result<Built> {
    Bindgen::new()
        .input_path(input)
        .out_name("app")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(folder)?;
    let mut snippets = BTreeMap::new();
    collect(&folder.join("snippets"), "./snippets", &mut snippets)?;
    let js = String::from_utf8(read(&folder.join("app.js"))?).context("the script is not UTF-8")?;
    Ok(Built { wasm: read(&folder.join("app_bg.wasm"))?, snippets, js })
}

/// All files below a folder that may not be there, by their path.
fn collect(folder: &Path, path: &str, found: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, found)?;
        } else {
            found.insert(path, read(&entry.path())?);
        }
    }
    Ok(())
}

impl Built {
    /// The script, importing the snippets under their published names. Where the wasm is, the page tells it.
    pub fn js_for(&self, snippets: &BTreeMap<String, String>) -> String {
        snippets.iter().fold(self.js.clone(), |js, (path, name)| js.replace(path, &format!("./{name}")))
    }
}
