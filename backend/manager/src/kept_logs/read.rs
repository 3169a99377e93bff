//! Reading kept output, the newest lines first: only as many frames are unpacked as the answer needs.

use super::{KeptLine, parse};
use aerie_domain::{InstanceId, ServiceId};
use regex::bytes::{Regex, RegexBuilder};
use std::{io, path::Path, sync::Arc};
use time::OffsetDateTime;
use zstd::zstd_safe::find_frame_compressed_size;

/// Most text that frames are searched for; `matches` compares the rest of a longer one.
const MAX_NEEDLE_CHARS: usize = 200;

/// Whether a line is wanted.
pub type Matches = dyn Fn(&KeptLine) -> bool + Send + Sync;

/// Which lines.
#[derive(Clone, Default)]
pub struct Wanted {
    /// At most so many of the newest.
    pub tail: Option<usize>,
    /// Only later ones.
    pub after: Option<OffsetDateTime>,
    /// `matches` is true only for lines that contain this, whatever its case, perhaps with terminal sequences in it:
    /// finds them much faster than by asking for each. Empty: it may be true for any.
    pub text: String,
    /// Only lines for which this is true; none: all.
    pub matches: Option<Arc<Matches>>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines, oldest first.
    pub lines: Vec<KeptLine>,
    /// The moment of the newest line, asked for or not.
    pub newest: Option<OffsetDateTime>,
    /// Older lines that may match were left out.
    pub more: bool,
}

/// The newest lines of an instance's kept output that are wanted; none when nothing was kept.
pub async fn read(folder: &Path, service: ServiceId, instance: InstanceId, wanted: Wanted) -> io::Result<Found> {
    let path = super::path(folder, service, instance);
    tokio::task::spawn_blocking(move || read_file(&path, &wanted)).await.map_err(io::Error::other)?
}

fn read_file(path: &Path, wanted: &Wanted) -> io::Result<Found> {
    // Whole: it is compressed, and bounded by what the engine keeps per container.
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(error) => return Err(error),
    };
    let mut search = Search::new(wanted)?;
    let mut plain = Vec::new();
    for frame in frames(&bytes).iter().rev() {
        plain.clear();
        // What cannot be unpacked was damaged on the disk; the others are as good as they were.
        if zstd::stream::copy_decode(*frame, &mut plain).is_ok() && !search.frame(&plain) {
            break;
        }
    }
    Ok(search.finish())
}

/// The whole frames of a file. One that a crash cut off ends what can be read.
fn frames(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some((frame, others)) = find_frame_compressed_size(rest).ok().and_then(|size| rest.split_at_checked(size))
        && !frame.is_empty()
    {
        frames.push(frame);
        rest = others;
    }
    frames
}

struct Search<'a> {
    wanted: &'a Wanted,
    needle: Option<Regex>,
    /// Newest first.
    found: Vec<KeptLine>,
    newest: Option<OffsetDateTime>,
    /// The oldest moment of the frames seen so far: what is not before it was written twice.
    until: Option<OffsetDateTime>,
    more: bool,
}

impl<'a> Search<'a> {
    fn new(wanted: &'a Wanted) -> io::Result<Self> {
        let text: String = wanted.text.chars().take(MAX_NEEDLE_CHARS).collect();
        let needle = RegexBuilder::new(&regex::escape(&text)).case_insensitive(true).build();
        let needle = (!text.is_empty()).then_some(needle).transpose().map_err(io::Error::other)?;
        Ok(Self { wanted, needle, found: Vec::new(), newest: None, until: None, more: false })
    }

    /// Looks through one frame, its last line first. False when no older frame is needed.
    fn frame(&mut self, plain: &[u8]) -> bool {
        let first = plain.split(|byte| *byte == b'\n').find_map(line);
        let until = self.until;
        if let Some(first) = first {
            self.until = Some(until.map_or(first.at, |until| until.min(first.at)));
        }
        if self.newest.is_none() {
            self.newest = plain.rsplit(|byte| *byte == b'\n').find_map(line).map(|line| line.at);
        }
        let goes_on = match &self.needle {
            // Controls may be in the middle of what is looked for; then every line is asked for.
            Some(needle) if !has_controls(plain) => {
                let hits = matching_lines(needle, plain);
                self.lines(hits.into_iter().rev(), until)
            }
            _ => self.all_lines(plain, until),
        };
        goes_on && self.wanted.after.zip(self.until).is_none_or(|(after, until)| until > after)
    }

    fn all_lines(&mut self, plain: &[u8], until: Option<OffsetDateTime>) -> bool {
        self.lines(plain.strip_suffix(b"\n").unwrap_or(plain).rsplit(|byte| *byte == b'\n'), until)
    }

    /// Takes lines that come newest first. False when there are enough.
    fn lines<'b>(&mut self, lines: impl Iterator<Item = &'b [u8]>, until: Option<OffsetDateTime>) -> bool {
        let mut previous = until;
        for line in lines.filter_map(line) {
            // A line is written twice when a crash comes between keeping and removing.
            if previous.is_some_and(|previous| line.at >= previous) {
                continue;
            }
            if self.wanted.after.is_some_and(|after| line.at <= after) {
                return false;
            }
            previous = Some(line.at);
            if self.wanted.matches.as_ref().is_some_and(|matches| !matches(&line)) {
                continue;
            }
            if self.wanted.tail.is_some_and(|tail| self.found.len() >= tail) {
                self.more = true;
                return false;
            }
            self.found.push(line);
        }
        true
    }

    fn finish(mut self) -> Found {
        self.found.reverse();
        Found { lines: self.found, newest: self.newest, more: self.more }
    }
}

