//! Times.

use crate::format;
use leptos::prelude::*;
use time::{OffsetDateTime, UtcOffset};

/// "3 min ago", with the exact time as its tooltip.
#[component]
pub fn Ago(
    /// When it was.
    at: OffsetDateTime,
    /// The server's clock.
    now: OffsetDateTime,
) -> impl IntoView {
    view! {
        <time datetime=format::machine(at) title=format::full(at)>
            {format::ago(at, now)}
        </time>
    }
}

/// "in 3 days", with the exact time as its tooltip.
#[component]
pub fn Until(
    /// When it will be.
    at: OffsetDateTime,
    /// The server's clock.
    now: OffsetDateTime,
) -> impl IntoView {
    view! {
        <time datetime=format::machine(at) title=format::full(at)>
            {format::until(at, now)}
        </time>
    }
}

/// "Thursday 14:20" by the reader's own clock; "Thursday 14:20 UTC" before and without scripts.
#[component]
pub fn Moment(
    /// When it will be.
    at: OffsetDateTime,
    /// The server's clock.
    now: OffsetDateTime,
) -> impl IntoView {
    let text = RwSignal::new(format!("{} UTC", format::moment(at, now, UtcOffset::UTC)));
    // Runs in browsers only, after the page was hydrated with the text that the server sent.
    Effect::new(move |_| text.set(format::moment(at, now, crate::live::local_offset(at))));
    view! {
        <time datetime=format::machine(at) title=format::full(at)>
            {move || text.get()}
        </time>
    }
}
