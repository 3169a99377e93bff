//! What a service gives to those that are bound to it, and the file in which they find all of it.

use super::{RenderContext, RenderError, engine};
use crate::Kind;
use aerie_agent_protocol::FileSpec;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where an instance finds what its service is bound to, below `/run/aerie`.
const BINDINGS_FILE: &str = "bindings.json";

/// What the templates of `[offers]` can name.
#[derive(Debug, Clone, Serialize)]
pub struct OfferContext {
    /// Service name: in the application's network it is an address that stays.
    pub service: String,
    /// Application name.
    pub application: String,
    /// Setting values; those that are missing have their defaults.
    pub settings: BTreeMap<String, String>,
    /// Passwords that the platform made for the service, complete.
    pub secrets: BTreeMap<String, String>,
}

impl From<&RenderContext> for OfferContext {
    fn from(context: &RenderContext) -> Self {
        Self {
            service: context.service.clone(),
            application: context.application.clone(),
            settings: context.settings.clone(),
            secrets: context.secrets.clone(),
        }
    }
}

/// One variable that a bound service gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Name without prefix.
    pub name: String,
    /// Value.
    pub value: String,
    /// There is a secret in it.
    pub secret: bool,
}

impl Kind {
    /// What services that are bound to one of this kind get; empty when the kind offers nothing.
    ///
    /// Errors: only for mistakes in the kind's folder, or when a secret is missing.
    pub fn offers(&self, context: &OfferContext) -> Result<Vec<Offer>, RenderError> {
        let Some(offers) = &self.spec.offers else { return Ok(Vec::new()) };
        engine::offers(self, &offers.variables, context)
    }

    /// Whether processes or files of the kind see environment variables at all: otherwise it makes no sense to set any.
    pub fn takes_variables(&self) -> bool {
        !self.spec.variables_in_files || engine::any_file_names(self, "variables")
    }

    /// Whether it makes sense to let a service of this kind use others: its processes or files hear of them.
    pub fn uses_others(&self) -> bool {
        self.takes_variables() || engine::any_file_names(self, "bindings")
    }
}

/// Everything about all bindings, for programs that would rather read one file than many variables. It belongs to no
/// process, so nothing is reloaded when it changes: the variables do that.
pub(super) fn bindings_file(context: &RenderContext) -> Option<FileSpec> {
    if context.bindings.is_empty() {
        return None;
    }
    let text = serde_json::to_string_pretty(&context.bindings).ok()?;
    Some(FileSpec { path: BINDINGS_FILE.to_owned(), content: text + "\n", mode: 0o640 })
}

#[cfg(test)]
#[path = "offers/tests.rs"]
mod tests;
