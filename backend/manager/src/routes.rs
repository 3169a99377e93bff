//! Which public host names there are, and who answers them: what the entry's files are made from.

use aerie_domain::{RolePhase, ServiceState};
use aerie_kinds::{Kind, Kinds, Member, Route};
use aerie_store::RouteSource;

/// Kinds whose services have public host names.
pub fn public_kinds(kinds: &Kinds) -> Vec<aerie_domain::KindName> {
    kinds.iter().filter(|kind| is_public(kind)).map(|kind| kind.spec.name.clone()).collect()
}

fn is_public(kind: &Kind) -> bool {
    kind.spec.public.is_some() && !kind.spec.receives_routes && !kind.spec.host_network
}

/// The routes of all public services, in a stable order.
pub fn routes(sources: &[RouteSource], kinds: &Kinds, domain: &str) -> Vec<Route> {
    let mut routes: Vec<Route> =
        sources.iter().filter_map(|source| route(source, kinds.get(source.kind.as_str())?, domain)).collect();
    routes.sort_by(|a, b| a.hosts.cmp(&b.hosts));
    routes
}

fn route(source: &RouteSource, kind: &Kind, domain: &str) -> Option<Route> {
    let public = kind.spec.public.as_ref().filter(|_| is_public(kind))?;
    let application = format!("{}.{}.{domain}", source.application_name, source.owner_name);
    let mut hosts = vec![format!("{}.{application}", source.service_name)];
    if source.is_main {
        hosts.push(application);
    }
    let open = !matches!(source.state, ServiceState::Init | ServiceState::Epilogue | ServiceState::Stopped);
    let members = source
        .instances
        .iter()
        .filter(|instance| open && instance.wanted)
        .filter(|instance| {
            instance.roles.iter().any(|role| role.role == public.role && role.phase == RolePhase::Serving)
        })
        .filter_map(|instance| Some(Member { name: instance.short.clone(), address: instance.address.clone()? }))
        .collect();
    Some(Route {
        name: format!("service-{}", source.service_id.short()),
        hosts,
        members,
        port: public.port,
        state: words(source.state).to_owned(),
    })
}

/// For the page that visitors see while nobody answers.
const fn words(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Init => "has not been started yet",
        ServiceState::Prologue => "is starting",
        ServiceState::Running | ServiceState::Adapting => "is not answering right now",
        ServiceState::Epilogue => "is stopping",
        ServiceState::Stopped => "is stopped",
        ServiceState::Error => "has a problem",
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use aerie_domain::{ApplicationId, InstanceId, ServiceId};
    use aerie_store::{InstanceRole, RouteInstance};
    use std::path::Path;
    use time::macros::datetime;

    fn kinds() -> Kinds {
        Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds")).unwrap()
    }

    fn instance(address: &str, role: &str, phase: RolePhase, wanted: bool) -> RouteInstance {
        let since = datetime!(2026-05-01 10:00 UTC);
        RouteInstance {
            id: InstanceId::generate(),
            short: address.replace('.', "x"),
            roles: vec![InstanceRole { role: role.parse().unwrap(), phase, since, drain_until: None }],
            address: Some(address.into()),
            wanted,
        }
    }

    fn site(state: ServiceState, is_main: bool) -> RouteSource {
        RouteSource {
            service_id: ServiceId::generate(),
            service_name: "shop".parse().unwrap(),
            kind: "site".parse().unwrap(),
            state,
            reason: String::new(),
            application_id: ApplicationId::generate(),
            application_name: "blog".parse().unwrap(),
            owner_name: "ada".into(),
            is_main,
            created_at: datetime!(2026-05-01 10:00 UTC),
            instances: vec![
                instance("10.0.0.2", "front", RolePhase::Serving, true),
                instance("10.0.0.3", "front", RolePhase::Draining, true),
                instance("10.0.0.4", "front", RolePhase::Starting, true),
                instance("10.0.0.5", "front", RolePhase::Serving, false),
                instance("10.0.0.6", "back", RolePhase::Serving, true),
            ],
        }
    }

    #[test]
    fn visitors_are_sent_to_those_who_serve_and_stay() {
        let routes = routes(&[site(ServiceState::Running, true)], &kinds(), "localhost");
        assert_eq!(routes[0].hosts, ["shop.blog.ada.localhost", "blog.ada.localhost"]);
        let members: Vec<&str> = routes[0].members.iter().map(|member| member.address.as_str()).collect();
        assert_eq!((members, routes[0].port), (vec!["10.0.0.2"], 8080));
    }

    #[test]
    fn a_service_that_stops_has_a_host_name_but_nobody_answers() {
        let routes = routes(&[site(ServiceState::Epilogue, false)], &kinds(), "localhost");
        assert_eq!(routes[0].hosts, ["shop.blog.ada.localhost"]);
        assert!(routes[0].members.is_empty());
        assert_eq!(routes[0].state, "is stopping");
    }

    #[test]
    fn the_entry_itself_has_no_host_name() {
        let kinds: Vec<String> = public_kinds(&kinds()).iter().map(ToString::to_string).collect();
        assert_eq!(kinds, ["site"]);
    }
}
