//! What a service's instances use and do, over time.

use crate::InstanceId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Which time, and how fine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadQuery {
    /// From then on; five minutes before `to` unless told.
    pub from: Option<OffsetDateTime>,
    /// Before then; now unless told.
    pub to: Option<OffsetDateTime>,
    /// Seconds per point; chosen by the length of the time unless told.
    pub step_s: Option<u32>,
}

/// The load of a service as lists of numbers: the nth number of each list is about the `step_s` seconds that begin at
/// `from` + n × `step_s`. A number is absent where nothing was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LoadView {
    /// Where the first point begins.
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// Where the last point ends.
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
    /// Seconds per point.
    pub step_s: u32,
    /// Points in each list.
    pub points: usize,
    /// What each role did, all its instances together. Only roles that are measured.
    pub roles: BTreeMap<String, RoleLoadView>,
    /// Figures that the kind shows: role → figure → numbers, all instances together.
    #[serde(default)]
    pub figures: Figures,
    /// What each instance used and did, oldest first. Also those that are gone.
    pub instances: Vec<InstanceLoadView>,
}

/// What a role did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RoleLoadView {
    /// Requests per second.
    pub requests: Vec<Option<f64>>,
    /// Of these, answered with 500 and above, per second.
    pub errors: Vec<Option<f64>>,
    /// Of these, answered with 400 to 499, per second.
    pub client_errors: Vec<Option<f64>>,
    /// Milliseconds within which half of the requests were answered.
    pub p50_ms: Vec<Option<f64>>,
    /// Milliseconds within which 95 % were answered.
    pub p95_ms: Vec<Option<f64>>,
    /// Milliseconds within which 99 % were answered.
    pub p99_ms: Vec<Option<f64>>,
    /// Most requests that were seen waiting.
    pub queue: Vec<Option<f64>>,
    /// Most connections that were seen open.
    pub sessions: Vec<Option<f64>>,
}

/// What an instance used and did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceLoadView {
    /// Id.
    pub id: InstanceId,
    /// Short id.
    pub short: String,
    /// It exists.
    pub present: bool,
    /// Processor time, thousandths of a core.
    pub cpu_millis: Vec<Option<f64>>,
    /// Memory, bytes.
    pub memory_bytes: Vec<Option<f64>>,
    /// Memory that it may use, bytes; 0 without a limit.
    pub memory_limit_bytes: u64,
    /// Bytes per second that came in. Absent on the host's network.
    pub received_bytes: Vec<Option<f64>>,
    /// Bytes per second that went out.
    pub sent_bytes: Vec<Option<f64>>,
    /// What its roles did.
    pub roles: BTreeMap<String, RoleLoadView>,
    /// Figures that the kind shows: role → figure → numbers.
    #[serde(default)]
    pub figures: Figures,
}

type Series = Vec<Option<f64>>;
/// Role → figure → numbers.
pub type Figures = BTreeMap<String, BTreeMap<String, Vec<Option<f64>>>>;

impl RoleLoadView {
    /// Lists of absent numbers.
    pub fn empty(points: usize) -> Self {
        let mut view = Self::default();
        view.each(|series| series.resize(points, None));
        view
    }

    fn each(&mut self, mut change: impl FnMut(&mut Series)) {
        for series in [
            &mut self.requests,
            &mut self.errors,
            &mut self.client_errors,
            &mut self.p50_ms,
            &mut self.p95_ms,
            &mut self.p99_ms,
            &mut self.queue,
            &mut self.sessions,
        ] {
            change(series);
        }
    }

    /// Adds what came after; `before` points were there before, and there are `after` new ones.
    fn append(&mut self, newer: Self, before: usize, after: usize) {
        let Self { requests, errors, client_errors, p50_ms, p95_ms, p99_ms, queue, sessions } = newer;
        let mut newer = [requests, errors, client_errors, p50_ms, p95_ms, p99_ms, queue, sessions].into_iter();
        self.each(|series| append(series, newer.next().unwrap_or_default(), before, after));
    }
}

impl InstanceLoadView {
    fn each(&mut self, mut change: impl FnMut(&mut Series)) {
        for series in [&mut self.cpu_millis, &mut self.memory_bytes, &mut self.received_bytes, &mut self.sent_bytes] {
            change(series);
        }
    }

    /// Lists of absent numbers.
    pub fn empty(id: InstanceId, points: usize) -> Self {
        let mut view = Self {
            id,
            short: id.short(),
            present: false,
            cpu_millis: Vec::new(),
            memory_bytes: Vec::new(),
            memory_limit_bytes: 0,
            received_bytes: Vec::new(),
            sent_bytes: Vec::new(),
            roles: BTreeMap::new(),
            figures: Figures::new(),
        };
        view.each(|series| series.resize(points, None));
        view
    }
}

