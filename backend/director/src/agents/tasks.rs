//! `GET /tasks/{id}/input` and `PUT /tasks/{id}/output`: what goes in and out of tasks of backups. An instance gets at nothing
//! but what its own task is about; everything else is not there.

use super::{
    code::open,
    listener::{AgentState, Peer},
};
use aerie_domain::{ActionRunId, Problem, ProblemCode};
use aerie_usecases::{BackupOutput, Failure};
use axum::{
    Extension,
    body::{Body, BodyDataStream},
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::io::ReaderStream;

/// Longest pause of a script that writes. Longer: an instance that vanished keeps its half file; shorter: a database that
/// thinks for long fails its backup.
const STALLED_AFTER: Duration = Duration::from_mins(10);
/// How long what was refused is still read: an agent looks at the answer only after it has sent everything.
const DRAIN_FOR: Duration = Duration::from_secs(5);

pub(super) async fn input(
    State(state): State<AgentState>,
    Extension(Peer(instance)): Extension<Peer>,
    Path(task): Path<String>,
) -> Response {
    let Ok(task) = task.parse::<ActionRunId>() else { return StatusCode::NOT_FOUND.into_response() };
    let path = match state.parts.usecases.task_input(instance, task).await {
        Ok(Some(path)) => path,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(failure) => return words(&failure.into_problem()),
    };
    match open(&path).await {
        Ok((file, length)) => {
            ([(header::CONTENT_LENGTH, length)], Body::from_stream(ReaderStream::new(file))).into_response()
        }
        Err(error) => {
            tracing::error!(error = %error, file = %path.display(), "the contents of a backup are missing");
            let text = "The contents of this backup are missing on the disk of the installation.";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

pub(super) async fn output(
    State(state): State<AgentState>,
    Extension(Peer(instance)): Extension<Peer>,
    Path(task): Path<String>,
    request: Request,
) -> Response {
    let Ok(task) = task.parse::<ActionRunId>() else { return StatusCode::NOT_FOUND.into_response() };
    let usecases = &state.parts.usecases;
    let mut body = request.into_body().into_data_stream();
    let taken = match usecases.begin_task_output(instance, task).await {
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Ok(Some(output)) => receive(output, &mut body).await,
        Err(failure) => Err(failure),
    };
    let taken = match taken {
        Ok(output) => usecases.finish_task_output(output).await,
        Err(failure) => Err(failure),
    };
    match taken {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => match usecases.refuse_task_output(task, failure).await {
            Ok(problem) => {
                let until = Instant::now() + DRAIN_FOR;
                while let Ok(Some(Ok(_))) = timeout_at(until, body.next()).await {}
                words(&problem)
            }
            Err(failure) => words(&failure.into_problem()),
        },
    }
}

async fn receive(mut output: BackupOutput, body: &mut BodyDataStream) -> Result<BackupOutput, Failure> {
    let broke_off = || Problem::new(ProblemCode::MalformedRequest, "The connection to the instance broke off.");
    loop {
        match timeout(STALLED_AFTER, body.next()).await {
            Ok(Some(Ok(bytes))) => output.write(&bytes).await?,
            Ok(None) => return Ok(output),
            Ok(Some(Err(_))) => return Err(broke_off().into()),
            Err(_) => {
                return Err(Problem::new(ProblemCode::Unavailable, "The instance sent nothing for too long.").into());
            }
        }
    }
}

/// For the agent, which quotes it.
fn words(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, problem.detail.clone()).into_response()
}
