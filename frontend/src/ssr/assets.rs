//! The built files that a page refers to, as `manifest.json` of the bundle names them.

use serde::Deserialize;
use std::{fs, io, path::Path, sync::Arc};

/// Addresses of the built files. Their names carry a digest of their content, so they may be cached for ever.
#[derive(Debug, Clone)]
pub struct Assets(Arc<Names>);

#[derive(Debug, Deserialize)]
struct Names {
    js: String,
    wasm: String,
    css: String,
    icon: String,
}

impl Assets {
    /// Reads `manifest.json` in the folder that is served under `/pkg/`.
    ///
    /// # Errors
    /// The file cannot be read, or is not what the bundle tool writes.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join("manifest.json"))?;
        let names = serde_json::from_str(&text).map_err(io::Error::other)?;
        Ok(Self(Arc::new(names)))
    }

    /// Assets without a bundle: pages refer to files that are not there. For tests.
    pub fn none() -> Self {
        let file = |name: &str| name.to_owned();
        Self(Arc::new(Names {
            js: file("app.js"),
            wasm: file("app.wasm"),
            css: file("app.css"),
            icon: file("icon.svg"),
        }))
    }

    /// The script that loads the wasm.
    pub fn js(&self) -> String {
        address(&self.0.js)
    }

    /// The wasm.
    pub fn wasm(&self) -> String {
        address(&self.0.wasm)
    }

    /// The style sheet.
    pub fn css(&self) -> String {
        address(&self.0.css)
    }

    /// The icon of the browser's tab.
    pub fn icon(&self) -> String {
        address(&self.0.icon)
    }
}

fn address(name: &str) -> String {
    format!("/pkg/{name}")
}
