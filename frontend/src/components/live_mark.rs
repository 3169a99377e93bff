//! Whether the page hears of changes by itself.

use crate::live::Connection;
use leptos::prelude::*;

/// A small mark; says nothing where scripts are off, because then it would be wrong.
#[component]
pub fn LiveMark(
    /// How the connection is.
    connection: Signal<Connection>,
) -> impl IntoView {
    let class = move || match connection.get() {
        Connection::Off => "live-mark off",
        Connection::Connecting => "live-mark connecting",
        Connection::Live => "live-mark live",
    };
    let text = move || match connection.get() {
        Connection::Off => "",
        Connection::Connecting => "Connecting…",
        Connection::Live => "Live",
    };
    view! {
        <span class=class role="status">
            {text}
        </span>
    }
}
