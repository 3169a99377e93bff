//! Cuts a stream of bytes into lines: no trailing CR, valid UTF-8, none longer than a log line may be.

use super::{
    Output,
    rate::{Rate, Verdict, dropped_line},
};
use crate::{load::RequestMeter, tail::Tail};
use aerie_agent_protocol::TaggedLine;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, sleep, timeout},
};

/// How long after a flood it is told how many lines were dropped, if nothing else is written. Longer: told later.
const TELL_AFTER: Duration = Duration::from_millis(500);

/// While a program writes again and again, what it writes is taken together after so long. Longer: those who follow its log see
/// lines later; shorter: access logs of thousands of requests per second cost processor time that the requests need.
const GATHER: Duration = Duration::from_millis(5);

/// Bytes that are read at once.
const READ: usize = 8192;

/// Where lines go.
pub(crate) struct Sink {
    /// To the log, as this role and stream.
    pub(crate) log: Option<(Output, String, String)>,
    /// To be quoted in a message.
    pub(crate) tails: Vec<Tail>,
    /// To be counted: lines are requests.
    pub(crate) requests: Option<RequestMeter>,
}

impl Sink {
    async fn line(&self, text: &str, rate: &mut Rate) {
        for tail in &self.tails {
            tail.push(text);
        }
        if let Some(requests) = &self.requests {
            requests.see(text);
        }
        if let (Some((output, role, stream)), Verdict::Pass(dropped)) = (&self.log, rate.offer(text.len())) {
            if dropped > 0 {
                output.line(role, stream, &dropped_line(dropped)).await;
            }
            output.line(role, stream, text).await;
        }
    }

    /// Says how many lines are missing at the end of what was written.
    async fn tell_dropped(&self, rate: &mut Rate) {
        let dropped = rate.take_dropped();
        if let (Some((output, role, stream)), true) = (&self.log, dropped > 0) {
            output.line(role, stream, &dropped_line(dropped)).await;
        }
    }

    /// Passes everything on until the stream ends, but not more than [`Rate`] allows.
    pub(crate) async fn pump(self, mut from: impl AsyncRead + Unpin) {
        let mut cutter = Cutter::default();
        let mut rate = Rate::new();
        let mut bytes = vec![0; READ];
        let mut read_at: Option<Instant> = None;
        loop {
            let read = if rate.is_dropping() {
                // Cancel-safe: a read that is dropped has taken nothing.
                let Ok(read) = timeout(TELL_AFTER, from.read(&mut bytes)).await else {
                    self.tell_dropped(&mut rate).await;
                    continue;
                };
                read
            } else {
                from.read(&mut bytes).await
            };
            // An error on a pipe is as final as its end.
            let read = read.unwrap_or(0);
            if read == 0 {
                break;
            }
            for line in cutter.cut(&bytes[..read]) {
                self.line(&line, &mut rate).await;
            }
            let now = Instant::now();
            // One that has more to say than is read at once is not held up.
            if read < READ && read_at.is_some_and(|before| now - before < GATHER * 2) {
                sleep(GATHER).await;
            }
            read_at = Some(now);
        }
        for line in cutter.rest() {
            self.line(&line, &mut rate).await;
        }
        self.tell_dropped(&mut rate).await;
    }
}

/// Collects bytes until they make lines.
#[derive(Default)]
struct Cutter {
    pending: Vec<u8>,
}

impl Cutter {
    /// Takes bytes in and gives the lines that are now complete.
    fn cut(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.pending.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            if self.pending.last() == Some(&b'\r') {
                self.pending.pop();
            }
            let whole = std::mem::take(&mut self.pending);
            pieces(&whole, &mut lines);
        }
        self.pending.extend_from_slice(rest);
        while self.pending.len() > TaggedLine::MAX_TEXT_BYTES {
            let tail = self.pending.split_off(boundary(&self.pending));
            let head = std::mem::replace(&mut self.pending, tail);
            pieces(&head, &mut lines);
        }
        lines
    }

    /// The last line, which nothing ended.
    fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.pending.is_empty() {
            pieces(&std::mem::take(&mut self.pending), &mut lines);
        }
        lines
    }
}

/// Where to break a line that is too long: at the limit, or just before a character that crosses it.
fn boundary(bytes: &[u8]) -> usize {
    let limit = TaggedLine::MAX_TEXT_BYTES;
    // A character has at most three continuation bytes (0b10xx_xxxx); more are not UTF-8 anyway.
    (limit - 3..=limit).rev().find(|at| bytes[*at] & 0b1100_0000 != 0b1000_0000).unwrap_or(limit)
}

