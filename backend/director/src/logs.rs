//! A service's logs as one stream: the manager's lines and the output of every instance, present or gone.
//!
//! Called by the log endpoints; asks the use cases who may read what, the cloud for container output, and the
//! manager's kept files for instances that are gone. Everything is bounded: history by lines and bytes, what waits for
//! a slow reader by lines.
//! To extend: another source of lines is a variant of [`Source`] and its place in `sources` and `follow`.

mod clean;
mod cursor;
mod follow;
mod history;
mod positions;
mod sources;

pub use clean::clean;
pub use follow::{Item, follow};
pub use history::{History, history};
pub(crate) use sources::kept_folder;

use crate::state::AppState;
use aerie_domain::{ServiceId, views::LogQuery};
use aerie_usecases::Actor;

/// Newest lines unless told otherwise. Larger: slower first answer.
const DEFAULT_TAIL: u32 = 500;
/// Most lines of history. Larger: more memory per reader.
const MAX_TAIL: u32 = 10_000;

/// Who reads which lines of which service.
#[derive(Clone)]
pub struct LogReader {
    state: AppState,
    actor: Actor,
    service: ServiceId,
    query: LogQuery,
}

/// Where a line comes from: the manager, or the instance with this short id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Source {
    Manager,
    Instance(String),
}

impl LogReader {
    /// A reader; nothing is asked yet.
    pub fn new(state: AppState, actor: Actor, service: ServiceId, query: LogQuery) -> Self {
        Self { state, actor, service, query }
    }

    fn tail(&self) -> u32 {
        self.query.tail.unwrap_or(DEFAULT_TAIL).clamp(1, MAX_TAIL)
    }

    /// Lines are picked by more than their source, so the newest N of a source need not hold N that match.
    fn picks_lines(&self) -> bool {
        [&self.query.role, &self.query.stream, &self.query.text]
            .iter()
            .any(|part| part.as_deref().is_some_and(|p| !p.is_empty()))
    }

    /// Whether the source may have lines that match at all.
    fn wants(&self, source: &Source) -> bool {
        match (self.query.instance.as_deref().filter(|wanted| !wanted.is_empty()), source) {
            (None, _) => true,
            (Some(wanted), Source::Manager) => wanted == "manager",
            (Some(wanted), Source::Instance(short)) => wanted == short,
        }
    }
}
