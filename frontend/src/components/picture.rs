//! The picture of an application.

use crate::picture::{BOX, LEFT, LINE, Node, Picture as Drawing, Use, VISITORS, WIDTH};
use aerie_domain::views::ApplicationView;
use leptos::prelude::*;

/// Services with their roles, who uses whom, and where visitors come in. Every box is a link to its service.
#[component]
pub fn Picture(
    /// The application.
    application: ApplicationView,
) -> impl IntoView {
    let Drawing { nodes, uses, visits, height, words } = Drawing::of(&application);
    let any_public = !visits.is_empty();
    let visitors = any_public.then(|| {
        view! {
            <g class="picture-visitors">
                <rect x=LEFT y="1" width=BOX height=VISITORS - 2.0 rx="17" />
                <text x=LEFT + BOX / 2.0 y=VISITORS / 2.0 + 5.0 text-anchor="middle">
                    "Visitors"
                </text>
            </g>
        }
    });
    let lines = |lines: Vec<Use>, class: &'static str| {
        let line = move |Use { path, head }| {
            view! {
                <g class=class>
                    <path class="picture-line" d=path />
                    <path class="picture-head" d=head />
                </g>
            }
        };
        lines.into_iter().map(line).collect::<Vec<_>>()
    };
    let boxes: Vec<_> = nodes.into_iter().map(|node| view! { <Service node /> }).collect();
    view! {
        <figure class="picture">
            <svg
                viewBox=format!("0 0 {WIDTH} {height:.0}")
                width=WIDTH
                role="group"
                aria-labelledby="picture-title"
                aria-describedby="picture-words"
            >
                {visitors}
                {lines(visits, "picture-visits")}
                {lines(uses, "picture-uses")}
                {boxes}
            </svg>
            <figcaption id="picture-words">
                {if words.is_empty() { "No service uses another one.".to_owned() } else { words.join(" ") }}
            </figcaption>
        </figure>
    }
}

#[component]
fn Service(node: Node) -> impl IntoView {
    let Node { id, name, state, y, height, lines, busy, .. } = node;
    let class = format!("picture-service at-{}{}", state.as_str().to_lowercase(), if busy { " busy" } else { "" });
    let (x, mut baseline) = (LEFT + 16.0, y + 9.0 + LINE * 0.75);
    let first = baseline;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| {
            baseline += LINE;
            view! {
                <text class="picture-detail" x=x y=format!("{baseline:.1}")>
                    {line}
                </text>
            }
        })
        .collect();
    view! {
        <g class=class>
            <a href=format!("/services/{id}")>
                <rect class="picture-box" x=LEFT y=format!("{y:.1}") width=BOX height=format!("{height:.1}") rx="8" />
                <rect class="picture-state" x=LEFT + 5.0 y=format!("{:.1}", y + 7.0) width="4" height=format!("{:.1}", height - 14.0) rx="2" />
                <text class="picture-name" x=x y=format!("{first:.1}")>
                    {name}
                </text>
                {lines}
            </a>
        </g>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use aerie_domain::{ApplicationId, Credits, ServiceId, ServiceState, views::ServiceSummary};
    use time::macros::datetime;

    #[test]
    fn it_is_there_without_scripts_and_can_be_read_aloud() {
        let application_id = ApplicationId::generate();
        let service = ServiceSummary {
            id: ServiceId::generate(),
            application_id,
            name: "site".to_owned(),
            kind: "php".to_owned(),
            kind_title: "<b>PHP</b>".to_owned(),
            state: ServiceState::Running,
            reason: String::new(),
            instances: 1,
            address: Some("http://shop.ada.localhost".to_owned()),
            per_hour: Credits::default(),
            role_counts: Vec::new(),
            figures: Vec::new(),
            keeps_volumes: false,
        };
        let link = format!("href=\"/services/{}\"", service.id);
        let application = ApplicationView {
            id: application_id,
            name: "shop".to_owned(),
            owner: "ada".to_owned(),
            created_at: datetime!(2026-11-21 12:00 UTC),
            deleting: false,
            read_only: false,
            services: vec![service],
            uses: Vec::new(),
            per_hour: Credits::default(),
        };
        let html = Owner::new().with(|| view! { <Picture application /> }.to_html());
        assert!(html.contains("Visitors") && html.contains("shop.ada.localhost<") && html.contains(&link), "{html}");
        assert!(!html.contains("<b>PHP") && html.contains("No service uses another one."), "{html}");
    }
}
