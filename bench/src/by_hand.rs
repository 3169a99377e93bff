//! The other side: containers of the same image, with the same programs, files and limits, started with `docker run` as a
//! person would who has no Aerie.

use aerie_tests::Installation;
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    net::{IpAddr, SocketAddr},
    process::Stdio,
};
use tempfile::TempDir;
use tokio::process::Command;

/// What an instance of Aerie was made from, copied so that it can be run by hand.
pub struct Recipe {
    image: String,
    network: String,
    label: String,
    folder: TempDir,
}

/// A container that runs; [`Recipe::remove_all`] removes it.
pub struct ByHand {
    /// Its address on the network of the instance.
    pub address: IpAddr,
}

/// Programs that a container starts, with the configuration of the instance that was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// HAProxy, nginx and php-fpm: what a packed instance runs.
    All,
    /// nginx and php-fpm: what people put into one container.
    WebAndPhp,
    /// php-fpm.
    Php,
}

impl Recipe {
    /// Copies the configuration and code of a running packed instance.
    pub async fn of(home: &Installation, container: &str) -> Result<Self> {
        let image = inspect(container, "{{.Config.Image}}").await?;
        let network = inspect(container, "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}").await?;
        let folder = tempfile::Builder::new().prefix("aerie-bench-").tempdir_in("/var/tmp")?;
        // tmpfs is not part of what `docker cp` sees.
        let script = format!(
            "docker exec {container} tar -C / -cf - run/aerie/proxy run/aerie/web run/aerie/php code 2>/dev/null | tar -C {0} -xf - ; \
             rm -f {0}/run/aerie/*/*.sock {0}/run/aerie/*/*.pid; chmod -R a+rX {0}",
            folder.path().display()
        );
        let copied = Command::new("sh").args(["-c", &script]).status().await?;
        ensure!(copied.success() && folder.path().join("code").exists(), "{container} could not be copied");
        // Aerie's nginx gets a connection per request from its proxy. By hand, visitors keep theirs.
        let nginx = folder.path().join("run/aerie/web/nginx.conf");
        let text = fs::read_to_string(&nginx)?
            .replace("keepalive_timeout 0;", "keepalive_timeout 65; keepalive_requests 1000000;");
        fs::write(nginx, text)?;
        Ok(Self { image, network, label: format!("aerie.bench={}", home.label()), folder })
    }

    /// The folder name of the code, which nginx wants to be told.
    pub fn version(&self) -> Result<String> {
        let mut folders = fs::read_dir(self.folder.path().join("code"))?;
        let folder = folders.next().context("there is code")??;
        Ok(folder.file_name().to_string_lossy().into_owned())
    }

    /// `docker run`, with the limits of an instance of the smallest size.
    pub async fn run(&self, programs: Programs) -> Result<ByHand> {
        let folder = self.folder.path().display();
        let (seed, label) = (format!("{folder}:/seed:ro"), self.label.clone());
        let php = "php-fpm8.2 -F -c /run/aerie/php/php.ini -y /run/aerie/php/php-fpm.conf";
        let web = "nginx -e /dev/stderr -c /run/aerie/web/nginx.conf";
        let start = match programs {
            Programs::All => format!("{php} & {web} & exec haproxy -W -db -f /run/aerie/proxy/haproxy.cfg"),
            Programs::WebAndPhp => format!("{php} & exec {web}"),
            Programs::Php => format!("exec {php}"),
        };
        let script = format!("cp -r /seed/run/aerie/. /run/aerie/ && cp -r /seed/code/. /code/ && {{ {start}; }}");
        let run = "uid=1000,gid=1000,mode=0755";
        let (aerie, code, tmp) =
            (format!("/run/aerie:{run}"), format!("/code:size=320m,{run}"), format!("/tmp:size=256m,{run}"));
        let arguments = [
            "run",
            "--detach",
            "--network",
            &self.network,
            "--label",
            &label,
            "--user",
            "1000:1000",
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--memory",
            "512m",
            "--memory-swap",
            "512m",
            "--cpu-period",
            "100000",
            "--cpu-quota",
            "100000",
            "--pids-limit",
            "256",
            "--tmpfs",
            &aerie,
            "--tmpfs",
            &code,
            "--tmpfs",
            &tmp,
            "--volume",
            &seed,
            "--entrypoint",
            "/bin/sh",
            &self.image,
            "-c",
            &script,
        ];
        let id = docker(&arguments).await?;
        let address = inspect(&id, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}").await?;
        Ok(ByHand { address: address.parse().with_context(|| format!("address of {id}: {address}"))? })
    }

    /// Removes everything that was run.
    pub async fn remove_all(&self) -> Result<()> {
        let ids = docker(&["ps", "--all", "--quiet", "--filter", &format!("label={}", self.label)]).await?;
        let ids: Vec<&str> = ids.lines().collect();
        if !ids.is_empty() {
            docker(&[["rm", "--force", "--volumes"].as_slice(), ids.as_slice()].concat()).await?;
        }
        Ok(())
    }
}

impl Drop for Recipe {
    fn drop(&mut self) {
        // After a failure; otherwise there is nothing left.
        let script = format!("docker ps -aq --filter label={} | xargs -r docker rm -fv", self.label);
        let _ = std::process::Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
    }
}

impl ByHand {
    /// One of its ports.
    pub fn port(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }
}

/// A field of a container.
pub async fn inspect(container: &str, format: &str) -> Result<String> {
    docker(&["inspect", "--format", format, container]).await
}

/// Runs `docker`; gives what it wrote.
pub async fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).stdin(Stdio::null()).output().await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {}: {error}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
