//! `git push` as a way to upload code, and `git clone` to go on elsewhere: git's own protocol over HTTP
//! (`git help protocol-http`). A push becomes a version by the use cases of any other upload, or is refused as a whole.
//!
//! Questions and answers are git's business, all but one: a push is taken apart here, because what came of the upload is
//! part of the answer.

mod pkt;
mod push;
mod wishes;

use super::{
    auth::SignedIn,
    extract::{Path, Query},
    problem::ApiError,
};
use crate::{
    config::Config,
    errors::chain,
    git::{Exchange, GitError, Repository, Running},
};
use aerie_domain::{Problem, ProblemCode, ServiceId};
use aerie_usecases::{Actor, GitPlace, UseCases};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::read::MultiGzDecoder;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use std::{
    io::{self, Read},
    sync::Arc,
    time::Duration,
};
use tokio::{process::ChildStdout, time::timeout};
use tokio_util::io::ReaderStream;

/// Below it, and nowhere else, git's way to sign in counts: browsers would send it along by themselves.
pub const BEGINNING: &str = "/git/";

/// Names the version of the protocol that a client speaks.
const GIT_PROTOCOL: HeaderName = HeaderName::from_static("git-protocol");
/// What git needs to hear before it asks for a password.
const ASK: HeaderValue = HeaderValue::from_static("Basic realm=\"Aerie\", charset=\"UTF-8\"");
/// Largest question for commits, bytes, also after it is unpacked. It names commits that the client has. Larger: more memory;
/// smaller: clones with long histories of their own cannot fetch.
const MAX_QUESTION: usize = 2 * 1024 * 1024;
/// How long a question may be on its way, and how long its answer. Longer: slow clients keep their place.
const QUESTION_WITHIN: Duration = Duration::from_secs(60);
const ANSWER_WITHIN: Duration = Duration::from_mins(15);

/// Application and service in an address; the service with or without `.git` at its end.
type Names = (String, String);

/// What a client comes for.
#[derive(Debug, Deserialize)]
pub struct Asked {
    service: Option<String>,
}

impl From<GitError> for ApiError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Refused(reason) => Self::new(ProblemCode::Conflict, format!("git says: {reason}")),
            GitError::Broken(_) => {
                tracing::error!(error = chain(&error), "git does not work here");
                Self::new(ProblemCode::Unavailable, "git does not work here. Please tell your administrator.")
            }
        }
    }
}

/// The middleware around these routes: git asks for a password only when it is told how to send one, and shows refusals only
/// when they are plain text.
pub async fn speak(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let is_git = agent.is_some_and(|agent| agent.starts_with("git/"));
    let mut response = next.run(request).await;
    let unknown = response.status() == StatusCode::UNAUTHORIZED;
    if unknown {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, ASK);
    }
    if is_git && let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let help = "Sign in with your user name and, as the password, an API token: your account page makes one.";
        let text = if unknown { help } else { problem.detail.as_str() };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        *response.body_mut() = Body::from(format!("{text}\n"));
    }
    response
}

/// `GET /git/{application}/{service}/info/refs?service=…`: what branches there are. The first question of every client.
pub async fn advertise(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(names): Path<Names>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (service, repository) = open(&usecases, &actor, &names).await?;
    let exchange = asked.service.as_deref().and_then(Exchange::named);
    let exchange = exchange.ok_or_else(|| malformed("Ask with git 1.6.6 or newer."))?;
    if exchange == Exchange::Push {
        // Says now what would be refused later: git shows reasons here.
        drop(usecases.begin_upload(&actor, service).await?);
    }
    let _place = usecases.git_place(&actor).await?;
    let second = exchange == Exchange::Fetch && speaks_second(&headers);
    let mut body = Vec::new();
    if !second {
        pkt::write(&mut body, format!("# service={}\n", exchange.name()).as_bytes());
        body.extend(pkt::FLUSH);
    }
    body.extend(repository.advertise(exchange, second).await?);
    Ok(answer(exchange, "advertisement", Body::from(body)))
}

