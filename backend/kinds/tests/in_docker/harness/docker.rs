//! The few things the tests ask of Docker, by its command line. Whatever was made is removed on drop.

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

/// Runs `docker` and returns its output; panics with what it said when it fails.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker can be started");
    succeeded(&arguments.join(" "), &output)
}

/// Runs `docker` and returns its output as it is.
pub fn docker_bytes(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("docker").args(arguments).output().expect("docker can be started");
    succeeded(&arguments.join(" "), &Output { stdout: Vec::new(), ..output.clone() });
    output.stdout
}

/// Runs `docker` and tells whether it succeeded, and its whole output.
pub fn try_docker(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("docker").args(arguments).output().expect("docker can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

/// Runs `docker` with a text as its input.
pub fn docker_with_input(arguments: &[&str], input: &[u8]) {
    succeeded(&arguments.join(" "), &fed(arguments, input));
}

fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("docker")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("docker can be started");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // Beside reading what it says. One that has ended reads no more.
    let feeding = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().expect("docker ends");
    feeding.join().expect("feeding ends");
    output
}

fn succeeded(what: &str, output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "docker {what}:\n{out}{err}");
    out.trim().to_owned()
}

/// A name that no other test run has.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("aerie-kinds-test-{}-{}-{what}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Asks until the answer is yes; the last no is in the failure.
pub fn wait_until(what: &str, limit: Duration, mut ask: impl FnMut() -> Result<(), String>) {
    let started = Instant::now();
    loop {
        match ask() {
            Ok(()) => return,
            Err(no) => assert!(started.elapsed() < limit, "{what} did not happen within {limit:?}: {no}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A bridge of our own.
pub struct Network(pub String);

impl Network {
    pub fn new() -> Self {
        let name = unique("network");
        docker(&["network", "create", &name]);
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        try_docker(&["network", "rm", &self.0]);
    }
}

/// A volume of our own.
pub struct Volume(pub String);

impl Volume {
    pub fn new() -> Self {
        let name = unique("volume");
        docker(&["volume", "create", &name]);
        Self(name)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        try_docker(&["volume", "rm", "-f", &self.0]);
    }
}

/// A container that does nothing by itself, as hardened as an instance is.
pub struct Container {
    pub name: String,
}

impl Container {
    /// `network` is "host" or the name of a bridge.
    pub fn start(image: &str, network: &str, aliases: &[String], tmpfs: &[(String, u32)], memory_mib: u32) -> Self {
        Self::start_on(image, network, aliases, tmpfs, memory_mib, &[])
    }

    /// The same with volumes: name and path.
    pub fn start_on(
        image: &str,
        network: &str,
        aliases: &[String],
        tmpfs: &[(String, u32)],
        memory_mib: u32,
        volumes: &[(String, String)],
    ) -> Self {
        let name = unique("instance");
        let memory = format!("{memory_mib}m");
        let mut arguments: Vec<String> = [
            "run",
            "-d",
            "--name",
            &name,
            "--network",
            network,
            "--user",
            "1000:1000",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--read-only",
            "--memory",
            &memory,
            "--memory-swap",
            &memory,
            "--pids-limit",
            "256",
            "--ulimit",
            "nofile=16384:16384",
        ]
        .map(str::to_owned)
        .into();
        for alias in aliases {
            arguments.extend(["--network-alias".to_owned(), alias.clone()]);
        }
        for (path, mib) in tmpfs {
            // A path may bring options along: `/code:exec`.
            let path = if path.contains(':') { format!("{path},") } else { format!("{path}:") };
            arguments.extend(["--tmpfs".to_owned(), format!("{path}size={mib}m,uid=1000,gid=1000,mode=755")]);
        }
        for (volume, path) in volumes {
            arguments.extend(["--volume".to_owned(), format!("{volume}:{path}")]);
        }
        arguments.extend([image, "sh", "-c", "while :; do sleep 3600; done"].map(str::to_owned));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let container = Self { name };
        docker(&arguments);
        container
    }

    pub fn address(&self) -> String {
        docker(&["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", &self.name])
    }

    pub fn write(&self, path: &str, content: &[u8]) {
        let script = r#"mkdir -p "$(dirname "$1")" && cat > "$1.new" && mv "$1.new" "$1""#;
        docker_with_input(&["exec", "-i", &self.name, "sh", "-c", script, "write", path], content);
    }

    pub fn run(&self, command: &[&str]) -> (bool, String) {
        try_docker(&[&["exec", &self.name], command].concat())
    }

    /// Runs a program with this input: how it ended, what it wrote, and what it said.
    pub fn run_fed(&self, command: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
        let Output { status, stdout, stderr } = fed(&[&["exec", "-i", &self.name], command].concat(), input);
        (status.code(), stdout, String::from_utf8_lossy(&stderr).trim().to_owned())
    }

    /// Starts a program in the background; what it says is in the logs, its process id in `/run/aerie/<name>.pid`.
    pub fn spawn(&self, name: &str, environment: &BTreeMap<String, String>, command: &[String]) {
        let script = r#"echo $$ > "/run/aerie/$0.pid"; exec "$@" > /proc/1/fd/1 2> /proc/1/fd/2"#;
        let variables: Vec<String> = environment.iter().map(|(name, value)| format!("--env={name}={value}")).collect();
        let mut arguments = vec!["exec", "-d"];
        arguments.extend(variables.iter().map(String::as_str));
        arguments.extend([self.name.as_str(), "sh", "-c", script, name]);
        arguments.extend(command.iter().map(String::as_str));
        docker(&arguments);
    }

    /// Sends a signal to a program that was spawned.
    pub fn signal(&self, name: &str, signal: &str) -> (bool, String) {
        self.run(&["sh", "-c", &format!("kill -{signal} $(cat /run/aerie/{name}.pid)")])
    }

    /// Stops a program as an agent does: asks it to end, and insists after some time.
    pub fn stop(&self, name: &str, signal: &str, patience_s: u32) {
        let script = format!(
            "p=$(cat /run/aerie/{name}.pid) && kill -{signal} $p; for i in $(seq {}); do kill -0 $p 2>&- || exit 0; \
             sleep 0.05; done; kill -9 $p",
            patience_s * 20
        );
        self.run(&["sh", "-c", &script]);
    }

    pub fn logs(&self) -> String {
        try_docker(&["logs", "--tail", "60", &self.name]).1
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} ---\n{}", self.name, self.logs());
        }
        try_docker(&["rm", "-f", "-v", &self.name]);
    }
}
