//! Pages of `docs/` as tests: the archives that they tell readers to make, made as they say.
//!
//! A block whose first line is ```` ```php some/path ```` is a file; a block of language `sh` is run in the same folder; one
//! of language `text` is what will be seen, for the test to compare. Other blocks only explain.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A page whose steps have been taken.
pub struct HowTo {
    folder: PathBuf,
    /// What it says will be seen, block by block.
    pub seen: Vec<String>,
}

impl HowTo {
    /// Takes the steps of `docs/<page>.md` in a folder below `target`, unless they were taken there before and the page has
    /// not changed since: some fetch packages.
    ///
    /// # Errors
    /// When a step fails: with what it said.
    pub async fn follow(page: &str) -> Result<Self> {
        let page = page.to_owned();
        // Some steps take long. Meanwhile connections have to be looked after, or a request goes into one that has ended.
        tokio::task::spawn_blocking(move || Self::follow_now(&page)).await?
    }

    fn follow_now(page: &str) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let path = root.join("docs").join(format!("{page}.md"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let folder = root.join("target/test/docs").join(page);
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
    File { path: String, content: String },
    Run(String),
    See(String),
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
        Step::See(_) => Ok(()),
    }
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
            None if info == "text" => steps.push(Step::See(content.trim().to_owned())),
            None => {}
        }
    }
    steps
}
