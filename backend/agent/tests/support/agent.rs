//! The real agent as a process.

use aerie_agent_protocol::{ENV_DIRECTOR, ENV_IDENTITY, ENV_INSTANCE};
use aerie_domain::InstanceId;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::Read,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A running agent. Dropped, it is asked to stop, which takes its processes along.
pub struct Agent {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Agent {
    pub fn start(director: SocketAddr, instance: InstanceId, identity: &str, folder: &Path) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_aerie-agent"));
        Self::run(program, director, instance, identity, folder)
    }

    /// Starts it as `program` says.
    pub fn run(
        mut program: Command,
        director: SocketAddr,
        instance: InstanceId,
        identity: &str,
        folder: &Path,
    ) -> Self {
        let mut child = program
            .env_clear()
            .env(ENV_DIRECTOR, director.to_string())
            .env(ENV_INSTANCE, instance.to_string())
            .env(ENV_IDENTITY, identity)
            .env("AERIE_RUN_FOLDER", folder.join("run"))
            .env("AERIE_CODE_FOLDER", folder.join("code"))
            .env("NOT_FOR_CHILDREN", "secret")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (mut out, seen) = (child.stdout.take().expect("its output"), log.clone());
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(n) = out.read(&mut bytes)
                && n > 0
            {
                seen.lock().expect("the log").extend_from_slice(&bytes[..n]);
            }
        });
        Self { child, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it wrote.
    pub fn log(&self) -> String {
        String::from_utf8(self.log.lock().expect("the log").clone()).expect("the log is UTF-8")
    }

    /// The texts of one tag, in order.
    pub fn lines(&self, tag: &str) -> Vec<String> {
        self.log().lines().filter_map(|line| line.strip_prefix(tag)?.strip_prefix('|')).map(str::to_owned).collect()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("a process id");
        kill_process(pid, signal).expect("the agent runs");
    }

    /// Waits for its end and says how long that took.
    pub async fn ended(&mut self) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the agent's status") {
                return (status, begin.elapsed());
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "the agent does not end; log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        for _ in 0..600 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            self.signal(Signal::TERM);
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
