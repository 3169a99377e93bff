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

/// Removes escape sequences (ECMA-48 §5.4 CSI, and OSC up to its end), control characters other than tab, and marks that
/// turn the direction of writing: with them a line can look like another one.
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
            c if c.is_control() || turns_direction(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// Unicode's explicit directional marks (UAX #9): embeddings, overrides, isolates.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_but_text_is_left(text in prop_oneof![any::<String>(), "[\u{1b}\\[\\]0-9;mK\u{7}\\\\a-z<>&|]{0,60}"]) {
            let cleaned = clean(&text);
            prop_assert!(cleaned.len() <= text.len());
            prop_assert!(!cleaned.chars().any(|c| (c.is_control() && c != '\t') || turns_direction(c)), "{:?}", cleaned);
            prop_assert_eq!(clean(&cleaned), cleaned.clone(), "clean text stays");
        }

        #[test]
        fn any_line_of_a_container_becomes_a_line(text in any::<String>()) {
            let raw = CloudLogLine { at: time::OffsetDateTime::UNIX_EPOCH, text };
            let line = line("0a1b2c3d", &raw);
            prop_assert!(!line.role.is_empty() && !line.stream.is_empty());
        }
    }

    #[test]
    fn a_line_cannot_look_like_another_one() {
        assert_eq!(clean("user\u{202e}drowssap\u{2066}x"), "userdrowssapx");
    }

    #[test]
    fn a_megabyte_of_escapes_is_cleaned_in_one_go() {
        let text = "\u{1b}[".repeat(500_000);
        let start = std::time::Instant::now();
        assert!(clean(&text).len() <= text.len());
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }

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
