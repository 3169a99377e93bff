//! How containers, networks and volumes are called. Names contain ids, so none is ever used again for something else.

use aerie_domain::{ApplicationId, InstanceId, ServiceId, VolumeId};

/// Name of an instance's container.
pub fn container(installation: &str, service: ServiceId, instance: InstanceId) -> String {
    format!("{installation}-{}-{}", service.short(), instance.short())
}

/// Name of an application's network.
pub fn network(installation: &str, application: ApplicationId) -> String {
    format!("{installation}-{}", application.short())
}

/// Name of a service's volume. That of slot 0 is called as the only one of a role without slots, so that a kind can begin
/// with one instance and have more later; no role's volume can be called like that of another's slot, since names of
/// volumes have no dots.
pub fn volume(installation: &str, service: ServiceId, volume: &str, slot: u32) -> String {
    let first = format!("{installation}-{}-{volume}", service.0.simple());
    if slot == 0 { first } else { format!("{first}.{slot}") }
}

/// Name of a named volume of people. It never changes, whatever they call it.
pub fn named_volume(installation: &str, volume: VolumeId) -> String {
    format!("{installation}-volume-{}", volume.0.simple())
}

/// Whether a container is one that works on a volume for a while: it is called after the volume.
pub fn is_volume_helper(installation: &str, container: &str) -> bool {
    container.strip_prefix(installation).is_some_and(|rest| rest.starts_with("-volume-"))
}
