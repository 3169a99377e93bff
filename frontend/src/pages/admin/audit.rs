//! The audit log: who, when, from where, what.

use super::{AdminNav, in_query, some};
use crate::{
    components::{Ago, Loading, More, Refused},
    server::{Dated, load_audit_log},
};
use aerie_domain::views::{AuditQuery, AuditView, Page};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Form;
use time::OffsetDateTime;

/// The page.
#[component]
pub fn AdminAuditPage() -> impl IntoView {
    let wanted = in_query(|value| [value("actor"), value("action"), value("text"), value("after")]);
    let found = Resource::new(
        move || wanted.get(),
        |[actor, action, text, after]| {
            load_audit_log(AuditQuery { actor, action, text, after: some(after), limit: None })
        },
    );
    view! {
        <Title text="Audit log" />
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match found.await {
                    Ok(found) => view! { <Audit found wanted=wanted.get_untracked() /> }.into_any(),
                    Err(error) => view! { <Refused error /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Audit(found: Dated<Page<AuditView>>, wanted: [String; 4]) -> impl IntoView {
    let [actor, action, text, _] = wanted;
    let now = found.now;
    let Page { items, next } = found.data;
    let none = items.is_empty();
    let rows: Vec<_> = items.into_iter().map(|change| view! { <Row change now /> }).collect();
    let query = vec![("actor", actor.clone()), ("action", action.clone()), ("text", text.clone())];
    view! {
        <h1>"Audit log"</h1>
        <AdminNav />
        <section class="card">
            <Form method="GET" action="" attr:class="inline-form" attr:role="search">
                <div class="field">
                    <label for="audit-actor">"User name"</label>
                    <input id="audit-actor" name="actor" value=actor autocapitalize="none" spellcheck="false" />
                </div>
                <div class="field">
                    <label for="audit-action">"Action, or how it begins"</label>
                    <input id="audit-action" name="action" value=action autocapitalize="none" spellcheck="false" />
                </div>
                <div class="field">
                    <label for="audit-text">"Target, address or details"</label>
                    <input id="audit-text" type="search" name="text" value=text />
                </div>
                <button type="submit">"Filter"</button>
            </Form>
            {none.then(|| view! { <p class="empty">"No changes found."</p> })}
            <table class="stack" class:hidden=none>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"On"</th>
                        <th scope="col">"Details"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <More next query label="Older changes" />
        </section>
    }
}

#[component]
fn Row(change: AuditView, now: OffsetDateTime) -> impl IntoView {
    let detail =
        change.detail.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
    view! {
        <tr>
            <td data-label="When">
                <Ago at=change.at now />
            </td>
            <td data-label="Who">
                {change.actor.unwrap_or_else(|| "nobody".to_owned())} " "
                <span class="muted">{change.via}</span>
            </td>
            <td data-label="From">{change.address}</td>
            <td data-label="What">
                <code>{change.action}</code>
            </td>
            <td data-label="On" class="wrap">
                {change.target}
            </td>
            <td data-label="Details" class="wrap">
                {detail}
            </td>
        </tr>
    }
}
