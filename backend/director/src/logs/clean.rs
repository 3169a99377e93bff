//! Lines as they may be shown: without terminal sequences and control characters.

use aerie_agent_protocol::TaggedLine;
use aerie_cloud::CloudLogLine;
use aerie_domain::views::{LogLine, LogSource};

/// A line of a container's output, with its origin.
pub(super) fn line(instance: &str, raw: &CloudLogLine) -> LogLine {
    let tagged = TaggedLine::parse(&raw.text);
    LogLine {
        at: raw.at,
        source: LogSource::Instance,
        instance: instance.to_owned(),
        role: tagged.tag.role,
        stream: tagged.tag.stream,
        text: clean(&tagged.text),
    }
}

/// Removes escape sequences (ECMA-48 §5.4 CSI, and OSC up to its end) and control characters other than tab.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => {
                    // Parameters and intermediates, then one final character from @ to ~.
                    for c in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                }
                Some(']') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' {
                            break;
                        }
                        if c == '\u{1b}' {
                            chars.next_if_eq(&'\\');
                            break;
                        }
                    }
                }
                // A sequence of two characters, or a lone escape at the end.
                Some(_) | None => {}
            },
            '\t' => cleaned.push('\t'),
            c if c.is_control() => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_controls_are_gone_and_text_stays() {
        assert_eq!(clean("\u{1b}[1;31mred\u{1b}[0m plain\tä ☃"), "red plain\tä ☃");
        assert_eq!(clean("a\u{0}b\rc\u{7f}d\u{85}e"), "abcde");
        assert_eq!(clean("\u{1b}]0;title\u{7}x\u{1b}]8;;http://y\u{1b}\\link"), "xlink");
        assert_eq!(clean("cut \u{1b}["), "cut ");
        assert_eq!(clean("\u{1b}"), "");
    }

    #[test]
    fn a_tag_becomes_role_and_stream() {
        let raw = CloudLogLine { at: time::OffsetDateTime::UNIX_EPOCH, text: "php|err|\u{1b}[31mNotice|x".to_owned() };
        let line = line("0a1b2c3d", &raw);
        assert_eq!((line.role.as_str(), line.stream.as_str(), line.text.as_str()), ("php", "err", "Notice|x"));
    }
}
