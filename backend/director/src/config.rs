//! What an operator can configure, checked before anything starts.
//!
//! Every option is a flag and an environment variable with the prefix `AERIE_`. To add one: a field in
//! [`Options`] (its doc comment is the help text) and, if it can be wrong, a check in [`Config::check`].

mod options;
mod public_url;

pub use options::{CloudChoice, LogFormat, Options};
pub use public_url::PublicUrl;

use anyhow::{Context, bail, ensure};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Options that were found usable.
#[derive(Debug, Clone)]
pub struct Config {
    /// As given, with defaults filled in.
    pub options: Options,
    /// Postgres.
    pub database_url: String,
    /// Where people find the director.
    pub public_url: PublicUrl,
    /// Host names (without port) that requests may name.
    pub hosts: Vec<String>,
    /// Folder with the built pages.
    pub pkg_dir: PathBuf,
    /// The agent's binary, for the base image.
    pub agent_binary: PathBuf,
}

impl Config {
    /// Checks options and folders; makes the data directory.
    pub fn check(options: Options) -> anyhow::Result<Self> {
        let database_url = options
            .database_url
            .clone()
            .or_else(|| std::env::var("DATABASE_URL").ok())
            .context("No database is configured. Set AERIE_DATABASE_URL (or DATABASE_URL), for example postgres://aerie@localhost/aerie.")?;
        ensure!(
            database_url.starts_with("postgres://") || database_url.starts_with("postgresql://"),
            "AERIE_DATABASE_URL must start with postgres://."
        );
        let public_url = PublicUrl::parse(&options.public_url).context("AERIE_PUBLIC_URL is not usable")?;
        check_ports(&options)?;
        check_domain(&options.domain)?;
        check_subnet_pool(&options.subnet_pool)?;
        ensure!(
            !options.installation.is_empty()
                && options.installation.len() <= 24
                && options.installation.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "AERIE_INSTALLATION may use only small letters, digits and hyphens, at most 24: it starts the name of every container."
        );
        ensure!(
            options.templates_dir.is_dir(),
            "There is no folder {} with service kinds (AERIE_TEMPLATES_DIR).",
            options.templates_dir.display()
        );
        make_data_dir(&options.data_dir)?;
        let pkg_dir = options.pkg_dir.clone().unwrap_or_else(|| options.static_dir.join("pkg"));
        let agent_binary = options.agent_binary.clone().unwrap_or_else(beside_the_director);
        let hosts = hosts(&public_url, &options);
        Ok(Self { options, database_url, public_url, hosts, pkg_dir, agent_binary })
    }

    /// One line for people.
    pub fn summary(&self) -> String {
        format!(
            "{} on {}, data in {}, kinds from {}",
            self.public_url.as_str(),
            self.options.listen,
            self.options.data_dir.display(),
            self.options.templates_dir.display()
        )
    }
}

fn check_ports(options: &Options) -> anyhow::Result<()> {
    let ports = [
        ("AERIE_LISTEN", options.listen.port()),
        ("AERIE_AGENT_PORT", options.agent_port),
        ("AERIE_PUBLIC_PORT", options.public_port),
        ("AERIE_ENTRY_READY_PORT", options.entry_ready_port),
    ];
    for (index, (name, port)) in ports.iter().enumerate() {
        ensure!(*port != 0 || *name == "AERIE_LISTEN", "{name} must not be 0: agents and visitors need to know it.");
        if let Some((other, _)) = ports[..index].iter().find(|(_, taken)| taken == port && *port != 0) {
            bail!("{name} and {other} are both {port}; each needs a port of its own.");
        }
    }
    Ok(())
}

fn check_domain(domain: &str) -> anyhow::Result<()> {
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    ensure!(
        domain.split('.').all(label),
        "AERIE_DOMAIN must be a host name such as localhost or apps.example.org: applications live below it."
    );
    Ok(())
}

/// `a.b.c.d/n` with room for at least one /24.
fn check_subnet_pool(pool: &str) -> anyhow::Result<()> {
    let parsed =
        pool.split_once('/').and_then(|(ip, bits)| Some((ip.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?)));
    match parsed {
        Some((IpAddr::V4(_), bits)) if (8..=24).contains(&bits) => Ok(()),
        _ => bail!("AERIE_SUBNET_POOL must be an IPv4 network from /8 to /24, for example 10.208.0.0/12."),
    }
}

/// The data directory holds the installation's secrets, so nobody else may look into it.
fn make_data_dir(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("The data directory {} cannot be made (AERIE_DATA_DIR)", folder.display()))?;
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    fs::write(&probe, b"").with_context(|| format!("The data directory {} is not writable", folder.display()))?;
    fs::remove_file(&probe).with_context(|| format!("The data directory {} is not usable", folder.display()))
}

fn beside_the_director() -> PathBuf {
    std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join("aerie-agent"))).unwrap_or_default()
}

fn hosts(public_url: &PublicUrl, options: &Options) -> Vec<String> {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].iter().map(|host| (*host).to_owned()).collect();
    hosts.push(public_url.host().to_owned());
    hosts.extend(options.hosts.iter().map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()));
    hosts.sort();
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn check(folder: &Path, arguments: &[&str]) -> anyhow::Result<Config> {
        let data = folder.join("data").display().to_string();
        let templates = folder.display().to_string();
        let mut all = vec![
            "director",
            "--database-url",
            "postgres://localhost/x",
            "--data-dir",
            &data,
            "--templates-dir",
            &templates,
        ];
        all.extend(arguments);
        Config::check(Cli::try_parse_from(all)?.options)
    }

    #[test]
    fn the_defaults_are_usable() {
        let folder = tempfile::tempdir().unwrap();
        let config = check(folder.path(), &[]).unwrap();
        assert_eq!(config.options.listen.port(), 7700);
        assert_eq!(config.hosts, ["127.0.0.1", "[::1]", "localhost"]);
        assert!(folder.path().join("data").is_dir());
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_name_of_the_option() {
        let folder = tempfile::tempdir().unwrap();
        let cases: &[(&[&str], &str)] = &[
            (&["--agent-port", "7780"], "AERIE_PUBLIC_PORT and AERIE_AGENT_PORT"),
            (&["--public-url", "ftp://x"], "AERIE_PUBLIC_URL"),
            (&["--domain", "bad domain"], "AERIE_DOMAIN"),
            (&["--subnet-pool", "10.0.0.0/28"], "AERIE_SUBNET_POOL"),
            (&["--installation", "Aerie!"], "AERIE_INSTALLATION"),
            (&["--database-url", "mysql://x"], "AERIE_DATABASE_URL"),
            (&["--templates-dir", "/does/not/exist"], "AERIE_TEMPLATES_DIR"),
        ];
        for (arguments, expected) in cases {
            // The last occurrence wins only for options that may be repeated, so build the list without duplicates.
            let error = match arguments[0] {
                "--database-url" | "--templates-dir" => {
                    let mut options = check(folder.path(), &[]).unwrap().options;
                    if arguments[0] == "--database-url" {
                        options.database_url = Some(arguments[1].to_owned());
                    } else {
                        options.templates_dir = arguments[1].into();
                    }
                    Config::check(options).unwrap_err()
                }
                _ => check(folder.path(), arguments).unwrap_err(),
            };
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
    }
}
