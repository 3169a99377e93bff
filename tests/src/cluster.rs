//! A database server of a test's own, with which it may do what it likes.

use anyhow::{Context, Result, ensure};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

/// A cluster; stopped and removed when dropped.
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    environment: Vec<(&'static str, String)>,
    /// Its address.
    pub url: String,
}

impl Cluster {
    /// Makes and starts one. `environment` is the server's.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(name: &str, environment: &[(&'static str, String)]) -> Result<Self> {
        let folder = PathBuf::from(format!("/var/tmp/aerie-test-{name}-{}", std::process::id()));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(folder, port, environment)
    }

    /// The same in a folder and at a port that the caller has: goes on with what is in the folder.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_at(folder: PathBuf, port: u16, environment: &[(&'static str, String)]) -> Result<Self> {
        let mut cluster = Self { folder, port, environment: environment.to_vec(), url: String::new() };
        cluster.url = cluster.again()?;
        Ok(cluster)
    }

    /// Starts it again after [`Cluster::stop`]; gives its address.
    ///
    /// # Errors
    /// When it does not start.
    pub fn again(&self) -> Result<String> {
        let said = self.script("start", &["--fast"])?;
        said.lines().last().map(str::to_owned).context("the script ends with the address")
    }

    /// Stops it: every connection ends.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self) -> Result<()> {
        self.script("stop", &[]).map(drop)
    }

    fn script(&self, action: &str, options: &[&str]) -> Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut command = Command::new(root.join("scripts/postgres"));
        command.arg(action).args(options).arg(&self.folder).arg(self.port.to_string());
        let output = command.envs(self.environment.iter().cloned()).output()?;
        ensure!(output.status.success(), "scripts/postgres {action}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
