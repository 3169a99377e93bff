//! Asking once more before something that cannot be undone.

use leptos::prelude::*;

/// A button that opens a sentence and the real button. Plain HTML, so it works without scripts.
#[component]
pub fn Confirm(
    /// On the first button, such as "Delete…".
    #[prop(into)]
    label: String,
    /// What will happen.
    #[prop(into)]
    warning: String,
    /// Class of the first button.
    #[prop(default = "button danger-quiet")]
    class: &'static str,
    /// The form with the real button.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class=class>{label}</summary>
            <div class="confirm-panel">
                <p>{warning}</p>
                {children()}
            </div>
        </details>
    }
}
