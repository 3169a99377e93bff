//! Icons are put into pages as markup, so they must be pictures and nothing else.

/// Longest icon, in bytes. It stands on every page that lists kinds; larger ones make those pages heavy.
const MAX_BYTES: usize = 16 * 1024;

/// What can run, load or leave the picture.
const FORBIDDEN: &[&str] = &[
    "<script",
    "<foreignobject",
    "<iframe",
    "<image",
    "<use",
    "<a ",
    "<a>",
    "<style",
    "<set",
    "<animate",
    "<!",
    "<?",
    "javascript:",
    "data:",
    "href",
    "url(http",
    "url('http",
    "url(\"http",
    "url(//",
];

/// Refuses markup that is more than a picture.
pub(super) fn check(markup: &str) -> Result<(), String> {
    let text = markup.trim().to_ascii_lowercase();
    if text.len() > MAX_BYTES {
        return Err(format!("has more than {MAX_BYTES} bytes"));
    }
    if !text.starts_with("<svg") || !text.ends_with("</svg>") {
        return Err("must be one <svg> element and nothing around it".to_owned());
    }
    if let Some(found) = FORBIDDEN.iter().find(|forbidden| text.contains(**forbidden)) {
        return Err(format!("must not have {found:?}: icons are plain pictures without scripts and references"));
    }
    if has_event_handler(&text) {
        return Err("must not have event handlers (attributes that start with \"on\")".to_owned());
    }
    Ok(())
}

/// An attribute such as `onload=`, with whatever stands before it and around its equals sign.
fn has_event_handler(text: &str) -> bool {
    text.split('=').any(|before| {
        let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != ':').next();
        word.is_some_and(|word| word.starts_with("on"))
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn pictures_are_accepted() {
        assert_eq!(check("<svg viewBox=\"0 0 8 8\"><path d=\"M0 0h8\" fill=\"currentColor\"/></svg>\n"), Ok(()));
    }

    #[test]
    fn anything_that_can_act_is_refused() {
        for inner in [
            "<script>alert(1)</script>",
            "<SCRIPT src='x'/>",
            "<path onload=alert(1) />",
            "<path/onload = 'x'/>",
            "<path\nONCLICK='x'/>",
            "<a href='x'/>",
            "<foreignObject/>",
            "<image xlink:href='http://x'/>",
            "<path fill='url(http://x)'/>",
            "<!ENTITY x 'y'>",
            "<style>@import 'x'</style>",
        ] {
            assert!(check(&format!("<svg>{inner}</svg>")).is_err(), "{inner}");
        }
        assert!(check("<p></p>").is_err());
        assert!(check("").is_err());
        assert!(check(&format!("<svg>{}</svg>", " ".repeat(20_000))).is_err());
    }
}
