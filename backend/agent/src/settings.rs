//! What the agent learns from its environment.

use aerie_agent_protocol::{CODE_FOLDER, ENV_DIRECTOR, ENV_IDENTITY, ENV_INSTANCE, ENV_PORTS_BESIDE, RUN_FOLDER};
use aerie_domain::InstanceId;
use std::{net::SocketAddr, path::PathBuf};

/// Puts the run folder elsewhere; for tests on a machine that is not an instance.
const ENV_RUN_FOLDER: &str = "AERIE_RUN_FOLDER";
/// Puts the code folder elsewhere; for tests on a machine that is not an instance.
const ENV_CODE_FOLDER: &str = "AERIE_CODE_FOLDER";

/// What the agent needs to know before it hears from a director.
pub struct Settings {
    /// Address of the agent listener.
    pub director: SocketAddr,
    /// Ports of more of them at the same address.
    pub ports_beside: Vec<u16>,
    /// The instance it is in.
    pub instance: InstanceId,
    /// Certificates and key, still as base64.
    pub identity: String,
    /// Folder of the configuration files.
    pub run_folder: PathBuf,
    /// Folder of the code versions.
    pub code_folder: PathBuf,
}

/// Why the environment is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A variable is not there.
    #[error("the environment variable {0} is missing")]
    Missing(&'static str),
    /// A variable has a value that cannot be read.
    #[error("the environment variable {0} cannot be understood")]
    Malformed(&'static str),
}

impl Settings {
    /// Reads the environment through `variable`.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let required =
            |name: &'static str| variable(name).filter(|v| !v.is_empty()).ok_or(SettingsError::Missing(name));
        let folder = |name: &str, default: &str| PathBuf::from(variable(name).unwrap_or_else(|| default.to_owned()));
        let beside = variable(ENV_PORTS_BESIDE).unwrap_or_default();
        let ports: Result<_, _> = beside.split(',').filter(|port| !port.is_empty()).map(str::parse).collect();
        Ok(Self {
            ports_beside: ports.map_err(|_| SettingsError::Malformed(ENV_PORTS_BESIDE))?,
            director: required(ENV_DIRECTOR)?.parse().map_err(|_| SettingsError::Malformed(ENV_DIRECTOR))?,
            instance: required(ENV_INSTANCE)?.parse().map_err(|_| SettingsError::Malformed(ENV_INSTANCE))?,
            identity: required(ENV_IDENTITY)?,
            run_folder: folder(ENV_RUN_FOLDER, RUN_FOLDER),
            code_folder: folder(ENV_CODE_FOLDER, CODE_FOLDER),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(director: &str, instance: &str) -> Result<Settings, SettingsError> {
        read_beside(director, instance, None)
    }

    fn read_beside(director: &str, instance: &str, beside: Option<&str>) -> Result<Settings, SettingsError> {
        Settings::read(|name| match name {
            ENV_PORTS_BESIDE => beside.map(str::to_owned),
            ENV_DIRECTOR => Some(director.to_owned()),
            ENV_INSTANCE => Some(instance.to_owned()),
            ENV_IDENTITY => Some("cGVt".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn an_instance_uses_the_protocol_s_folders() {
        let settings = read("10.0.0.1:8443", "018f0000-0000-7000-8000-000000000001").unwrap();
        assert_eq!(settings.run_folder, Path::new(RUN_FOLDER));
        assert_eq!(settings.code_folder, Path::new(CODE_FOLDER));
        assert_eq!(settings.director.port(), 8443);
    }

    #[test]
    fn more_directors_may_be_named() {
        let read = |beside| read_beside("10.0.0.1:8443", "018f0000-0000-7000-8000-000000000001", beside);
        for (beside, expected) in [(None, vec![]), (Some(""), vec![]), (Some("8444,8445"), vec![8444, 8445])] {
            assert_eq!(read(beside).unwrap().ports_beside, expected);
        }
        assert_eq!(read(Some("8444;8445")).err(), Some(SettingsError::Malformed(ENV_PORTS_BESIDE)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let id = "018f0000-0000-7000-8000-000000000001";
        assert_eq!(read("director:8443", id).err(), Some(SettingsError::Malformed(ENV_DIRECTOR)));
        assert_eq!(read("10.0.0.1:8443", "x").err(), Some(SettingsError::Malformed(ENV_INSTANCE)));
        assert_eq!(read("", id).err(), Some(SettingsError::Missing(ENV_DIRECTOR)));
    }
}