impl LoadView {
    /// Nothing was measured in the whole time.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.roles.is_empty() && self.figures.is_empty()
    }

    /// Adds the points that come right after, and drops as many old ones, so that a window moves along. Points of
    /// another step, or ones that are not the next, change nothing: whoever shows them asks for everything anew.
    #[must_use = "false means that it was of no use"]
    pub fn append(&mut self, newer: Self) -> bool {
        if newer.step_s != self.step_s || newer.from != self.to {
            return false;
        }
        let (before, after) = (self.points, newer.points);
        merge(&mut self.roles, newer.roles, before, after);
        merge_figures(&mut self.figures, newer.figures, before, after);
        for instance in &mut self.instances {
            instance.present = false;
        }
        for mut fresh in newer.instances {
            let known = self.instances.iter().position(|instance| instance.id == fresh.id);
            let place = known.unwrap_or_else(|| {
                self.instances.push(InstanceLoadView::empty(fresh.id, before));
                self.instances.len() - 1
            });
            let instance = &mut self.instances[place];
            (instance.present, instance.memory_limit_bytes) = (fresh.present, fresh.memory_limit_bytes);
            let mut lists = Vec::new();
            fresh.each(|series| lists.push(std::mem::take(series)));
            let mut lists = lists.into_iter();
            instance.each(|series| append(series, lists.next().unwrap_or_default(), before, after));
            merge(&mut instance.roles, std::mem::take(&mut fresh.roles), before, after);
            merge_figures(&mut instance.figures, std::mem::take(&mut fresh.figures), before, after);
        }
        self.to = newer.to;
        self.points += after;
        self.drop_first(after);
        true
    }

    /// Drops the first points, and instances and roles of which nothing is left.
    fn drop_first(&mut self, count: usize) {
        let (count, points) = (count.min(self.points), self.points);
        let shorten = |series: &mut Series| {
            series.resize(points, None);
            series.drain(..count);
        };
        for role in self.roles.values_mut().chain(self.instances.iter_mut().flat_map(|i| i.roles.values_mut())) {
            role.each(shorten);
        }
        for instance in &mut self.instances {
            instance.each(shorten);
        }
        let all = self.instances.iter_mut().map(|instance| &mut instance.figures).chain([&mut self.figures]);
        for series in all.flat_map(BTreeMap::values_mut).flat_map(BTreeMap::values_mut) {
            shorten(series);
        }
        self.points -= count;
        self.from = self.to - time::Duration::seconds(i64::from(self.step_s) * i64::try_from(self.points).unwrap_or(0));
        self.roles.retain(|_, role| role.requests.iter().any(Option::is_some));
        for figures in self.figures.values_mut() {
            figures.retain(|_, series| series.iter().any(Option::is_some));
        }
        self.figures.retain(|_, figures| !figures.is_empty());
        self.instances.retain(|instance| instance.present || instance.memory_bytes.iter().any(Option::is_some));
    }
}

fn append(series: &mut Series, newer: Series, before: usize, after: usize) {
    series.resize(before, None);
    series.extend(newer);
    series.resize(before + after, None);
}

fn merge(
    roles: &mut BTreeMap<String, RoleLoadView>,
    newer: BTreeMap<String, RoleLoadView>,
    before: usize,
    after: usize,
) {
    for (name, fresh) in newer {
        roles.entry(name).or_insert_with(|| RoleLoadView::empty(before)).append(fresh, before, after);
    }
}

/// A figure that is not told any more goes on as absent numbers until it leaves the window.
fn merge_figures(figures: &mut Figures, mut newer: Figures, before: usize, after: usize) {
    for role in newer.keys() {
        figures.entry(role.clone()).or_default();
    }
    for (role, known) in figures {
        let mut fresh = newer.remove(role).unwrap_or_default();
        for name in fresh.keys() {
            known.entry(name.clone()).or_default();
        }
        for (name, series) in known {
            append(series, fresh.remove(name).unwrap_or_default(), before, after);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    fn view(start: i64, numbers: &[f64], instances: &[InstanceId]) -> LoadView {
        let points = numbers.len();
        let series: Series = numbers.iter().copied().map(Some).collect();
        let role = RoleLoadView { requests: series.clone(), ..RoleLoadView::empty(points) };
        let from = datetime!(2026-11-21 12:00 UTC) + Duration::seconds(start * 5);
        LoadView {
            from,
            to: from + Duration::seconds(5 * i64::try_from(points).unwrap()),
            step_s: 5,
            points,
            roles: [("web".to_owned(), role)].into(),
            figures: [("store".to_owned(), [("keys".to_owned(), series.clone())].into())].into(),
            instances: instances
                .iter()
                .map(|id| InstanceLoadView {
                    present: true,
                    memory_bytes: series.clone(),
                    ..InstanceLoadView::empty(*id, points)
                })
                .collect(),
        }
    }

    #[test]
    fn a_window_moves_along() {
        let (one, two) = (InstanceId::generate(), InstanceId::generate());
        let mut window = view(0, &[1.0, 2.0, 3.0], &[one]);
        assert!(window.append(view(3, &[4.0], &[one, two])));
        assert_eq!(window.points, 3);
        assert_eq!(window.from, datetime!(2026-11-21 12:00:05 UTC));
        assert_eq!(window.roles["web"].requests, [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(window.figures["store"]["keys"], [Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(window.roles["web"].p50_ms, [None, None, None]);
        assert_eq!(window.instances[1].memory_bytes, [None, None, Some(4.0)], "a new instance has no past");
        for next in 4..7 {
            assert!(window.append(view(next, &[5.0], &[two])));
        }
        assert_eq!(window.instances.len(), 1, "what is gone leaves the window with its last point");
        assert_eq!(window.instances[0].memory_bytes, [Some(5.0), Some(5.0), Some(5.0)]);
    }

    #[test]
    fn a_gap_is_not_glossed_over() {
        let mut window = view(0, &[1.0], &[]);
        assert!(!window.append(view(2, &[3.0], &[])));
        assert!(!window.append(LoadView { step_s: 60, ..view(1, &[3.0], &[]) }));
        assert_eq!(window, view(0, &[1.0], &[]));
    }
}
