//! Pages of `docs/` as tests: the archives that they tell readers to make, made as they say, and what they tell them to ask
//! of an installation, asked.
//!
//! A block whose first line is ```` ```php some/path ```` is a file; a block of language `sh` is run in the same folder; one
//! of language `bash` asks an installation; one of language `text` is what will be seen. Other blocks only explain.

use crate::{Api, Installation};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::timeout;

/// The page with what all others use that ask an installation.
const FUNCTIONS: &str = "kinds/README";

/// Longest time for all steps of a page with an installation. Shorter: the first service of a kind may have to wait for its
/// image; longer: a page that waits for ever holds up all others.
const PATIENCE: Duration = Duration::from_secs(300);

/// Stands between what two steps print.
const MARK: &str = "\n== and then ==\n";

/// Ends a file in a script; no page has such a line.
const END: &str = "== end of the file ==";

/// A page whose steps have been taken.
pub struct HowTo {
    folder: PathBuf,
    /// What it says will be seen, block by block.
    pub seen: Vec<String>,
}

impl HowTo {
    /// Takes the steps of `docs/<page>.md` in a folder below `target`, unless they were taken there before and the page has
    /// not changed since: some fetch packages. Those that ask an installation are left out.
    ///
    /// # Errors
    /// When a step fails: with what it said.
    pub async fn follow(page: &str) -> Result<Self> {
        let page = page.to_owned();
        // Some steps take long. Meanwhile connections have to be looked after, or a request goes into one that has ended.
        tokio::task::spawn_blocking(move || Self::follow_now(&page)).await?
    }

    fn follow_now(page: &str) -> Result<Self> {
        let text = text(page)?;
        let folder = root().canonicalize()?.join("target/test/docs").join(page);
        let steps = steps(&text);
        let see = |step: &Step| if let Step::See(text) = step { Some(text.clone()) } else { None };
        let seen = steps.iter().filter_map(see).collect();
        let (done, digest) = (folder.join(".done"), hex::encode(Sha256::digest(&text)));
        if fs::read_to_string(&done).is_ok_and(|known| known == digest) {
            return Ok(Self { folder, seen });
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for step in &steps {
            take(&folder, step).with_context(|| format!("docs/{page}.md"))?;
        }
        fs::write(done, digest)?;
        Ok(Self { folder, seen })
    }

    /// Takes all steps of `docs/<page>.md`, as a user of an installation who has read `docs/kinds/README.md`, and looks
    /// whether each prints what the page says. What they make is thrown away.
    ///
    /// # Errors
    /// When a step fails, waits for too long or prints something else: with what it said.
    pub async fn walk(page: &str, home: &Installation, user: &Api) -> Result<()> {
        let own = steps(&text(page)?);
        ensure!(own.iter().any(|step| matches!(step, Step::Ask(_))), "docs/{page}.md asks nothing of an installation");
        let all: Vec<Step> = steps(&text(FUNCTIONS)?).into_iter().chain(own).collect();
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        fs::write(at(".steps"), script(&all))?;
        let mut shell = tokio::process::Command::new("bash")
            .args(["-euo", "pipefail", ".steps"])
            .current_dir(folder.path())
            .env("AERIE", home.url())
            .env("TOKEN", user.token().context("the user has signed in")?)
            .stdin(Stdio::null())
            .stdout(fs::File::create(at(".out"))?)
            .stderr(fs::File::create(at(".err"))?)
            .kill_on_drop(true)
            .spawn()?;
        let ended = timeout(PATIENCE, shell.wait()).await;
        let (out, err) = (fs::read_to_string(at(".out"))?, fs::read_to_string(at(".err"))?);
        let said: Vec<&str> = out.split(MARK).collect();
        if !matches!(&ended, Ok(Ok(status)) if status.success()) {
            let step = all.iter().filter_map(Step::script).nth(said.len() - 1).unwrap_or_default();
            let last = said.last().copied().unwrap_or_default();
            bail!("docs/{page}.md: {ended:?}\n{step}\nsaid\n{last}{err}");
        }
        compare(&all, &said).with_context(|| format!("docs/{page}.md"))
    }

    /// A file that the steps made.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        fs::read(&path).with_context(|| path.display().to_string())
    }

