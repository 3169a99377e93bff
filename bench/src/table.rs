//! The table in `docs/benchmarks.md`, between two marks; lines of rows that were not measured stay as they are.

use crate::figures::Line;
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use time::OffsetDateTime;

const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// Tells the person at the terminal.
pub fn say(text: &str) {
    // A terminal that is gone must not end the measuring.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Puts lines into the table.
pub fn write(lines: &[Line]) -> Result<()> {
    let path = root().join("docs/benchmarks.md");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (before, rest) = text.split_once(BEGIN).context("docs/benchmarks.md has no mark where the table begins")?;
    let (table, after) = rest.split_once(END).context("docs/benchmarks.md has no mark where the table ends")?;
    let table = merged(table, lines, &place_and_time());
    fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}"))?;
    Ok(())
}

/// The table with new lines in place of those of the same key.
fn merged(table: &str, lines: &[Line], measured: &str) -> String {
    let order = |key: &str| {
        let row = key.split('.').next().unwrap_or(key);
        crate::rows::ROWS.iter().position(|name| *name == row).unwrap_or(usize::MAX)
    };
    let key = |line: &str| line.split('`').nth(1).unwrap_or_default().to_owned();
    let old = table.lines().filter(|line| line.starts_with("| `"));
    let mut all: BTreeMap<(usize, String), String> =
        old.map(|line| ((order(&key(line)), key(line)), line.to_owned())).collect();
    for line in lines {
        let Line { key, what, ours, theirs, result, goal, met } = line;
        let met = if *met { "yes" } else { "**no**" };
        let text = format!("| `{key}` | {what} | {ours} | {theirs} | {result} | {goal} | {met} | {measured} |");
        all.insert((order(key), key.clone()), text);
    }
    let head = "| row | what | Aerie | compared with | result | goal | reached | measured |\n|---|---|---|---|---|---|---|---|\n";
    all.values().fold(head.to_owned(), |text, line| format!("{text}{line}\n"))
}

/// When, on what, and which commit.
fn place_and_time() -> String {
    let now = OffsetDateTime::now_utc();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default();
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(root()).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let commit = git(&["describe", "--always"]);
    // The table itself changes with every row.
    let changed = git(&["status", "--porcelain", "--", ".", ":!docs/benchmarks.md"]);
    let dirty = if changed.is_empty() { "" } else { "-dirty" };
    format!("{} {commit}{dirty}, {cores} cores, {} GB", now.date(), kib.div_ceil(1024 * 1024))
}

/// The top folder of the sources.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, result: &str) -> Line {
        let text = |text: &str| text.to_owned();
        Line {
            key: text(key),
            what: text("w"),
            ours: text("o"),
            theirs: text("t"),
            result: text(result),
            goal: text("g"),
            met: false,
        }
    }

    #[test]
    fn new_lines_replace_old_ones_in_the_order_of_the_rows() {
        let first = merged("", &[line("scale", "1"), line("start", "2")], "today");
        assert!(first.find("`start`") < first.find("`scale`"), "{first}");
        let second = merged(&first, &[line("scale", "3")], "later");
        assert!(second.contains("| 2 | g | **no** | today |") && second.contains("| 3 | g | **no** | later |"));
        assert!(!second.contains("| 1 |"));
    }
}
