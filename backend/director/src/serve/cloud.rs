//! Where containers run.

use crate::{
    config::{CloudChoice, Config},
    errors::chain,
};
use aerie_cloud::{
    Cloud,
    docker::{DockerCloud, DockerSettings},
    simulated::{SimulatedCloud, SimulatedOptions},
};
use std::sync::Arc;

/// The cloud, and once more as what it is where that is the simulated one.
pub(super) struct Opened {
    pub(super) cloud: Arc<dyn Cloud>,
    pub(super) simulated: Option<SimulatedCloud>,
}

/// Opens the cloud. An engine that does not answer is no reason not to start: people can log in and read why nothing
/// runs, and managers try again by themselves.
pub(super) async fn open(config: &Config) -> Opened {
    let options = &config.options;
    let mut simulated = None;
    let cloud: Arc<dyn Cloud> = match options.cloud {
        CloudChoice::Docker => {
            let mut settings = DockerSettings::new(options.installation.clone(), config.agent_binary.clone());
            settings.socket.clone_from(&options.docker_socket);
            Arc::new(DockerCloud::new(settings))
        }
        CloudChoice::Simulated => {
            tracing::warn!("containers are only pretended (AERIE_CLOUD=simulated)");
            let cloud = SimulatedCloud::new(SimulatedOptions::default());
            simulated = Some(cloud.clone());
            Arc::new(cloud)
        }
    };
    if let Err(error) = cloud.check().await {
        tracing::warn!(
            error = chain(&error),
            "Docker does not answer at {}: nothing can be started until it does. Is it running, and may this user use it?",
            options.docker_socket.display()
        );
    }
    Opened { cloud, simulated }
}
