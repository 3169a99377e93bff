//! Where things are on the picture of an application: services below each other, those that use others above what they
//! use, lines beside them. Pure; the same on the server and in the browser.
//!
//! One column, so that its letters stay readable on a phone however many services there are.

use crate::{components::in_words, format};
use aerie_domain::{
    ServiceId, ServiceState,
    views::{ApplicationView, ServiceSummary},
};

/// Width of the whole picture in its own units, which are pixels where there is room.
pub const WIDTH: f64 = 344.0;
/// Where boxes begin: room for the lines of bindings is left of it.
pub const LEFT: f64 = 62.0;
/// Width of a box; right of it is room for visitors.
pub const BOX: f64 = 248.0;
/// Height of a line of text.
pub const LINE: f64 = 19.0;
/// Height of the box for visitors.
pub const VISITORS: f64 = 34.0;

const GAP: f64 = 22.0;
const PADDING: f64 = 9.0;
/// Lines of bindings beside each other; more share a place.
const LANES: usize = 4;
/// Letters that fit into a box.
const FITS: usize = 38;

/// A service's box.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The service.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: ServiceState,
    /// Upper edge.
    pub y: f64,
    /// Height.
    pub height: f64,
    /// Further lines of text.
    pub lines: Vec<String>,
    /// Visitors come here.
    pub public: bool,
    /// Somebody does, now.
    pub busy: bool,
}

/// A line from a service to the one that it uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// As an SVG path.
    pub path: String,
    /// The arrow's head, as an SVG path.
    pub head: String,
}

/// The picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Services from top to bottom.
    pub nodes: Vec<Node>,
    /// Bindings.
    pub uses: Vec<Use>,
    /// The lines along which visitors come, as SVG paths: line and head.
    pub visits: Vec<Use>,
    /// Height of all of it.
    pub height: f64,
    /// The same in words.
    pub words: Vec<String>,
}

impl Picture {
    /// Draws an application.
    pub fn of(application: &ApplicationView) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        let any_public = application.services.iter().any(|service| service.address.is_some());
        let mut y = if any_public { VISITORS + GAP } else { 1.0 };
        for service in in_order(application) {
            let node = node(service, y);
            y += node.height + GAP;
            nodes.push(node);
        }
        let uses = uses(application, &nodes);
        let middle = |node: &Node| node.y + node.height / 2.0;
        let visits = nodes.iter().filter(|node| node.public).map(|node| {
            let (right, y) = (LEFT + BOX, middle(node));
            Use {
                path: format!("M{} {:.1}H{:.1}V{y:.1}H{:.1}", right, VISITORS / 2.0, right + 20.0, right + 6.0),
                head: format!("M{right} {y:.1}l8 -5v10z"),
            }
        });
        Self { visits: visits.collect(), uses, height: (y - GAP + 2.0).max(1.0), words: words(application), nodes }
    }
}

/// Users before what they use, otherwise as they are. Bindings form no circle; if they did, the rest would be as it is.
fn in_order(application: &ApplicationView) -> Vec<&ServiceSummary> {
    let mut waiting: Vec<&ServiceSummary> = application.services.iter().collect();
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let is_used = |service: &&ServiceSummary| {
            let uses = application.uses.iter().filter(|used| used.uses_id == service.id);
            uses.into_iter().any(|used| waiting.iter().any(|other| other.id == used.service_id))
        };
        let next = waiting.iter().position(|service| !is_used(service)).unwrap_or(0);
        order.push(waiting.remove(next));
    }
    order
}

fn node(service: &ServiceSummary, y: f64) -> Node {
    let mut lines = vec![format!("{} · {}", service.kind_title, service.state.as_str().to_lowercase())];
    let roles = service.role_counts.iter().map(|role| {
        let missing = role.serving < role.count && service.state == ServiceState::Adapting;
        let title = &role.title;
        if missing { format!("{title} {} of {}", role.serving, role.count) } else { format!("{title} {}", role.count) }
    });
    lines.push(roles.collect::<Vec<_>>().join(" · "));
    let figures =
        service.figures.iter().filter_map(|figure| Some(format!("{} {}", figure.spec.title, in_words(figure)?)));
    lines.push(figures.collect::<Vec<_>>().join(" · "));
    lines.push(service.address.as_deref().map(short_address).unwrap_or_default());
    lines.retain(|line| !line.is_empty());
    let lines: Vec<String> = lines.iter().map(|line| fitting(line)).collect();
    let visits = service.figures.first().filter(|_| service.address.is_some()).and_then(|figure| figure.value);
    Node {
        id: service.id,
        name: fitting(&service.name),
        state: service.state,
        y,
        #[expect(clippy::cast_precision_loss, reason = "a few lines")]
        height: (lines.len() + 1) as f64 * LINE + 2.0 * PADDING,
        lines,
        public: service.address.is_some(),
        busy: visits.is_some_and(|visits| visits > 0.0),
    }
}

