//! What the browser runs: takes over the pages that the server has rendered.
//!
//! Loaded by the shell's script; calls `aerie-frontend` and nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Attaches the app to the page.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(aerie_frontend::App);
}
