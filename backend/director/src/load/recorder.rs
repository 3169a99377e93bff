//! Adds up what agents tell until it is written: one entry per instance, however long the database is away.

use aerie_agent_protocol::{FigureUsage, RoleUsage, Usage};
use aerie_domain::{InstanceId, RoleName, Times};
use aerie_store::{FigureLoad, InstanceLoad, RoleLoad};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Roles of one instance that are counted. Kinds have a handful; an agent that invents more gets no more.
const MOST_ROLES: usize = 16;
/// Figures of one instance that are taken in, and the longest name of one.
const MOST_FIGURES: usize = 64;
const LONGEST_NAME: usize = 64;
/// What a message is about when it does not say.
const USUAL_PERIOD_MS: u32 = 2000;
/// Largest believable figures of one message; larger ones are cut, so that sums of them fit the database's columns.
const MOST_MILLIS: u64 = 1_000_000;
const MOST_PERIOD_MS: u64 = 3_600_000;
const MOST_BYTES: u64 = 1 << 48;
const MOST_REQUESTS: u64 = 1 << 32;

/// All instances whose agents this process listens to. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LoadRecorder {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<InstanceId, Pending>,
    totals: HashMap<InstanceId, InstanceTotals>,
}

/// What was not written yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pending {
    used: InstanceLoad,
    roles: BTreeMap<RoleName, RoleLoad>,
    figures: BTreeMap<(RoleName, String), FigureLoad>,
}

/// What an instance used since its agent connected: counters for `/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceTotals {
    /// Processor time.
    pub cpu_ms: u64,
    /// Memory now.
    pub memory_bytes: u64,
    /// What it may use.
    pub memory_limit_bytes: u64,
    /// Bytes that came in; nothing on the host's network.
    pub received_bytes: Option<u64>,
    /// Bytes that went out.
    pub sent_bytes: Option<u64>,
    /// What its roles did.
    pub roles: BTreeMap<RoleName, RoleTotals>,
}

/// What a role of an instance did since its agent connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleTotals {
    /// Requests that were answered.
    pub requests: u64,
    /// Of these, with 400 to 499.
    pub client_errors: u64,
    /// Of these, with 500 and above.
    pub errors: u64,
    /// Waiting now.
    pub queue: u32,
    /// Open now.
    pub sessions: u32,
    /// How long requests took.
    pub times: Times,
}

impl LoadRecorder {
    /// Takes in what an agent told.
    pub fn note(&self, instance: InstanceId, usage: Usage) {
        let pending = read(instance, usage);
        let mut state = self.state();
        let totals = state.totals.entry(instance).or_default();
        count(totals, &pending);
        merge(&mut state.pending, instance, pending);
    }

    /// The agent is gone; what it told is still written.
    pub fn forget(&self, instance: InstanceId) {
        self.state().totals.remove(&instance);
    }

    /// The counters of all instances whose agents have told something and are still there.
    pub fn totals(&self) -> HashMap<InstanceId, InstanceTotals> {
        self.state().totals.clone()
    }

    /// What is to be written; it counts as written.
    pub(super) fn take(&self) -> HashMap<InstanceId, Pending> {
        std::mem::take(&mut self.state().pending)
    }

