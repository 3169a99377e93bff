//! The folder of a kind as the archive that a build starts from.

use super::labels::Labels;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tar::{Builder, EntryType, Header};

/// Parts of a kind's folder that never get into its image: they are read by the director or by people. The digest of an
/// image covers everything but these, so a change of them must not change the image.
const NOT_IN_IMAGE: &[&str] = &["files", "code-default", "template.toml", "icon.svg", "README.md"];

/// The name by which Dockerfiles call the base image, with any tag.
const BASE_NAME: &str = "aerie/base";

/// Archive of a kind's folder. Owner and times are left out and entries sorted, so equal folders make equal archives and the
/// engine finds its cached layers.
pub(super) fn kind_context(kind: &str, folder: &Path, base_image: &str) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for path in children(folder)? {
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        if NOT_IN_IMAGE.iter().any(|skipped| name.as_os_str() == *skipped) {
            continue;
        }
        if name.as_os_str() == "Dockerfile" {
            let text = on_base(&fs::read_to_string(&path)?, base_image) + &Labels::dockerfile_line(kind);
            add_file(&mut archive, &name, text.as_bytes(), false)?;
        } else {
            add(&mut archive, &path, &name)?;
        }
    }
    archive.into_inner()
}

/// Archive for the last layer: the agent on top of a kind's image.
pub(super) fn agent_context(kind_image: &str, agent_binary: &Path) -> io::Result<Vec<u8>> {
    let dockerfile = format!(
        "FROM {kind_image}\n\
         COPY aerie-agent /usr/local/bin/aerie-agent\n\
         USER 1000:1000\n\
         ENTRYPOINT [\"/usr/local/bin/aerie-agent\"]\n"
    );
    let mut archive = Builder::new(Vec::new());
    add_file(&mut archive, Path::new("Dockerfile"), dockerfile.as_bytes(), false)?;
    add_file(&mut archive, Path::new("aerie-agent"), &fs::read(agent_binary)?, true)?;
    archive.into_inner()
}

fn add(archive: &mut Builder<Vec<u8>>, path: &Path, name: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?;
    if kind.is_dir() {
        let mut header = header(EntryType::Directory, 0, 0o755);
        archive.append_data(&mut header, name, io::empty())?;
        for child in children(path)? {
            add(archive, &child, &name.join(child.file_name().unwrap_or_default()))?;
        }
        Ok(())
    } else if kind.is_file() {
        add_file(archive, name, &fs::read(path)?, is_executable(&kind))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is neither file nor folder", path.display())))
    }
}

fn add_file(archive: &mut Builder<Vec<u8>>, name: &Path, content: &[u8], executable: bool) -> io::Result<()> {
    let mut header = header(EntryType::Regular, content.len() as u64, if executable { 0o755 } else { 0o644 });
    archive.append_data(&mut header, name, content)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header
}

fn children(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

/// `FROM aerie/base`, with whatever tag, means the base image of the settings.
fn on_base(dockerfile: &str, base_image: &str) -> String {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let from = words.first().is_some_and(|word| word.eq_ignore_ascii_case("from"));
        match words.get_mut(1) {
            Some(image) if from && image.split(':').next() == Some(BASE_NAME) => {
                *image = base_image;
                words.join(" ")
            }
            _ => line.to_owned(),
        }
    };
    dockerfile.lines().map(|text| line(text) + "\n").collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use std::{collections::BTreeMap, io::Read, os::unix::fs::PermissionsExt};

    fn entries(archive: &[u8]) -> BTreeMap<String, (u32, String)> {
        let mut archive = tar::Archive::new(archive);
        let mut found = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let name = entry.path().unwrap().display().to_string();
            found.insert(name, (entry.header().mode().unwrap(), text));
        }
        found
    }

    #[test]
    fn the_context_holds_what_the_image_needs_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["files", "code-default", "scripts"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("x.sh"), name).unwrap();
        }
        fs::set_permissions(at("scripts").join("x.sh"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(at("Dockerfile"), "FROM aerie/base:old AS one\nRUN true\n").unwrap();
        fs::write(at("template.toml"), "").unwrap();
        fs::write(at("icon.svg"), "").unwrap();
        let archive = kind_context("php", folder.path(), "mine:1").unwrap();
        let found = entries(&archive);
        assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>(), ["Dockerfile", "scripts", "scripts/x.sh"]);
        assert_eq!(found["Dockerfile"].1, "FROM mine:1 AS one\nRUN true\nLABEL aerie.image=1 aerie.kind=php\n");
        assert_eq!(found["scripts/x.sh"], (0o755, "scripts".to_owned()));
        assert_eq!(kind_context("php", folder.path(), "mine:1").unwrap(), archive, "equal folders make equal archives");
    }

    #[test]
    fn links_do_not_smuggle_in_other_files() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        assert!(kind_context("php", folder.path(), "x").is_err());
    }

    #[test]
    fn only_the_base_image_is_replaced() {
        assert_eq!(
            on_base("from aerie/base\nFROM aerie/basement\n# FROM x", "b"),
            "from b\nFROM aerie/basement\n# FROM x\n"
        );
    }
}
