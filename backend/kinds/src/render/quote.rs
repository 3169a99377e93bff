//! Filters that put a value of anybody's choice into a configuration file such that it stays one value.
//!
//! | filter | for | cannot be kept |
//! |---|---|---|
//! | `ini_quote` | php-fpm pools, php.ini | NUL |
//! | `nginx_quote` | nginx; the file must have `geo $dollar { default "$"; }` | NUL |
//! | `haproxy_quote` | HAProxy words, outside log formats | line ends and other control characters: spaces |
//! | `haproxy_format` | HAProxy words that are log formats (`lf-string`) | as above |
//! | `map_key`, `map_value` | HAProxy map files | as above; in keys everything but `a-z 0-9 . -` |
//! | `html` | HTML text and attributes | control characters |
//! | `word` | names and addresses | everything but `A-Z a-z 0-9 . : _ -`: underscores |
//!
//! To add one: a function here, a line in `add_filters` and one above, and a test with the hostile values below.

use minijinja::Environment;
use std::fmt::Write as _;

pub(super) fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("ini_quote", |text: &str| ini(text));
    environment.add_filter("nginx_quote", |text: &str| nginx(text));
    environment.add_filter("haproxy_quote", |text: &str| haproxy(text));
    environment.add_filter("haproxy_format", |text: &str| haproxy(&text.replace('%', "%%")));
    environment.add_filter("map_key", |text: &str| map_key(text));
    environment.add_filter("map_value", |text: &str| one_line(text).trim().to_owned());
    environment.add_filter("html", |text: &str| html(text));
    environment.add_filter("word", |text: &str| word(text));
}

/// PHP's ini parser joins neighbouring pieces: raw pieces in single quotes (no escapes, no `${}`), the quote itself in
/// double quotes, and the constant `PHP_EOL` for a line end, because php-fpm parses its file line by line.
fn ini(text: &str) -> String {
    let mut quoted = String::new();
    let mut raw = String::new();
    let flush = |raw: &mut String, quoted: &mut String| {
        if !raw.is_empty() {
            let _ = write!(quoted, "'{raw}'");
            raw.clear();
        }
    };
    for character in text.chars() {
        match character {
            '\0' => {}
            '\'' => {
                flush(&mut raw, &mut quoted);
                quoted.push_str("\"'\"");
            }
            '\n' => {
                flush(&mut raw, &mut quoted);
                quoted.push_str("PHP_EOL");
            }
            other => raw.push(other),
        }
    }
    flush(&mut raw, &mut quoted);
    if quoted.is_empty() { "''".to_owned() } else { quoted }
}

/// nginx has no escape for `$`, hence the variable.
fn nginx(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '\0' => {}
            '"' | '\\' => quoted.extend(['\\', character]),
            '$' => quoted.push_str("${dollar}"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Strong quotes keep everything but themselves.
fn haproxy(text: &str) -> String {
    format!("'{}'", one_line(text).replace('\'', r#"'"'"'"#))
}

/// Replaced rather than left out, so that no key turns into another one.
fn map_key(text: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    text.chars().map(|c| c.to_ascii_lowercase()).map(|c| if fits(c) { c } else { '_' }).collect()
}

fn word(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_' | '-');
    text.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

fn html(text: &str) -> String {
    let mut escaped = String::new();
    for character in one_line(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Line ends and other control characters as spaces.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads what `ini` wrote the way PHP does.
    fn read_ini(mut quoted: &str) -> Option<String> {
        let mut text = String::new();
        while !quoted.is_empty() {
            if let Some(rest) = quoted.strip_prefix("PHP_EOL") {
                text.push('\n');
                quoted = rest;
            } else if let Some(rest) = quoted.strip_prefix("\"'\"") {
                text.push('\'');
                quoted = rest;
            } else {
                let (raw, rest) = quoted.strip_prefix('\'')?.split_once('\'')?;
                text.push_str(raw);
                quoted = rest;
            }
        }
        Some(text)
    }

    /// Reads one quoted nginx word; anything left over would be a break-out.
    fn read_nginx(quoted: &str) -> Option<String> {
        let mut text = String::new();
        let mut characters = quoted.strip_prefix('"')?.chars();
        loop {
            match characters.next()? {
                '"' => return characters.next().is_none().then(|| text.replace("${dollar}", "$")),
                '\\' => text.push(characters.next()?),
                other => text.push(other),
            }
        }
    }

    /// Reads one HAProxy word: strong quotes, weak quotes around a single one.
    fn read_haproxy(quoted: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = quoted;
        while !rest.is_empty() {
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let (inside, after) = rest[1..].split_once(quote)?;
            text.push_str(inside);
            rest = after;
        }
        Some(text)
    }

    #[test]
    fn every_filter_shows_its_way() {
        assert_eq!(ini("it's ${HOME}\n;x"), "'it'\"'\"'s ${HOME}'PHP_EOL';x'");
        assert_eq!(ini(""), "''");
        assert_eq!(nginx("a\"; $x }\\"), "\"a\\\"; ${dollar}x }\\\\\"");
        assert_eq!(haproxy("it's\n$x"), "'it'\"'\"'s $x'");
        assert_eq!(map_key("Evil host\n.x"), "evil_host_.x");
        assert_eq!(word("a b;c{"), "a_b_c_");
        assert_eq!(html("<b a='x'>&\n"), "&lt;b a=&#39;x&#39;&gt;&amp; ");
    }

    proptest! {
        #[test]
        fn ini_values_come_back_on_one_line(text in "[^\0]*") {
            let quoted = ini(&text);
            prop_assert!(!quoted.contains('\n'));
            prop_assert_eq!(read_ini(&quoted), Some(text));
        }

        #[test]
        fn nginx_values_come_back(text in "[^\0]*") {
            prop_assume!(!text.contains("${dollar}"));
            prop_assert_eq!(read_nginx(&nginx(&text)), Some(text));
        }

        #[test]
        fn haproxy_values_come_back_without_control_characters(text in "\\PC*") {
            prop_assert_eq!(read_haproxy(&haproxy(&text)), Some(one_line(&text)));
        }

        #[test]
        fn haproxy_and_html_values_stay_on_their_line(text in any::<String>()) {
            for out in [haproxy(&text), html(&text), map_key(&text), word(&text)] {
                prop_assert!(!out.chars().any(char::is_control));
            }
            prop_assert!(!html(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
