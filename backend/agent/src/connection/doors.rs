//! The agent listeners of the installation: one per director process, on the same address.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Ports that are kept. Larger: a director that tells nonsense costs more tries; smaller: a director is not found.
const MAX_PORTS: usize = 16;
/// How long a silent director is believed in while there is no other. Smaller: agents of one that is merely busy hang up
/// and call again, which makes it busier.
const PATIENCE_ALONE: Duration = Duration::from_secs(14);
/// The same while another one could be asked. Larger: the agents of a frozen director hear late what has changed; it is to
/// be well below the 15 s after which another director takes over the services.
const PATIENCE_BESIDE_OTHERS: Duration = Duration::from_secs(5);

/// Where to call, and where else when nobody answers there.
pub(crate) struct Doors {
    /// From the environment: always a door, also when nobody names it any more.
    first: SocketAddr,
    known: Mutex<Known>,
}

struct Known {
    /// The port that is called.
    current: u16,
    /// All ports, the first one among them.
    ports: Vec<u16>,
}

impl Doors {
    pub(crate) fn new(first: SocketAddr) -> Self {
        let known = Known { current: first.port(), ports: vec![first.port()] };
        Self { first, known: Mutex::new(known) }
    }

    /// The director to call.
    pub(crate) fn current(&self) -> SocketAddr {
        let port = self.known.lock().unwrap_or_else(PoisonError::into_inner).current;
        SocketAddr::new(self.first.ip(), port)
    }

    /// What a director says of its like. The one that is called stays the one that is called.
    pub(crate) fn learn(&self, ports: &[u16]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<u16> = ports.iter().copied().filter(|port| *port != 0).take(MAX_PORTS).collect();
        all.extend([self.first.port(), known.current]);
        all.sort_unstable();
        all.dedup();
        known.ports = all;
    }

    /// The current one does not answer: the next one is called.
    pub(crate) fn give_up_on(&self, silent: SocketAddr) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.current != silent.port() {
            return;
        }
        let at = known.ports.iter().position(|port| *port == known.current).unwrap_or_default();
        known.current = known.ports[(at + 1) % known.ports.len()];
    }

    /// How long the current director may be silent.
    pub(crate) fn patience(&self) -> Duration {
        let alone = self.known.lock().unwrap_or_else(PoisonError::into_inner).ports.len() == 1;
        if alone { PATIENCE_ALONE } else { PATIENCE_BESIDE_OTHERS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn an_agent_that_knows_one_director_keeps_calling_it() {
        let doors = Doors::new(at(7070));
        doors.give_up_on(at(7070));
        assert_eq!(doors.current(), at(7070));
        assert_eq!(doors.patience(), PATIENCE_ALONE);
    }

    #[test]
    fn a_silent_director_is_left_for_the_next_one_and_every_one_is_tried() {
        let doors = Doors::new(at(7070));
        doors.learn(&[7080, 7070, 7090, 0]);
        assert_eq!((doors.current(), doors.patience()), (at(7070), PATIENCE_BESIDE_OTHERS));
        let mut called = Vec::new();
        for _ in 0..3 {
            doors.give_up_on(doors.current());
            called.push(doors.current().port());
        }
        assert_eq!(called, [7080, 7090, 7070]);
        doors.give_up_on(at(7080));
        assert_eq!(doors.current(), at(7070), "somebody else gave up on one that is not called any more");
    }

    #[test]
    fn who_is_called_stays_a_door_when_others_do_not_name_it() {
        let doors = Doors::new(at(7070));
        doors.learn(&[7080]);
        doors.give_up_on(at(7070));
        doors.learn(&[7090]);
        assert_eq!(doors.current(), at(7080));
        doors.learn(&(1..=100).collect::<Vec<u16>>());
        let known = doors.known.lock().unwrap().ports.len();
        assert!(known <= MAX_PORTS + 2, "bounded: {known}");
    }
}
