//! Places on a volume.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Longest path, bytes. Longer: more than a command may carry together with others; shorter: deep trees cannot be reached.
const MAX_PATH: usize = 1024;

/// Longest name of a file or folder, bytes: what file systems take (POSIX `NAME_MAX`).
const MAX_NAME: usize = 255;

/// A file or folder of a volume: names joined by `/`, from the top of the volume on; empty for the top itself.
///
/// Guarantees: never leads out of the volume by itself (no `..`), and has no control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "pictures/one.png"))]
pub struct VolumePath(String);

/// Why a path was refused, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumePathError {
    /// More than file systems take.
    #[error("is too long")]
    TooLong,
    /// A name that means something else than a file.
    #[error("must not have parts that are `.` or `..`")]
    Dots,
    /// Line breaks and the like.
    #[error("must not have control characters")]
    Control,
}

impl VolumePath {
    /// The top of the volume.
    pub fn top() -> Self {
        Self::default()
    }

    /// Whether it is the top of the volume.
    pub fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// As text, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part; empty for the top.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folder that it is in; none for the top.
    pub fn parent(&self) -> Option<Self> {
        if self.is_top() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map(|(parent, _)| parent.to_owned()).unwrap_or_default()))
    }

    /// Something in this folder; the error is that of a name that cannot be one.
    pub fn child(&self, name: &str) -> Result<Self, VolumePathError> {
        if self.is_top() { name.parse() } else { format!("{}/{name}", self.0).parse() }
    }

    /// The folders on the way to it, from below the top to itself.
    pub fn steps(&self) -> Vec<Self> {
        let mut steps: Vec<Self> =
            std::iter::successors(Some(self.clone()), Self::parent).take_while(|step| !step.is_top()).collect();
        steps.reverse();
        steps
    }
}

impl FromStr for VolumePath {
    type Err = VolumePathError;

    /// Slashes at the ends and double ones mean nothing, as in a shell.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if text.len() > MAX_PATH || parts.iter().any(|part| part.len() > MAX_NAME) {
            return Err(VolumePathError::TooLong);
        }
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(VolumePathError::Dots);
        }
        if text.chars().any(char::is_control) {
            return Err(VolumePathError::Control);
        }
        Ok(Self(parts.join("/")))
    }
}

impl TryFrom<String> for VolumePath {
    type Error = VolumePathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<VolumePath> for String {
    fn from(path: VolumePath) -> Self {
        path.0
    }
}

impl fmt::Display for VolumePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail loudly")]

    use super::*;
    use proptest::prelude::*;

    fn path(text: &str) -> VolumePath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        let deep = path("/a//b c/d.txt/");
        assert_eq!((deep.as_str(), deep.name()), ("a/b c/d.txt", "d.txt"));
        assert_eq!(deep.parent(), Some(path("a/b c")));
        assert_eq!(path("a").parent(), Some(VolumePath::top()));
        assert_eq!(VolumePath::top().parent(), None);
        assert_eq!(VolumePath::top().child("x"), Ok(path("x")));
        assert_eq!(path("a").child("x"), Ok(path("a/x")));
        assert_eq!(deep.steps(), [path("a"), path("a/b c"), deep.clone()]);
        assert_eq!(VolumePath::top().steps(), []);
        assert_eq!(path("/"), VolumePath::top());
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for (text, error) in [
            ("..", VolumePathError::Dots),
            ("a/../../b", VolumePathError::Dots),
            ("./a", VolumePathError::Dots),
            ("a\nb", VolumePathError::Control),
            ("a\0b", VolumePathError::Control),
        ] {
            assert_eq!(text.parse::<VolumePath>(), Err(error), "{text:?}");
        }
        assert_eq!("x".repeat(256).parse::<VolumePath>(), Err(VolumePathError::TooLong));
        assert_eq!("x/".repeat(600).parse::<VolumePath>(), Err(VolumePathError::TooLong));
        assert_eq!(path("a").child("../b"), Err(VolumePathError::Dots));
        assert!(path("...").name() == "..." && path("a..b").name() == "a..b", "dots in names are nothing bad");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_below_the_top(text in "[a./ \\\\~*$-]{0,20}|\\PC{0,20}") {
            if let Ok(path) = text.parse::<VolumePath>() {
                prop_assert!(!path.as_str().starts_with('/') && !path.as_str().contains("//"));
                prop_assert!(path.as_str().split('/').all(|part| part != ".." && part != "."));
                prop_assert_eq!(path.as_str().parse::<VolumePath>(), Ok(path.clone()), "it is its own text");
            }
        }
    }
}
