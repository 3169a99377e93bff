//! `GET /api/v1/services/{id}/load`.

use crate::http::{
    auth::SignedIn,
    extract::{Json, Path, Query},
    problem::ApiError,
};
use aerie_domain::{
    Problem, ServiceId,
    views::{LoadQuery, LoadView},
};
use aerie_usecases::UseCases;
use axum::extract::State;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::IntoParams;

/// Which time, and how fine.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoadParams {
    /// From then on, such as `2026-11-21T12:00:00Z`; five minutes before `to` unless told.
    from: Option<String>,
    /// Before then; now unless told.
    to: Option<String>,
    /// Seconds per point, a multiple of 5; chosen by the length of the time unless told.
    step: Option<String>,
}

impl LoadParams {
    fn query(&self) -> Result<LoadQuery, Problem> {
        let step = self.step.as_deref().map(str::parse).transpose();
        Ok(LoadQuery {
            from: time("from", self.from.as_deref())?,
            to: time("to", self.to.as_deref())?,
            step_s: step.map_err(|_| Problem::field("step", "must be a number of seconds"))?,
        })
    }
}

fn time(field: &str, text: Option<&str>) -> Result<Option<OffsetDateTime>, Problem> {
    // An unescaped + of a time zone arrives as a space.
    let parse = |text: &str| OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339);
    text.map(parse).transpose().map_err(|_| Problem::field(field, "must be a time such as 2026-11-21T12:00:00Z"))
}

/// What a service's instances and roles used and did, over time.
///
/// Slots of 5 s are kept for an hour, of a minute for a day, of 15 minutes for two weeks.
#[utoipa::path(
    get,
    path = "/services/{id}/load",
    tag = "load",
    params(("id" = ServiceId, Path, description = "Service"), LoadParams),
    responses((status = 200, description = "Lists of numbers, one number per step.", body = LoadView))
)]
pub async fn read_load(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(id): Path<ServiceId>,
    Query(params): Query<LoadParams>,
) -> Result<Json<LoadView>, ApiError> {
    Ok(Json(usecases.load(&actor, id, &params.query()?).await?))
}
