//! The last lines of some output, for messages.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Keeps the end of what was written. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    kept: Arc<Mutex<VecDeque<String>>>,
    lines: usize,
    characters: usize,
}

impl Tail {
    /// Keeps at most `lines` lines with `characters` characters altogether.
    pub(crate) fn new(lines: usize, characters: usize) -> Self {
        Self { kept: Arc::default(), lines, characters }
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: &str) {
        // A poisoned lock only means that a writer panicked between two lines; the lines are still good.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(line.to_owned());
        while kept.len() > self.lines {
            kept.pop_front();
        }
        // Keeps memory bounded when lines are long; the exact cut is made when the text is asked for.
        while kept.len() > 1 && kept.iter().map(String::len).sum::<usize>() > self.characters * 4 {
            kept.pop_front();
        }
    }

    /// The lines, oldest first; the oldest are left out, or cut at their front, when they are too much.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self.characters;
        let mut lines = VecDeque::with_capacity(kept.len());
        for line in kept.iter().rev() {
            let cut = last_characters(line, left);
            left -= cut.chars().count();
            lines.push_front(cut.to_owned());
            if left == 0 {
                break;
            }
        }
        lines.into()
    }

    /// The lines, joined; cut at the front.
    pub(crate) fn text(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        last_characters(&joined, self.characters).to_owned()
    }
}

/// The last `count` characters of `text`.
pub(crate) fn last_characters(text: &str, count: usize) -> &str {
    match text.char_indices().rev().nth(count.saturating_sub(1)) {
        Some((start, _)) if count > 0 => &text[start..],
        Some(_) => "",
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let tail = Tail::new(2, 100);
        for line in ["one", "two", "three"] {
            tail.push(line);
        }
        assert_eq!(tail.text(), "two\nthree");
    }

    #[test]
    fn lines_come_one_by_one_and_the_newest_count() {
        let tail = Tail::new(3, 5);
        for line in ["one", "", "three"] {
            tail.push(line);
        }
        assert_eq!(tail.lines(), ["three"]);
        tail.push("4");
        assert_eq!(tail.lines(), ["hree", "4"], "cut at the front");
        tail.push("");
        assert_eq!(tail.lines(), ["hree", "4", ""]);
    }

    #[test]
    fn long_lines_are_cut_at_the_front_between_characters() {
        let tail = Tail::new(20, 3);
        tail.push("grüße");
        assert_eq!(tail.text(), "üße");
        assert_eq!(last_characters("ab", 0), "");
        assert_eq!(last_characters("ab", 5), "ab");
    }
}
