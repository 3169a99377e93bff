//! Loading the folders of `service-templates/`: read, check, keep in memory.
//!
//! `check` holds what must be true across fields, `keys` finds misspelt keys where serde cannot, `icon` and `image` look
//! at the files beside `template.toml`. To extend: a field in `spec`, what must hold for it in `check`.

mod actions;
mod backup;
mod check;
mod icon;
mod image;
mod keys;

use crate::{ActionSpec, KindSpec, render};
use aerie_domain::{
    KindName,
    views::{KindView, RoleSpecView},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Name of the file that makes a folder a kind.
const TEMPLATE: &str = "template.toml";

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

impl KindError {
    fn new(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::new(path, format!("cannot be read: {error}"))
    }
}

impl Kinds {
    /// Loads every folder that has a `template.toml`.
    pub fn load(folder: &Path) -> Result<Self, KindError> {
        let mut kinds = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(|error| KindError::io(folder, &error))? {
            let path = entry.map_err(|error| KindError::io(folder, &error))?.path();
            if path.join(TEMPLATE).is_file() {
                let kind = Kind::load(&path)?;
                kinds.insert(kind.spec.name.clone(), Arc::new(kind));
            }
        }
        Ok(Self { kinds })
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
        let template = folder.join(TEMPLATE);
        let text = read(&template)?;
        let spec = parse(&text).map_err(|message| KindError::new(&template, message))?;
        check::spec(&spec).map_err(|message| KindError::new(&template, message))?;
        let called = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if called != spec.name.as_str() {
            let message = format!("name: is {:?}, but the folder is called {called:?}", spec.name);
            return Err(KindError::new(template, message));
        }
        let icon_path = folder.join("icon.svg");
        let icon = read(&icon_path)?;
        icon::check(&icon).map_err(|message| KindError::new(icon_path, message))?;
        let dockerfile = folder.join("Dockerfile");
        if !dockerfile.is_file() {
            return Err(KindError::new(dockerfile, "is missing: every kind has an image of its own"));
        }
        if let Some(code) = &spec.code
            && !folder.join(&code.default).is_dir()
        {
            return Err(KindError::new(folder.join(&code.default), "is missing: code.default names this folder"));
        }
        let files = files(&folder.join("files"))?;
        let image_digest = image::digest(folder, spec.code.as_ref().map(|code| code.default.as_str()))?;
        let kind = Self { spec, folder: folder.to_owned(), image_digest, icon, files };
        render::check(&kind)
            .and_then(|()| render::rehearse(&kind))
            .map_err(|(file, message)| KindError::new(folder.join(file), message))?;
        Ok(kind)
    }

    /// What pages and programs see of it.
    pub fn view(&self) -> KindView {
        let spec = &self.spec;
        let role = |role: &crate::RoleSpec| RoleSpecView {
            name: role.name.to_string(),
            title: role.title.clone(),
            summary: role.summary.clone(),
            min: role.min,
            max: role.max,
            auxiliary: role.auxiliary,
        };
        KindView {
            name: spec.name.to_string(),
            title: spec.title.clone(),
            summary: spec.summary.clone(),
            category: spec.category,
            icon: self.icon.clone(),
            roles: spec.roles.iter().map(role).collect(),
            settings: spec.settings.clone(),
            actions: spec.actions.iter().map(ActionSpec::view).collect(),
            code: spec.code.is_some(),
            backup: spec.backup.is_some(),
            public: spec.public.is_some(),
            obstacle: String::new(),
        }
    }
}

fn parse(text: &str) -> Result<KindSpec, String> {
    let spec = toml::from_str(text).map_err(|error| error.to_string())?;
    keys::check(text)?;
    Ok(spec)
}

fn read(path: &Path) -> Result<String, KindError> {
    fs::read_to_string(path).map_err(|error| KindError::io(path, &error))
}

/// The texts in a kind's `files` folder, which may be absent.
fn files(folder: &Path) -> Result<BTreeMap<String, String>, KindError> {
    let mut files = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).map_err(|error| KindError::io(folder, &error))? {
        let path = entry.map_err(|error| KindError::io(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !path.is_file() || name.is_empty() {
            return Err(KindError::new(path, "is not a plain file: files/ holds templates and no folders"));
        }
        files.insert(name, read(&path)?);
    }
    Ok(files)
}

#[cfg(test)]
#[path = "load/tests.rs"]
mod tests;
