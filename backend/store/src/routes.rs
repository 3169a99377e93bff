//! What the public entry routes to.

use crate::{InstanceRole, Store, StoreError, error::word};
use aerie_domain::{ApplicationId, ApplicationName, InstanceId, KindName, ServiceId, ServiceName, ServiceState};
use sqlx::types::{Json, Uuid};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A service with a public address, and its instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSource {
    /// The service.
    pub service_id: ServiceId,
    /// Its name.
    pub service_name: ServiceName,
    /// Its kind.
    pub kind: KindName,
    /// Where it is.
    pub state: ServiceState,
    /// Why, in words for a student.
    pub reason: String,
    /// Its application.
    pub application_id: ApplicationId,
    /// The application's name.
    pub application_name: ApplicationName,
    /// The owner's user name.
    pub owner_name: String,
    /// It is the application's oldest public service: it answers at the application's own host name too.
    pub is_main: bool,
    /// When created.
    pub created_at: OffsetDateTime,
    /// Its instances, oldest first.
    pub instances: Vec<RouteInstance>,
}

/// An instance, as far as routes need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInstance {
    /// Id.
    pub id: InstanceId,
    /// Eight characters to call it by.
    pub short: String,
    /// Its roles.
    pub roles: Vec<InstanceRole>,
    /// Address on the application's network.
    pub address: Option<String>,
    /// False is final: it is condemned.
    pub wanted: bool,
}

struct RouteRaw {
    service_id: Uuid,
    service_name: String,
    kind: String,
    state: String,
    reason: String,
    application_id: Uuid,
    application_name: String,
    owner_name: String,
    is_main: bool,
    created_at: OffsetDateTime,
}

impl TryFrom<RouteRaw> for RouteSource {
    type Error = StoreError;

    fn try_from(raw: RouteRaw) -> Result<Self, StoreError> {
        Ok(Self {
            service_id: ServiceId(raw.service_id),
            service_name: word("services.name", &raw.service_name)?,
            kind: word("services.kind", &raw.kind)?,
            state: word("services.state", &raw.state)?,
            reason: raw.reason,
            application_id: ApplicationId(raw.application_id),
            application_name: word("applications.name", &raw.application_name)?,
            owner_name: raw.owner_name,
            is_main: raw.is_main,
            created_at: raw.created_at,
            instances: Vec::new(),
        })
    }
}

impl Store {
    /// All services of these kinds (the ones with a public role) with their instances, in a stable order.
    pub async fn route_sources(&self, public_kinds: &[KindName]) -> Result<Vec<RouteSource>, StoreError> {
        let kinds: Vec<String> = public_kinds.iter().map(ToString::to_string).collect();
        let mut instances = self.route_instances(&kinds).await?;
        let services = self.route_services(&kinds).await?;
        services
            .into_iter()
            .map(|raw| {
                let mut source = RouteSource::try_from(raw)?;
                source.instances = instances.remove(&source.service_id).unwrap_or_default();
                Ok(source)
            })
            .collect()
    }

    async fn route_services(&self, kinds: &[String]) -> Result<Vec<RouteRaw>, StoreError> {
        let services = sqlx::query_as!(
            RouteRaw,
            r#"
              select s.id   as service_id,
                     s.name as service_name,
                     s.kind,
                     s.state,
                     s.reason,
                     a.id   as application_id,
                     a.name as application_name,
                     u.name as owner_name,
                     row_number() over (partition by a.id order by s.created_at, s.id) = 1 as "is_main!",
                     s.created_at
                from services s
                join applications a on a.id = s.application_id
                join users u on u.id = a.owner_id
               where s.kind = any($1)
            order by u.name, a.name, s.name
            "#,
            kinds,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(services)
    }

    async fn route_instances(&self, kinds: &[String]) -> Result<BTreeMap<ServiceId, Vec<RouteInstance>>, StoreError> {
        let rows = sqlx::query!(
            r#"
              select i.id, i.service_id, i.short, i.roles as "roles: Json<Vec<InstanceRole>>", i.address, i.wanted
                from instances i
                join services s on s.id = i.service_id
               where s.kind = any($1)
            order by i.created_at, i.id
            "#,
            kinds,
        )
        .fetch_all(self.pool())
        .await?;
        let mut instances = BTreeMap::<ServiceId, Vec<RouteInstance>>::new();
        for row in rows {
            instances.entry(ServiceId(row.service_id)).or_default().push(RouteInstance {
                id: InstanceId(row.id),
                short: row.short,
                roles: row.roles.0,
                address: row.address,
                wanted: row.wanted,
            });
        }
        Ok(instances)
    }
}
