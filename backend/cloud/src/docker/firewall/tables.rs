//! The programs that read and change rules. The only place of this crate that starts a process: typed arguments, rules
//! over its standard input, never a shell.

use super::{
    FirewallError,
    listing::{Listing, Rules, Table},
    rules::Family,
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

/// Where distributions put them; a service's PATH often lacks these folders.
const FOLDERS: &[&str] = &["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin"];

/// Debian offers two kinds under one name; Docker uses what that name leads to, unless somebody changed it while Docker
/// was running. The first whose rules show Docker's chain is the right one.
const KINDS: &[&str] = &["", "-nft", "-legacy"];

/// The chain that Docker makes for the rules of others.
pub(super) const DOCKER_USER: &str = "DOCKER-USER";

/// How long a program may take. Larger: a stuck one holds up the director's start; smaller: a busy machine fails.
const LIMIT: Duration = Duration::from_secs(10);

/// Seconds to wait for others who change rules at this moment (the old kind locks, the new one ignores it).
const LOCK_WAIT: &str = "5";

/// The programs of one family and kind.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    family: Family,
    kind: &'static str,
    program: PathBuf,
}

impl Tables {
    /// Finds the programs that Docker uses, or the kind that was found for the other family, and what is in force.
    pub(super) async fn find(family: Family, like: Option<&Self>) -> Result<(Self, Listing), FirewallError> {
        let mut first = None;
        for &kind in KINDS.iter().filter(|kind| like.is_none_or(|like| like.kind == **kind)) {
            let Some(program) = program(&format!("{}{kind}", family.program())) else { continue };
            let tables = Self { family, kind, program };
            let listing = tables.list().await;
            match listing {
                Ok(listing) if like.is_some() || listing.filter.has_chain(DOCKER_USER) => return Ok((tables, listing)),
                other => first = first.or(Some((tables, other))),
            }
        }
        match first {
            Some((tables, listing)) => Ok((tables, listing?)),
            None => Err(FirewallError(format!("The program {} is missing: install it.", family.program()))),
        }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    async fn list(&self) -> Result<Listing, FirewallError> {
        Ok(Listing { filter: self.list_table(Table::Filter).await?, mangle: self.list_table(Table::Mangle).await? })
    }

    async fn list_table(&self, table: Table) -> Result<Rules, FirewallError> {
        let text = run(&self.program, &["-w", LOCK_WAIT, "-t", table.name(), "-S"], "").await?;
        Ok(Rules::parse(&text))
    }

    /// Changes rules in one transaction; what the input does not name stays as it is.
    pub(super) async fn restore(&self, input: &str) -> Result<(), FirewallError> {
        let name = format!("{}{}-restore", self.family.program(), self.kind);
        let program = self.program.with_file_name(name);
        run(&program, &["-w", LOCK_WAIT, "--noflush"], input).await.map(drop)
    }
}

fn program(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

async fn run(program: &Path, arguments: &[&str], input: &str) -> Result<String, FirewallError> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |why: String| FirewallError(format!("{name} {why}"));
    let mut child = Command::new(program)
        .args(arguments)
        // Its messages are read below, so they must not be translated.
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let work = async {
        if let Some(mut to) = child.stdin.take() {
            // A program that ends early says why on its error output, which is what we want to hear.
            drop(to.write_all(input.as_bytes()).await);
        }
        child.wait_with_output().await
    };
    let output = match timeout(LIMIT, work).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(failed(format!("broke off: {error}"))),
        Err(_) => return Err(failed(format!("did not end within {} s", LIMIT.as_secs()))),
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).unwrap_or("no reason");
    let hint = if said.contains("ermission denied") { " The director has to run as root for that." } else { "" };
    Err(failed(format!("refuses: {}.{hint}", said.trim().trim_end_matches('.'))))
}
