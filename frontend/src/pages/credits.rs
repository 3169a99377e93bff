//! The person's credit: what is left, how fast it goes, where it went.

use crate::{
    app::SignedIn,
    components::{Bar, LedgerTable, Loading, Moment, More, Refused},
    format,
    live::{PageData, refresh_every, use_events},
    server::{CreditsData, Dated, load_credits},
};
use aerie_domain::views::{CreditView, DayUse};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use std::time::Duration;
use time::OffsetDateTime;

/// How often the page looks again: bookings come every minute. Shorter: more requests.
const PACE: Duration = Duration::from_secs(20);

/// The page.
#[component]
pub fn CreditsPage() -> impl IntoView {
    let query = use_query_map();
    let after = Memo::new(move |_| query.with(|query| query.get("after")));
    let first = Resource::new(move || after.get(), load_credits);
    view! {
        <Title text="Credits" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match first.await {
                    Ok(first) => view! { <Credits first after=after.get_untracked() /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Credits(first: Dated<CreditsData>, after: Option<String>) -> impl IntoView {
    let seen = first.seen.clone();
    let page = PageData::new(first, move || load_credits(after.clone()));
    let signed_in = expect_context::<SignedIn>();
    // Only what is about the account itself concerns this page, and that always comes.
    use_events(
        seen,
        |_| false,
        Callback::new(move |()| {
            page.refresh.run(());
            signed_in.changed();
        }),
    );
    refresh_every(PACE, Signal::stored(true), page.refresh);
    view! {
        <h1>"Credits"</h1>
        <p class="muted">
            "1 credit is 1 instance of the smallest size for 1 hour. An instance costs from the moment when it is healthy
            until it is removed; what belongs to the platform itself costs nothing."
        </p>
        {move || {
            let Dated { now, data, .. } = page.value.get();
            view! {
                <Now credit=data.credits.credit now />
                <Days days=data.credits.days />
                <section class="card" id="bookings">
                    <h2>"Bookings"</h2>
                    <LedgerTable entries=data.entries now />
                    <More next=data.next label="Older bookings" />
                </section>
            }
        }}
    }
}

#[component]
fn Now(credit: CreditView, now: OffsetDateTime) -> impl IntoView {
    let end = match credit.runs_out_at {
        Some(at) => view! { <Moment at now /> }.into_any(),
        None if credit.balance.millis <= 0 => "used up".into_any(),
        None => "not while nothing runs".into_any(),
    };
    let text = format!("{} % of {}", credit.used_percent, format::credits(credit.allowance));
    view! {
        <section class="card">
            <h2>"Now"</h2>
            <dl class="facts">
                <div>
                    <dt>"Left"</dt>
                    <dd>{format::credits(credit.balance)}</dd>
                </div>
                <div>
                    <dt>"Running instances cost"</dt>
                    <dd>{format!("{} per hour", format::credits(credit.per_hour))}</dd>
                </div>
                <div>
                    <dt>"Runs out"</dt>
                    <dd>{end}</dd>
                </div>
            </dl>
            <Bar label="Used" used=Some(u64::from(credit.used_percent)) limit=100 text />
            <p class="hint">"Counted since the last grant. When nothing is left, services stop; nothing is deleted."</p>
        </section>
    }
}

#[component]
fn Days(days: Vec<DayUse>) -> impl IntoView {
    let none = days.is_empty();
    let rows: Vec<_> = days
        .into_iter()
        .map(|day| {
            view! {
                <tr>
                    <td data-label="Day">{day.day}</td>
                    <td data-label="Service" class="wrap">
                        {day.service}
                    </td>
                    <td data-label="Credits" class="amount">
                        {day.amount.to_string()}
                    </td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card">
            <h2>"The last 14 days"</h2>
            {none.then(|| view! { <p class="empty">"Nothing was used."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"Day (UTC)"</th>
                        <th scope="col">"Service"</th>
                        <th scope="col">"Credits"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}
