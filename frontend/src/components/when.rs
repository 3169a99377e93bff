//! Times.

use crate::format;
use leptos::prelude::*;
use time::OffsetDateTime;

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
