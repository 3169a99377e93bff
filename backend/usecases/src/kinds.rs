//! The service kinds that people can choose from.

use crate::{Failure, Outcome, UseCases};
use aerie_domain::{
    KindName, Problem,
    views::{KindCategory, KindView},
};
use aerie_kinds::Kind;
use std::sync::Arc;

impl UseCases {
    /// Every kind that can be created, by name.
    pub fn kinds_offered(&self) -> Vec<KindView> {
        self.kinds().iter().map(|kind| kind.view()).filter(|view| view.category != KindCategory::System).collect()
    }

    /// One kind that can be created.
    pub fn kind_offered(&self, name: &str) -> Outcome<KindView> {
        self.kinds_offered()
            .into_iter()
            .find(|view| view.name == name)
            .ok_or_else(|| Problem::not_found("service kind").into())
    }

    /// The kind of an existing service.
    pub(crate) fn kind_of(&self, name: &KindName) -> Outcome<&Arc<Kind>> {
        self.kinds()
            .get(name.as_str())
            .ok_or_else(|| Failure::Bug(format!("the folder of service kind {name} is missing from service-templates")))
    }
}
