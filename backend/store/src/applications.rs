//! Table `applications`.

use crate::{
    Store, StoreError, Txn,
    error::{ensure_affected, typed, unsigned, word},
};
use aerie_domain::{ApplicationId, ApplicationName, UserId};
use sqlx::types::Uuid;
use time::OffsetDateTime;

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRow {
    /// Id.
    pub id: ApplicationId,
    /// Whose.
    pub owner_id: UserId,
    /// Name.
    pub name: ApplicationName,
    /// Picks the subnet of its network.
    pub network_index: u32,
    /// Since when it is being removed.
    pub deleting_at: Option<OffsetDateTime>,
    /// When created.
    pub created_at: OffsetDateTime,
}

/// The owner of something, as far as addresses and pages need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// Id.
    pub id: UserId,
    /// User name.
    pub name: String,
}

pub(crate) struct ApplicationRaw {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub name: String,
    pub network_index: i32,
    pub deleting_at: Option<OffsetDateTime>,
    pub created_at: OffsetDateTime,
}

impl TryFrom<ApplicationRaw> for ApplicationRow {
    type Error = StoreError;

    fn try_from(raw: ApplicationRaw) -> Result<Self, StoreError> {
        Ok(Self {
            id: ApplicationId(raw.id),
            owner_id: UserId(raw.owner_id),
            name: word("applications.name", &raw.name)?,
            network_index: unsigned("applications.network_index", raw.network_index)?,
            deleting_at: raw.deleting_at,
            created_at: raw.created_at,
        })
    }
}

macro_rules! select_applications {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ApplicationRaw,
            r#"
            select a.id,
                   a.owner_id,
                   a.name,
                   a.network_index,
                   a.deleting_at,
                   a.created_at
              from applications a
            "# + $rest
            $(, $argument)*
        )
    };
}

impl Store {
    /// One application.
    pub async fn application_fetch(&self, id: ApplicationId) -> Result<Option<ApplicationRow>, StoreError> {
        let raw = select_applications!("where a.id = $1", id.0).fetch_optional(self.pool()).await?;
        raw.map(ApplicationRow::try_from).transpose()
    }

    /// One application, if it is the owner's.
    pub async fn application_owned(
        &self,
        id: ApplicationId,
        owner: UserId,
    ) -> Result<Option<ApplicationRow>, StoreError> {
        let raw = select_applications!("where a.id = $1 and a.owner_id = $2", id.0, owner.0)
            .fetch_optional(self.pool())
            .await?;
        raw.map(ApplicationRow::try_from).transpose()
    }

    /// The owner's application of this name.
    pub async fn application_by_name(
        &self,
        owner: UserId,
        name: &ApplicationName,
    ) -> Result<Option<ApplicationRow>, StoreError> {
        let raw = select_applications!("where a.owner_id = $1 and a.name = $2", owner.0, name.as_str())
            .fetch_optional(self.pool())
            .await?;
        raw.map(ApplicationRow::try_from).transpose()
    }

    /// The owner's applications after the given one, oldest first.
    pub async fn application_list(
        &self,
        owner: UserId,
        after: Option<ApplicationId>,
        limit: i64,
    ) -> Result<Vec<ApplicationRow>, StoreError> {
        let raw = select_applications!(
            "where a.owner_id = $1 and ($2::uuid is null or a.id > $2) order by a.id limit $3",
            owner.0,
            after.map(|after| after.0),
            limit
        )
        .fetch_all(self.pool())
        .await?;
        typed(raw)
    }

