//! Forms of web pages that were not made for programs: filled in with what they suggest, and with what is said.

use std::collections::BTreeMap;

/// The fields of the first form on a page and what they are without being touched: hidden and text inputs, ticked
/// boxes, chosen options, text areas. Buttons are left out.
#[must_use]
pub fn form_fields(page: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let form = page.split_once("<form").map_or("", |(_, rest)| rest.split("</form").next().unwrap_or(rest));
    let mut select = None;
    let mut rest = form;
    while let Some((_, tag)) = rest.split_once('<') {
        let (inside, after) = tag.split_once('>').unwrap_or((tag, ""));
        let name = inside.split([' ', '/', '\n']).next().unwrap_or_default();
        let value = || attribute(inside, "value").unwrap_or_default();
        match (name, attribute(inside, "name")) {
            ("input", Some(field)) => {
                let ticked = || attribute(inside, "checked").is_some();
                match attribute(inside, "type").as_deref() {
                    Some("submit" | "button" | "image" | "file" | "reset") => {}
                    Some("checkbox" | "radio") if !ticked() => {}
                    Some("checkbox") => _ = fields.insert(field, attribute(inside, "value").unwrap_or("on".to_owned())),
                    _ => _ = fields.insert(field, value()),
                }
            }
            ("select", Some(field)) => select = Some(field),
            ("option", _) => {
                if let Some(field) = &select
                    && (attribute(inside, "selected").is_some() || !fields.contains_key(field))
                {
                    fields.insert(field.clone(), value());
                }
            }
            ("textarea", Some(field)) => {
                _ = fields.insert(field, unescape(after.split('<').next().unwrap_or_default()));
            }
            _ => {}
        }
        rest = after;
    }
    fields
}

/// An attribute of a tag; empty when it has no value.
fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let mut rest = tag.split_once([' ', '\n'])?.1;
    loop {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        if end == 0 {
            return None;
        }
        let name = &rest[..end];
        rest = &rest[end..];
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (found, next) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
            };
            (value, rest) = (found, next);
        }
        if name == wanted {
            return Some(unescape(value));
        }
    }
}

fn unescape(text: &str) -> String {
    let named = [("&quot;", "\""), ("&#039;", "'"), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (name, character)| text.replace(name, character))
}

#[cfg(test)]
mod tests {
    use super::form_fields;

    #[test]
    fn fields_are_what_a_browser_would_send() {
        let page = "<p><form method=post action='/x'><input type=\"hidden\" name=\"token\" value=\"a&amp;b\"/>\n\
            <input name='who' value=''><input type=checkbox name=one checked=\"\"><input type=checkbox name=two>\
            <input type=radio name=r value=1 /><input type=radio name=r value=2 checked />\
            <select name=s><option value=a>A</option><option value=b selected>B</option></select>\
            <textarea name=\"t\" rows=2>long &lt;text</textarea><input type=submit name=go value=Go></form><input name=other>";
        let fields: Vec<_> = form_fields(page).into_iter().collect();
        let expected = [("one", "on"), ("r", "2"), ("s", "b"), ("t", "long <text"), ("token", "a&b"), ("who", "")];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
