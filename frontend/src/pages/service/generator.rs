//! The load generator: send requests, and see what comes of it.

use crate::{
    chart::Unit,
    components::{Ago, Field, ProblemBox, error_of},
    live::{PageData, refresh_after, refresh_every},
    server::{CancelLoadRun, Dated, StartLoadRun, load_load_runs},
};
use aerie_domain::{
    ServiceId,
    views::{LoadRunState, LoadRunView},
};
use leptos::{form::ActionForm, prelude::*};
use std::time::Duration;

/// How often a run that is under way is looked at; the director counts into the database once a second.
const PACE: Duration = Duration::from_secs(1);

/// The form and the newest run.
#[component]
pub fn Generator(id: ServiceId, first: Vec<LoadRunView>, now: Dated<()>) -> impl IntoView {
    let start = ServerAction::<StartLoadRun>::new();
    let cancel = ServerAction::<CancelLoadRun>::new();
    let runs = PageData::new(first, move || load_load_runs(id));
    refresh_after(start, runs.refresh);
    refresh_after(cancel, runs.refresh);
    let newest = Memo::new(move |_| runs.value.with(|runs| runs.first().cloned()));
    let running =
        Memo::new(move |_| newest.with(|run| run.as_ref().is_some_and(|run| run.state == LoadRunState::Running)));
    refresh_every(PACE, running.into(), runs.refresh);
    let error = error_of(start);
    view! {
        <section class="card" id="load-generator" aria-labelledby="generator-title">
            <h2 id="generator-title">"Load generator"</h2>
            <p class="muted">
                "Sends requests to this service's public address at an even pace, and watches the graphs with you."
            </p>
            <ProblemBox error fields=&["rate", "seconds", "path"] />
            <ProblemBox error=error_of(cancel) />
            <ActionForm action=start attr:class="inline-form">
                <input type="hidden" name="service" value=id.to_string() />
                <Field form="generator" name="rate" label="Requests per second" error value="50" required=true />
                <Field form="generator" name="seconds" label="Seconds" error value="20" required=true />
                <Field form="generator" name="path" label="Path" error value="/" max_length=1024 />
                <button type="submit" disabled=move || running.get()>
                    "Send"
                </button>
            </ActionForm>
            <p class="hint">"At most 500 requests per second for 60 seconds, one run at a time."</p>
            {move || {
                newest.get().map(|run| view! { <Run run now=now.now /> })
            }}
            {move || {
                let run = newest.get().filter(|_| running.get())?.id;
                Some(
                    view! {
                        <ActionForm action=cancel>
                            <input type="hidden" name="service" value=id.to_string() />
                            <input type="hidden" name="run" value=run.to_string() />
                            <button type="submit">"Stop sending"</button>
                        </ActionForm>
                    },
                )
            }}
        </section>
    }
}

#[component]
fn Run(run: LoadRunView, now: time::OffsetDateTime) -> impl IntoView {
    let total = u64::from(run.rate) * u64::from(run.seconds);
    let state = match run.state {
        LoadRunState::Running => "Sending".to_owned(),
        LoadRunState::Done => "Done".to_owned(),
        LoadRunState::Cancelled => "Stopped".to_owned(),
        LoadRunState::Failed => format!("Failed: {}", run.error),
    };
    let heading = format!("{} requests/s for {} s to {}", run.rate, run.seconds, run.path);
    let time = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| Unit::Milliseconds.show(ms));
    let statuses = run.statuses.iter().map(|(status, count)| format!("{status}: {count}"));
    let reasons = run.failures.iter().map(|(reason, count)| format!("{reason}: {count}"));
    let answers: Vec<String> = statuses.chain(reasons).collect();
    let running = run.state == LoadRunState::Running;
    view! {
        <div class="run">
            <h3>{heading}</h3>
            <p class="muted wrap">{state}", asked for "<Ago at=run.created_at now /></p>
            {running.then(|| view! { <progress max=total.to_string() value=(run.sent + run.skipped).to_string() aria-label="Requests sent"></progress> })}
            <dl class="facts">
                <div><dt>"Sent"</dt><dd>{format!("{} of {total}", run.sent)}</dd></div>
                <div><dt>"Answered well"</dt><dd>{run.ok.to_string()}</dd></div>
                <div><dt>"Failed"</dt><dd>{run.failed.to_string()}</dd></div>
                <div><dt>"50 % within"</dt><dd>{time(run.p50_ms)}</dd></div>
                <div><dt>"95 % within"</dt><dd>{time(run.p95_ms)}</dd></div>
                <div><dt>"99 % within"</dt><dd>{time(run.p99_ms)}</dd></div>
                {(run.skipped > 0)
                    .then(|| view! { <div><dt>"Not sent, because 500 were waiting"</dt><dd>{run.skipped.to_string()}</dd></div> })}
                {(!answers.is_empty())
                    .then(|| view! { <div><dt>"Answers"</dt><dd>{answers.join(", ")}</dd></div> })}
            </dl>
        </div>
    }
}
