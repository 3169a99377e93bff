//! The product's mark: a nest on a cliff.

use leptos::prelude::*;

/// The mark, in the colour of the text around it.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path class="logo-bird" d="M4 12c5-6 9-4 12 1 3-5 7-7 12-1-4-2-8-1-10 3l-2 4-2-4c-2-4-6-5-10-3z" />
            <path class="logo-nest" d="M6 20h20c-1 5-5 8-10 8S7 25 6 20z" />
        </svg>
    }
}
