//! What a push has brought: objects beside the repository, which knows them only once they are kept.

use super::{
    program::{self, GitError, Running},
    repository::{Beside, Repository},
};
use std::{ffi::OsStr, process::Stdio};
use tokio::{fs, process::Command};

/// The objects of one push. Dropped before they are kept, they leave nothing behind.
pub(crate) struct Arrival<'a> {
    repository: &'a Repository,
    beside: Beside,
}

impl<'a> Arrival<'a> {
    /// Nothing has come yet.
    pub(crate) async fn begin(repository: &'a Repository) -> Result<Self, GitError> {
        Ok(Self { repository, beside: repository.beside().await? })
    }

    /// Prepares a run that sees what has come as well as what was there, and adds only to the former.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.command(arguments);
        command
            .env("GIT_OBJECT_DIRECTORY", self.beside.name())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", format!("{}/objects", self.repository.name()));
        command
    }

    /// Takes in a pack from its standard input and checks each object, as `receive.fsckObjects` would.
    pub(crate) fn take_in(&self, most_bytes: u64) -> Result<Running, GitError> {
        let most = format!("--max-input-size={most_bytes}");
        let mut command = self.command(&["index-pack", "--stdin", "--fix-thin", "--strict", &most]);
        command.stdin(Stdio::piped());
        program::start(command)
    }

    /// Refuses a commit whose history is not here as a whole: nobody could clone it.
    pub(crate) async fn require_whole(&self, commit: &str) -> Result<(), GitError> {
        program::run(self.command(&["rev-list", "--objects", "--quiet", commit, "--not", "--all"])).await.map(drop)
    }

    /// The first line of a commit's message.
    pub(crate) async fn subject(&self, commit: &str) -> Result<String, GitError> {
        let subject = program::run(self.command(&["log", "-1", "--format=%s", commit, "--"])).await?;
        Ok(String::from_utf8_lossy(&subject).trim().to_owned())
    }

    /// Writes a commit's files to its standard output, as a `.tar.gz` with one folder around everything: that folder is
    /// taken away from every upload, and not the only one that the commit itself may have.
    pub(crate) fn archive(&self, commit: &str) -> Result<Running, GitError> {
        let around = format!("--prefix={commit:.7}/");
        program::start(self.command(&["archive", "--format=tar.gz", "-3", &around, commit]))
    }

    /// Gives everything to the repository.
    pub(crate) async fn keep(self) -> Result<(), GitError> {
        let mut files = Vec::new();
        let mut entries = fs::read_dir(self.beside.path().join("pack")).await?;
        while let Some(entry) = entries.next_entry().await? {
            files.push(entry.path());
        }
        // A pack is there for git as soon as its index is.
        files.sort_by_key(|file| file.extension() == Some(OsStr::new("idx")));
        for file in files {
            let name = file.file_name().unwrap_or_default();
            fs::rename(&file, self.repository.path("objects/pack").join(name)).await?;
        }
        Ok(())
    }
}
