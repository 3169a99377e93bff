//! A service's log: the lines that came with the page, then live.

use crate::{
    format,
    live::{LogBuffer, LogEntry, LogFeed, LogState, use_log_feed},
};
use aerie_domain::{
    ServiceId,
    views::{LogLine, LogSource},
};
use leptos::{html::Div, prelude::*};
use std::sync::Arc;

/// Within so many pixels of the end the panel follows new lines. Larger: it follows although one has scrolled a little.
const NEAR_END: i32 = 24;

/// The lines, with a button that pauses, a link that downloads, and a word on how the stream is.
#[component]
pub fn LogPanel(
    id: ServiceId,
    /// Filter, as a query.
    query: Signal<String>,
    /// Lines that came with the page.
    lines: Vec<LogLine>,
    /// As high as the window allows.
    #[prop(optional)]
    tall: bool,
) -> impl IntoView {
    let scroller = NodeRef::<Div>::new();
    let address = Signal::derive(move || format!("/api/v1/services/{id}/logs/stream?{}", query.get()));
    let download = move || format!("/api/v1/services/{id}/logs?format=text&{}", query.get());
    let feed = use_log_feed(lines, address, Callback::new(move |fresh| follow_end(scroller, fresh)));
    let class = if tall { "log tall" } else { "log" };
    view! {
        <div class="log-bar">
            <FeedState feed />
            <PauseButton feed />
            <a href=download rel="external">
                "As plain text"
            </a>
        </div>
        // Focusable, so that it can be scrolled with the keyboard.
        <div class=class node_ref=scroller tabindex="0" role="log" aria-live="off" aria-label="Log lines">
            <Empty feed />
            <For each=move || feed.buffer.with(LogBuffer::entries) key=|(number, _)| *number let:((_, entry))>
                <Entry entry />
            </For>
        </div>
    }
}

/// Keeps the newest line in view, if it was before, or if all lines are `fresh`.
fn follow_end(scroller: NodeRef<Div>, fresh: bool) {
    let Some(element) = scroller.try_get_untracked().flatten() else { return };
    let at_end = element.scroll_height() - element.scroll_top() - element.client_height() <= NEAR_END;
    if fresh || at_end {
        request_animation_frame(move || element.set_scroll_top(element.scroll_height()));
    }
}

#[component]
fn Entry(entry: Arc<LogEntry>) -> impl IntoView {
    match &*entry {
        LogEntry::Line(line) => view! { <Line line=line.clone() /> }.into_any(),
        LogEntry::Gap => view! { <p class="log-gap">"Some lines are missing here."</p> }.into_any(),
    }
}

/// How a line looks. Servers write all they say to their error stream: what they call a notice is not a fault.
fn class(line: &LogLine) -> &'static str {
    const HARMLESS: [&str; 6] = ["NOTICE", "[notice]", "[Note]", "[info]", "INFO", "DEBUG"];
    const WARNING: [&str; 3] = ["WARN", "[warn]", "Warning"];
    let says = |words: &[&str]| words.iter().any(|word| line.text.contains(word));
    match (line.source, line.stream.as_str()) {
        (LogSource::Manager, "warn") => "log-line warn",
        (LogSource::Instance, "error" | "err") if says(&HARMLESS) => "log-line",
        (LogSource::Instance, "error" | "err") if says(&WARNING) => "log-line warn",
        (LogSource::Manager, "error") | (LogSource::Instance, "error" | "err") => "log-line bad",
        _ => "log-line",
    }
}

#[component]
fn Line(line: LogLine) -> impl IntoView {
    let class = class(&line);
    let origin = match line.source {
        LogSource::Manager => "manager".to_owned(),
        LogSource::Instance => format!("{} {}/{}", line.instance, line.role, line.stream),
    };
    view! {
        <p class=class>
            <time datetime=format::machine(line.at) title=format::full(line.at)>
                {format::clock(line.at)}
            </time>
            <span class="log-origin">{origin}</span>
            <span class="log-text">{line.text}</span>
        </p>
    }
}

#[component]
fn Empty(feed: LogFeed) -> impl IntoView {
    move || {
        let text = match feed.state.get() {
            LogState::Off | LogState::Live => "No lines yet.",
            LogState::Connecting => "Reading…",
            LogState::Ended => "No lines.",
        };
        feed.buffer.with(LogBuffer::is_empty).then(|| view! { <p class="log-empty">{text}</p> })
    }
}

#[component]
fn FeedState(feed: LogFeed) -> impl IntoView {
    let words = move || match (feed.state.get(), feed.paused.get()) {
        (LogState::Off, _) => ("", ""),
        (LogState::Ended, _) => ("ended", "Ended"),
        (LogState::Connecting, _) => ("connecting", "Connecting…"),
        (LogState::Live, true) => ("paused", "Paused"),
        (LogState::Live, false) => ("live", "Live"),
    };
    let waiting = move || match feed.waiting.get() {
        0 => String::new(),
        lines => format!(" ({} waiting)", format::count(lines as u64, "line")),
    };
    view! {
        <span class=move || format!("live-mark {}", words().0) role="status">
            {move || words().1}
            {waiting}
        </span>
    }
}

#[component]
fn PauseButton(feed: LogFeed) -> impl IntoView {
    let label = move || if feed.paused.get() { "Go on" } else { "Pause" };
    // Without scripts there is nothing to pause: the style sheet hides it until the page is hydrated.
    view! {
        <button type="button" class="quiet script-only" on:click=move |_| feed.paused.update(|paused| *paused = !*paused)>
            {label}
        </button>
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn line(text: &str) -> LogLine {
        LogLine {
            at: datetime!(2026-11-21 14:03:22.417 UTC),
            source: LogSource::Instance,
            instance: "0a1b2c3d".to_owned(),
            role: "php".to_owned(),
            stream: "error".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_a_server_calls_a_notice_does_not_look_like_a_fault() {
        assert_eq!(class(&line("[21-Nov-2026 12:20:02] NOTICE: fpm is running, pid 10")), "log-line");
        assert_eq!(class(&line("2026-11-21 14:53:30 0 [Note] mariadbd: ready for connections.")), "log-line");
        assert_eq!(class(&line("PHP Warning:  Undefined variable $a")), "log-line warn");
        assert_eq!(class(&line("PHP Fatal error:  Uncaught Error")), "log-line bad");
    }

    #[test]
    fn lines_of_instances_are_text_not_markup() {
        let line = line("<img src=x onerror=alert(1)>");
        let html = Owner::new().with(|| view! { <Entry entry=Arc::new(LogEntry::Line(line)) /> }.to_html());
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("14:03:22.417") && html.contains("0a1b2c3d php/error"), "{html}");
    }
}
