//! `aerie-director selftest`: looks at a running installation as an attacker would, and says what is open.
//!
//! Run by an operator, with the same settings as the director. Changes nothing: a throw-away container with a network of
//! its own is made and removed. To add a check: a function that gives [`Finding`]s, in the module of what it looks at.

mod containers;
mod data;
mod doors;
mod report;

use crate::config::{CloudChoice, Config};
use std::fmt;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    check: String,
    verdict: Verdict,
    /// What was seen or, for a problem, what to do about it.
    hint: String,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Ok,
    /// Worth a thought, but no hole.
    Note,
    /// A hole, or something that could not be looked at.
    Problem,
}

impl Finding {
    fn ok(check: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Ok, hint: seen.into() }
    }

    fn note(check: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Note, hint: hint.into() }
    }

    fn problem(check: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Problem, hint: hint.into() }
    }

    /// `ok` if it holds, else a problem with this hint.
    fn when(holds: bool, check: &str, hint: &str) -> Self {
        if holds { Self::ok(check, "") } else { Self::problem(check, hint) }
    }
}

/// Everything that was found.
#[derive(Debug)]
pub struct Report(Vec<Finding>);

impl Report {
    /// Nothing is a problem.
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Problem)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report::table(&self.0))
    }
}

/// Does all checks that make sense with these settings.
pub async fn run(config: &Config) -> Report {
    let mut all = data::check(config);
    all.extend(doors::check(config).await);
    if config.options.cloud == CloudChoice::Docker {
        all.extend(containers::check(config).await);
    } else {
        all.push(Finding::note("containers", "They are only pretended (AERIE_CLOUD=simulated)."));
    }
    Report(all)
}
