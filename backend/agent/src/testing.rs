//! What unit tests share: a host whose output can be read, scripts, waiting.

use crate::{host::Host, load::Loads, output, reap::Children, report::Board};
use aerie_domain::InstanceId;
use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

/// A writer that can be read.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A host and what it logs.
pub(crate) fn host() -> (Host, Shared) {
    let (output, writer) = output::channel();
    let log = Shared::default();
    tokio::spawn(writer.run(log.clone()));
    let host = Host {
        instance: InstanceId::generate(),
        children: Children::default(),
        output,
        board: Board::default(),
        loads: Loads::default(),
        cgroup: PathBuf::from("/nonexistent"),
        run_folder: PathBuf::from("/nonexistent"),
    };
    (host, log)
}

/// A shell script as a command.
pub(crate) fn sh(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

/// Waits until `condition` holds; `last` says in the failure how far it came.
pub(crate) async fn until(mut condition: impl FnMut() -> bool, last: impl Fn() -> String) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within 10 s; last: {}", last());
}
