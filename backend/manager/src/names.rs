//! How containers, networks and volumes are called. Names contain ids, so none is ever used again for something else.

use aerie_domain::{ApplicationId, InstanceId, ServiceId};

/// Name of an instance's container.
pub fn container(installation: &str, service: ServiceId, instance: InstanceId) -> String {
    format!("{installation}-{}-{}", service.short(), instance.short())
}

/// Name of an application's network.
pub fn network(installation: &str, application: ApplicationId) -> String {
    format!("{installation}-{}", application.short())
}

/// Name of a service's volume.
pub fn volume(installation: &str, service: ServiceId, volume: &str) -> String {
    format!("{installation}-{}-{volume}", service.0.simple())
}
