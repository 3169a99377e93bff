//! What flows in and out of a task while it runs.

use crate::{blobs::Blobs, host::Host, output::lines::Sink, reap::Tracked, tail::Tail};
use aerie_agent_protocol::TaskSpec;
use futures_util::{StreamExt, stream::TryStreamExt};
use tokio::{io::AsyncWriteExt, process::ChildStdin, task::JoinSet};
use tokio_util::io::ReaderStream;

/// A flow that broke. It holds the script's input open until the script has been killed: otherwise that would take the
/// break for an end.
pub(super) struct Broken {
    pub why: String,
    _held: Option<ChildStdin>,
}

type Flow = Result<(), Broken>;

/// All that moves bytes for one task.
#[derive(Default)]
pub(super) struct Flows {
    /// Lines on their way to the log.
    pub lines: JoinSet<()>,
    /// Bytes on their way from and to the director.
    pub blobs: JoinSet<Flow>,
}

impl Flows {
    /// Takes over the ends of a child's pipes.
    pub(super) fn start(&mut self, host: &Host, blobs: &dyn Blobs, spec: &TaskSpec, child: &mut Tracked, tail: &Tail) {
        let sink = || Sink {
            log: Some((host.output.clone(), spec.role.to_string(), spec.name.to_string())),
            tails: vec![tail.clone()],
            requests: None,
        };
        let input = child.input();
        let (out, err) = child.outputs();
        match out {
            Some(out) if spec.output => {
                let bytes = ReaderStream::new(out).map_ok(|bytes| bytes.to_vec()).map_err(|error| error.to_string());
                let kept = blobs.keep(spec.id, bytes.boxed());
                self.blobs.spawn(async move {
                    let broken = |why| Broken { why: format!("what it wrote was not kept: {why}"), _held: None };
                    kept.await.map_err(broken)
                });
            }
            Some(out) => _ = self.lines.spawn(sink().pump(out)),
            None => {}
        }
        if let Some(err) = err {
            self.lines.spawn(sink().pump(err));
        }
        if let Some(input) = input {
            let opened = blobs.open(spec.id);
            self.blobs.spawn(feed(opened, input));
        }
    }

    /// The first flow that breaks; never, as long as none does.
    pub(super) async fn broken(&mut self) -> Broken {
        loop {
            match self.blobs.join_next().await {
                Some(Ok(Err(broken))) => return broken,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits until all has arrived.
    pub(super) async fn arrived(&mut self) -> Result<(), String> {
        while let Some(flow) = self.blobs.join_next().await {
            match flow {
                Ok(flow) => flow.map_err(|broken| broken.why)?,
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

async fn feed(opened: impl Future<Output = Result<crate::code::fetch::Bytes, String>>, mut input: ChildStdin) -> Flow {
    let mut bytes = match opened.await {
        Ok(bytes) => bytes,
        Err(why) => return Err(Broken { why: format!("its input did not come: {why}"), _held: Some(input) }),
    };
    while let Some(chunk) = bytes.next().await {
        match chunk {
            // One that reads no further has its reasons, and says so by how it ends.
            Ok(chunk) => {
                if input.write_all(&chunk).await.is_err() {
                    return Ok(());
                }
            }
            Err(why) => return Err(Broken { why: format!("its input broke off: {why}"), _held: Some(input) }),
        }
    }
    Ok(())
}
