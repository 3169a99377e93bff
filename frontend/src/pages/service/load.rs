//! Graphs of what the service uses and does.

mod lines;

use super::{ServicePageData, part};
use crate::{
    chart::{Line, Unit},
    components::Chart,
    format,
    live::{PageData, refresh_every, use_load_feed},
    server::load_load,
};
use aerie_domain::{
    FigureSpec, ServiceId,
    views::{LoadView, RoleView},
};
use leptos::prelude::*;
use leptos_router::{hooks::use_query_map, params::ParamsMap};
use std::time::Duration;

/// What can be shown: name in the address, words, seconds, and how often it is asked for anew. The first comes as a
/// stream. More often: more requests; a point of the others is a minute or more.
const RANGES: [(&str, &str, u32, Option<Duration>); 4] = [
    ("5m", "5 minutes", 300, None),
    ("1h", "1 hour", 3600, Some(Duration::from_secs(15))),
    ("1d", "1 day", 86_400, Some(Duration::from_secs(60))),
    ("14d", "14 days", 14 * 86_400, Some(Duration::from_secs(300))),
];

/// What the address asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    range: usize,
    role: Option<String>,
    each: bool,
}

impl Shown {
    /// Reads the page's query; what makes no sense is the usual.
    pub fn of(query: &ParamsMap) -> Self {
        let range = query.get("load").and_then(|name| RANGES.iter().position(|range| range.0 == name));
        Self { range: range.unwrap_or(0), role: query.get("role"), each: query.get("each").is_some() }
    }

    /// Seconds that are shown.
    pub fn seconds(&self) -> u32 {
        RANGES[self.range].2
    }

    fn link(&self, id: ServiceId) -> String {
        let role = self.role.as_ref().map(|role| format!("&role={}", format::query_value(role))).unwrap_or_default();
        let each = if self.each { "&each=on" } else { "" };
        format!("/services/{id}?load={}{role}{each}#load", RANGES[self.range].0)
    }
}

/// The section: what is shown comes from the address, so that it can be sent to somebody and works without scripts.
#[component]
pub fn Load(page: ServicePageData, id: ServiceId, first: LoadView) -> impl IntoView {
    let query = use_query_map();
    let shown = Memo::new(move |_| query.with(Shown::of));
    let load = PageData::new(first, move || load_load(id, shown.with_untracked(Shown::seconds)));
    let seconds = Memo::new(move |_| shown.with(Shown::seconds));
    Effect::new(move |before: Option<u32>| {
        let now = seconds.get();
        if before.is_some_and(|before| before != now) {
            load.refresh.run(());
        }
        now
    });
    let live = Signal::derive(move || shown.with(|shown| RANGES[shown.range].3.is_none()));
    use_load_feed(id, load.value, live, load.refresh);
    for (place, range) in RANGES.iter().enumerate() {
        if let Some(pace) = range.3 {
            let wanted = Signal::derive(move || shown.with(|shown| shown.range == place));
            refresh_every(pace, wanted, load.refresh);
        }
    }
    let roles = part(page, |service| service.roles.clone());
    let empty = Memo::new(move |_| load.value.with(LoadView::is_empty));
    view! {
        <section class="card load" id="load" aria-labelledby="load-title">
            <h2 id="load-title">"Load"</h2>
            <Choices shown id load roles />
            {move || {
                if empty.get() {
                    view! {
                        <p class="empty">
                            "Nothing was measured in this time. While the service runs, graphs begin within ten seconds."
                        </p>
                    }
                        .into_any()
                } else {
                    view! { <Graphs shown load roles /> }.into_any()
                }
            }}
        </section>
    }
}

