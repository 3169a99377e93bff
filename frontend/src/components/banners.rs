//! What everybody shall read, on every page: announcements, and credit that comes to its end.

use super::Moment;
use crate::server::FrameData;
use aerie_domain::{CreditLevel, views::CreditView};
use leptos::prelude::*;
use time::OffsetDateTime;

/// All banners; nothing when there are none.
#[component]
pub fn Banners(
    /// What is around the page.
    frame: FrameData,
    /// The server's clock.
    now: OffsetDateTime,
) -> impl IntoView {
    let credit = frame.me.map(|me| me.credit).filter(|credit| credit.level != CreditLevel::Fine);
    if frame.announcements.is_empty() && credit.is_none() {
        return ().into_any();
    }
    let announcements: Vec<_> = frame
        .announcements
        .into_iter()
        .map(|announcement| view! { <p class="notice announcement">{announcement.text}</p> })
        .collect();
    view! {
        <section class="banners" aria-label="Announcements">
            {announcements}
            {credit.map(|credit| view! { <CreditBanner credit now /> })}
        </section>
    }
    .into_any()
}

#[component]
fn CreditBanner(credit: CreditView, now: OffsetDateTime) -> impl IntoView {
    let class = if credit.level == CreditLevel::Low { "warning" } else { "problem" };
    let used = match credit.level {
        CreditLevel::UsedUp => {
            "Your credit is used up. Your services are stopped; their code, settings and data are kept. Ask your teacher \
             for more."
                .to_owned()
        }
        _ => format!("{} % of your credit is used.", credit.used_percent),
    };
    view! {
        <p class=class>
            {used}" "
            {credit.runs_out_at.map(|at| view! { "If everything goes on like this, it runs out "<Moment at now />". " })}
            <a href="/account/credits">"See where it went"</a>
        </p>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::Credits;
    use time::macros::datetime;

    #[test]
    fn who_runs_out_is_told_when() {
        let now = datetime!(2026-11-21 12:00 UTC);
        let credit = CreditView {
            balance: Credits::whole(2),
            per_hour: Credits::whole(1),
            allowance: Credits::whole(20),
            used_percent: 90,
            level: CreditLevel::Low,
            runs_out_at: Some(datetime!(2026-11-21 14:00 UTC)),
        };
        let html = Owner::new().with(|| view! { <CreditBanner credit now /> }.to_html());
        assert!(html.contains("90 % of your credit is used") && html.contains("today 14:00 UTC"), "{html}");
    }
}
