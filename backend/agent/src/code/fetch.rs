//! Gets archives from the director and believes nothing it cannot recompute.

use super::CodeError;
use crate::connection::Doors;
use aerie_agent_protocol::{CodeVersionSpec, DIRECTOR_TLS_NAME};
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{BoxStream, TryStreamExt},
};
use sha2::{Digest, Sha256};
use std::{error::Error, path::Path, sync::Arc, time::Duration};
use tokio::{fs::File, io::AsyncWriteExt};

/// How long a connection may take. Larger: an absent director is noticed later; smaller: a busy one seems absent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the next bytes may take. Larger: a broken transfer hangs longer; smaller: a busy disk breaks transfers.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes as they come, or why they stopped.
pub(crate) type Bytes = BoxStream<'static, Result<Vec<u8>, String>>;

/// Where archives come from.
pub(crate) trait CodeSource: Send + Sync {
    /// Opens the archive with this digest.
    fn open<'a>(&'a self, digest: &'a str) -> BoxFuture<'a, Result<Bytes, String>>;
}

/// The director's agent listener.
pub(crate) struct DirectorCode {
    client: reqwest::Client,
    doors: Arc<Doors>,
}

impl DirectorCode {
    /// Fetches from the director that the connection speaks with, proving itself as `tls` says.
    pub(crate) fn new(doors: Arc<Doors>, tls: rustls::ClientConfig) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Its port is not looked at: the one of the request counts.
            .resolve(DIRECTOR_TLS_NAME, doors.current())
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()?;
        Ok(Self { client, doors })
    }
}

impl CodeSource for DirectorCode {
    fn open<'a>(&'a self, digest: &'a str) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move {
            let url = format!("https://{DIRECTOR_TLS_NAME}:{}/code/{digest}", self.doors.current().port());
            let answer = self.client.get(url).send().await.map_err(|error| root_cause(&error))?;
            if answer.status() != reqwest::StatusCode::OK {
                return Err(format!("the director answers with status {}", answer.status().as_u16()));
            }
            Ok(answer.bytes_stream().map_ok(|bytes| bytes.to_vec()).map_err(|error| root_cause(&error)).boxed())
        })
    }
}

/// The innermost cause: the outer ones only say that a request failed, and name the address.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Stores a version's archive at `path`, if size and digest are the announced ones.
pub(super) async fn download(source: &dyn CodeSource, version: &CodeVersionSpec, path: &Path) -> Result<(), CodeError> {
    // The digest becomes part of an address.
    if version.digest.len() != 64 || !version.digest.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(CodeError::Mismatch("its digest is not a SHA-256"));
    }
    let mut bytes = source.open(&version.digest).await.map_err(CodeError::Fetch)?;
    let mut file = File::create(path).await?;
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk.map_err(CodeError::Fetch)?;
        size += chunk.len() as u64;
        // At once, not at the end: the disk is not filled by more than was announced.
        if size > version.size_bytes {
            return Err(CodeError::Mismatch("it is longer than announced"));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    if size != version.size_bytes {
        return Err(CodeError::Mismatch("it is shorter than announced"));
    }
    if !hex::encode(hash.finalize()).eq_ignore_ascii_case(&version.digest) {
        return Err(CodeError::Mismatch("its digest differs"));
    }
    Ok(())
}
