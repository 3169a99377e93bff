//! `/healthz`: the process answers. `/readyz`: so do the parts it needs.

use crate::state::AppState;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{future::Future, time::Duration};
use tokio::time::timeout;

/// Longest wait for a part. Longer: health checks of service managers give up first.
const PATIENCE: Duration = Duration::from_secs(3);

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    database: Part,
    cloud: Part,
    /// Not a condition for being ready: what runs without it serves its visitors all the same.
    firewall: Part,
    /// A disk that is nearly full is no reason to send people elsewhere: only what needs room is refused.
    disk: Part,
}

#[derive(Serialize)]
struct Part {
    ok: bool,
    /// What is wrong, in one sentence; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What the process needs, part by part; 503 if one is missing. Running applications need none of them.
pub async fn readyz(State(state): State<AppState>) -> Response {
    let (database, cloud) =
        tokio::join!(ask("The database", state.store.ping()), ask("The container engine", state.cloud.check()),);
    let full = state.usecases.settings().disks.check(0).err();
    let problem = full.map(|_| "A disk is nearly full: uploads and starts are refused.".to_owned());
    let disk = Part { ok: problem.is_none(), problem };
    let ready = database.ok && cloud.ok;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let problem = state.firewall.problem();
    let firewall = Part { ok: problem.is_none(), problem };
    (status, Json(Readiness { ready, database, cloud, firewall, disk })).into_response()
}

async fn ask<E: std::error::Error>(name: &str, question: impl Future<Output = Result<(), E>>) -> Part {
    let problem = match timeout(PATIENCE, question).await {
        Ok(Ok(())) => None,
        // Details (addresses, user names) are for the log: anybody may ask here.
        Ok(Err(error)) => {
            tracing::warn!(error = %error, "{name} is not ready");
            Some(format!("{name} does not answer."))
        }
        Err(_) => Some(format!("{name} did not answer within {} s.", PATIENCE.as_secs())),
    };
    Part { ok: problem.is_none(), problem }
}