/// Adds a line as text, in pieces when that makes it too long (each wrong byte becomes a mark of three bytes).
fn pieces(line: &[u8], into: &mut Vec<String>) {
    let text = String::from_utf8_lossy(line);
    let mut rest: &str = &text;
    while rest.len() > TaggedLine::MAX_TEXT_BYTES {
        let (head, tail) = rest.split_at(rest.floor_char_boundary(TaggedLine::MAX_TEXT_BYTES));
        into.push(head.to_owned());
        rest = tail;
    }
    into.push(rest.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = TaggedLine::MAX_TEXT_BYTES;

    fn all(chunks: &[&[u8]]) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut lines: Vec<_> = chunks.iter().flat_map(|chunk| cutter.cut(chunk)).collect();
        lines.extend(cutter.rest());
        lines
    }

    #[test]
    fn lines_may_come_in_any_pieces() {
        assert_eq!(all(&[b"a\nb", b"c\r\n\n", b"\xc3", b"\xbc\nend"]), ["a", "bc", "", "ü", "end"]);
    }

    #[test]
    fn wrong_bytes_become_marks() {
        assert_eq!(all(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn long_lines_are_broken_between_characters() {
        let long = "ü".repeat(MAX);
        let lines = all(&[b"x", long.as_bytes(), b"\n"]);
        assert_eq!(lines.concat(), format!("x{long}"));
        assert!(lines.iter().all(|l| l.len() <= MAX && !l.is_empty()));
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn long_wrong_lines_are_broken_too() {
        let lines = all(&[&vec![0xff; 2 * MAX]]);
        assert!(lines.iter().all(|l| l.len() <= MAX));
        assert_eq!(lines.concat().chars().count(), 2 * MAX);
    }

    #[tokio::test]
    async fn a_flood_is_cut_and_says_so() {
        let (output, writer) = crate::output::channel();
        let seen = crate::testing::Shared::default();
        let task = tokio::spawn(writer.run(seen.clone()));
        let sink = Sink { log: Some((output, "php".into(), "out".into())), tails: Vec::new(), requests: None };
        let flood = "spam\n".repeat(600_000);
        sink.pump(flood.as_bytes()).await;
        task.await.unwrap();
        let text = seen.text();
        let lines = text.lines().count();
        let told: Vec<_> = text.lines().filter(|line| line.contains("dropped")).collect();
        assert!((200_000..600_000).contains(&lines), "{lines}");
        assert!(!told.is_empty() && told.iter().all(|line| line.starts_with("php|out|[")), "{told:?}");
        let dropped: usize = told.iter().filter_map(|l| l.split(['[', ' ']).nth(1)?.parse::<usize>().ok()).sum();
        assert_eq!(lines - told.len() + dropped, 600_000, "every line is passed on or counted");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_in_a_row_is_taken_together_and_nothing_waits_for_long() {
        let (output, mut writer) = crate::output::channel();
        let sink = Sink { log: Some((output, "web".into(), "access".into())), tails: Vec::new(), requests: None };
        let (mut program, end) = tokio::io::duplex(1024);
        let pump = tokio::spawn(sink.pump(end));
        let begun = Instant::now();
        let mut came = Vec::new();
        for line in ["1\n", "2\n", "3\n", "4\n"] {
            tokio::io::AsyncWriteExt::write_all(&mut program, line.as_bytes()).await.unwrap();
            sleep(Duration::from_millis(1)).await;
            while writer.lines.try_recv().is_ok() {
                came.push(begun.elapsed());
            }
        }
        assert_eq!(came.len(), 2, "the first is not held up, nor is the second; the others wait for more: {came:?}");
        for _ in 0..2 {
            writer.lines.recv().await.unwrap();
        }
        assert!(begun.elapsed() <= GATHER * 2, "{:?}", begun.elapsed());
        // After a pause the next one comes at once again.
        sleep(Duration::from_secs(1)).await;
        let written = Instant::now();
        tokio::io::AsyncWriteExt::write_all(&mut program, b"5\n").await.unwrap();
        writer.lines.recv().await.unwrap();
        assert_eq!(written.elapsed(), Duration::ZERO);
        drop(program);
        pump.await.unwrap();
    }

    proptest::proptest! {
        /// Whatever bytes in whatever pieces: lines that fit, none lost, and memory for one line at most.
        #[test]
        fn any_bytes_become_lines(chunks in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3000), 0..20)) {
            let mut cutter = Cutter::default();
            let mut lines = Vec::new();
            for chunk in &chunks {
                lines.extend(cutter.cut(chunk));
                proptest::prop_assert!(cutter.pending.len() <= MAX);
            }
            lines.extend(cutter.rest());
            proptest::prop_assert!(lines.iter().all(|line| line.len() <= MAX && !line.contains('\n')));
            let ends = chunks.iter().flatten().filter(|byte| **byte == b'\n').count();
            proptest::prop_assert!(lines.len() >= ends);
        }
    }

    #[test]
    fn a_megabyte_without_an_end_is_passed_on_in_pieces() {
        let mut cutter = Cutter::default();
        let mut bytes = 0;
        for _ in 0..128 {
            let lines = cutter.cut(&[b'x'; 8192]);
            bytes += lines.iter().map(String::len).sum::<usize>();
            assert!(cutter.pending.len() <= MAX);
        }
        bytes += cutter.rest().iter().map(String::len).sum::<usize>();
        assert_eq!(bytes, 1024 * 1024);
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_one_line() {
        let line = "y".repeat(MAX);
        assert_eq!(all(&[line.as_bytes(), b"\n"]), [line]);
    }
}
