//! What an agent does with a configuration, reduced to what these tests need.

use super::docker::{Container, wait_until};
use aerie_agent_protocol::{ENV_INSTANCE, InstanceConfig, ProbeKind, ProcessSpec, ReloadMethod};
use aerie_kinds::Kind;
use std::{cell::Cell, collections::BTreeMap, time::Duration};

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

    /// Starts one whose roles keep their data on this volume, and runs the init scripts of its configuration.
    pub fn start_on(
        kind: &Kind,
        image: &str,
        network: &str,
        alias: &str,
        volume: &str,
        config: &InstanceConfig,
    ) -> Self {
        let tmpfs: Vec<(String, u32)> = kind.spec.tmpfs.clone().into_iter().collect();
        let volumes = kind.spec.roles.iter().filter_map(|role| role.volume.as_ref());
        let volumes: Vec<_> = volumes.map(|mount| (volume.to_owned(), mount.path.clone())).collect();
        let aliases = [alias.to_owned()];
        let container = Container::start_on(image, network, &aliases, &tmpfs, kind.spec.size.memory_mib, &volumes);
        for hook in &config.init {
            let command: Vec<&str> = hook.command.iter().map(String::as_str).collect();
            let (ok, said) = container.run(&command);
            assert!(ok, "{}: {said}", hook.name);
        }
        let address = container.address();
        Self { container, address, config: None, told: Cell::new(false) }
    }

    /// Writes the files; starts everything the first time, reloads or restarts what changed afterwards; waits until
    /// healthy.
    pub fn apply(&mut self, config: InstanceConfig) {
        for file in &config.files {
            let known = self.config.as_ref().is_some_and(|old| old.files.contains(file));
            if !known {
                self.container.write(&format!("/run/aerie/{}", file.path), file.content.as_bytes());
            }
        }
        for process in &config.processes {
            self.check(process);
            self.change(process, &config);
            self.wait_healthy(process);
        }
        self.config = Some(config);
    }

    /// Reloads a process although nothing changed.
    pub fn reload_role(&self, role: &str) {
        let config = self.config.as_ref().expect("it has been configured");
        let process = config.processes.iter().find(|process| process.name == role).expect("it has this role");
        self.reload(process, config);
        self.wait_healthy(process);
    }

    /// Kills the process of a role as a crash would; nobody starts it again.
    pub fn kill_role(&self, role: &str) {
        let (ok, said) = self.container.signal(role, "KILL");
        assert!(ok, "{said}");
    }

    /// Stops the process of a role as an agent would.
    pub fn stop_role(&self, role: &str) {
        let config = self.config.as_ref().expect("it has been configured");
        let process = config.processes.iter().find(|process| process.name == role).expect("it has this role");
        self.container.stop(&process.name, &process.stop_signal, process.stop_timeout_s);
    }

    fn change(&self, process: &ProcessSpec, config: &InstanceConfig) {
        let Some(old) = &self.config else { return self.start_process(process, config) };
        let before = old.processes.iter().find(|before| before.name == process.name).expect("roles stay");
        let file = |config: &InstanceConfig, path: &String| config.files.iter().find(|f| f.path == *path).cloned();
        if (&before.command, environment(before, old)) != (&process.command, environment(process, config)) {
            self.restart(process, config);
        } else if process.files.iter().any(|path| file(old, path) != file(config, path)) {
            self.reload(process, config);
        }
    }

    fn start_process(&self, process: &ProcessSpec, config: &InstanceConfig) {
        self.container.spawn(&process.name, &environment(process, config), &process.command);
    }

    fn restart(&self, process: &ProcessSpec, config: &InstanceConfig) {
        self.container.stop(&process.name, &process.stop_signal, process.stop_timeout_s);
        self.start_process(process, config);
    }

    fn check(&self, process: &ProcessSpec) {
        if !process.check.is_empty() {
            let command: Vec<&str> = process.check.iter().map(String::as_str).collect();
            let (ok, said) = self.container.run(&command);
            assert!(ok, "check of {}: {said}", process.name);
        }
    }

    fn reload(&self, process: &ProcessSpec, config: &InstanceConfig) {
        match &process.reload {
            ReloadMethod::None => {}
            ReloadMethod::Restart => self.restart(process, config),
            ReloadMethod::Signal(signal) => self.signal(process, signal),
            ReloadMethod::Exec { command, signal } => {
                let command: Vec<&str> = command.iter().map(String::as_str).collect();
                let (ok, said) = self.container.run(&command);
                self.told.set(ok);
                if !ok {
                    eprintln!("{} is reloaded: {said}", process.name);
                    self.signal(process, signal);
                }
            }
        }
    }

    fn signal(&self, process: &ProcessSpec, signal: &str) {
        let (ok, said) = self.container.signal(&process.name, signal);
        assert!(ok, "{said}");
    }

    fn wait_healthy(&self, process: &ProcessSpec) {
        wait_until(&format!("{} is healthy", process.name), Duration::from_secs(60), || {
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

/// What a process sees, as the agent composes it.
fn environment(process: &ProcessSpec, config: &InstanceConfig) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        [("HOME", "/tmp"), ("LANG", "C.UTF-8")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    all.extend(config.environment.clone());
    all.extend(process.environment.clone());
    all.insert(ENV_INSTANCE.to_owned(), config.instance.to_string());
    all
}