    /// People's applications after the given one, oldest first, each with its owner's user name: those whose name or
    /// owner contains a text (all, when it is empty), or those of one owner.
    pub async fn application_list_all(
        &self,
        owner: Option<UserId>,
        text: &str,
        after: Option<ApplicationId>,
        limit: i64,
    ) -> Result<Vec<(ApplicationRow, String)>, StoreError> {
        let rows = sqlx::query!(
            "
              select a.id, a.owner_id, a.name, a.network_index, a.deleting_at, a.created_at, u.name as owner
                from applications a
                join users u on u.id = a.owner_id
               where u.role <> 'system'
                 and ($1::uuid is null or u.id = $1)
                 and position(lower($2) in lower(a.name || ' ' || u.name)) > 0
                 and ($3::uuid is null or a.id > $3)
            order by a.id
               limit $4
            ",
            owner.map(|owner| owner.0),
            text,
            after.map(|after| after.0),
            limit,
        )
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|row| {
                let raw = ApplicationRaw {
                    id: row.id,
                    owner_id: row.owner_id,
                    name: row.name,
                    network_index: row.network_index,
                    deleting_at: row.deleting_at,
                    created_at: row.created_at,
                };
                Ok((ApplicationRow::try_from(raw)?, row.owner))
            })
            .collect()
    }

    /// How many applications the owner has.
    pub async fn application_count(&self, owner: UserId) -> Result<i64, StoreError> {
        let count =
            sqlx::query_scalar!(r#"select count(*) as "count!" from applications where owner_id = $1"#, owner.0)
                .fetch_one(self.pool())
                .await?;
        Ok(count)
    }
}

impl Txn<'_> {
    /// Adds an application and gives it the smallest free network. Constraint: `applications_name_key`.
    pub async fn application_insert(
        &mut self,
        owner: UserId,
        name: &ApplicationName,
    ) -> Result<ApplicationRow, StoreError> {
        self.network_index_lock().await?;
        let raw = sqlx::query_as!(
            ApplicationRaw,
            "
            insert into applications (id, owner_id, name, network_index)
            select $1::uuid, $2::uuid, $3::text, min(candidate.index)
              from (select 0 as index union all select network_index + 1 from applications) candidate
             where not exists (select from applications taken where taken.network_index = candidate.index)
            returning id, owner_id, name, network_index, deleting_at, created_at
            ",
            ApplicationId::generate().0,
            owner.0,
            name.as_str(),
        )
        .fetch_one(self.connection())
        .await?;
        raw.try_into()
    }

    /// Makes those who look for a free network take turns until they commit. A statement of its own: the next one must
    /// see what the one before us committed.
    async fn network_index_lock(&mut self) -> Result<(), StoreError> {
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('aerie applications.network_index', 0))")
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// One application, locked until the transaction ends.
    pub async fn application_lock(&mut self, id: ApplicationId) -> Result<Option<ApplicationRow>, StoreError> {
        let raw = select_applications!("where a.id = $1 for update", id.0).fetch_optional(self.connection()).await?;
        raw.map(ApplicationRow::try_from).transpose()
    }

    /// Gives an application another name. Constraint: `applications_name_key`.
    pub async fn application_rename(&mut self, id: ApplicationId, name: &ApplicationName) -> Result<(), StoreError> {
        let result = sqlx::query!("update applications set name = $2 where id = $1", id.0, name.as_str())
            .execute(self.connection())
            .await?;
        ensure_affected(&result, 1)
    }

    /// Condemns an application: it goes with its last service. Saying so again changes nothing.
    pub async fn application_mark_deleting(&mut self, id: ApplicationId) -> Result<(), StoreError> {
        let result =
            sqlx::query!("update applications set deleting_at = coalesce(deleting_at, now()) where id = $1", id.0)
                .execute(self.connection())
                .await?;
        ensure_affected(&result, 1)
    }

    /// Removes an application without services; one with services is refused with
    /// `services_application_id_fkey`.
    pub async fn application_delete(&mut self, id: ApplicationId) -> Result<(), StoreError> {
        let result = sqlx::query!("delete from applications where id = $1", id.0).execute(self.connection()).await?;
        ensure_affected(&result, 1)
    }

    /// Removes an application that is condemned and has no service left. True when it is gone.
    pub(crate) async fn application_delete_if_over(&mut self, id: ApplicationId) -> Result<bool, StoreError> {
        let result = sqlx::query!(
            "
            delete from applications a
             where a.id = $1
               and a.deleting_at is not null
               and not exists (select from services s where s.application_id = a.id)
            ",
            id.0,
        )
        .execute(self.connection())
        .await?;
        Ok(result.rows_affected() == 1)
    }
}
