//! From kept sums to lists of rates and percentiles.

use super::span::Span;
use aerie_domain::{
    InstanceId, RoleName, Times,
    views::{Figures, InstanceLoadView, LoadView, RoleLoadView},
};
use aerie_store::{FINEST_STEP_S, InstanceLoadRow, RoleLoadRow};
use std::collections::{BTreeMap, BTreeSet};
use time::OffsetDateTime;

/// Instances that an answer tells apart: a service that crashes all day has had hundreds. The newest count.
const MOST_INSTANCES: usize = 40;

/// Sums of one point.
#[derive(Debug, Clone, Default)]
struct Used {
    covered_ms: u64,
    cpu_ms: u64,
    memory_bytes: u64,
    received_bytes: Option<u64>,
    sent_bytes: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct Did {
    covered_ms: u64,
    requests: u64,
    client_errors: u64,
    errors: u64,
    queue: u32,
    sessions: u32,
    times: Times,
}

/// What a role did, already per second, so that instances can be added up.
#[derive(Debug, Clone, Default)]
struct Rates {
    requests: f64,
    client_errors: f64,
    errors: f64,
    queue: f64,
    sessions: f64,
    times: Times,
}

/// Makes the answer.
pub(super) fn assemble(
    span: Span,
    now: OffsetDateTime,
    present: &BTreeSet<InstanceId>,
    instances: &[InstanceLoadRow],
    roles: &[RoleLoadRow],
) -> LoadView {
    let points = span.points();
    let mut used: BTreeMap<InstanceId, BTreeMap<usize, Used>> = BTreeMap::new();
    for row in instances {
        let Some(point) = point(span, row.at) else { continue };
        add_used(used.entry(row.instance_id).or_default().entry(point).or_default(), row);
    }
    let mut did: BTreeMap<InstanceId, BTreeMap<&RoleName, BTreeMap<usize, Did>>> = BTreeMap::new();
    for row in roles {
        let Some(point) = point(span, row.at) else { continue };
        let role = did.entry(row.instance_id).or_default().entry(&row.role).or_default();
        add_did(role.entry(point).or_default(), row);
    }
    let seconds = |point: usize, covered_ms: u64| seconds(span, now, point, covered_ms);

    let mut views: BTreeMap<InstanceId, InstanceLoadView> = BTreeMap::new();
    let mut totals: BTreeMap<&RoleName, BTreeMap<usize, Rates>> = BTreeMap::new();
    for (id, sums) in &used {
        let view = views.entry(*id).or_insert_with(|| InstanceLoadView::empty(*id, points));
        for (point, sum) in sums {
            show_used(view, *point, sum, seconds(*point, sum.covered_ms));
        }
    }
    for row in instances {
        if let Some(view) = views.get_mut(&row.instance_id) {
            view.memory_limit_bytes = row.memory_limit_bytes;
        }
    }
    for (id, roles) in did {
        let view = views.entry(id).or_insert_with(|| InstanceLoadView::empty(id, points));
        for (role, sums) in roles {
            let mut shown = RoleLoadView::empty(points);
            for (point, sum) in sums {
                let rates = rates(&sum, seconds(point, sum.covered_ms));
                show(&mut shown, point, &rates);
                add_rates(totals.entry(role).or_default().entry(point).or_default(), &rates);
            }
            view.roles.insert(role.to_string(), shown);
        }
    }
    let surplus = views.len().saturating_sub(MOST_INSTANCES);
    let instances =
        views.into_values().skip(surplus).map(|view| InstanceLoadView { present: present.contains(&view.id), ..view });
    let instances = instances.collect();
    let total = |sums: BTreeMap<usize, Rates>| {
        let mut shown = RoleLoadView::empty(points);
        for (point, rates) in sums {
            show(&mut shown, point, &rates);
        }
        shown
    };
    let roles = totals.into_iter().map(|(role, sums)| (role.to_string(), total(sums))).collect();
    LoadView { from: span.from, to: span.to, step_s: span.step_s, points, roles, figures: Figures::new(), instances }
}

pub(super) fn point(span: Span, at: OffsetDateTime) -> Option<usize> {
    let point = usize::try_from((at - span.from).whole_seconds() / i64::from(span.step_s)).ok()?;
    (point < span.points()).then_some(point)
}

/// The seconds that a point's counts are spread over. In the finest points that is the time that the reports were about,
/// two or three of two seconds each. In coarser ones it is the point's length as far as it is over: an instance that was
/// there for a part of it has done that much less.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of days are far below 2^52")]
fn seconds(span: Span, now: OffsetDateTime, point: usize, covered_ms: u64) -> f64 {
    let covered = covered_ms as f64 / 1000.0;
    if span.step_s == FINEST_STEP_S {
        return covered.max(0.001);
    }
    let step = f64::from(span.step_s);
    let begin = span.from + time::Duration::seconds(i64::from(span.step_s) * i64::try_from(point).unwrap_or(0));
    covered.max((now - begin).as_seconds_f64().clamp(1.0, step))
}

fn add_used(sum: &mut Used, row: &InstanceLoadRow) {
    let add = |sum: &mut Option<u64>, more: Option<u64>| {
        *sum = sum.map_or(more, |sum| Some(sum.saturating_add(more.unwrap_or(0))));
    };
    sum.covered_ms = sum.covered_ms.saturating_add(row.covered_ms);
    sum.cpu_ms = sum.cpu_ms.saturating_add(row.cpu_ms);
    sum.memory_bytes = sum.memory_bytes.max(row.memory_bytes);
    add(&mut sum.received_bytes, row.received_bytes);
    add(&mut sum.sent_bytes, row.sent_bytes);
}

fn add_did(sum: &mut Did, row: &RoleLoadRow) {
    sum.covered_ms = sum.covered_ms.saturating_add(row.covered_ms);
    sum.requests = sum.requests.saturating_add(row.requests);
    sum.client_errors = sum.client_errors.saturating_add(row.client_errors);
    sum.errors = sum.errors.saturating_add(row.errors);
    sum.queue = sum.queue.max(row.queue);
    sum.sessions = sum.sessions.max(row.sessions);
    sum.times.merge(&row.times);
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn rates(sum: &Did, seconds: f64) -> Rates {
    Rates {
        requests: sum.requests as f64 / seconds,
        client_errors: sum.client_errors as f64 / seconds,
        errors: sum.errors as f64 / seconds,
        queue: f64::from(sum.queue),
        sessions: f64::from(sum.sessions),
        times: sum.times.clone(),
    }
}

fn add_rates(total: &mut Rates, more: &Rates) {
    total.requests += more.requests;
    total.client_errors += more.client_errors;
    total.errors += more.errors;
    total.queue += more.queue;
    total.sessions += more.sessions;
    total.times.merge(&more.times);
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory and traffic are below 2^52")]
fn show_used(view: &mut InstanceLoadView, point: usize, sum: &Used, seconds: f64) {
    let rate = |bytes: Option<u64>| bytes.map(|bytes| short(bytes as f64 / seconds));
    put(&mut view.cpu_millis, point, Some(short(sum.cpu_ms as f64 * 1000.0 / sum.covered_ms.max(1) as f64)));
    put(&mut view.memory_bytes, point, Some(sum.memory_bytes as f64));
    put(&mut view.received_bytes, point, rate(sum.received_bytes));
    put(&mut view.sent_bytes, point, rate(sum.sent_bytes));
}

fn show(view: &mut RoleLoadView, point: usize, rates: &Rates) {
    let time = |share: f64| rates.times.percentile_ms(share).map(short);
    put(&mut view.requests, point, Some(short(rates.requests)));
    put(&mut view.client_errors, point, Some(short(rates.client_errors)));
    put(&mut view.errors, point, Some(short(rates.errors)));
    put(&mut view.queue, point, Some(rates.queue));
    put(&mut view.sessions, point, Some(rates.sessions));
    put(&mut view.p50_ms, point, time(0.5));
    put(&mut view.p95_ms, point, time(0.95));
    put(&mut view.p99_ms, point, time(0.99));
}

pub(super) fn put(series: &mut [Option<f64>], point: usize, number: Option<f64>) {
    if let Some(place) = series.get_mut(point) {
        *place = number;
    }
}

/// Three decimals: more is noise, and makes answers long.
pub(super) fn short(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const START: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn span(step_s: u32, points: i64) -> Span {
        Span { from: START, to: START + Duration::seconds(i64::from(step_s) * points), step_s }
    }

    fn did(instance: InstanceId, second: i64, covered_ms: u64, requests: u64, micros: u64) -> RoleLoadRow {
        let mut times = Times::default();
        for _ in 0..requests {
            times.record(micros);
        }
        RoleLoadRow {
            instance_id: instance,
            role: "web".parse().unwrap(),
            at: START + Duration::seconds(second),
            covered_ms,
            requests,
            client_errors: 0,
            errors: requests / 10,
            queue: 2,
            sessions: 3,
            times,
        }
    }

    fn used(instance: InstanceId, second: i64, covered_ms: u64, cpu_ms: u64) -> InstanceLoadRow {
        InstanceLoadRow {
            instance_id: instance,
            at: START + Duration::seconds(second),
            covered_ms,
            cpu_ms,
            memory_bytes: 1 << 20,
            memory_limit_bytes: 1 << 29,
            received_bytes: Some(covered_ms),
            sent_bytes: None,
        }
    }

    #[test]
    fn a_steady_load_makes_a_steady_line_whatever_the_reports_cover() {
        let one = InstanceId::generate();
        // Two or three reports of two seconds in a slot of five.
        let rows = [did(one, 0, 4000, 400, 1000), did(one, 5, 6000, 600, 1000)];
        let view = assemble(span(5, 3), START + Duration::MINUTE, &[one].into(), &[], &rows);
        assert_eq!(view.roles["web"].requests, [Some(100.0), Some(100.0), None]);
        assert_eq!(view.roles["web"].errors, [Some(10.0), Some(10.0), None]);
    }

    #[test]
    fn instances_add_up_and_percentiles_are_those_of_all_requests() {
        let (one, two) = (InstanceId::generate(), InstanceId::generate());
        let rows = [did(one, 0, 5000, 90, 1000), did(two, 0, 5000, 10, 100_000)];
        let view = assemble(span(5, 1), START + Duration::MINUTE, &[two].into(), &[], &rows);
        let role = &view.roles["web"];
        assert_eq!((role.requests[0], role.queue[0]), (Some(20.0), Some(4.0)));
        assert!(role.p50_ms[0].unwrap() < 1.2 && role.p95_ms[0].unwrap() > 90.0, "{role:?}");
        assert_eq!(view.instances.iter().map(|i| i.present).collect::<Vec<_>>(), [false, true], "oldest first");
        assert!(view.instances[1].roles["web"].p50_ms[0].unwrap() > 90.0);
    }

    #[test]
    fn who_was_there_for_a_part_of_a_point_did_a_part() {
        let (one, two) = (InstanceId::generate(), InstanceId::generate());
        let rows = [did(one, 0, 60_000, 6000, 1), did(two, 55, 5000, 500, 1)];
        let view = assemble(span(60, 1), START + Duration::HOUR, &[].into(), &[], &rows);
        assert_eq!(view.roles["web"].requests, [Some(108.333)]);
        // A point that is not over yet is as long as it has been.
        let view =
            assemble(span(60, 1), START + Duration::seconds(30), &[].into(), &[], &[did(one, 0, 30_000, 300, 1)]);
        assert_eq!(view.roles["web"].requests, [Some(10.0)]);
    }

    #[test]
    fn use_is_averaged_and_memory_is_the_most() {
        let one = InstanceId::generate();
        let rows = [used(one, 0, 60_000, 30_000), InstanceLoadRow { memory_bytes: 5, ..used(one, 60, 60_000, 0) }];
        let view = assemble(span(900, 1), START + Duration::HOUR, &[one].into(), &rows, &[]);
        let instance = &view.instances[0];
        assert_eq!((instance.cpu_millis[0], instance.memory_bytes[0]), (Some(250.0), Some(1_048_576.0)));
        assert_eq!(instance.sent_bytes, [None], "not measured is not zero");
        assert_eq!(instance.memory_limit_bytes, 1 << 29);
    }

    #[test]
    fn an_answer_is_bounded() {
        let rows: Vec<_> = (0..100).map(|_| used(InstanceId::generate(), 0, 5000, 1)).collect();
        let view = assemble(span(5, 1), START, &[].into(), &rows, &[]);
        assert_eq!(view.instances.len(), MOST_INSTANCES);
    }
}
