//! The lines that a page keeps.

use aerie_domain::views::LogLine;
use std::{collections::VecDeque, sync::Arc};

/// How many lines a page keeps. Larger: more to scroll back to, and a slower page; 2 000 rows scroll well on a phone.
pub const MAX_LINES: usize = 2000;

/// A line, or a place where lines are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEntry {
    /// A line.
    Line(LogLine),
    /// The server could not keep up: lines are missing here.
    Gap,
}

/// The newest entries, numbered so that rows keep their identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogBuffer {
    entries: VecDeque<(u64, Arc<LogEntry>)>,
    next: u64,
}

impl LogBuffer {
    /// A buffer with these lines.
    pub fn of_lines(lines: Vec<LogLine>) -> Self {
        let mut buffer = Self::default();
        buffer.append(lines.into_iter().map(LogEntry::Line));
        buffer
    }

    /// Adds entries at the end and drops what is too old.
    pub fn append(&mut self, entries: impl IntoIterator<Item = LogEntry>) {
        for entry in entries {
            self.entries.push_back((self.next, Arc::new(entry)));
            self.next += 1;
        }
        let surplus = self.entries.len().saturating_sub(MAX_LINES);
        self.entries.drain(..surplus);
    }

    /// Forgets everything; numbers go on, so no later row is taken for an earlier one.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries with their numbers, oldest first.
    pub fn entries(&self) -> Vec<(u64, Arc<LogEntry>)> {
        self.entries.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_go_first_and_numbers_are_never_used_again() {
        let mut buffer = LogBuffer::default();
        buffer.append((0..MAX_LINES + 5).map(|_| LogEntry::Gap));
        let entries = buffer.entries();
        assert_eq!(entries.len(), MAX_LINES);
        assert_eq!(entries[0].0, 5);
        buffer.clear();
        assert!(buffer.is_empty());
        buffer.append([LogEntry::Gap]);
        assert_eq!(buffer.entries()[0].0, MAX_LINES as u64 + 5);
    }
}
