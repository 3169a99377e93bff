//! The agent's standard output: every line of every process, script and of the agent itself, as `role|stream|text`.
//!
//! Guarantees: lines of processes and scripts are never dropped without a line that says how many (see [`rate`]). When
//! nobody reads the container's output, whoever writes has to wait, as with any pipe. The agent's own lines never make
//! it wait.

pub(crate) mod lines;
mod rate;

use aerie_agent_protocol::{LogTag, TaggedLine};
use std::io::Write;
use tokio::sync::mpsc;

/// Lines under way to the writer. Larger: more memory while nobody reads; smaller: more task switches under load.
const WAITING_LINES: usize = 512;
/// The agent's own lines under way; it writes a few per event, so this fills only when nobody reads for long.
const WAITING_OWN_LINES: usize = 1024;
/// Lines written at once. Larger: fewer system calls; smaller: less delay for the first of them.
const BATCH: usize = 256;

/// Hands lines to the writer.
#[derive(Clone)]
pub(crate) struct Output {
    lines: mpsc::Sender<String>,
    own: mpsc::Sender<String>,
}

/// The other end: the one task that writes.
pub(crate) struct Writer {
    lines: mpsc::Receiver<String>,
    own: mpsc::Receiver<String>,
}

/// A pair of both.
pub(crate) fn channel() -> (Output, Writer) {
    let (lines, lines_end) = mpsc::channel(WAITING_LINES);
    let (own, own_end) = mpsc::channel(WAITING_OWN_LINES);
    (Output { lines, own }, Writer { lines: lines_end, own: own_end })
}

impl Output {
    /// Writes a line of a process or script as it is; waits while the writer is behind.
    pub(crate) async fn line(&self, role: &str, stream: &str, text: &str) {
        // Fails only when the writer has ended, which is when the agent does.
        let _ = self.lines.send(tagged(role, stream, text)).await;
    }

    /// Writes what the agent did.
    pub(crate) fn info(&self, text: impl AsRef<str>) {
        self.own("info", text.as_ref());
    }

    /// Writes what went wrong.
    pub(crate) fn error(&self, text: impl AsRef<str>) {
        self.own("error", text.as_ref());
    }

    fn own(&self, stream: &str, text: &str) {
        for line in text.lines() {
            // Full only when nobody has read the output for a thousand lines: supervising must go on without.
            let _ = self.own.try_send(tagged("agent", stream, line));
        }
    }
}

impl Writer {
    /// Writes until every [`Output`] is gone.
    pub(crate) async fn run<W: Write + Send + 'static>(mut self, mut to: W) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            // Both branches are cancel-safe: `recv` takes a line only when it completes. `None` means that every
            // [`Output`] is gone, as each holds both ends.
            let first = tokio::select! {
                biased;
                line = self.own.recv() => line,
                line = self.lines.recv() => line,
            };
            batch.extend(first);
            self.take_waiting(&mut batch);
            if batch.is_empty() {
                return;
            }
            let bytes = std::mem::take(&mut batch).concat();
            // On a blocking thread, because a full pipe would stop everything else. A closed pipe (nobody will ever
            // read) is no reason to end: the processes matter more.
            let written = tokio::task::spawn_blocking(move || {
                let _ = to.write_all(bytes.as_bytes()).and_then(|()| to.flush());
                to
            });
            match written.await {
                Ok(back) => to = back,
                Err(_) => return,
            }
        }
    }

    /// Takes lines that wait, if any.
    fn take_waiting(&mut self, batch: &mut Vec<String>) {
        while let Ok(line) = self.own.try_recv() {
            batch.push(line);
        }
        while batch.len() < BATCH {
            let Ok(line) = self.lines.try_recv() else { break };
            batch.push(line);
        }
    }
}

fn tagged(role: &str, stream: &str, text: &str) -> String {
    let tag = LogTag { role: word(role), stream: word(stream) };
    let mut line = TaggedLine { tag, text: text.to_owned() }.to_string();
    line.push('\n');
    line
}

/// A name that the reader of the log takes as one: small letters, digits, hyphens, at most 24.
fn word(name: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let word: String = name.chars().take(24).map(fit).collect();
    if word.is_empty() { "out".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Shared;

    #[tokio::test]
    async fn lines_of_all_arrive_tagged_and_in_order() {
        let (output, writer) = channel();
        let seen = Shared::default();
        let task = tokio::spawn(writer.run(seen.clone()));
        for n in 0..2000 {
            output.line("web", "access", &n.to_string()).await;
        }
        output.line("PHP fpm", "", "x").await;
        output.error("two\nlines");
        drop(output);
        task.await.unwrap();
        let text = seen.text();
        let numbers: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("web|access|")?.parse::<u32>().ok()).collect();
        assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
        assert!(text.contains("php-fpm|out|x\n"), "{text}");
        assert!(text.contains("agent|error|two\nagent|error|lines\n"), "{text}");
    }

    #[tokio::test]
    async fn the_agent_never_waits_for_a_reader() {
        let (output, _writer) = channel();
        for _ in 0..WAITING_OWN_LINES * 2 {
            output.info("nobody reads");
        }
    }
}
