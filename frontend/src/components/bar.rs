//! How much of a limit is used.

use leptos::prelude::*;

/// A small bar with its numbers beside it. `warn_at` percent and more is coloured.
#[component]
pub fn Bar(
    /// What is measured.
    label: &'static str,
    /// Used; nothing when not measured yet.
    used: Option<u64>,
    /// The limit.
    limit: u64,
    /// The numbers in words.
    text: String,
) -> impl IntoView {
    // Per mille of the limit: <meter> values are floats, and these stay exact.
    let share = |used: u64| u32::try_from(used.saturating_mul(1000) / limit.max(1)).unwrap_or(1000).min(1000);
    view! {
        <div class="bar">
            <span class="bar-label">{label}</span>
            <meter min="0" max="1000" low="750" high="900" optimum="0" value=used.map_or(0, share) aria-label=label>
                {text.clone()}
            </meter>
            <span class="bar-text">{text.clone()}</span>
        </div>
    }
}