/// Whether there are control characters other than tab and line end. Without early exits within a piece, so that the
/// compiler can look at many bytes at once.
fn has_controls(plain: &[u8]) -> bool {
    let odd = |byte: u8| u8::from(byte < b' ') & u8::from(byte != b'\n') & u8::from(byte != b'\t');
    plain.chunks(4096).any(|piece| piece.iter().fold(0, |any, byte| any | odd(*byte)) != 0)
}

/// Lines that contain the needle, if only in their time, each once.
fn matching_lines<'b>(needle: &Regex, plain: &'b [u8]) -> Vec<&'b [u8]> {
    let mut lines = Vec::new();
    let mut from = 0;
    while let Some(hit) = plain.get(from..).and_then(|rest| needle.find(rest)) {
        let at = from + hit.start();
        let begin = plain[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let end = plain[at..].iter().position(|byte| *byte == b'\n').map_or(plain.len(), |newline| at + newline);
        let line = &plain[begin..end];
        lines.push(line);
        from = end + 1;
    }
    lines
}

fn line(bytes: &[u8]) -> Option<KeptLine> {
    parse(std::str::from_utf8(bytes).ok()?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use std::io::Write;

    fn text(from: usize, to: usize) -> String {
        let line = |n: usize| format!("2026-05-01T10:{:02}:{:02}.5Z php|out|line {n} Über\n", n / 60 % 60, n % 60);
        (from..to).map(line).collect()
    }

    fn file(parts: &[String]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for part in parts {
            file.write_all(&zstd::encode_all(part.as_bytes(), 3).unwrap()).unwrap();
        }
        file
    }

    fn found(file: &tempfile::NamedTempFile, wanted: &Wanted) -> (Vec<String>, bool) {
        let found = read_file(file.path(), wanted).unwrap();
        let last = |line: &KeptLine| line.text.split_whitespace().nth(1).unwrap().to_owned();
        (found.lines.iter().map(last).collect(), found.more)
    }

    #[test]
    fn the_newest_lines_come_from_the_last_frames() {
        let file = file(&[text(0, 100), text(100, 200), text(200, 300)]);
        let wanted = Wanted { tail: Some(150), ..Wanted::default() };
        let (lines, more) = found(&file, &wanted);
        assert_eq!((lines.len(), lines[0].as_str(), lines[149].as_str(), more), (150, "150", "299", true));
        let (lines, more) = found(&file, &Wanted::default());
        assert_eq!((lines.len(), more), (300, false));
    }

    fn containing(text: &str) -> Wanted {
        let lower = text.to_lowercase();
        let matches = move |line: &KeptLine| line.text.replace('\u{1b}', "").to_lowercase().contains(&lower);
        Wanted { text: text.to_owned(), matches: Some(Arc::new(matches)), ..Wanted::default() }
    }

    #[test]
    fn text_is_found_whatever_its_case_and_not_in_the_time() {
        let file = file(&[text(0, 100), text(100, 200)]);
        let wanted = containing;
        assert_eq!(found(&file, &wanted("LINE 42 üBER")).0, ["42"]);
        assert_eq!(found(&file, &wanted("line 19")).0.len(), 11);
        assert_eq!(found(&file, &wanted("2026-05")).0.len(), 0);
        assert_eq!(found(&file, &wanted("(")).0.len(), 0);
        let wanted = Wanted { tail: Some(2), ..containing("line 1") };
        assert_eq!(found(&file, &wanted), (vec!["198".to_owned(), "199".to_owned()], true));
    }

    #[test]
    fn controls_in_the_middle_do_not_hide_text() {
        let file = file(&["2026-05-01T11:00:00Z php|err|line 7 er\u{1b}ror\n".to_owned()]);
        assert_eq!(found(&file, &containing("error")).0, ["7"]);
    }

    #[test]
    fn only_later_lines_and_one_role() {
        let file = file(&[text(0, 100), "2026-05-01T11:00:00Z web|err|line 7\n".to_owned()]);
        let after = Some(
            OffsetDateTime::parse("2026-05-01T10:01:37.5Z", &time::format_description::well_known::Rfc3339).unwrap(),
        );
        let web: Arc<Matches> = Arc::new(|line| line.text.starts_with("web|"));
        assert_eq!(found(&file, &Wanted { after, ..Wanted::default() }).0, ["98", "99", "7"]);
        assert_eq!(found(&file, &Wanted { matches: Some(web), ..Wanted::default() }).0, ["7"]);
    }

    #[test]
    fn what_was_written_twice_is_read_once() {
        let file = file(&[text(0, 60), text(30, 90)]);
        let (lines, _) = found(&file, &Wanted::default());
        let expected: Vec<String> = (0..90).map(|n| n.to_string()).collect();
        assert_eq!(lines, expected);
    }
}
