//! What an agent does with a configuration, reduced to what these tests need.

use crate::docker::{Container, wait_until};
use aerie_agent_protocol::{InstanceConfig, ProbeKind, ProcessSpec, ReloadMethod};
use aerie_kinds::Kind;
use std::{cell::Cell, fmt::Write as _, time::Duration};

/// An instance and the configuration it runs with.
pub struct Instance {
    pub container: Container,
    pub address: String,
    config: Option<InstanceConfig>,
    /// The last reload by a program needed no signal.
    pub told: Cell<bool>,
}

impl Instance {
    pub fn start(kind: &Kind, image: &str, network: &str, aliases: &[&str]) -> Self {
        let aliases: Vec<String> = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        let mut tmpfs: Vec<(String, u32)> = kind.spec.tmpfs.clone().into_iter().collect();
        tmpfs.extend(kind.spec.roles.iter().filter_map(|role| role.volume.clone()).map(|volume| (volume.path, 64)));
        let container = Container::start(image, network, &aliases, &tmpfs, kind.spec.size.memory_mib);
        let address = if network == "host" { "127.0.0.1".to_owned() } else { container.address() };
        Self { container, address, config: None, told: Cell::new(false) }
    }

    /// Writes the files; starts everything the first time, reloads what changed afterwards; waits until healthy.
    pub fn apply(&mut self, config: InstanceConfig) {
        for file in &config.files {
            let known = self.config.as_ref().is_some_and(|old| old.files.contains(file));
            if !known {
                self.container.write(&format!("/run/aerie/{}", file.path), file.content.as_bytes());
            }
        }
        for process in &config.processes {
            self.check(process);
        }
        match &self.config {
            None => self.start_all(&config),
            Some(old) => {
                let changed = |path: &String| {
                    let of = |config: &InstanceConfig| config.files.iter().find(|file| file.path == *path).cloned();
                    of(old) != of(&config)
                };
                for process in config.processes.iter().filter(|process| process.files.iter().any(changed)) {
                    self.reload(process);
                }
            }
        }
        for process in &config.processes {
            self.wait_healthy(process);
        }
        self.config = Some(config);
    }

    /// Reloads a process although nothing changed.
    pub fn reload_role(&self, role: &str) {
        let config = self.config.as_ref().expect("it has been configured");
        let process = config.processes.iter().find(|process| process.name == role).expect("it has this role");
        self.reload(process);
        self.wait_healthy(process);
    }

    fn start_all(&self, config: &InstanceConfig) {
        let mut script = String::new();
        for process in &config.processes {
            let command: Vec<String> = process.command.iter().map(|word| format!("'{word}'")).collect();
            let _ = writeln!(script, "{} &\necho $! > /run/aerie/{}.pid", command.join(" "), process.name);
        }
        self.container.write("/run/aerie/start", script.as_bytes());
    }

    fn check(&self, process: &ProcessSpec) {
        if !process.check.is_empty() {
            let command: Vec<&str> = process.check.iter().map(String::as_str).collect();
            let (ok, said) = self.container.run(&command);
            assert!(ok, "check of {}: {said}", process.name);
        }
    }

    fn reload(&self, process: &ProcessSpec) {
        let signal = match &process.reload {
            ReloadMethod::Signal(signal) => signal,
            ReloadMethod::Exec { command, signal } => {
                let (ok, said) = self.container.run(&command.iter().map(String::as_str).collect::<Vec<_>>());
                self.told.set(ok);
                if ok {
                    return;
                }
                eprintln!("{} is reloaded: {said}", process.name);
                signal
            }
            other => panic!("{} is not reloaded: {other:?}", process.name),
        };
        let (ok, said) =
            self.container.run(&["sh", "-c", &format!("kill -{signal} $(cat /run/aerie/{}.pid)", process.name)]);
        assert!(ok, "{said}");
    }

    fn wait_healthy(&self, process: &ProcessSpec) {
        wait_until(&format!("{} is healthy", process.name), Duration::from_secs(10), || {
            let (ok, said) = match &process.health.kind {
                ProbeKind::Http { port, path, expect } => {
                    let get = format!(
                        "exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
                    );
                    let (ok, said) = self.container.run(&["bash", "-c", &get]);
                    (ok && said.contains(expect), said)
                }
                ProbeKind::Exec { command } => {
                    self.container.run(&command.iter().map(String::as_str).collect::<Vec<_>>())
                }
                other => panic!("no kind of these tests has {other:?}"),
            };
            if ok { Ok(()) } else { Err(format!("{said}\n{}", self.container.logs())) }
        });
    }
}
