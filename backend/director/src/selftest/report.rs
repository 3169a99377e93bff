//! The table that an operator reads.

use super::{Finding, Verdict};
use std::fmt::Write;

/// One line per finding, with a sum at the end.
pub(super) fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.check.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for finding in findings {
        let word = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Problem => "PROBLEM",
        };
        let line = format!("{word:<7}  {:<width$}  {}", finding.check, finding.hint);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let problems = findings.iter().filter(|finding| finding.verdict == Verdict::Problem).count();
    let _ = match problems {
        0 => writeln!(text, "\n{} checks, no problem.", findings.len()),
        1 => writeln!(text, "\n{} checks, 1 problem.", findings.len()),
        _ => writeln!(text, "\n{} checks, {problems} problems.", findings.len()),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_counted() {
        let text = table(&[Finding::ok("a long check", ""), Finding::problem("short", "Do this.")]);
        assert_eq!(text, "ok       a long check\nPROBLEM  short         Do this.\n\n2 checks, 1 problem.\n");
    }
}
