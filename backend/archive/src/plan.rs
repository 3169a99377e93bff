//! First pass: sees every name before a byte is written.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::error::shown;
use crate::source::{Entry, Kind};
use crate::{ArchiveError, Limits};

/// Top folders that mean something to a Java server; stripping one would break a web application that has nothing else.
const MEANINGFUL_TOPS: [&str; 2] = ["WEB-INF", "META-INF"];

/// The set of names in the archive. Its memory is bounded by the limits on entries and path length.
pub(crate) struct Plan {
    nodes: HashMap<String, Kind>,
    max_entries: u64,
    files: u64,
    tops: Tops,
}

/// What lies at the archive's top.
enum Tops {
    Nothing,
    OneFolder(String),
    Several,
}

/// Where entries go.
pub(crate) struct Layout {
    top: Option<String>,
}

impl Plan {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { nodes: HashMap::new(), max_entries: limits.max_entries, files: 0, tops: Tops::Nothing }
    }

    /// Notes the entry and the folders that it implies. A folder may be named again, which some packers do; a file
    /// may not, and nothing may be both.
    pub(crate) fn add(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        for (end, _) in entry.path.match_indices('/') {
            self.insert(&entry.path[..end], Kind::Folder)?;
        }
        self.insert(&entry.path, entry.kind)?;
        let (top, is_folder) = match entry.path.split_once('/') {
            Some((top, _)) => (top, true),
            None => (entry.path.as_str(), matches!(entry.kind, Kind::Folder)),
        };
        match &self.tops {
            Tops::Nothing if is_folder => self.tops = Tops::OneFolder(top.to_owned()),
            Tops::OneFolder(known) if known == top => {}
            _ => self.tops = Tops::Several,
        }
        Ok(())
    }

    fn insert(&mut self, path: &str, kind: Kind) -> Result<(), ArchiveError> {
        let count = self.nodes.len() as u64;
        match self.nodes.entry(path.to_owned()) {
            Slot::Occupied(known) => match (known.get(), kind) {
                (Kind::Folder, Kind::Folder) => Ok(()),
                _ => Err(ArchiveError::Duplicate { name: shown(path.as_bytes()) }),
            },
            Slot::Vacant(_) if count >= self.max_entries => {
                Err(ArchiveError::TooManyEntries { limit: self.max_entries })
            }
            Slot::Vacant(slot) => {
                slot.insert(kind);
                self.files += u64::from(matches!(kind, Kind::File { .. }));
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self) -> Result<Layout, ArchiveError> {
        if self.files == 0 {
            return Err(ArchiveError::Empty);
        }
        let top = match self.tops {
            Tops::OneFolder(top) if !MEANINGFUL_TOPS.contains(&top.as_str()) => Some(top),
            _ => None,
        };
        Ok(Layout { top })
    }
}

impl Layout {
    /// The entry's path in the normalised archive; `None` for the stripped folder itself.
    pub(crate) fn place<'a>(&self, path: &'a str) -> Option<&'a str> {
        match &self.top {
            Some(top) => path.strip_prefix(top.as_str())?.strip_prefix('/'),
            None => Some(path),
        }
    }

    pub(crate) fn into_top(self) -> Option<String> {
        self.top
    }
}
