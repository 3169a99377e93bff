//! The load of a service over time.
//!
//! `span` decides which points are asked for, `assemble` and `figures` make them of the rows. All are pure.

mod assemble;
mod figures;
mod span;

use crate::{Actor, Outcome, UseCases};
use aerie_domain::{
    ServiceId,
    views::{LoadQuery, LoadView},
};
use assemble::assemble;
use async_recursion::async_recursion as boxed;
use span::Span;
use std::collections::BTreeSet;
use time::OffsetDateTime;

impl UseCases {
    /// What the instances of a service used and did.
    #[boxed]
    pub async fn load(&self, actor: &Actor, service: ServiceId, query: &LoadQuery) -> Outcome<LoadView> {
        let now = OffsetDateTime::now_utc();
        let span = Span::of(query, now)?;
        self.load_of(actor, service, span, now).await
    }

    /// The finest points from `after` on, which is where an earlier answer ended. No points when it is too early.
    #[boxed]
    pub async fn load_after(&self, actor: &Actor, service: ServiceId, after: OffsetDateTime) -> Outcome<LoadView> {
        let now = OffsetDateTime::now_utc();
        self.load_of(actor, service, Span::after(after, now), now).await
    }

    async fn load_of(&self, actor: &Actor, service: ServiceId, span: Span, now: OffsetDateTime) -> Outcome<LoadView> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let (level, store) = (span.level(), self.store());
        let instances = store.instance_loads(service.id, level, span.from, span.to).await?;
        let roles = store.role_loads(service.id, level, span.from, span.to).await?;
        let figures = store.figure_loads(service.id, level, span.from, span.to).await?;
        let present = store.instances_of_services(&[service.id]).await?;
        let present: BTreeSet<_> = present.into_iter().map(|instance| instance.id).collect();
        let mut view = assemble(span, now, &present, &instances, &roles);
        let kind = self.kinds().get(service.kind.as_str());
        figures::add(&mut view, span, kind.map(|kind| &kind.spec), &figures);
        Ok(view)
    }
}
