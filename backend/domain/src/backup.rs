//! Backups: the words for what is taken out of a service and put back.

use crate::state::words;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

words! {
    /// How far a backup is.
    BackupState {
        /// It is being made.
        Making = "making",
        /// Its contents are kept.
        Ready = "ready",
        /// It has no contents: the reason says why.
        Failed = "failed",
    }

    /// Why there is a backup.
    BackupWhy {
        /// Somebody asked for it.
        Asked = "asked",
        /// It was time.
        Scheduled = "scheduled",
        /// Another one was about to be put back.
        BeforeRestore = "before_restore",
        /// Somebody brought it along.
        Uploaded = "uploaded",
    }

    /// How often a backup is made by itself.
    BackupEvery {
        /// Not at all.
        Never = "never",
        /// Every hour.
        Hour = "hour",
        /// Every day.
        Day = "day",
        /// Every week.
        Week = "week",
    }

    /// What a job is for.
    BackupJobKind {
        /// To make a backup.
        Backup = "backup",
        /// To check one that somebody brought along.
        Upload = "upload",
        /// To put one back.
        Restore = "restore",
    }

    /// The steps of jobs. Which of them a job has, and in which order, is up to its kind.
    BackupStep {
        /// The backup that shall be put back is checked, unless it was before.
        CheckSource = "check_source",
        /// A backup is made.
        Dump = "dump",
        /// The backup of this job is checked.
        Check = "check",
        /// The backup is put back.
        Load = "load",
    }
}

/// Nothing is made by itself unless somebody says so.
impl Default for BackupEvery {
    fn default() -> Self {
        Self::Never
    }
}

impl BackupEvery {
    /// All of them, in the order of a form.
    pub const ALL: &[Self] = &[Self::Never, Self::Hour, Self::Day, Self::Week];

    /// In hours; none for never.
    pub const fn hours(self) -> Option<u32> {
        match self {
            Self::Never => None,
            Self::Hour => Some(1),
            Self::Day => Some(24),
            Self::Week => Some(24 * 7),
        }
    }
}

/// The scripts that a kind brings along for backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupScript {
    /// Writes a backup to its standard output.
    Dump,
    /// Reads one from its standard input and fails when it cannot be put back.
    Check,
    /// Reads one from its standard input and puts it back.
    Load,
}

impl BackupScript {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Dump, Self::Check, Self::Load];

    /// Where it stands in a kind's template.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Dump => "backup.dump",
            Self::Check => "backup.check",
            Self::Load => "backup.load",
        }
    }

    /// Its name among the actions of a service: no action of a kind may be called so.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Dump => "backup-dump",
            Self::Check => "backup-check",
            Self::Load => "backup-load",
        }
    }
}

impl BackupStep {
    /// The script that does it.
    pub const fn script(self) -> BackupScript {
        match self {
            Self::Dump => BackupScript::Dump,
            Self::CheckSource | Self::Check => BackupScript::Check,
            Self::Load => BackupScript::Load,
        }
    }
}