/// An address without what every address has.
pub fn short_address(address: &str) -> String {
    address.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

fn fitting(text: &str) -> String {
    if text.chars().count() <= FITS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(FITS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Lines left of the boxes, from the middle of the user down to the used; short ones inside, so that few cross.
fn uses(application: &ApplicationView, nodes: &[Node]) -> Vec<Use> {
    let place = |id: ServiceId| nodes.iter().position(|node| node.id == id);
    let mut spans: Vec<(usize, usize)> = application
        .uses
        .iter()
        .filter_map(|used| Some((place(used.service_id)?, place(used.uses_id)?)))
        .filter(|(from, to)| from < to)
        .collect();
    spans.sort_by_key(|(from, to)| (to - from, *from));
    let mut lanes: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut drawn = Vec::new();
    for (from, to) in spans {
        let free = |lane: &Vec<(usize, usize)>| lane.iter().all(|(start, end)| *end <= from || *start >= to);
        let lane = lanes.iter().position(free).unwrap_or_else(|| {
            lanes.push(Vec::new());
            lanes.len() - 1
        });
        lanes[lane].push((from, to));
        drawn.push(arrow(&nodes[from], &nodes[to], lane.min(LANES - 1)));
    }
    drawn
}

fn arrow(from: &Node, to: &Node, lane: usize) -> Use {
    // Where several begin and end at one box, each lane has a height of its own.
    #[expect(clippy::cast_precision_loss, reason = "a few lanes")]
    let lane = lane as f64;
    let (start, end) = (from.y + from.height - 14.0 - 7.0 * lane, to.y + 14.0 + 7.0 * lane);
    let x = LEFT - 18.0 - 11.0 * lane;
    Use {
        path: format!(
            "M{LEFT} {start:.1}H{:.1}Q{x:.1} {start:.1} {x:.1} {:.1}V{:.1}Q{x:.1} {end:.1} {:.1} {end:.1}H{:.1}",
            x + 6.0,
            start + 6.0,
            end - 6.0,
            x + 6.0,
            LEFT - 7.0
        ),
        head: format!("M{LEFT} {end:.1}l-9 -5v10z"),
    }
}

/// What the lines mean, one sentence per service.
fn words(application: &ApplicationView) -> Vec<String> {
    let name = |id: ServiceId| application.services.iter().find(|other| other.id == id).map(|other| other.name.clone());
    let mut words = Vec::new();
    for service in in_order(application) {
        let mine = application.uses.iter().filter(|used| used.service_id == service.id);
        let used: Vec<String> =
            mine.filter_map(|used| Some(format!("{} as {}", name(used.uses_id)?, used.prefix))).collect();
        if !used.is_empty() {
            words.push(format!("{} uses {}.", service.name, format::list(&used)));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_domain::{ApplicationId, Credits, views::UseView};
    use time::macros::datetime;

    fn service(name: &str, public: bool) -> ServiceSummary {
        ServiceSummary {
            id: ServiceId::generate(),
            application_id: ApplicationId::generate(),
            name: name.to_owned(),
            kind: "x".to_owned(),
            kind_title: "X".to_owned(),
            state: ServiceState::Running,
            reason: String::new(),
            instances: 1,
            address: public.then(|| format!("http://{name}.ada.localhost:7780")),
            per_hour: Credits::default(),
            role_counts: Vec::new(),
            figures: Vec::new(),
            keeps_volumes: false,
        }
    }

    fn application(names: &[(&str, bool)], uses: &[(usize, usize)]) -> ApplicationView {
        let services: Vec<_> = names.iter().map(|(name, public)| service(name, *public)).collect();
        let uses = uses.iter().map(|(from, to)| UseView {
            service_id: services[*from].id,
            uses_id: services[*to].id,
            prefix: "DB".to_owned(),
        });
        ApplicationView {
            id: ApplicationId::generate(),
            name: "shop".to_owned(),
            owner: "ada".to_owned(),
            created_at: datetime!(2026-11-21 12:00 UTC),
            deleting: false,
            read_only: false,
            uses: uses.collect(),
            services,
            per_hour: Credits::default(),
        }
    }

    #[test]
    fn users_are_above_what_they_use() {
        let picture = Picture::of(&application(&[("db", false), ("site", true), ("cache", false)], &[(1, 0), (1, 2)]));
        let names: Vec<&str> = picture.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["site", "db", "cache"]);
        assert_eq!((picture.uses.len(), picture.visits.len()), (2, 1));
        assert_eq!(picture.words, ["site uses db as DB and cache as DB."]);
        for pair in picture.nodes.windows(2) {
            assert!(pair[0].y + pair[0].height < pair[1].y, "{pair:?}");
        }
        assert!(picture.nodes.iter().all(|node| node.y + node.height <= picture.height));
    }

    #[test]
    fn nothing_leaves_the_picture() {
        let long = "x".repeat(60);
        let names: Vec<(&str, bool)> = (0..12).map(|_| (long.as_str(), true)).collect();
        let all: Vec<(usize, usize)> = (0..11).flat_map(|from| (from + 1..12).map(move |to| (from, to))).collect();
        let picture = Picture::of(&application(&names, &all));
        assert_eq!(picture.uses.len(), all.len());
        assert!(picture.nodes.iter().all(|node| node.name.chars().count() <= FITS));
        const { assert!(LEFT - 18.0 - 11.0 * 3.0 > 0.0, "the outermost lane is inside") };
    }

    #[test]
    fn an_application_without_services_is_an_empty_picture() {
        let picture = Picture::of(&application(&[], &[]));
        assert!(picture.nodes.is_empty() && picture.height > 0.0);
    }
}