    /// It could not be written: it goes with the next batch.
    pub(super) fn put_back(&self, batch: HashMap<InstanceId, Pending>) {
        let mut state = self.state();
        for (instance, pending) in batch {
            merge(&mut state.pending, instance, pending);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Sums are whole after every change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// As the store wants it.
    pub(super) fn into_rows(self) -> (InstanceLoad, Vec<RoleLoad>, Vec<FigureLoad>) {
        (self.used, self.roles.into_values().collect(), self.figures.into_values().collect())
    }
}

/// A message as sums, with figures that nobody can believe cut to what fits.
fn read(instance: InstanceId, usage: Usage) -> Pending {
    let period_ms = if usage.period_ms == 0 { USUAL_PERIOD_MS } else { usage.period_ms };
    let covered_ms = u64::from(period_ms).min(MOST_PERIOD_MS);
    let used = InstanceLoad {
        instance_id: instance,
        covered_ms,
        cpu_ms: u64::from(usage.cpu_millis).min(MOST_MILLIS) * covered_ms / 1000,
        memory_bytes: usage.memory_bytes.min(MOST_BYTES),
        memory_limit_bytes: usage.memory_limit_bytes.min(MOST_BYTES),
        received_bytes: usage.network.map(|network| network.received_bytes.min(MOST_BYTES)),
        sent_bytes: usage.network.map(|network| network.sent_bytes.min(MOST_BYTES)),
    };
    let roles = usage.roles.into_iter().take(MOST_ROLES);
    let figures = usage.figures.into_iter().filter(|figure| figure.name.len() <= LONGEST_NAME).take(MOST_FIGURES);
    Pending {
        used,
        roles: roles.map(|role| (role.role.clone(), read_role(instance, covered_ms, role))).collect(),
        figures: figures.map(|f| ((f.role.clone(), f.name.clone()), read_figure(instance, f))).collect(),
    }
}

fn read_role(instance: InstanceId, covered_ms: u64, role: RoleUsage) -> RoleLoad {
    let requests = role.requests.min(MOST_REQUESTS);
    let mut times = Times::default();
    for (bucket, count) in role.times.buckets() {
        times.add(bucket, count.min(MOST_REQUESTS));
    }
    RoleLoad {
        instance_id: instance,
        role: role.role,
        covered_ms,
        requests,
        client_errors: role.client_errors.min(requests),
        errors: role.errors.min(requests),
        queue: role.queue.min(i32::MAX.unsigned_abs()),
        sessions: role.sessions.min(i32::MAX.unsigned_abs()),
        times,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn read_figure(instance: InstanceId, figure: FigureUsage) -> FigureLoad {
    let FigureUsage { role, name, milli } = figure;
    FigureLoad { instance_id: instance, role, name, total: milli as f64 / 1000.0, samples: 1 }
}

fn merge(into: &mut HashMap<InstanceId, Pending>, instance: InstanceId, more: Pending) {
    let Some(known) = into.get_mut(&instance) else {
        into.insert(instance, more);
        return;
    };
    let (sum, used) = (&mut known.used, more.used);
    sum.covered_ms += used.covered_ms;
    sum.cpu_ms += used.cpu_ms;
    sum.memory_bytes = sum.memory_bytes.max(used.memory_bytes);
    sum.memory_limit_bytes = used.memory_limit_bytes;
    add(&mut sum.received_bytes, used.received_bytes);
    add(&mut sum.sent_bytes, used.sent_bytes);
    for (name, role) in more.roles {
        let full = known.roles.len() >= MOST_ROLES;
        match known.roles.get_mut(&name) {
            Some(sum) => merge_role(sum, &role),
            None if full => {}
            None => _ = known.roles.insert(name, role),
        }
    }
    for (name, figure) in more.figures {
        let full = known.figures.len() >= MOST_FIGURES;
        match known.figures.get_mut(&name) {
            Some(sum) => {
                sum.total += figure.total;
                sum.samples += figure.samples;
            }
            None if full => {}
            None => _ = known.figures.insert(name, figure),
        }
    }
}

fn merge_role(sum: &mut RoleLoad, more: &RoleLoad) {
    sum.covered_ms += more.covered_ms;
    sum.requests += more.requests;
    sum.client_errors += more.client_errors;
    sum.errors += more.errors;
    sum.queue = sum.queue.max(more.queue);
    sum.sessions = sum.sessions.max(more.sessions);
    sum.times.merge(&more.times);
}

fn count(totals: &mut InstanceTotals, more: &Pending) {
    totals.cpu_ms += more.used.cpu_ms;
    totals.memory_bytes = more.used.memory_bytes;
    totals.memory_limit_bytes = more.used.memory_limit_bytes;
    add(&mut totals.received_bytes, more.used.received_bytes);
    add(&mut totals.sent_bytes, more.used.sent_bytes);
    for (name, role) in &more.roles {
        if totals.roles.len() >= MOST_ROLES && !totals.roles.contains_key(name) {
            continue;
        }
        let sum = totals.roles.entry(name.clone()).or_default();
        sum.requests += role.requests;
        sum.client_errors += role.client_errors;
        sum.errors += role.errors;
        sum.times.merge(&role.times);
        (sum.queue, sum.sessions) = (role.queue, role.sessions);
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_agent_protocol::NetworkUsage;

    fn usage(requests: u64) -> Usage {
        let mut times = Times::default();
        for _ in 0..requests {
            times.record(1000);
        }
        Usage {
            cpu_millis: 500,
            memory_bytes: 1000,
            memory_limit_bytes: 4000,
            period_ms: 2000,
            network: Some(NetworkUsage { received_bytes: 10, sent_bytes: 20 }),
            roles: vec![RoleUsage {
                role: "web".parse().unwrap(),
                requests,
                client_errors: 0,
                errors: 1,
                queue: 0,
                sessions: 4,
                times,
            }],
            figures: vec![FigureUsage {
                role: "store".parse().unwrap(),
                name: "keys".to_owned(),
                milli: 1000 * requests,
            }],
        }
    }

    #[test]
    fn messages_add_up_until_they_are_written() {
        let (recorder, instance) = (LoadRecorder::default(), InstanceId::generate());
        recorder.note(instance, usage(5));
        recorder.note(instance, usage(7));
        let batch = recorder.take();
        assert!(recorder.take().is_empty());
        recorder.put_back(batch);
        recorder.note(instance, usage(1));
        let (used, roles, figures) = recorder.take().remove(&instance).unwrap().into_rows();
        assert!((figures[0].total - 13.0).abs() < 0.01 && figures[0].samples == 3, "{figures:?}");
        assert_eq!((used.covered_ms, used.cpu_ms, used.sent_bytes), (6000, 3000, Some(60)));
        assert_eq!((roles[0].requests, roles[0].errors, roles[0].times.total()), (13, 3, 13));
        assert_eq!(recorder.totals()[&instance].roles[&"web".parse().unwrap()].requests, 13, "counters go on");
        recorder.forget(instance);
        assert!(recorder.totals().is_empty());
    }

    #[test]
    fn an_agent_that_lies_does_no_harm() {
        let (recorder, instance) = (LoadRecorder::default(), InstanceId::generate());
        for number in 0..100 {
            let mut lie = usage(1);
            lie.roles[0].role = format!("role-{number}").parse().unwrap();
            lie.figures[0].name = format!("figure-{number}");
            lie.roles[0].requests = u64::MAX;
            lie.roles[0].times.add(0, u64::MAX);
            (lie.cpu_millis, lie.memory_bytes, lie.period_ms) = (u32::MAX, u64::MAX, u32::MAX);
            lie.network = Some(NetworkUsage { received_bytes: u64::MAX, sent_bytes: u64::MAX });
            recorder.note(instance, lie);
        }
        let (used, roles, figures) = recorder.take().remove(&instance).unwrap().into_rows();
        assert_eq!((roles.len(), figures.len()), (MOST_ROLES, MOST_FIGURES));
        assert_eq!(recorder.totals()[&instance].roles.len(), MOST_ROLES);
        for number in [used.cpu_ms, used.covered_ms, used.received_bytes.unwrap(), roles[0].requests] {
            assert!(i64::try_from(number).is_ok(), "{number} fits the column");
        }
    }
}
