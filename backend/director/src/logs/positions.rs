//! How far each source was read.

use super::Source;
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// Per source, the last line that was read: a row number for the manager, a moment for an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions {
    pub(super) manager: Option<i64>,
    pub(super) instances: BTreeMap<String, OffsetDateTime>,
}

/// The place of one line in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Row(i64),
    Moment(OffsetDateTime),
}

impl Positions {
    /// Moves a source's position on; never back.
    pub(super) fn advance(&mut self, source: &Source, mark: Mark) {
        match (source, mark) {
            (Source::Manager, Mark::Row(row)) => self.manager = self.manager.max(Some(row)),
            (Source::Instance(short), Mark::Moment(at)) => {
                let position = self.instances.entry(short.clone()).or_insert(at);
                *position = at.max(*position);
            }
            // The two kinds of marks are made beside their sources; a mismatch would move nothing.
            (Source::Manager, Mark::Moment(_)) | (Source::Instance(_), Mark::Row(_)) => {}
        }
    }

    /// The position of an instance.
    pub(super) fn of(&self, short: &str) -> Option<OffsetDateTime> {
        self.instances.get(short).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_never_move_back() {
        let source = Source::Instance("a".to_owned());
        let mut positions = Positions::default();
        let later = OffsetDateTime::UNIX_EPOCH + time::Duration::SECOND;
        positions.advance(&source, Mark::Moment(later));
        positions.advance(&source, Mark::Moment(OffsetDateTime::UNIX_EPOCH));
        assert_eq!(positions.of("a"), Some(later));
    }
}
