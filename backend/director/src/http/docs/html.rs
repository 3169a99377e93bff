//! The little HTML that is written by hand.

/// Text as it may stand in an element or in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Paragraphs with `code` in them: as much of Markdown as our doc comments use.
pub fn paragraphs(text: &str) -> String {
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| ["<p>".to_owned(), inline(part), "</p>".to_owned()]).collect()
}

/// One piece of text with `code` in it.
pub fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .flat_map(|(index, part)| {
            let (open, close) = if index % 2 == 1 { ("<code>", "</code>") } else { ("", "") };
            [open.to_owned(), escape(part), close.to_owned()]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup_by_accident() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(inline("send `a<b` now"), "send <code>a&lt;b</code> now");
    }
}
