//! Whose container is started next when more are wanted than the engine can start at a time.
//!
//! Guarantees: at most so many at a time; a free place goes to the user who has the fewest places now, and among equals to
//! the one who got one longest ago, or never; nobody waits for ever, since whoever is called stands behind them then. So in
//! a class in which everybody presses start, everybody gets a first instance
//! before anybody gets a second, and one user with a hundred instances holds up nobody. A user alone may use all places.

use aerie_domain::{ServiceId, UserId};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The places and who waits for one.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Counts tickets and calls: the order of everything.
    clock: u64,
    users: HashMap<UserId, User>,
}

/// Somebody who has ever waited. Remembered, or coming back would be a way to the front.
#[derive(Debug, Default)]
struct User {
    running: usize,
    /// When they last got a place; 0 is never.
    called_at: u64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    service: ServiceId,
    call: oneshot::Sender<()>,
}

/// A ticket for a place, and then the place. Dropping it gives either back.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    owner: UserId,
    number: u64,
    called: oneshot::Receiver<()>,
    /// Was called.
    here: bool,
}

impl Turns {
    /// So many places.
    pub fn new(places: usize) -> Self {
        Self { state: Arc::new(Mutex::new(State { free: places.max(1), clock: 0, users: HashMap::new() })) }
    }

    /// Takes a ticket.
    pub fn queue(&self, owner: UserId, service: ServiceId) -> Turn {
        let (call, called) = oneshot::channel();
        let mut state = self.state();
        state.clock += 1;
        let number = state.clock;
        let user = state.users.entry(owner).or_default();
        user.waiting.push_back(Waiting { number, service, call });
        state.call_next();
        drop(state);
        Turn { turns: self.clone(), owner, number, called, here: false }
    }

    /// How many will be called up to and including the first of this service's; nothing when none of its waits.
    pub fn position(&self, service: ServiceId) -> Option<usize> {
        let state = self.state();
        let own = state.order().filter(|(_, of)| *of == service).map(|(when, _)| when).min()?;
        Some(state.order().filter(|(when, _)| *when < own).count() + 1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // every change is complete before anything can panic
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who waits, each with what decides when: the places that the user has before, when they last got one, and who came
    /// first.
    fn order(&self) -> impl Iterator<Item = ((usize, u64, u64), ServiceId)> {
        self.users.values().flat_map(|user| {
            let places = user.waiting.iter().enumerate();
            places
                .map(move |(ahead, waiting)| ((user.running + ahead, user.called_at, waiting.number), waiting.service))
        })
    }

    fn call_next(&mut self) {
        while self.free > 0 {
            let waiting = self.users.values_mut().filter_map(|user| {
                let first = user.waiting.front()?.number;
                Some(((user.running, user.called_at, first), user))
            });
            let Some((_, user)) = waiting.min_by_key(|(order, _)| *order) else { return };
            let Some(next) = user.waiting.pop_front() else { return };
            self.free -= 1;
            self.clock += 1;
            user.running += 1;
            user.called_at = self.clock;
            // The ticket is there: dropping it takes it out of the line under the same lock.
            let _ = next.call.send(());
        }
    }
}

impl Turn {
    /// Waits to be called. Cancel-safe.
    pub async fn come(&mut self) {
        if !self.here {
            // The other end is dropped only with this ticket.
            let _ = (&mut self.called).await;
            self.here = true;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        let Some(user) = state.users.get_mut(&self.owner) else { return };
        let place = user.waiting.iter().position(|waiting| waiting.number == self.number);
        match place {
            Some(place) => {
                user.waiting.remove(place);
            }
            None => user.running = user.running.saturating_sub(1),
        }
        if place.is_none() {
            state.free += 1;
        }
        state.call_next();
    }
}

#[cfg(test)]
mod tests;
