//! The repository of one service.

use super::program::{self, GitError, Running};
use crate::errors::chain;
use aerie_domain::{CodeVersionId, ServiceId};
use rustix::{
    fs::{FlockOperation, MemfdFlags, flock, memfd_create},
    io::Errno,
};
use std::{
    fs::File,
    io::{self, Seek, Write},
    path::{self, Path, PathBuf},
    process::Stdio,
};
use tokio::{fs, process::Command};

/// More packs than this, one per push, are made into one. Larger: fetching takes longer; smaller: packing does.
const MAX_PACKS: usize = 50;

/// What clients come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    Fetch,
    Push,
}

impl Exchange {
    /// As clients call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }

    /// What clients call so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Fetch, Self::Push].into_iter().find(|exchange| exchange.name() == name)
    }
}

/// The repository of one service.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The folder of all repositories.
    folder: PathBuf,
    /// Its name there.
    name: String,
}

/// Keeps others from changing a repository until it is dropped.
pub(crate) struct PushLock {
    _locked: File,
}

impl Repository {
    /// Opens it; makes it when it is not there.
    pub(crate) async fn open(folder: &Path, service: ServiceId) -> Result<Self, GitError> {
        let repository = Self { folder: path::absolute(folder)?, name: service.to_string() };
        if !repository.is_there().await? {
            repository.make().await?;
        }
        Ok(repository)
    }

    async fn is_there(&self) -> io::Result<bool> {
        fs::try_exists(self.path("HEAD")).await
    }

    /// Made under another name first, so that there is never half a repository.
    async fn make(&self) -> Result<(), GitError> {
        let begun = self.beside().await?;
        let kind = ["--bare", "--template=", "--initial-branch=main", "--object-format=sha1"];
        let init = [&["init", "--quiet"][..], &kind, &[begun.name()]].concat();
        program::run(program::command(&self.folder, &init)).await?;
        let made = fs::rename(begun.path(), self.folder.join(&self.name)).await;
        if made.is_err() && self.is_there().await? {
            // Somebody else was quicker.
            return Ok(());
        }
        Ok(made?)
    }

    /// A new folder for what is not complete.
    pub(super) async fn beside(&self) -> io::Result<Beside> {
        let beside = Beside { folder: self.folder.clone(), name: format!("incoming-{}", CodeVersionId::generate()) };
        fs::create_dir_all(beside.path()).await?;
        Ok(beside)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(&self.name).join(inside)
    }

    /// Prepares a run of git in it.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let inside = [&["--git-dir", self.name()][..], arguments].concat();
        program::command(&self.folder, &inside)
    }

    /// What clients ask for first: branches, and what git can do.
    pub(crate) async fn advertise(&self, exchange: Exchange, second: bool) -> Result<Vec<u8>, GitError> {
        let program = match exchange {
            Exchange::Fetch => "upload-pack",
            Exchange::Push => "receive-pack",
        };
        let arguments = [program, "--stateless-rpc", "--advertise-refs", self.name()];
        let mut command = program::command(&self.folder, &arguments);
        if second {
            command.env("GIT_PROTOCOL", "version=2");
        }
        program::run(command).await
    }

    /// Answers a client's question for commits.
    pub(crate) fn upload_pack(&self, question: &[u8], second: bool) -> Result<Running, GitError> {
        let mut command = program::command(&self.folder, &["upload-pack", "--strict", "--stateless-rpc", self.name()]);
        if second {
            command.env("GIT_PROTOCOL", "version=2");
        }
        // It answers while it reads: with a pipe for the question each side could wait for the other.
        command.stdin(in_memory(question)?).stderr(Stdio::null());
        program::start(command)
    }

    /// Keeps other pushes out, also those of other directors; nothing when there is one already.
    pub(crate) fn lock(&self) -> io::Result<Option<PushLock>> {
        let file = File::options().write(true).create(true).truncate(false).open(self.path("push.lock"))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(PushLock { _locked: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves a branch from one commit to another, and makes it the one that a clone begins with. For whoever has the
    /// lock.
    pub(crate) async fn move_branch(&self, branch: &str, from: &str, to: &str) -> Result<(), GitError> {
        let reference = self.free(branch).await?;
        self.change(&["update-ref", &reference, to, from]).await?;
        self.change(&["symbolic-ref", "HEAD", &reference]).await
    }

    /// Removes a branch. For whoever has the lock.
    pub(crate) async fn remove_branch(&self, branch: &str, from: &str) -> Result<(), GitError> {
        let reference = self.free(branch).await?;
        self.change(&["update-ref", "-d", &reference, from]).await
    }

    /// Nobody else changes branches: a lock of git's own is left over from a machine that stopped in the middle.
    async fn free(&self, branch: &str) -> io::Result<String> {
        let reference = format!("refs/heads/{branch}");
        for left_over in [format!("{reference}.lock"), "HEAD.lock".to_owned(), "packed-refs.lock".to_owned()] {
            // Where there is not even a folder, there is no lock either.
            if let Err(error) = fs::remove_file(self.path(&left_over)).await
                && ![io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind())
            {
                return Err(error);
            }
        }
        Ok(reference)
    }

    /// Takes milliseconds, and goes on when nobody waits for it any more: killed, it would leave its locks.
    async fn change(&self, arguments: &[&str]) -> Result<(), GitError> {
        let mut command = self.command(arguments);
        command.kill_on_drop(false);
        program::run(command).await.map(drop)
    }

    /// Whether its packs have fewer bytes than this, once what no branch needs is away. For whoever has the lock.
    pub(crate) async fn has_room(&self, most: u64) -> Result<bool, GitError> {
        let (bytes, packs) = self.packs().await?;
        if bytes < most && packs <= MAX_PACKS {
            return Ok(true);
        }
        if let Err(error) = program::run(self.command(&["gc", "--quiet", "--prune=now", "--force"])).await {
            tracing::warn!(error = chain(&error), repository = self.name(), "a repository could not be packed");
        }
        Ok(self.packs().await?.0 < most)
    }

    async fn packs(&self) -> io::Result<(u64, usize)> {
        let (mut bytes, mut packs) = (0, 0);
        let mut entries = fs::read_dir(self.path("objects/pack")).await?;
        while let Some(entry) = entries.next_entry().await? {
            bytes += entry.metadata().await?.len();
            packs += usize::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
        }
        Ok((bytes, packs))
    }
}

/// A folder beside the repositories; removed when dropped.
pub(super) struct Beside {
    folder: PathBuf,
    name: String,
}

impl Beside {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Gone when it has become a repository. What cannot be removed now is collected as garbage.
        let _ = std::fs::remove_dir_all(self.path());
    }
}

/// A file of no disk with this content, to be read from its beginning.
fn in_memory(content: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("question", MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}