    /// The folder in which the steps were taken.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

enum Step {
    File {
        path: String,
        content: String,
    },
    /// On the reader's machine, in a shell of its own.
    Run(String),
    /// With an installation; what one of these sets, those after it know.
    Ask(String),
    See(String),
}

impl Step {
    /// What it gives to a shell.
    fn script(&self) -> Option<&str> {
        match self {
            Self::Run(script) | Self::Ask(script) => Some(script),
            Self::File { .. } | Self::See(_) => None,
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page.
fn text(page: &str) -> Result<String> {
    let path = root().join("docs").join(format!("{page}.md"));
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

fn take(folder: &Path, step: &Step) -> Result<()> {
    match step {
        Step::File { path, content } => {
            let path = folder.join(path);
            // The page makes the folders; a missing one is a mistake on the page.
            fs::write(&path, content).with_context(|| path.display().to_string())
        }
        Step::Run(script) => {
            let done = Command::new("sh").args(["-euc", script]).current_dir(folder).output()?;
            let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            ensure!(done.status.success(), "{script}{said}");
            Ok(())
        }
        Step::Ask(_) | Step::See(_) => Ok(()),
    }
}

/// All steps for one shell.
fn script(steps: &[Step]) -> String {
    let part = |step: &Step| match step {
        Step::File { path, content } => format!("cat >'{path}' <<'{END}'\n{content}{END}\n"),
        Step::Run(script) => format!("(\n{script})\nprintf '%s' '{MARK}'\n"),
        Step::Ask(script) => format!("{script}printf '%s' '{MARK}'\n"),
        Step::See(_) => String::new(),
    };
    let parts: Vec<String> = steps.iter().map(part).collect();
    parts.concat()
}

/// Whether each step has printed what the page says after it.
fn compare(steps: &[Step], said: &[&str]) -> Result<()> {
    let (mut outputs, mut output) = (said.iter().copied(), "");
    for step in steps {
        if step.script().is_some() {
            output = outputs.next().context("a step was not taken")?;
        } else if let Step::See(expected) = step {
            ensure!(fits(expected, output), "what is seen is\n{output}\nand not\n{expected}");
        }
    }
    Ok(())
}

/// Whether this was printed. `…` stands for what is different every time: the pieces between come in this order, from the
/// beginning to the end.
fn fits(expected: &str, printed: &str) -> bool {
    let (expected, printed) = (expected.trim(), printed.trim());
    let mut pieces = expected.split('…');
    let mut rest = printed.strip_prefix(pieces.next().unwrap_or_default());
    for piece in pieces {
        rest = rest.and_then(|rest| rest.split_once(piece)).map(|(_, after)| after);
    }
    rest.is_some_and(|rest| rest.is_empty() || expected.ends_with('…'))
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut content = String::new();
        for line in lines.by_ref().take_while(|line| *line != "```") {
            content.push_str(line);
            content.push('\n');
        }
        match info.split_once(' ') {
            Some((_, path)) => steps.push(Step::File { path: path.to_owned(), content }),
            None if info == "sh" => steps.push(Step::Run(content)),
            None if info == "bash" => steps.push(Step::Ask(content)),
            None if info == "text" => steps.push(Step::See(content.trim().to_owned())),
            None => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::{MARK, compare, fits, script, steps};
    use anyhow::{Result, ensure};
    use std::process::Command;

    const PAGE: &str = "\
```sh\nmkdir -p a && cd a\n```\n\
```txt a/b.txt\nit's $HOME\n```\n\
```bash\nNAME=Ada\ncat a/b.txt\n```\n\
```text\nit's $HOME\n```\n\
```\nfalse\n```\n\
```sh\necho \"Hello, $NAME, at $(date +%s)\"\n```\n\
```text\nHello, Ada, at …\n```\n";

    #[test]
    fn the_steps_of_a_page_are_taken_and_what_they_print_is_compared() -> Result<()> {
        let (steps, folder) = (steps(PAGE), tempfile::tempdir()?);
        let done = Command::new("bash").args(["-euc", &script(&steps)]).current_dir(folder.path()).output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let out = String::from_utf8(done.stdout)?;
        let said: Vec<&str> = out.split(MARK).collect();
        compare(&steps, &said)?;
        ensure!(compare(&steps, &[said[0], "something else", said[2]]).is_err(), "what is different is told");
        Ok(())
    }

    #[test]
    fn dots_stand_for_anything_and_nothing_else_does() {
        for (expected, printed) in [("a", "a\n"), ("a…", "abc"), ("…c", "abc"), ("a…c…e", "abcde"), ("", "")] {
            assert!(fits(expected, printed), "{expected} {printed}");
        }
        for (expected, printed) in [("a", "ab"), ("", "a"), ("a…c", "ab"), ("a…c", "abcd"), ("…b…a…", "ab")] {
            assert!(!fits(expected, printed), "{expected} {printed}");
        }
    }
}
