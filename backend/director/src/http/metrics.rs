//! `GET /metrics`: figures for Prometheus.

use super::{auth::SignedIn, problem::ApiError};
use crate::state::AppState;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

/// What Prometheus asks for, and what other readers understand as plain text.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Figures of this process, the installation and the hosted services, for admins (a token with scope `read` is enough).
pub async fn page(State(state): State<AppState>, SignedIn(actor): SignedIn) -> Result<Response, ApiError> {
    let totals = state.metrics.loads().totals();
    let instances: Vec<_> = totals.keys().copied().collect();
    let figures = state.usecases.figures(&actor, &instances).await?;
    let text = state.metrics.text(&figures, &totals).map_err(|error| {
        tracing::error!(error = %error, "the metrics could not be written");
        ApiError::new(aerie_domain::ProblemCode::Internal, "The figures could not be written.")
    })?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
