//! Which names an entry may have, the same for every format.

use crate::error::shown;
use crate::{ArchiveError, Limits};

/// The longest file name that Linux file systems store.
const MAX_PART_BYTES: usize = 255;

/// A harmless relative path: parts joined by `/`, none of them empty, `.` or `..`.
///
/// `None` is an entry to leave out: the archive's own root (`./`), or junk (see [`is_junk`]).
pub(crate) fn clean(raw: &[u8], limits: &Limits) -> Result<Option<String>, ArchiveError> {
    let bad = |reason| ArchiveError::BadName { name: shown(raw), reason };
    if raw.is_empty() {
        return Err(bad("it is empty"));
    }
    // Said first, as it is the message that helps: the Windows form of an absolute path has a backslash, too.
    if raw.starts_with(b"/") || matches!(raw, [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Err(ArchiveError::AbsolutePath { name: shown(raw) });
    }
    let text = std::str::from_utf8(raw).map_err(|_| bad("it is not UTF-8 text"))?;
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(ArchiveError::ParentPath { name: shown(raw) }),
            part if part.contains('\\') => return Err(bad("it has a backslash; folders are separated by '/'")),
            part => parts.push(part),
        }
    }
    if parts.is_empty() || parts.iter().any(|part| is_junk(part)) {
        return Ok(None);
    }
    if text.chars().any(char::is_control) {
        return Err(bad("it has control characters"));
    }
    if parts.iter().any(|part| part.len() > MAX_PART_BYTES) {
        return Err(bad("a part of it is longer than 255 bytes"));
    }
    if parts.len() > limits.max_depth {
        return Err(bad("it lies in too many folders"));
    }
    let path = parts.join("/");
    if path.len() > limits.max_path_bytes {
        return Err(bad("it is too long"));
    }
    Ok(Some(path))
}

/// What macOS adds to archives, and the history of a git checkout, which is large and may hold secrets.
fn is_junk(part: &str) -> bool {
    matches!(part, "__MACOSX" | ".DS_Store" | ".git" | "Icon\r") || part.starts_with("._")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &str) -> Result<Option<String>, ArchiveError> {
        clean(raw.as_bytes(), &Limits::default())
    }

    #[test]
    fn harmless_names_come_out_in_one_form() {
        for (raw, path) in [
            ("a", "a"),
            ("./a//b/", "a/b"),
            ("a/./b", "a/b"),
            ("...", "..."),
            ("a..b/..c", "a..b/..c"),
            ("ä ö/'\"$(x);.php", "ä ö/'\"$(x);.php"),
            ("-rf", "-rf"),
            (".gitignore", ".gitignore"),
        ] {
            assert_eq!(cleaned(raw).unwrap().as_deref(), Some(path), "{raw}");
        }
    }

    #[test]
    fn junk_is_left_out() {
        for raw in ["./", ".", "__MACOSX/x", "a/.DS_Store", "a/._b", ".git/config", "a/.git", "a/Icon\r"] {
            assert_eq!(cleaned(raw).unwrap(), None, "{raw}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for raw in ["/etc/passwd", "//x", "C:/x", "c:\\x", "z:x"] {
            assert!(matches!(cleaned(raw), Err(ArchiveError::AbsolutePath { .. })), "{raw}");
        }
        for raw in ["..", "../x", "a/../x", "a/..", "__MACOSX/../../x"] {
            assert!(matches!(cleaned(raw), Err(ArchiveError::ParentPath { .. })), "{raw}");
        }
        for raw in ["", "..\\x", "a\\b", "a\0b", "a\nb", "a\u{7f}"] {
            assert!(matches!(cleaned(raw), Err(ArchiveError::BadName { .. })), "{raw}");
        }
        assert!(matches!(clean(b"\xff\xfe", &Limits::default()), Err(ArchiveError::BadName { .. })));
    }

    #[test]
    fn length_and_depth_are_limited() {
        let limits = Limits { max_path_bytes: 10, max_depth: 3, ..Limits::default() };
        assert!(clean(b"a/b/c", &limits).is_ok());
        assert!(matches!(clean(b"a/b/c/d", &limits), Err(ArchiveError::BadName { .. })));
        assert!(matches!(clean(b"0123456789a", &limits), Err(ArchiveError::BadName { .. })));
        assert!(matches!(cleaned(&"x".repeat(256)), Err(ArchiveError::BadName { .. })));
    }
}
