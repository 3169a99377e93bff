//! Everybody's applications. Their pages are read with the use cases that their owners use.

use crate::{Actor, Outcome, UseCases, view};
use aerie_domain::{
    ApplicationId, DesiredState, OperationKind, Problem, ServiceId, UserId,
    views::{Accepted, ApplicationView, Page, SearchQuery},
};
use aerie_store::ServiceIntent;
use async_recursion::async_recursion as boxed;

/// What the page of a service says that an administrator stopped.
const STOPPED: &str = "Stopped by an administrator. Code, settings and data are kept.";

impl UseCases {
    /// Applications whose name or owner's name contains a text, or those of one person, oldest first.
    #[boxed]
    pub async fn admin_applications(
        &self,
        actor: &Actor,
        owner: Option<UserId>,
        query: &SearchQuery,
    ) -> Outcome<Page<ApplicationView>> {
        actor.may_administer()?;
        let after = query.after.as_deref().map(str::parse::<ApplicationId>).transpose();
        let after = after.map_err(|_| Problem::field("after", "must be the next of an earlier page"))?;
        let limit = query.limit.unwrap_or(50).clamp(1, 100) as usize;
        let more_than = i64::try_from(limit + 1).unwrap_or(101);
        let mut rows = self.store().application_list_all(owner, query.text.trim(), after, more_than).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let ids: Vec<_> = rows.iter().map(|(row, _)| row.id).collect();
        let services = self.store().services_of_applications(&ids).await?;
        let service_ids: Vec<_> = services.iter().map(|service| service.id).collect();
        let instances = self.store().instances_in_lists(&service_ids).await?;
        let items: Vec<ApplicationView> = rows
            .iter()
            .map(|(row, owner)| {
                let view = view::application(self.settings(), self.kinds(), row, owner, &services, &instances);
                ApplicationView { read_only: row.owner_id != actor.user, ..view }
            })
            .collect();
        let next = if more { items.last().map(|item| item.id.to_string()) } else { None };
        Ok(Page { items, next })
    }

    /// Stops a service of anybody's; its page says who did. The platform's own cannot be stopped.
    #[boxed]
    pub async fn admin_stop_service(&self, actor: &Actor, id: ServiceId) -> Outcome<Accepted> {
        actor.may_write()?;
        actor.may_administer()?;
        let platform = self.store().user_system().await?.map(|user| user.id);
        let mut txn = self.store().begin().await?;
        let row = self.lock_service(&mut txn, id, |owner| Some(owner.id) != platform).await?;
        let intent = ServiceIntent { desired: DesiredState::Stopped, ..row.service.intent() };
        if row.owner.id != actor.user {
            txn.service_set_stop_reason(id, STOPPED).await?;
        }
        self.accept_because(txn, actor, &row, &intent, OperationKind::Stop, "by an administrator").await
    }
}
