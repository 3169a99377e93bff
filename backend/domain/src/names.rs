//! Names that people choose. Application, service and user names become parts of host names, so they follow the rules
//! of a DNS label (RFC 1035 §2.3.1, lower case only).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why a name was refused, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("must not be empty")]
    Empty,
    /// More characters than the kind of name allows.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// Fewer characters than the kind of name allows.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// A character outside the allowed set.
    #[error("may use only small letters a–z, digits and hyphens")]
    Character,
    /// A variable name with a character outside its set.
    #[error("may use only letters A–Z, digits and underscores, and must not start with a digit")]
    VariableCharacter,
    /// The first character is not a letter.
    #[error("must start with a letter")]
    Start,
    /// The last character is a hyphen.
    #[error("must not end with a hyphen")]
    End,
    /// Two hyphens in a row would read as an encoded international name.
    #[error("must not have two hyphens in a row")]
    DoubleHyphen,
    /// Names that the platform needs for itself.
    #[error("is reserved")]
    Reserved,
}

/// Checks a DNS label of `min..=max` characters.
fn label(text: &str, min: usize, max: usize) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if text.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')) {
        return Err(NameError::Character);
    }
    if text.len() > max {
        return Err(NameError::TooLong(max));
    }
    if text.len() < min {
        return Err(NameError::TooShort(min));
    }
    if !first.is_ascii_lowercase() {
        return Err(NameError::Start);
    }
    if text.ends_with('-') {
        return Err(NameError::End);
    }
    if text.contains("--") {
        return Err(NameError::DoubleHyphen);
    }
    Ok(())
}

/// Host names and paths of the platform, and names that would mislead people.
const RESERVED: &[&str] = &[
    "admin",
    "aerie",
    "api",
    "app",
    "director",
    "entry",
    "internal",
    "localhost",
    "root",
    "static",
    "status",
    "system",
    "www",
];

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $check:expr),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

names! {
    /// A user's name: part of the public address of every application, so it never changes.
    UserName: |text| {
        label(text, 2, 32)?;
        if RESERVED.contains(&text) { Err(NameError::Reserved) } else { Ok(()) }
    },
    /// An application's name, unique among its owner's applications.
    ApplicationName: |text| label(text, 1, 32),
    /// A service's name, unique in its application; a host name on the application's network.
    ServiceName: |text| label(text, 1, 32),
    /// A volume's name, unique in its application.
    VolumeName: |text| label(text, 1, 32),
    /// The name of a service kind: a folder in `service-templates/`.
    KindName: |text| label(text, 1, 24),
    /// The name of a role of a kind.
    RoleName: |text| label(text, 1, 24),
    /// The name of an action of a kind: also that of the log stream with its output.
    ActionName: |text| label(text, 1, 24),
    /// The name of an environment variable (POSIX, upper or lower case).
    VariableName: |text| {
        let first = text.chars().next().ok_or(NameError::Empty)?;
        if text.len() > 64 {
            return Err(NameError::TooLong(64));
        }
        if first.is_ascii_digit() || text.chars().any(|c| !(c.is_ascii_alphanumeric() || c == '_')) {
            return Err(NameError::VariableCharacter);
        }
        if text.starts_with("AERIE_") || ["PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH"].contains(&text) {
            return Err(NameError::Reserved);
        }
        Ok(())
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What any name may become without quoting: part of a host name, a path, a container's name, a label.
    fn is_harmless(name: &str) -> bool {
        !name.is_empty()
            && name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !name.ends_with('-')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_harmless(text in prop_oneof![any::<String>(), "[a-z0-9A-Z._/ $`;-]{0,40}", "[a-z-]{1,34}"]) {
            let accepted = [
                text.parse::<UserName>().map(String::from),
                text.parse::<ApplicationName>().map(String::from),
                text.parse::<ServiceName>().map(String::from),
                text.parse::<KindName>().map(String::from),
                text.parse::<RoleName>().map(String::from),
                text.parse::<ActionName>().map(String::from),
            ];
            for name in accepted.into_iter().flatten() {
                prop_assert!(is_harmless(&name) && name == text, "{:?}", name);
            }
            if let Ok(name) = text.parse::<VariableName>() {
                let name = String::from(name);
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{:?}", name);
                prop_assert!(!name.starts_with("LD_PRELOAD") && !name.starts_with("AERIE_"), "{:?}", name);
            }
        }
    }

    #[test]
    fn names_that_people_would_choose_are_accepted() {
        for name in ["blog", "my-shop", "a1", "x"] {
            assert_eq!(name.parse::<ApplicationName>().map(String::from), Ok(name.to_owned()));
        }
        assert!("ada".parse::<UserName>().is_ok());
        assert!("DB_HOST".parse::<VariableName>().is_ok());
    }

    #[test]
    fn hostile_names_are_refused_with_a_reason() {
        let cases = [
            ("", NameError::Empty),
            ("Blog", NameError::Character),
            ("bl og", NameError::Character),
            ("../etc", NameError::Character),
            ("blög", NameError::Character),
            ("a\n", NameError::Character),
            ("1st", NameError::Start),
            ("-x", NameError::Start),
            ("x-", NameError::End),
            ("xn--bcher-kva", NameError::DoubleHyphen),
        ];
        for (name, reason) in cases {
            assert_eq!(name.parse::<ApplicationName>(), Err(reason), "{name:?}");
        }
        assert_eq!("a".repeat(33).parse::<ServiceName>(), Err(NameError::TooLong(32)));
        assert_eq!("admin".parse::<UserName>(), Err(NameError::Reserved));
        assert_eq!("a".parse::<UserName>(), Err(NameError::TooShort(2)));
        assert_eq!("LD_PRELOAD".parse::<VariableName>(), Err(NameError::Reserved));
        assert_eq!("1A".parse::<VariableName>(), Err(NameError::VariableCharacter));
    }

    #[test]
    fn a_name_is_checked_when_it_is_deserialised() {
        assert!(serde_json::from_str::<ApplicationName>("\"ok\"").is_ok());
        assert!(serde_json::from_str::<ApplicationName>("\"not ok\"").is_err());
    }
}
