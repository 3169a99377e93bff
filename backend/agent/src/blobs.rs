//! What goes in and out of tasks: bytes from the director into a script, and from a script to the director.

use crate::{
    code::fetch::{Bytes, root_cause},
    connection::Doors,
};
use aerie_agent_protocol::DIRECTOR_TLS_NAME;
use aerie_domain::ActionRunId;
use futures_util::{StreamExt, future::BoxFuture, stream::TryStreamExt};
use std::{sync::Arc, time::Duration};

/// How long a connection may take. As for code.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that is quiet for so long is tried. Longer: a machine that is gone is noticed later.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Characters of a refusal that are told.
const REFUSAL: usize = 300;

/// Where tasks read from and write to.
pub(crate) trait Blobs: Send + Sync {
    /// What a task gets.
    fn open(&self, task: ActionRunId) -> BoxFuture<'static, Result<Bytes, String>>;
    /// Takes what a task writes; answers when it is kept.
    fn keep(&self, task: ActionRunId, bytes: Bytes) -> BoxFuture<'static, Result<(), String>>;
}

/// The director's agent listener.
pub(crate) struct DirectorBlobs {
    client: reqwest::Client,
    doors: Arc<Doors>,
}

impl DirectorBlobs {
    /// Speaks with the director that the connection speaks with, proving itself as `tls` says.
    ///
    /// There is no limit to a pause: a script may think for as long as its own limit allows.
    pub(crate) fn new(doors: Arc<Doors>, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .resolve(DIRECTOR_TLS_NAME, doors.current())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(KEEPALIVE)
            .build()?;
        Ok(Self { client, doors })
    }

    fn url(&self, task: ActionRunId, what: &str) -> String {
        format!("https://{DIRECTOR_TLS_NAME}:{}/tasks/{task}/{what}", self.doors.current().port())
    }
}

impl Blobs for DirectorBlobs {
    fn open(&self, task: ActionRunId) -> BoxFuture<'static, Result<Bytes, String>> {
        let request = self.client.get(self.url(task, "input"));
        Box::pin(async move {
            let answer = accepted(request).await?;
            Ok(answer.bytes_stream().map_ok(|bytes| bytes.to_vec()).map_err(|error| root_cause(&error)).boxed())
        })
    }

    fn keep(&self, task: ActionRunId, bytes: Bytes) -> BoxFuture<'static, Result<(), String>> {
        let request = self.client.put(self.url(task, "output")).body(reqwest::Body::wrap_stream(bytes));
        Box::pin(async move { accepted(request).await.map(|_| ()) })
    }
}

/// The answer, if the director agreed; otherwise its words.
async fn accepted(request: reqwest::RequestBuilder) -> Result<reqwest::Response, String> {
    let answer = request.send().await.map_err(|error| root_cause(&error))?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status().as_u16();
    let words = answer.text().await.unwrap_or_default();
    let words: String = words.chars().filter(|c| !c.is_control()).take(REFUSAL).collect();
    Err(if words.is_empty() { format!("the director answers with status {status}") } else { words })
}
