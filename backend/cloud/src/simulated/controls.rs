//! What a test does to the simulated cloud, and how it watches it.

use super::{Operation, SimulatedCloud};
use crate::{CloudErrorKind, ContainerSpec, Observed, Scope};
use std::sync::Arc;
use tokio::sync::mpsc;

impl SimulatedCloud {
    /// The next call of `operation` fails; calls add up.
    pub fn fail_next(&self, operation: Operation, kind: CloudErrorKind) {
        self.failures().push(operation, kind);
    }

    /// Every call of `operation` fails, until told otherwise with `None`.
    pub fn fail_always(&self, operation: Operation, kind: Option<CloudErrorKind>) {
        self.failures().set_always(operation, kind);
    }

    /// Takes the engine away, or brings it back. What runs goes on; event streams end.
    pub fn set_reachable(&self, reachable: bool) {
        self.failures().unreachable = !reachable;
        if !reachable {
            self.change(super::World::disconnect);
        }
    }

    /// Containers for which `rule` names a code end with it as soon as they start.
    pub fn exit_at_start(&self, rule: impl Fn(&ContainerSpec) -> Option<i64> + Send + Sync + 'static) {
        self.world().exit_rule = Some(Arc::new(rule));
    }

    /// Ends a running container as SIGKILL would. `false` when it does not run.
    pub fn kill(&self, name: &str) -> bool {
        self.end(name, 137, false)
    }

    /// Ends a running container because it used too much memory. `false` when it does not run.
    pub fn kill_out_of_memory(&self, name: &str) -> bool {
        self.end(name, 137, true)
    }

    /// Ends a running container with a code of its own. `false` when it does not run.
    pub fn exit(&self, name: &str, code: i64) -> bool {
        self.end(name, code, false)
    }

    fn end(&self, name: &str, code: i64, out_of_memory: bool) -> bool {
        self.change(|world| world.end(name, code, out_of_memory))
    }

    /// Writes a line to a container's output. `false` when there is no such container.
    pub fn write_log(&self, name: &str, text: &str) -> bool {
        let world = self.world();
        let now = world.now();
        world.log_of(name).map(|log| log.write(now, text)).is_ok()
    }

    /// Puts up a container of somebody else: never listed, and its name is taken.
    pub fn add_foreign(&self, name: &str) {
        self.change(|world| world.foreign.insert(name.to_owned()));
    }

    /// Whether a container of somebody else is there.
    pub fn has_foreign(&self, name: &str) -> bool {
        self.world().foreign.contains(name)
    }

    /// One container.
    pub fn container(&self, name: &str) -> Option<Observed> {
        self.world().observed(name)
    }

    /// What a container was made from.
    pub fn spec(&self, name: &str) -> Option<ContainerSpec> {
        self.world().spec(name)
    }

    /// All containers, without counting as a call.
    pub fn containers(&self) -> Vec<Observed> {
        self.world().inventory(Scope::Installation)
    }

    /// How often an operation was called, failures included.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.failures().calls(operation)
    }

    /// How often an image was built.
    pub fn builds_of(&self, image: &str) -> u64 {
        self.world().builds_of(image)
    }

    /// Declares an image as built, for tests that make containers directly.
    pub fn add_image(&self, image: &str) {
        self.change(|world| world.image_built(image));
    }

    /// Every container that runs from now on: where a test puts its make-believe agents. None is missed.
    pub fn starts(&self) -> mpsc::UnboundedReceiver<ContainerSpec> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.world().starts.push(sender);
        receiver
    }

    /// Waits until the world is as `wanted`; asked now and after each change.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !wanted(self) {
            // The sender lives as long as `self`.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}
