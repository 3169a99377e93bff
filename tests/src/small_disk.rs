//! A disk of a given size, for a service that shall run out of room while everybody else has plenty.

use crate::Installation;
use aerie_domain::ServiceId;
use anyhow::{Context, Result, ensure};
use std::{path::Path, process::Command};

/// User and group of programs in containers.
const OWNER: &str = "root_owner=1000:1000";

/// A file with a file system in it, as a block device.
pub struct SmallDisk {
    device: String,
    _file: tempfile::NamedTempFile,
}

impl SmallDisk {
    /// Makes one of so many MiB.
    ///
    /// # Errors
    /// When the machine has no loop devices.
    pub fn new(mebibytes: u64) -> Result<Self> {
        let file = tempfile::Builder::new().prefix("test-small-disk").tempfile_in("/var/tmp")?;
        file.as_file().set_len(mebibytes << 20)?;
        let path = file.path().to_str().context("a path in UTF-8")?;
        run("mke2fs", &["-q", "-t", "ext4", "-m", "0", "-E", OWNER, path])?;
        let device = run("losetup", &["--find", "--show", path])?.trim().to_owned();
        Ok(Self { device, _file: file })
    }

    /// Makes it the volume of this name, before the service that it belongs to makes one.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn become_volume(&self, home: &Installation, name: &str, service: ServiceId) -> Result<()> {
        let installation = format!("aerie.installation={}", home.label());
        let service = format!("aerie.service={service}");
        let device = format!("device={}", self.device);
        let mut command = vec!["volume", "create", "--label", &installation, "--label", &service];
        command.extend(["--opt", "type=ext4", "--opt", &device, name]);
        home.docker(&command).map(drop)
    }
}

impl Drop for SmallDisk {
    /// At once, or as soon as nobody uses it.
    fn drop(&mut self) {
        if let Err(error) = run("losetup", &["--detach", &self.device]) {
            eprintln!("{error:#}");
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let path = [Path::new("/usr/sbin"), Path::new("/sbin")].map(|folder| folder.join(program));
    let program = path.iter().find(|path| path.exists()).with_context(|| format!("{program} is not installed"))?;
    let output = Command::new(program).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", program.display());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
