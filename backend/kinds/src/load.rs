//! Loading and checking the folders.

use crate::KindSpec;
use aerie_domain::{KindName, views::KindView};
use std::{collections::BTreeMap, path::{Path, PathBuf}, sync::Arc};

/// A loaded kind.
#[derive(Debug)]
pub struct Kind {
    /// Its `template.toml`.
    pub spec: KindSpec,
    /// Its folder.
    pub folder: PathBuf,
    /// Digest of what gets into its image.
    pub image_digest: String,
    /// SVG markup.
    pub icon: String,
    /// `files/*`, by name.
    pub files: BTreeMap<String, String>,
}

/// All loaded kinds.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    kinds: BTreeMap<KindName, Arc<Kind>>,
}

/// A folder that is not a usable kind.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}", path = path.display())]
pub struct KindError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

impl Kinds {
    /// Loads every folder that has a `template.toml`.
    pub fn load(folder: &Path) -> Result<Self, KindError> {
        let _ = folder;
        unimplemented!()
    }

    /// A kind by name.
    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|(kind, _)| kind.as_str() == name).map(|(_, kind)| kind)
    }

    /// All kinds, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.values()
    }
}

impl Kind {
    /// Loads and checks one folder.
    pub fn load(folder: &Path) -> Result<Self, KindError> {
        let _ = folder;
        unimplemented!()
    }

    /// What pages and programs see of it.
    pub fn view(&self) -> KindView {
        unimplemented!()
    }
}
