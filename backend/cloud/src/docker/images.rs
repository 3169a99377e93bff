//! Images of kinds, named by what is in them: `aerie/<kind>:<digest of the folder>-<digest of the agent>`.
//!
//! Two steps, so that a new agent costs one layer: the kind's own image (`aerie/<kind>:<digest>`), then the agent on top.

use super::{
    DockerCloud, Shared,
    build::Build,
    client::{Engine, call, checked_name, optional},
    context::{agent_context, kind_context},
};
use crate::{CloudError, CloudErrorKind, ImageSpec, Progress};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// Digits of a digest in a tag: 48 bits are beyond accident. Fewer might collide; more make names unreadable.
const TAG_DIGITS: usize = 12;

impl DockerCloud {
    pub(super) async fn image_ensure(&self, image: &ImageSpec, progress: Progress) -> Result<String, CloudError> {
        let kind_tag = kind_tag(image)?;
        let full = format!("{kind_tag}-{}", self.shared.agent_digest().await?);
        let engine = self.engine().await?;
        if engine.image_exists(&full).await? {
            return Ok(full);
        }
        let (cloud, image, tag) = (self.clone(), image.clone(), full.clone());
        let build = |progress| async move { cloud.build_both(&image, &kind_tag, &tag, &progress).await };
        self.shared.builds.join(&full, progress, build).await?;
        Ok(full)
    }

    async fn build_both(
        &self,
        image: &ImageSpec,
        kind_tag: &str,
        full: &str,
        progress: &Progress,
    ) -> Result<(), CloudError> {
        let engine = self.engine().await?;
        let settings = &self.shared.settings;
        // A build may have ended between the caller's look and now.
        if engine.image_exists(full).await? {
            return Ok(());
        }
        if !engine.image_exists(kind_tag).await? {
            engine.check_base(&settings.base_image).await?;
            let (kind, folder, base) = (image.kind.clone(), image.folder.clone(), settings.base_image.clone());
            let context = off_thread(image.folder.clone(), move || kind_context(&kind, &folder, &base)).await?;
            let build = Build { kind: &image.kind, tag: kind_tag, context, arguments: &settings.build_arguments };
            engine.build(build, progress).await?;
        }
        let (tag, agent) = (kind_tag.to_owned(), settings.agent_binary.clone());
        let context = off_thread(settings.agent_binary.clone(), move || agent_context(&tag, &agent)).await?;
        let build = Build { kind: &image.kind, tag: full, context, arguments: &settings.build_arguments };
        engine.build(build, progress).await
    }
}

impl Engine {
    async fn image_exists(&self, name: &str) -> Result<bool, CloudError> {
        let what = format!("looking for image {name}");
        Ok(optional(call(&what, self.docker.inspect_image(name)).await)?.is_some())
    }

    async fn check_base(&self, base: &str) -> Result<(), CloudError> {
        if self.image_exists(base).await? {
            return Ok(());
        }
        let message = format!("the base image {base} is missing: `make up` makes it");
        Err(CloudError::new(CloudErrorKind::NotFound, message))
    }
}

impl Shared {
    /// Read once per process: a new agent comes with a new director.
    async fn agent_digest(&self) -> Result<&str, CloudError> {
        let read = || async {
            let path = self.settings.agent_binary.clone();
            off_thread(path.clone(), move || digest_of(&path)).await
        };
        self.agent_digest.get_or_try_init(read).await.map(String::as_str)
    }
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    let mut text = hex::encode(hash.finalize());
    text.truncate(TAG_DIGITS);
    Ok(text)
}

fn kind_tag(image: &ImageSpec) -> Result<String, CloudError> {
    checked_name(&image.kind)?;
    let digest = image.digest.strip_prefix("sha256:").unwrap_or(&image.digest);
    match digest.get(..TAG_DIGITS) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            Ok(format!("aerie/{}:{digits}", image.kind))
        }
        _ => {
            let message = format!("{:?} is not a digest of kind {}", image.digest, image.kind);
            Err(CloudError::new(CloudErrorKind::InvalidSpec, message))
        }
    }
}

/// Reads files without holding up other work.
async fn off_thread<T: Send + 'static>(
    path: PathBuf,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, CloudError> {
    let result = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).and_then(|result| result);
    result.map_err(|error| {
        let message = format!("{} cannot be read for an image", path.display());
        CloudError::caused_by(CloudErrorKind::InvalidSpec, message, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_from_digests() {
        let image = |digest: &str| ImageSpec { kind: "php".into(), folder: "x".into(), digest: digest.into() };
        let long = "0123456789abcdef".repeat(4);
        assert_eq!(kind_tag(&image(&long)).ok().as_deref(), Some("aerie/php:0123456789ab"));
        assert!(kind_tag(&image("short")).is_err());
        assert!(kind_tag(&image("../../../../x")).is_err());
    }
}
