//! Settings that a template declares: how a value is checked and normalised. Shared by the director and the pages.

use serde::{Deserialize, Serialize};

/// Those below are for programs with privileges, which a user's program does not have.
const FIRST_PORT: u16 = 1024;

/// One setting of a kind, as its template declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingSpec {
    /// Name in the API and in the template's files (`memory_limit`).
    pub name: String,
    /// Label on the page.
    pub title: String,
    /// One sentence under the field.
    #[serde(default)]
    pub help: String,
    /// What values it takes.
    #[serde(flatten)]
    pub kind: SettingKind,
    /// The value of a new service, as text.
    pub default: String,
}

/// What values a setting takes. All values travel as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SettingKind {
    /// A whole number.
    Integer {
        /// Smallest allowed value.
        min: i64,
        /// Largest allowed value.
        max: i64,
        /// What is counted ("seconds").
        #[serde(default)]
        unit: String,
    },
    /// A port on which programs of the user's may listen; 0 is none.
    Port {
        /// Those on which the kind's own programs listen.
        #[serde(default)]
        taken: Vec<u16>,
    },
    /// A number of mebibytes, typed as `128` or `128M`, kept as `128M`.
    Megabytes {
        /// Smallest allowed value, in MiB.
        min: i64,
        /// Largest allowed value, in MiB.
        max: i64,
    },
    /// `on` or `off`.
    Switch,
    /// One of a list.
    Choice {
        /// The allowed values.
        options: Vec<String>,
    },
    /// A relative folder below the code's top folder; empty is the top folder itself.
    Folder,
    /// Free text on one line.
    Text {
        /// Longest allowed value, in characters.
        max_length: usize,
    },
}

impl SettingKind {
    /// The ports that can be chosen when these are taken, in words.
    pub fn ports(taken: &[u16]) -> String {
        let taken: Vec<String> = taken.iter().map(u16::to_string).collect();
        let all = format!("0 or {FIRST_PORT} to {}", u16::MAX);
        if taken.is_empty() {
            return all;
        }
        format!("{all}, but not {}, which the service uses itself", taken.join(" or "))
    }
}

impl SettingSpec {
    /// Checks a value and brings it into its one normal form.
    ///
    /// # Errors
    /// A message that reads well after the setting's title.
    pub fn normalise(&self, value: &str) -> Result<String, String> {
        let value = value.trim();
        match &self.kind {
            SettingKind::Integer { min, max, .. } => {
                integer(value, *min, *max, "a whole number").map(|number| number.to_string())
            }
            SettingKind::Port { taken } => port(value, taken).map(|port| port.to_string()),
            SettingKind::Megabytes { min, max } => {
                let digits = value.strip_suffix(['M', 'm']).unwrap_or(value);
                integer(digits, *min, *max, "a number of megabytes such as 128M").map(|number| format!("{number}M"))
            }
            SettingKind::Switch => match value {
                "on" | "true" | "1" => Ok("on".to_owned()),
                "off" | "false" | "0" | "" => Ok("off".to_owned()),
                _ => Err("must be on or off".to_owned()),
            },
            SettingKind::Choice { options } => {
                if options.iter().any(|option| option == value) {
                    Ok(value.to_owned())
                } else {
                    Err(format!("must be one of {}", options.join(", ")))
                }
            }
            SettingKind::Folder => folder(value),
            SettingKind::Text { max_length } => {
                if value.chars().count() > *max_length {
                    Err(format!("must have at most {max_length} characters"))
                } else if value.chars().any(char::is_control) {
                    Err("must not have control characters".to_owned())
                } else {
                    Ok(value.to_owned())
                }
            }
        }
    }
}

fn integer(text: &str, min: i64, max: i64, what: &str) -> Result<i64, String> {
    let number: i64 = text.parse().map_err(|_| format!("must be {what}"))?;
    if (min..=max).contains(&number) { Ok(number) } else { Err(format!("must be between {min} and {max}")) }
}

fn port(text: &str, taken: &[u16]) -> Result<u16, String> {
    let may_be = |port: &u16| *port == 0 || (*port >= FIRST_PORT && !taken.contains(port));
    let port: Option<u16> = text.parse().ok().filter(may_be);
    port.ok_or_else(|| format!("must be {}", SettingKind::ports(taken)))
}

fn folder(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        return Err("must be relative, such as public or web/htdocs".to_owned());
    }
    let mut parts = Vec::new();
    for part in text.split('/').filter(|part| !part.is_empty()) {
        if part.starts_with('.') {
            return Err("must not have parts that start with a dot".to_owned());
        }
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err("may use only letters, digits, hyphens, underscores, dots and slashes".to_owned());
        }
        parts.push(part);
    }
    let folder = parts.join("/");
    if folder.len() > 200 { Err("must have at most 200 characters".to_owned()) } else { Ok(folder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: SettingKind, value: &str) -> Result<String, String> {
        SettingSpec { name: "x".into(), title: "X".into(), help: String::new(), kind, default: String::new() }
            .normalise(value)
    }

    #[test]
    fn values_get_one_normal_form() {
        let megabytes = || SettingKind::Megabytes { min: 16, max: 512 };
        assert_eq!(check(megabytes(), "128"), Ok("128M".into()));
        assert_eq!(check(megabytes(), " 128m "), Ok("128M".into()));
        assert_eq!(check(SettingKind::Switch, "true"), Ok("on".into()));
        assert_eq!(check(SettingKind::Folder, "web//htdocs/"), Ok("web/htdocs".into()));
        assert_eq!(check(SettingKind::Port { taken: vec![] }, " 05050 "), Ok("5050".into()));
    }

    #[test]
    fn ports_that_others_need_are_refused() {
        let port = || SettingKind::Port { taken: vec![8080, 8090] };
        for value in ["0", "1024", "8081", "65535"] {
            assert_eq!(check(port(), value), Ok(value.into()));
        }
        for value in ["1", "80", "1023", "8080", "8090", "65536", "-1", "", "http"] {
            let told = "must be 0 or 1024 to 65535, but not 8080 or 8090, which the service uses itself";
            assert_eq!(check(port(), value), Err(told.into()), "{value:?}");
        }
        assert_eq!(check(SettingKind::Port { taken: vec![] }, "80"), Err("must be 0 or 1024 to 65535".into()));
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let integer = || SettingKind::Integer { min: 1, max: 300, unit: String::new() };
        for value in ["0", "301", "-1", "", "x", "1.5", "99999999999999999999"] {
            assert!(check(integer(), value).is_err(), "{value:?}");
        }
        for value in ["/etc", "../x", "a/../b", ".git", "a b", "a;b", "a\nb"] {
            assert!(check(SettingKind::Folder, value).is_err(), "{value:?}");
        }
        assert!(check(SettingKind::Text { max_length: 3 }, "a\u{0}").is_err());
    }
}
