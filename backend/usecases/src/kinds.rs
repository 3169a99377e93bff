//! The service kinds that people can choose from.

use crate::{Failure, Outcome, UseCases};
use aerie_domain::{
    KindName, Problem,
    views::{KindCategory, KindView},
};
use aerie_kinds::Kind;
use std::sync::Arc;

/// Why there can be no services that keep volumes. A start would be tried for ever.
const CANNOT_MOUNT: &str = "Not in this installation: services of this kind mount file systems on the host of the containers, and the director \
     may not. It runs in a container, or as another user than root.";

impl UseCases {
    /// Every kind of which people can have services, by name. One that this installation cannot run says so.
    pub fn kinds_offered(&self) -> Vec<KindView> {
        let view = |kind: &Arc<Kind>| KindView { obstacle: self.obstacle(kind), ..kind.view() };
        self.kinds().iter().map(view).filter(|view| view.category != KindCategory::System).collect()
    }

    fn obstacle(&self, kind: &Kind) -> String {
        let mounts = kind.spec.mounter().is_some();
        if mounts && !self.settings().can_mount { CANNOT_MOUNT.to_owned() } else { String::new() }
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
