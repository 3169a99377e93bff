//! The newest runs: who pressed what, and what came of it.

use super::{ActionsData, light::word};
use crate::components::Ago;
use aerie_domain::{
    ServiceId,
    views::{ActionResultView, ActionRunView},
};
use leptos::prelude::*;
use time::OffsetDateTime;

/// A list that can be opened.
#[component]
pub fn Runs(actions: ActionsData, id: ServiceId, now: OffsetDateTime) -> impl IntoView {
    let runs = Memo::new(move |_| actions.value.with(|view| view.runs.clone()));
    let items = move || {
        let item = |run| view! { <Run run id now /> };
        runs.get().into_iter().map(item).collect::<Vec<_>>()
    };
    view! {
        <details class="runs" class:hidden=move || runs.with(Vec::is_empty)>
            <summary>"Last runs"</summary>
            <ul>{items}</ul>
        </details>
    }
}

#[component]
fn Run(run: ActionRunView, id: ServiceId, now: OffsetDateTime) -> impl IntoView {
    let ActionRunView { action, values, requested_by, created_at, results, .. } = run;
    let values: Vec<String> = values
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let with = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    let results: Vec<_> = results.into_iter().map(|result| view! { <Outcome result id /> }).collect();
    view! {
        <li>
            <b>{action}</b>
            <span class="wrap">{with}</span>
            " by "{requested_by.unwrap_or_else(|| "somebody who is gone".to_owned())}", "
            <Ago at=created_at now />
            <ul>{results}</ul>
        </li>
    }
}

#[component]
fn Outcome(result: ActionResultView, id: ServiceId) -> impl IntoView {
    let (_, word) = word(result.state, result.code);
    let log = format!("/services/{id}/logs?instance={}", result.instance);
    view! {
        <li>
            <a href=log>{result.instance}</a>
            ": "{word}
            {(!result.message.is_empty()).then(|| view! { <pre class="wrap">{result.message}</pre> })}
        </li>
    }
}
