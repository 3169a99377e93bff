//! How a log line carries its role and stream through the container's output: `role|stream|text`.

use std::fmt;

/// Longest text of one line, in bytes; the agent breaks longer ones (Docker itself breaks at 16 KiB).
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Where a line of the container's output comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTag {
    /// Role name or `agent`.
    pub role: String,
    /// Stream name.
    pub stream: String,
}

/// One line with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedLine {
    /// Where it comes from.
    pub tag: LogTag,
    /// The text.
    pub text: String,
}

impl TaggedLine {
    /// Longest text of one line, in bytes.
    pub const MAX_TEXT_BYTES: usize = MAX_TEXT_BYTES;

    /// Reads a line of a container's output. A line without a tag is the agent's own.
    pub fn parse(line: &str) -> Self {
        let mut parts = line.splitn(3, '|');
        if let (Some(role), Some(stream), Some(text)) = (parts.next(), parts.next(), parts.next())
            && is_word(role)
            && is_word(stream)
        {
            return Self { tag: LogTag { role: role.to_owned(), stream: stream.to_owned() }, text: text.to_owned() };
        }
        Self { tag: LogTag { role: "agent".to_owned(), stream: "out".to_owned() }, text: line.to_owned() }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 24
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl fmt::Display for TaggedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}|{}", self.tag.role, self.tag.stream, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tagged_line_survives_the_container(text in "[^\n\r]{0,200}", role in "[a-z][a-z0-9-]{0,20}") {
            let line = TaggedLine { tag: LogTag { role, stream: "err".into() }, text };
            prop_assert_eq!(TaggedLine::parse(&line.to_string()), line);
        }

        #[test]
        fn any_line_can_be_read(line in "\\PC*") {
            let _ = TaggedLine::parse(&line);
        }
    }
}
