//! A push: taken in beside the repository, made a version, and only then known to git. What is refused on the way
//! leaves nothing behind.

use super::wishes::{Wish, Wishes};
use crate::{
    git::{Arrival, GitError, Repository},
    http::{
        problem::ApiError,
        upload::{drain, patiently},
    },
};
use aerie_domain::{Problem, ProblemCode, ServiceId};
use aerie_usecases::{Actor, StagedUpload, UseCases};
use axum::body::Body;
use futures_util::TryStreamExt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio_util::io::StreamReader;

/// A repository may have as many bytes as so many of the largest uploads. Larger: more disk; smaller: large files can be
/// changed less often.
const UPLOADS_PER_REPOSITORY: u64 = 4;
/// Longest note, in characters: what the form for uploads takes.
const MAX_NOTE: usize = 200;
/// Bytes that are moved at a time. Larger: more memory; smaller: more work.
const PIECE: usize = 64 * 1024;

/// Who pushes, and where to.
pub(super) struct Push<'a> {
    pub(super) usecases: &'a UseCases,
    pub(super) actor: &'a Actor,
    pub(super) service: ServiceId,
    pub(super) repository: &'a Repository,
    /// Where the versions of the service are shown.
    pub(super) page: String,
}

impl Push<'_> {
    /// Takes a push and answers it. Only what is not git's language at all is refused as a request.
    pub(super) async fn receive(&self, upload: StagedUpload, body: Body) -> Result<Vec<u8>, ApiError> {
        let mut body = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
        let wishes = Wishes::read(&mut body).await?;
        if wishes.all.is_empty() {
            // Git tries out whether it may before it sends much.
            return Ok(Vec::new());
        }
        match self.fulfil(&wishes, upload, &mut body).await {
            Ok(text) => Ok(wishes.answer(Ok(&text))),
            Err(ApiError(problem)) => {
                drain(&mut body).await;
                Ok(wishes.answer(Err(&problem.detail)))
            }
        }
    }

    /// Does what is wished for; a sentence for the person.
    async fn fulfil(
        &self,
        wishes: &Wishes,
        upload: StagedUpload,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<String, ApiError> {
        let refuse = |text: &str| ApiError::new(ProblemCode::Conflict, text);
        let [wish] = wishes.all.as_slice() else { return Err(refuse("Push one branch at a time.")) };
        let branch = wish.branch().ok_or_else(|| refuse("Only branches with usual names can be pushed here."))?;
        if wishes.shallow {
            return Err(refuse("This clone has only a part of its history: git fetch --unshallow gets the rest."));
        }
        let lock = self.repository.lock().map_err(GitError::from)?;
        let Some(_lock) = lock else { return Err(refuse("Another push to this service goes on. Try again.")) };
        if wish.removes() {
            self.repository.remove_branch(branch, &wish.from).await?;
            return Ok(format!("The branch {branch} is gone. Versions that were made of it stay.\n"));
        }
        let most = self.usecases.settings().uploads.archive.max_upload_bytes;
        if !self.repository.has_room(most * UPLOADS_PER_REPOSITORY).await? {
            let text = "The repository is full. Remove a branch (git push --delete), and push it with less history.";
            return Err(refuse(text));
        }
        let arrival = Arrival::begin(self.repository).await?;
        take_in(&arrival, most, body).await?;
        arrival.require_whole(&wish.to).await?;
        self.upload(wish, branch, arrival, upload).await
    }

    /// Makes a version of the commit, and lets the branch follow.
    async fn upload(
        &self,
        wish: &Wish,
        branch: &str,
        arrival: Arrival<'_>,
        mut upload: StagedUpload,
    ) -> Result<String, ApiError> {
        let subject = arrival.subject(&wish.to).await?;
        pack(&arrival, &wish.to, &mut upload).await?;
        let name = format!("git-{:.7}.tar.gz", wish.to);
        let note = format!("{branch}: {subject}");
        let note: String = note.chars().filter(|c| !c.is_control()).take(MAX_NOTE).collect();
        let version = self.usecases.finish_upload(self.actor, upload, &name, &note).await?;
        let kept = match arrival.keep().await {
            Ok(()) => self.repository.move_branch(branch, &wish.from, &wish.to).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            // The client will say that nothing was pushed, so nothing shall be there.
            self.usecases.delete_version(self.actor, self.service, version.id).await?;
            return Err(error.into());
        }
        Ok(format!("Version {} is uploaded ({:.7}). Activate it: {}\n", version.number, wish.to, self.page))
    }
}

/// Gives the pack to git as it arrives.
async fn take_in(arrival: &Arrival<'_>, most: u64, body: &mut (impl AsyncRead + Unpin)) -> Result<(), ApiError> {
    let mut running = arrival.take_in(most)?;
    let mut input = running.input()?;
    let feeding = async move {
        let mut piece = vec![0; PIECE];
        let mut arrived = 0;
        loop {
            let count = patiently(body.read(&mut piece)).await?;
            arrived += count as u64;
            if arrived > most {
                let detail = format!("The push is larger than {} MiB.", most / (1024 * 1024));
                return Err(ApiError(Problem::new(ProblemCode::TooLarge, detail)));
            }
            // When git has ended already, it says why.
            if count == 0 || input.write_all(&piece[..count]).await.is_err() {
                return Ok::<_, ApiError>(());
            }
        }
    };
    let (fed, taken) = tokio::join!(feeding, running.end());
    fed?;
    taken?;
    Ok(())
}

/// Writes the files of a commit as any other upload.
async fn pack(arrival: &Arrival<'_>, commit: &str, upload: &mut StagedUpload) -> Result<(), ApiError> {
    let mut running = arrival.archive(commit)?;
    let mut output = running.output()?;
    // Owns what git writes to, so that git ends when an upload is refused.
    let copy = async move {
        let mut piece = vec![0; PIECE];
        loop {
            let count = output.read(&mut piece).await.map_err(GitError::from)?;
            if count == 0 {
                return Ok::<_, ApiError>(());
            }
            upload.write(&piece[..count]).await?;
        }
    };
    let (copied, packed) = tokio::join!(copy, running.end());
    copied?;
    packed?;
    Ok(())
}