/// `POST /git/{application}/{service}/git-upload-pack`: commits for a clone or a fetch.
pub async fn fetch(
    State(usecases): State<UseCases>,
    SignedIn(actor): SignedIn,
    Path(names): Path<Names>,
    request: Request,
) -> Result<Response, ApiError> {
    let (_, repository) = open(&usecases, &actor, &names).await?;
    require_type(request.headers(), Exchange::Fetch)?;
    let second = speaks_second(request.headers());
    let place = usecases.git_place(&actor).await?;
    let question = timeout(QUESTION_WITHIN, question(request));
    let question = question.await.map_err(|_| malformed("The question stalled."))??;
    let mut running = repository.upload_pack(&question, second)?;
    let content = ReaderStream::new(running.output()?);
    let pieces = stream::unfold(Sending { content, _running: running, _place: place }, async |mut sending| {
        Some((sending.content.next().await?, sending))
    });
    let pieces = pieces.take_until(tokio::time::sleep(ANSWER_WITHIN));
    Ok(answer(Exchange::Fetch, "result", Body::from_stream(pieces)))
}

/// An answer on its way; git ends when the client goes.
struct Sending {
    content: ReaderStream<ChildStdout>,
    _running: Running,
    _place: GitPlace,
}

/// `POST /git/{application}/{service}/git-receive-pack`: a push.
pub async fn push(
    State(usecases): State<UseCases>,
    State(config): State<Arc<Config>>,
    SignedIn(actor): SignedIn,
    Path(names): Path<Names>,
    request: Request,
) -> Result<Response, ApiError> {
    let (service, repository) = open(&usecases, &actor, &names).await?;
    let upload = usecases.begin_upload(&actor, service).await?;
    require_type(request.headers(), Exchange::Push)?;
    let _place = usecases.git_place(&actor).await?;
    let page = format!("{}/services/{service}#code", config.public_url.as_str());
    let push = push::Push { usecases: &usecases, actor: &actor, service, repository: &repository, page };
    let body = push.receive(upload, request.into_body()).await?;
    Ok(answer(Exchange::Push, "result", Body::from(body)))
}

async fn open(usecases: &UseCases, actor: &Actor, names: &Names) -> Result<(ServiceId, Repository), ApiError> {
    let (application, service) = names;
    let service = service.strip_suffix(".git").unwrap_or(service);
    let service = usecases.git_service(actor, application, service).await?;
    Ok((service, Repository::open(&usecases.git_folder(), service).await?))
}

fn malformed(detail: &str) -> ApiError {
    ApiError::new(ProblemCode::MalformedRequest, detail)
}

/// Forms of other sites cannot have this type, so a browser cannot be made to push.
fn require_type(headers: &HeaderMap, exchange: Exchange) -> Result<(), ApiError> {
    let expected = format!("application/x-{}-request", exchange.name());
    if headers.get(header::CONTENT_TYPE).is_some_and(|found| found.as_bytes() == expected.as_bytes()) {
        Ok(())
    } else {
        Err(malformed("This address is for git."))
    }
}

/// Whether the client speaks the second version of the protocol; whoever speaks another gets the first.
fn speaks_second(headers: &HeaderMap) -> bool {
    let spoken = headers.get(GIT_PROTOCOL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    spoken.split(':').any(|part| part == "version=2")
}

fn answer(exchange: Exchange, what: &str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, format!("application/x-{}-{what}", exchange.name()))], body).into_response()
}

/// A question as a whole. Git packs long ones.
async fn question(request: Request) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::new(ProblemCode::TooLarge, "This asks for too many commits at once.");
    let packed = request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let body = to_bytes(request.into_body(), MAX_QUESTION).await.map_err(|_| too_large())?;
    if !packed {
        return Ok(body.into());
    }
    let question = unpack(&body).map_err(|_| malformed("The question is damaged."))?;
    if question.len() > MAX_QUESTION { Err(too_large()) } else { Ok(question) }
}

/// At most one byte more than a question may have.
fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut question = Vec::new();
    MultiGzDecoder::new(packed).take(MAX_QUESTION as u64 + 1).read_to_end(&mut question)?;
    Ok(question)
}
