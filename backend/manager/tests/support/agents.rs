//! Agents as far as rows show them: each container that runs gets one.

use aerie_agent_protocol::{CheckReport, InstanceReport, ProcessReport};
use aerie_cloud::{ContainerSpec, ContainerStatus, simulated::SimulatedCloud};
use aerie_domain::DirectorId;
use aerie_store::Store;
use std::time::Duration;
use tokio::{task::JoinHandle, time::sleep};

/// Ends with its value.
pub struct Agents {
    task: JoinHandle<()>,
}

impl Agents {
    pub fn start(store: Store, cloud: SimulatedCloud) -> Self {
        let mut starts = cloud.starts();
        let hub = DirectorId::generate();
        let task = tokio::spawn(async move {
            let mut agents = tokio::task::JoinSet::new();
            while let Some(spec) = starts.recv().await {
                agents.spawn(agent(store.clone(), cloud.clone(), spec, hub));
            }
        });
        Self { task }
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Does what the row says, at once and with success, as long as its container runs.
async fn agent(store: Store, cloud: SimulatedCloud, spec: ContainerSpec, hub: DirectorId) {
    let id = spec.instance;
    assert!(spec.environment["AERIE_IDENTITY"].contains(&id.to_string()));
    let made = cloud.container(&spec.name).and_then(|container| container.created_at);
    let lives =
        || cloud.container(&spec.name).is_some_and(|c| c.status == ContainerStatus::Running && c.created_at == made);
    cloud.write_log(&spec.name, "agent|out|hello");
    let _ = store.instance_connected(id, hub).await;
    let mut applied = 0;
    while lives() {
        if let Ok(Some(config)) = store.instance_config(id).await
            && config.generation > applied
        {
            applied = config.generation;
            let staged: Vec<_> = config.code.versions.iter().map(|version| version.id).collect();
            let report = InstanceReport {
                applied_generation: applied,
                target_generation: applied,
                processes: config
                    .processes
                    .iter()
                    .map(|process| ProcessReport {
                        role: process.role.clone(),
                        name: process.name.clone(),
                        healthy: true,
                        restarts: 0,
                        message: String::new(),
                        note: String::new(),
                        last_end: None,
                    })
                    .collect(),
                checks: staged
                    .iter()
                    .map(|version| CheckReport { version: *version, ok: true, output: "fine".into() })
                    .collect(),
                staged,
                problem: String::new(),
                life: None,
                tasks: Vec::new(),
                drained: config.drain.iter().map(|hook| hook.role.clone()).collect(),
            };
            let _ = store.instance_report(id, hub, &report).await;
        }
        sleep(Duration::from_millis(5)).await;
    }
    let _ = store.instance_disconnected(id, hub).await;
}
