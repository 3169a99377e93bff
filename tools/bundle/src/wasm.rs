//! wasm-bindgen as a library: its version is the one in the lock file, so it always fits the crate.

use anyhow::{Context, Result, bail};
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// What wasm-bindgen made.
pub struct Built {
    /// The wasm.
    pub wasm: Vec<u8>,
    js: String,
}

/// The name by which the script looks for the wasm unless told otherwise.
const DEFAULT_NAME: &str = "app_bg.wasm";

/// Makes the script and the wasm for browsers.
pub fn bind(input: &Path) -> Result<Built> {
    let mut output = Bindgen::new()
        .input_path(input)
        .out_name("app")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    if !output.snippets().is_empty() || !output.local_modules().is_empty() {
        bail!("the wasm needs scripts of its own, which this tool does not publish");
    }
    let js = output.js().to_owned();
    Ok(Built { wasm: output.wasm_mut().emit_wasm(), js })
}

impl Built {
    /// The script, looking for the wasm under its published name.
    pub fn js_for(&self, wasm: &str) -> Result<String> {
        let js = self.js.replace(DEFAULT_NAME, wasm);
        js.contains(wasm).then_some(js).context("the script does not name the wasm")
    }
}
