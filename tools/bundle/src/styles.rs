//! The style sheets as one file: in the order of their names, which therefore begin with a number.

use crate::publish::read;
use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// Joins all `.css` files of a folder.
pub fn join(folder: &Path) -> Result<String> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "css") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("no style sheets in {}", folder.display());
    }
    let mut joined = String::new();
    for file in files {
        let text = String::from_utf8(read(&file)?).with_context(|| format!("{} is not UTF-8", file.display()))?;
        joined.push_str(text.trim_end());
        joined.push('\n');
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::join;
    use std::{env, fs, process};

    #[test]
    fn sheets_are_joined_in_the_order_of_their_names() {
        let folder = env::temp_dir().join(format!("aerie-bundle-styles-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("20-b.css"), "b {}\n\n").unwrap();
        fs::write(folder.join("10-a.css"), "a {}").unwrap();
        fs::write(folder.join("notes.txt"), "not a sheet").unwrap();
        let joined = join(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(joined.unwrap(), "a {}\nb {}\n");
    }
}
