//! The document around the app.

use super::Assets;
use crate::App;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

/// The whole document. Expects [`Assets`] in the context and, for the content security policy, leptos' `Nonce`.
pub fn shell() -> impl IntoView {
    let assets = use_context::<Assets>().unwrap_or_else(Assets::none);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href=assets.icon() />
                <link rel="stylesheet" href=assets.css() />
                <Hydration assets />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Loads the wasm and hydrates the page; says on `<html data-hydration>` how that went.
///
/// Our own because the framework's puts the nonce where `crossorigin` belongs, and is silent when loading fails.
#[component]
fn Hydration(assets: Assets) -> impl IntoView {
    let (js, wasm) = (assets.js(), assets.wasm());
    let script = format!(
        "const root = document.documentElement;\n\
         import({js:?})\n\
         .then(async (app) => {{ await app.default({{ module_or_path: {wasm:?} }}); app.hydrate(); root.dataset.hydration = 'ready'; }})\n\
         .catch((error) => {{ root.dataset.hydration = 'failed'; console.error('Aerie works without scripts from here on:', error); }});"
    );
    view! {
        <link rel="modulepreload" href=js nonce=use_nonce() />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        <script type="module" nonce=use_nonce() inner_html=script></script>
    }
}
