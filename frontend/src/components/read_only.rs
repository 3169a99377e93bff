//! Somebody else's page.

use leptos::prelude::*;

/// Says to an administrator whose page this is, and that nothing here can be changed.
#[component]
pub fn ReadOnly(
    /// User name of the owner.
    #[prop(into)]
    owner: String,
) -> impl IntoView {
    view! {
        <p class="notice">
            "This belongs to "<strong>{owner}</strong>". You look at it as an administrator: you can stop services, and
            change nothing else."
        </p>
    }
}