/// Links: how long, which role, together or each.
#[component]
fn Choices(shown: Memo<Shown>, id: ServiceId, load: PageData<LoadView>, roles: Memo<Vec<RoleView>>) -> impl IntoView {
    let measured = Memo::new(move |_| load.value.with(|load| load.roles.keys().cloned().collect::<Vec<_>>()));
    let choice = move |to: Shown, chosen: bool, words: String| {
        view! {
            <a href=to.link(id) class="choice" aria-current=chosen.then_some("true")>
                {words}
            </a>
        }
    };
    let ranges = move || {
        let now = shown.get();
        let link = |(place, range): (usize, &(&str, &str, u32, Option<Duration>))| {
            choice(Shown { range: place, ..now.clone() }, now.range == place, range.1.to_owned())
        };
        RANGES.iter().enumerate().map(link).collect::<Vec<_>>()
    };
    let by_role = move || {
        let (now, titles) = (shown.get(), roles.get());
        let chosen = lines::role(now.role.as_ref(), &measured.get(), &titles);
        let title = |name: &str| {
            titles.iter().find(|role| role.name == name).map_or_else(|| name.to_owned(), |role| role.title.clone())
        };
        let link = |name: &String| {
            choice(Shown { role: Some(name.clone()), ..now.clone() }, chosen.as_ref() == Some(name), title(name))
        };
        measured.get().iter().map(link).collect::<Vec<_>>()
    };
    let each = move || {
        let now = shown.get();
        [(false, "Together"), (true, "Each instance")]
            .map(|(each, words)| choice(Shown { each, ..now.clone() }, now.each == each, words.to_owned()))
            .into_iter()
            .collect::<Vec<_>>()
    };
    view! {
        <nav class="choices" aria-label="What the graphs show">
            <p>{ranges}</p>
            <p>{by_role}</p>
            <p>{each}</p>
        </nav>
    }
}

#[component]
fn Graphs(shown: Memo<Shown>, load: PageData<LoadView>, roles: Memo<Vec<RoleView>>) -> impl IntoView {
    let ends = Signal::derive(move || {
        load.value.with(|load| (format::axis(load.from, load.step_s), format::axis(load.to, load.step_s)))
    });
    let lines = move |make: fn(&LoadView, &Shown, &[RoleView]) -> Vec<Line>| {
        let made = Memo::new(move |_| load.value.with(|load| make(load, &shown.get(), &roles.get())));
        Signal::from(made)
    };
    // What is told of roles comes from their kind and stays the same.
    let told = roles.get_untracked();
    let counts_requests = told.iter().any(|role| role.counts_requests);
    let figure = |role: &RoleView, spec: &FigureSpec| {
        let (role, spec) = (role.name.clone(), spec.clone());
        let (id, title, unit) = (format!("{role}-{}", spec.name), spec.title.clone(), Unit::of(&spec));
        let made = Memo::new(move |_| load.value.with(|load| lines::figure(load, &shown.get(), &role, &spec)));
        view! { <Chart id title unit lines=made.into() ends /> }
    };
    let figures: Vec<_> =
        told.iter().flat_map(|role| role.figures.iter().map(move |spec| figure(role, spec))).collect();
    view! {
        <div class="charts">
            {figures}
            {counts_requests
                .then(|| {
                    view! {
                        <Chart id="requests" title="Requests" unit=Unit::PerSecond lines=lines(lines::requests) ends />
                        <Chart id="times" title="Response time" unit=Unit::Milliseconds lines=lines(lines::times) ends />
                    }
                })}
            <Chart id="cpu" title="CPU, percent of a core" unit=Unit::Cpu lines=lines(lines::cpu) ends />
            <Chart id="memory" title="Memory" unit=Unit::Bytes lines=lines(lines::memory) ends />
            <Chart id="network" title="Network" unit=Unit::BytesPerSecond lines=lines(lines::network) ends />
        </div>
        <p class="hint">
            "Times are UTC." {counts_requests.then_some(" Requests and response times are those of the chosen role.")}
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_travels_in_the_address() {
        let id = ServiceId::generate();
        let mut query = ParamsMap::new();
        assert_eq!(Shown::of(&query).seconds(), 300);
        for (name, value) in [("load", "1d"), ("role", "w&b"), ("each", "on")] {
            query.insert(name, value.to_owned());
        }
        let shown = Shown::of(&query);
        assert_eq!(shown.seconds(), 86_400);
        assert_eq!(shown.link(id), format!("/services/{id}?load=1d&role=w%26b&each=on#load"));
    }
}
