//! A text to copy: selected as a whole by one click, also without scripts.

use leptos::prelude::*;

/// A read-only field.
#[component]
pub fn CopyField(
    /// Its label.
    #[prop(into)]
    label: String,
    /// Its text.
    value: String,
) -> impl IntoView {
    view! {
        <label class="copy-field">
            <span>{label}</span>
            <input type="text" readonly value=value spellcheck="false" autocomplete="off" />
        </label>
    }
}
