//! Bookings.

use super::Ago;
use crate::format;
use aerie_domain::{LedgerKind, views::LedgerEntryView};
use leptos::prelude::*;
use time::OffsetDateTime;

/// A part of the bookings of an account, newest first.
#[component]
pub fn LedgerTable(
    /// The part.
    entries: Vec<LedgerEntryView>,
    /// The server's clock.
    now: OffsetDateTime,
) -> impl IntoView {
    if entries.is_empty() {
        return view! { <p class="empty">"No bookings."</p> }.into_any();
    }
    let rows: Vec<_> = entries.into_iter().map(|entry| view! { <Row entry now /> }).collect();
    view! {
        <table class="stack">
            <thead>
                <tr>
                    <th scope="col">"When"</th>
                    <th scope="col">"What"</th>
                    <th scope="col">"For"</th>
                    <th scope="col">"Credits"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

#[component]
fn Row(entry: LedgerEntryView, now: OffsetDateTime) -> impl IntoView {
    let (what, explanation) = match entry.kind {
        LedgerKind::Grant => ("Grant", entry.by.map_or_else(String::new, |by| format!("by {by}"))),
        LedgerKind::Charge => {
            let time = entry.milliseconds.map(seconds).unwrap_or_default();
            ("Use", entry.instance.map_or_else(String::new, |short| format!("instance {short}, {time}")))
        }
    };
    let amount = if entry.amount.micros > 0 { format!("+{}", entry.amount) } else { entry.amount.to_string() };
    view! {
        <tr>
            <td data-label="When">
                <Ago at=entry.at now />
            </td>
            <td data-label="What">{what}</td>
            <td data-label="For" class="wrap">
                {entry.what}
                " "
                <span class="muted">{explanation}</span>
            </td>
            <td data-label="Credits" class="amount" title=format!("{} millionths of a credit", entry.amount.micros)>
                {amount}
            </td>
        </tr>
    }
}

/// "60 s", "12.5 s".
fn seconds(ms: u64) -> String {
    match (ms / 1000, ms % 1000 / 100) {
        (whole, 0) => format!("{whole} s"),
        (whole, tenths) => format!("{whole}.{tenths} s"),
    }
}

/// A link to the next part of a list that has one: the page's own address with other parameters.
#[component]
pub fn More(
    /// Where the next part begins; nothing on the last.
    next: Option<String>,
    /// The other parameters of the address, each with its value; empty values are left out.
    #[prop(optional)]
    query: Vec<(&'static str, String)>,
    /// What the list is of, older or further of which there is more.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    next.map(|next| {
        let address = query
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .chain([("after", next)])
            .map(|(name, value)| format!("{name}={}", format::query_value(&value)))
            .collect::<Vec<_>>()
            .join("&");
        view! {
            <p class="more">
                <a class="button" href=format!("?{address}")>
                    {label}
                </a>
            </p>
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_read_well() {
        assert_eq!([super::seconds(60_000), super::seconds(12_560), super::seconds(40)], ["60 s", "12.5 s", "0 s"]);
    }
}
