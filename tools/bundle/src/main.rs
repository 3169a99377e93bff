//! Makes what the director serves under `/pkg/` out of the compiled wasm and `static/`.
//!
//! `aerie-bundle <wasm file> <out folder>`: runs wasm-bindgen, joins the style sheets, gives every file a name with a
//! digest of its content (so that browsers may keep it for ever), puts a gzipped sibling beside it, and writes
//! `manifest.json` with the names. Run by the build, never by the director.
//! To extend: a file in `static/` that pages refer to gets a line in [`bundle`] and a field in `Assets` of the frontend.

mod publish;
mod styles;
mod wasm;

use anyhow::{Context, Result, bail};
use publish::Publisher;
use std::{collections::BTreeMap, env, path::Path};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [wasm, out] = arguments.as_slice() else {
        bail!("usage: aerie-bundle <wasm file> <out folder>");
    };
    bundle(Path::new(wasm), Path::new(out))
}

fn bundle(wasm: &Path, out: &Path) -> Result<()> {
    let statics = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
    let mut publisher = Publisher::new(out)?;
    let raw = publisher.scratch()?;
    let built = wasm::bind(wasm, &raw).with_context(|| format!("wasm-bindgen could not use {}", wasm.display()))?;
    publisher.add("wasm", "app_bg.wasm", &built.wasm)?;
    let mut snippets = BTreeMap::new();
    for (number, (path, js)) in built.snippets.iter().enumerate() {
        let name = publisher.add(&format!("snippet-{number}"), "snippet.js", js)?;
        snippets.insert(path.clone(), name);
    }
    publisher.add("js", "app.js", built.js_for(&snippets).as_bytes())?;
    publisher.add("css", "app.css", styles::join(&statics.join("css"))?.as_bytes())?;
    publisher.add("icon", "icon.svg", &publish::read(&statics.join("icon.svg"))?)?;
    publisher.finish()
}
