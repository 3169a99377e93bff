//! Operations: how far a request is.

use crate::{Actor, Outcome, UseCases, view};
use aerie_domain::{
    OperationId, Problem, ServiceId,
    views::{OperationView, Page, PageQuery},
};
use async_recursion::async_recursion as boxed;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest wait in one request. Longer: more open connections.
pub const MAX_WAIT: Duration = Duration::from_secs(60);
/// Pause between two looks while waiting. Longer: later answers; shorter: more queries per waiting client.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl UseCases {
    /// One operation on a service that the actor may read.
    #[boxed]
    pub async fn operation(&self, actor: &Actor, id: OperationId) -> Outcome<OperationView> {
        let row = self.store().operation_fetch_any(id).await?.filter(|row| actor.may_read_of(row.owner_id));
        row.as_ref().map(view::operation).ok_or_else(|| Problem::not_found("operation").into())
    }

    /// The same, once it has ended or the time is up, whatever comes first.
    #[boxed]
    pub async fn wait_operation(&self, actor: &Actor, id: OperationId, time: Duration) -> Outcome<OperationView> {
        let until = Instant::now() + time.min(MAX_WAIT);
        loop {
            let operation = self.operation(actor, id).await?;
            if operation.state.is_final() || Instant::now() >= until {
                return Ok(operation);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The operations of a service, newest first.
    #[boxed]
    pub async fn operations(
        &self,
        actor: &Actor,
        service: ServiceId,
        page: &PageQuery,
    ) -> Outcome<Page<OperationView>> {
        let (service, ..) = self.readable_service(actor, service).await?;
        let after = page.after.as_deref().map(str::parse::<OperationId>).transpose();
        let after = after.map_err(|_| Problem::field("after", "must be the next of an earlier page"))?;
        let limit = page.limit() as usize;
        let rows = self.store().operation_list(service.id, after, i64::from(page.limit()) + 1).await?;
        let items: Vec<OperationView> = rows.iter().take(limit).map(view::operation).collect();
        let next = if rows.len() > limit { items.last().map(|item| item.id.to_string()) } else { None };
        Ok(Page { items, next })
    }
}
