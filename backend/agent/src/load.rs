//! What the roles of this instance do: requests, errors, times. Counted as it happens, taken by the connection every
//! two seconds.
//!
//! `log` reads the lines of a request log, `haproxy` asks HAProxy, `figures` a program of the kind. They only know what the
//! configuration declares.
//! Guarantees: memory is bounded by the number of roles; what happens while no director listens is kept, added up.

mod figures;
mod haproxy;
mod log;

pub(crate) use figures::ask;
pub(crate) use haproxy::watch;
pub(crate) use log::RequestMeter;

use aerie_agent_protocol::{FigureUsage, RoleUsage};
use aerie_domain::{RoleName, Times};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All roles that are measured. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Loads {
    roles: Arc<Mutex<BTreeMap<RoleName, RoleLoad>>>,
    /// Thousandths, by name, of each role.
    figures: Arc<Mutex<BTreeMap<RoleName, BTreeMap<String, u64>>>>,
}

/// One role's counters. Clones share them; the role is forgotten when its last source is gone.
#[derive(Clone, Default)]
pub(crate) struct RoleLoad {
    counted: Arc<Mutex<Counted>>,
}

#[derive(Default)]
struct Counted {
    requests: u64,
    client_errors: u64,
    errors: u64,
    times: Times,
    queue: u32,
    sessions: u32,
}

impl Loads {
    /// The counters of a role.
    pub(crate) fn of(&self, role: &RoleName) -> RoleLoad {
        lock(&self.roles).entry(role.clone()).or_default().clone()
    }

    /// What was counted since the last call.
    pub(crate) fn take(&self) -> Vec<RoleUsage> {
        let mut roles = lock(&self.roles);
        let usages = roles.iter().map(|(role, load)| load.take(role)).collect();
        // The other holders are the sources: the log reader and the watcher of a running process.
        roles.retain(|_, load| Arc::strong_count(&load.counted) > 1);
        usages
    }

    /// What the figures of a role are now; none of it was known before.
    fn figures(&self, role: &RoleName, figures: BTreeMap<String, u64>) {
        lock(&self.figures).insert(role.clone(), figures);
    }

    /// What the figures are now.
    pub(crate) fn figures_now(&self) -> Vec<FigureUsage> {
        let figures = lock(&self.figures);
        let each =
            figures.iter().flat_map(|(role, figures)| figures.iter().map(move |(name, milli)| (role, name, *milli)));
        each.map(|(role, name, milli)| FigureUsage { role: role.clone(), name: name.clone(), milli }).collect()
    }
}

impl RoleLoad {
    /// A request was answered with this status, after so many microseconds if that is known.
    fn request(&self, status: u16, micros: Option<u64>) {
        let mut counted = lock(&self.counted);
        counted.requests += 1;
        match status {
            500.. => counted.errors += 1,
            400.. => counted.client_errors += 1,
            _ => {}
        }
        if let Some(micros) = micros {
            counted.times.record(micros);
        }
    }

    /// Requests were answered; nothing is known of each.
    fn requests(&self, requests: u64, client_errors: u64, errors: u64) {
        let mut counted = lock(&self.counted);
        counted.requests += requests;
        counted.client_errors += client_errors;
        counted.errors += errors;
    }

    /// So many wait, and so many connections are open.
    fn now(&self, queue: u32, sessions: u32) {
        let mut counted = lock(&self.counted);
        (counted.queue, counted.sessions) = (queue, sessions);
    }

    fn take(&self, role: &RoleName) -> RoleUsage {
        let mut counted = lock(&self.counted);
        let (queue, sessions) = (counted.queue, counted.sessions);
        let Counted { requests, client_errors, errors, times, .. } =
            std::mem::replace(&mut *counted, Counted { queue, sessions, ..Counted::default() });
        RoleUsage { role: role.clone(), requests, client_errors, errors, queue, sessions, times }
    }
}

/// Counters are whole after every change, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_begin_anew_and_gauges_stay() {
        let loads = Loads::default();
        let load = loads.of(&"web".parse().unwrap());
        for status in [200, 302, 404, 500, 503] {
            load.request(status, Some(2000));
        }
        load.now(3, 7);
        let usage = loads.take().remove(0);
        assert_eq!((usage.requests, usage.client_errors, usage.errors, usage.times.total()), (5, 1, 2, 5));
        let usage = loads.take().remove(0);
        assert_eq!((usage.requests, usage.times.total(), usage.queue, usage.sessions), (0, 0, 3, 7));
    }

    #[test]
    fn a_role_whose_process_is_gone_is_told_once_more_and_forgotten() {
        let loads = Loads::default();
        let load = loads.of(&"web".parse().unwrap());
        load.request(200, None);
        drop(load);
        assert_eq!(loads.take().len(), 1, "the last requests count");
        assert_eq!(loads.take(), []);
    }
}
