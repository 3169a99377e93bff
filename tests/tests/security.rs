//! An attacker inside an application, and an operator who tries the doors: against a whole installation.

use aerie_tests::{Installation, until};
use anyhow::{Context, Result, ensure};
use reqwest::Method;
use std::{net::TcpListener, os::unix::fs::PermissionsExt, process::Command, time::Duration};

/// Whether a process in the container can connect there.
fn connects(home: &Installation, container: &str, host: &str, port: u16) -> bool {
    let script = "exec 3<>\"/dev/tcp/$0/$1\"";
    home.docker(&["exec", container, "timeout", "2", "bash", "-c", script, host, &port.to_string()]).is_ok()
}

/// What Docker knows of a container.
fn inspect(home: &Installation, container: &str, format: &str) -> Result<String> {
    Ok(home.docker(&["container", "inspect", "--format", format, container])?.trim().to_owned())
}

const GATEWAY: &str = "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}";
const ADDRESS: &str = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";

#[tokio::test]
async fn an_attacker_in_a_container_gets_nowhere_and_the_self_test_says_so() -> Result<()> {
    let home = Installation::start("hostile").await?;
    let api = home.api();
    for user in ["ada", "eve"] {
        let client = api.register(user).await?;
        let id = client.application_with("blog", "php").await?.summary.id;
        client.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    }
    let mut php = Vec::new();
    for name in home.containers()? {
        if home.docker(&["top", &name])?.contains("php-fpm") {
            php.push(name);
        }
    }
    ensure!(php.len() == 2, "one of each user: {php:?}");
    let (own, other) = (&php[0], inspect(&home, &php[1], ADDRESS)?);
    let gateway = inspect(&home, own, GATEWAY)?;

    // Something of the host that listens on all addresses, as many programs do.
    let careless = TcpListener::bind("0.0.0.0:0")?;
    let port = careless.local_addr()?.port();
    ensure!(connects(&home, own, "127.0.0.1", 8080), "the attack works where it may");
    ensure!(connects(&home, own, &gateway, home.agent_port), "agents reach their listener");
    for (host, port, what) in [
        (gateway.as_str(), port, "a port of the host"),
        (gateway.as_str(), home.web_port, "the director"),
        (gateway.as_str(), home.public_port, "the entry from behind"),
        (other.as_str(), 8080, "another application"),
        ("169.254.169.254", 80, "the metadata service"),
    ] {
        ensure!(!connects(&home, own, host, port), "{what} can be reached at {host}:{port}");
    }
    let docker = home.docker(&["exec", own, "ls", "/var/run/docker.sock"]);
    ensure!(docker.is_err(), "Docker's socket is inside");

    // The operator sees the same, and what is wrong once it is.
    let (good, text) = home.run_director(&["selftest"])?;
    ensure!(good && text.contains("no problem"), "{text}");
    ensure!(text.contains("a container reaches agents' listener and nothing else here"), "{text}");
    let data = home.data_dir();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755))?;
    let (good, text) = home.run_director(&["selftest"])?;
    ensure!(!good && text.contains("PROBLEM  data directory is closed to others"), "{text}");
    ensure!(text.contains("1 problem."), "{text}");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700))?;

    // Rules that somebody takes away come back by themselves.
    let (good, text) = home.run_director(&["firewall", "remove"])?;
    ensure!(good, "{text}");
    until("the firewall to come back", Duration::from_secs(20), || async {
        if connects(&home, own, &gateway, port) { Err("open") } else { Ok(()) }
    })
    .await?;

    let label = home.label().to_owned();
    drop(home);
    let rules = Command::new("iptables").args(["-w", "5", "-S"]).output().context("iptables")?;
    ensure!(!String::from_utf8_lossy(&rules.stdout).contains(&label), "a test leaves no rules behind");
    Ok(())
}
