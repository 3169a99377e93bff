//! Pages of `docs/` that are tests: their blocks become files and commands.
//!
//! A block whose first line is ```` ```toml some/path ```` is a file. A block of language `sh` is run where the files
//! are; the block of language `text` after it is what it prints, with `…` for what is different every time. Other blocks
//! only explain.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One step of a page.
#[derive(Debug)]
enum Step {
    File { path: String, content: String },
    Run { script: String, prints: Option<String> },
}

/// A page and the folder in which its steps are taken.
pub struct Walkthrough {
    folder: tempfile::TempDir,
    steps: std::vec::IntoIter<Step>,
}

impl Walkthrough {
    /// Of a page below `docs/`.
    pub fn of(page: &str) -> Self {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        let steps = steps(&fs::read_to_string(page).expect("a page"));
        assert!(!steps.is_empty(), "there is nothing to do on this page");
        Self { folder: tempfile::tempdir().expect("a folder"), steps: steps.into_iter() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all steps before the first one that asks the service.
    pub fn prepare(&mut self) {
        while self.steps.as_slice().first().is_some_and(|step| !asks(step)) {
            let step = self.steps.next().expect("there is one");
            self.take(step, "");
        }
    }

    /// Takes the other steps; `$ADDRESS` is where the service answers. `after` is called after each with the number of
    /// those taken.
    pub fn visit(mut self, address: &str, mut after: impl FnMut(usize)) -> usize {
        let mut taken = 0;
        while let Some(step) = self.steps.next() {
            self.take(step, address);
            taken += 1;
            after(taken);
        }
        taken
    }

    fn take(&self, step: Step, address: &str) {
        match step {
            Step::File { path, content } => {
                let path = self.folder.path().join(path);
                // The page makes folders that are not obvious by itself; a missing one is a mistake on the page.
                fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            Step::Run { script, prints } => {
                let mut shell = Command::new("sh");
                shell.args(["-euc", &script]).current_dir(self.folder.path()).env("ADDRESS", address);
                let done = shell.output().expect("a shell");
                let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
                assert!(done.status.success(), "{script}{out}{err}");
                if let Some(expected) = prints {
                    assert!(matches(&expected, &out), "{script}prints\n{out}\nand not\n{expected}");
                }
            }
        }
    }
}

fn asks(step: &Step) -> bool {
    matches!(step, Step::Run { script, .. } if script.contains("$ADDRESS"))
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
        match (info.split_once(' '), info, steps.last_mut()) {
            (Some((_, path)), _, _) => steps.push(Step::File { path: path.to_owned(), content }),
            (None, "sh", _) => steps.push(Step::Run { script: content, prints: None }),
            (None, "text", Some(Step::Run { prints, .. })) => *prints = Some(content),
            _ => {}
        }
    }
    steps
}

/// Whether the pieces between the dots come in this order, from the beginning to the end.
fn matches(expected: &str, said: &str) -> bool {
    let pieces: Vec<&str> = expected.trim().split('…').collect();
    let mut rest = said.trim();
    for (n, piece) in pieces.iter().enumerate() {
        let Some(at) = rest.find(piece) else { return false };
        if n == 0 && at > 0 {
            return false;
        }
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty() || pieces.last() == Some(&"")
}

/// Files below a folder with their contents, by path.
pub fn tree(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            if entry.path().is_dir() {
                open.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(folder).expect("it is below").to_owned();
                found.push((path, fs::read_to_string(entry.path()).expect("a text")));
            }
        }
    }
    found.sort();
    found
}
