//! What a client wishes for when it pushes, and how it is told what came of that.

use super::{
    malformed,
    pkt::{self, Band, FLUSH},
};
use crate::http::problem::ApiError;
use tokio::io::AsyncRead;

/// Most lines that are read. One branch at a time is what is done: more are read only to refuse each by its name.
const MAX_LINES: usize = 32;
/// Longest name of a branch, in bytes.
const MAX_NAME: usize = 200;
/// The commit before the first one, and after the last.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// One name that shall mean another commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) from: String,
    pub(super) to: String,
    reference: String,
}

/// All wishes of a push.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) all: Vec<Wish>,
    /// The client has only a part of its history.
    pub(super) shallow: bool,
    wants_report: bool,
    knows_bands: bool,
}

impl Wish {
    /// The branch, if it is one, and of a name that is harmless anywhere (stricter than `git help check-ref-format`).
    pub(super) fn branch(&self) -> Option<&str> {
        let name = self.reference.strip_prefix("refs/heads/")?;
        let usual = |c: char| c.is_alphanumeric() || "-_./+#=,".contains(c);
        let part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && !part.ends_with('.')
                && part.strip_suffix(".lock").is_none()
        };
        let harmless = name.len() <= MAX_NAME
            && name.chars().all(usual)
            && !name.contains("..")
            && name.split('/').all(part)
            && name != "HEAD";
        harmless.then_some(name)
    }

    /// The branch shall be gone.
    pub(super) fn removes(&self) -> bool {
        self.to == NO_COMMIT
    }

    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.trim_end_matches('\n').splitn(3, ' ');
        let (from, to, reference) = (parts.next()?, parts.next()?, parts.next()?);
        let is_id = |text: &str| {
            text.len() == NO_COMMIT.len() && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let known = is_id(from) && is_id(to) && !reference.chars().any(|c| c.is_control() || c == ' ');
        known.then(|| Self { from: from.to_owned(), to: to.to_owned(), reference: reference.to_owned() })
    }
}

impl Wishes {
    /// Reads the lines before the pack.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self, ApiError> {
        let mut wishes = Self::default();
        for _ in 0..MAX_LINES {
            let Some(line) = pkt::read(from).await? else { break };
            let line = String::from_utf8(line).map_err(|_| malformed("Names must be UTF-8 text."))?;
            let (wish, abilities) = line.split_once('\0').unwrap_or((line.as_str(), ""));
            if wish.starts_with("shallow ") {
                wishes.shallow = true;
                continue;
            }
            // Those that came with the first line hold for all.
            wishes.wants_report |= abilities.split(' ').any(|ability| ability.trim().starts_with("report-status"));
            wishes.knows_bands |= abilities.split(' ').any(|ability| ability.trim() == "side-band-64k");
            wishes.all.push(Wish::parse(wish).ok_or_else(|| malformed("This is not what git sends."))?);
        }
        Ok(wishes)
    }

    /// What the client is told: what came of it, or why nothing did.
    pub(super) fn answer(&self, outcome: Result<&str, &str>) -> Vec<u8> {
        let mut report = Vec::new();
        pkt::write(&mut report, b"unpack ok\n");
        for Wish { reference, .. } in &self.all {
            let line = match outcome {
                Ok(_) => format!("ok {reference}\n"),
                // On one line: a second one would be another report.
                Err(reason) => format!("ng {reference} {}\n", reason.replace(char::is_control, " ")),
            };
            pkt::write(&mut report, line.as_bytes());
        }
        report.extend(FLUSH);
        let mut answer = Vec::new();
        if self.knows_bands {
            if let Ok(text) = outcome {
                pkt::write_on(Band::Text, &mut answer, text.as_bytes());
            }
            if self.wants_report {
                pkt::write_on(Band::Data, &mut answer, &report);
            }
            answer.extend(FLUSH);
        } else if self.wants_report {
            answer = report;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "89e6c98d92887913cadf06b2adb97f26cde4849b";

    fn wish(reference: &str) -> Option<Wish> {
        Wish::parse(&format!("{NO_COMMIT} {COMMIT} {reference}\n"))
    }

    #[test]
    fn branches_with_usual_names_are_known() {
        for name in ["main", "feature/größer", "v1.0", "a-b_c+#1"] {
            assert_eq!(wish(&format!("refs/heads/{name}")).unwrap().branch(), Some(name));
        }
        for reference in [
            "HEAD",
            "refs/tags/v1",
            "refs/heads/",
            "refs/heads/HEAD",
            "refs/heads/../../config",
            "refs/heads/a/../b",
            "refs/heads/a//b",
            "refs/heads//etc/passwd",
            "refs/heads/.hidden",
            "refs/heads/-x",
            "refs/heads/main.lock",
            "refs/heads/x.",
            "refs/heads/a~1",
            "refs/heads/@{1}",
            "refs/heads/a\\b",
            &format!("refs/heads/{}", "x".repeat(MAX_NAME + 1)),
        ] {
            assert_eq!(wish(reference).unwrap().branch(), None, "{reference}");
        }
        for line in ["", "x y z", &format!("{COMMIT} {COMMIT}"), &format!("{COMMIT} --help refs/heads/x")] {
            assert_eq!(Wish::parse(line), None, "{line}");
        }
        assert_eq!(wish("refs/heads/a b"), None);
    }

    #[tokio::test]
    async fn abilities_come_with_the_first_wish() {
        let mut sent = Vec::new();
        pkt::write(&mut sent, format!("shallow {COMMIT}\n").as_bytes());
        let first = format!("{NO_COMMIT} {COMMIT} refs/heads/a\0 report-status-v2 side-band-64k agent=git/2");
        pkt::write(&mut sent, first.as_bytes());
        pkt::write(&mut sent, format!("{COMMIT} {NO_COMMIT} refs/heads/b\n").as_bytes());
        sent.extend(FLUSH);
        sent.extend(b"PACK");
        let mut from = sent.as_slice();
        let wishes = Wishes::read(&mut from).await.unwrap();
        assert_eq!(from, b"PACK", "the pack is left");
        assert!(wishes.shallow && wishes.wants_report && wishes.knows_bands, "{wishes:?}");
        assert_eq!(wishes.all.iter().map(Wish::removes).collect::<Vec<_>>(), [false, true]);
        let answer = String::from_utf8(wishes.answer(Err("no\nnot now"))).unwrap();
        assert!(answer.contains("ng refs/heads/a no not now\n") && answer.ends_with("0000"), "{answer}");
        let answer = String::from_utf8(wishes.answer(Ok("well done"))).unwrap();
        assert!(answer.starts_with("000e\u{2}well done") && answer.contains("ok refs/heads/b\n"), "{answer}");
    }
}
