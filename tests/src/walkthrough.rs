//! Pages of `docs/` that tests follow: their files and commands, and what they say will be seen.

use anyhow::{Context, Result, ensure};
use std::{fs, path::Path, process::Command};

/// What a page tells to make, in a folder of its own.
pub struct Walkthrough {
    folder: tempfile::TempDir,
    /// What it says will be seen, block by block.
    pub seen: Vec<String>,
}

impl Walkthrough {
    /// Takes the steps of a page below `docs/`: a block whose first line is ```` ```lang some/path ```` becomes a file, a block
    /// of language `sh` is run, one of language `text` is kept for the test to compare. Other blocks only explain.
    ///
    /// # Errors
    /// When a step does not work.
    pub fn of(page: &str) -> Result<Self> {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
        let text = fs::read_to_string(page)?;
        let mut page = Self { folder: tempfile::tempdir()?, seen: Vec::new() };
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let content = block.join("\n") + "\n";
            match info.split_once(' ') {
                Some((_, path)) => fs::write(page.folder.path().join(path), content).context(path.to_owned())?,
                None if info == "sh" => page.run(&content)?,
                None if info == "text" => page.seen.push(content.trim().to_owned()),
                None => {}
            }
        }
        Ok(page)
    }

    /// A file that it made.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.folder.path().join(name)).context(name.to_owned())
    }

    fn run(&self, script: &str) -> Result<()> {
        let done = Command::new("sh").args(["-euc", script]).current_dir(self.folder.path()).output()?;
        ensure!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}
