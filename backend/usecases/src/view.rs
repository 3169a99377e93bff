//! From rows to what people and programs see. Pure.

use crate::UseCaseSettings;
use aerie_domain::{
    Credits, RolePhase, ServiceId,
    views::{
        ApplicationView, CodeCheck, CodeVersionView, ConnectionsView, InstanceRoleView, InstanceState, InstanceView,
        OperationView, ProcessEndView, RoleCount, RoleView, ServiceSummary, ServiceView, ServiceVolumesView,
        SettingView, UserView, VariableView,
    },
};
use aerie_kinds::{Kind, Kinds, RoleSpec};
use aerie_store::{
    ApplicationRow, InstanceBrief, InstanceCostRow, InstanceLite, InstanceRole, OperationRow, OwnerRow, ServiceRow,
    UsageRow, UserRow, VersionRow,
};

pub(crate) fn user(row: &UserRow) -> UserView {
    UserView {
        id: row.id,
        name: row.name.clone(),
        email: row.email.clone(),
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        affiliation: row.affiliation.clone(),
        role: row.role,
        created_at: row.created_at,
    }
}

pub(crate) fn operation(row: &OperationRow) -> OperationView {
    OperationView {
        id: row.id,
        service_id: row.service_id,
        kind: row.kind,
        state: row.state,
        progress: row.progress.clone(),
        error: row.error.clone(),
        requested_by: row.requested_by.clone(),
        created_at: row.created_at,
        ended_at: row.ended_at,
    }
}

pub(crate) fn version(row: &VersionRow, service: &ServiceRow) -> CodeVersionView {
    CodeVersionView {
        id: row.id,
        number: row.number,
        name: row.name.clone(),
        digest: row.digest.clone(),
        size_bytes: row.size_bytes,
        files: row.files,
        note: row.note.clone(),
        uploaded_by: row.uploader.clone(),
        uploaded_at: row.uploaded_at,
        active: service.active_version_id == Some(row.id),
        serving: service.serving_version_id == Some(row.id),
        check: row.check_ok.map(|ok| CodeCheck { ok, output: row.check_output.clone() }),
    }
}

/// The application's oldest service with a public address: it also answers at the application's own host name.
pub(crate) fn main_service<'a>(kinds: &Kinds, siblings: impl IntoIterator<Item = &'a ServiceRow>) -> Option<ServiceId> {
    siblings
        .into_iter()
        .filter(|service| kinds.get(service.kind.as_str()).is_some_and(|kind| kind.spec.public.is_some()))
        .min_by_key(|service| (service.created_at, service.id))
        .map(|service| service.id)
}

/// The host name at which a service answers.
pub(crate) fn host(settings: &UseCaseSettings, application: &str, owner: &str, service: &str, is_main: bool) -> String {
    if is_main {
        format!("{application}.{owner}.{}", settings.domain)
    } else {
        format!("{service}.{application}.{owner}.{}", settings.domain)
    }
}

fn address(settings: &UseCaseSettings, application: &str, owner: &str, service: &str, is_main: bool) -> String {
    let host = host(settings, application, owner, service, is_main);
    match settings.public_port {
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    }
}

/// What is counted of an instance.
#[derive(Clone, Copy)]
struct Counted<'a> {
    auxiliary: bool,
    was_healthy: bool,
    roles: &'a [InstanceRole],
}

impl<'a> From<&'a InstanceBrief> for Counted<'a> {
    fn from(row: &'a InstanceBrief) -> Self {
        Self { auxiliary: row.auxiliary, was_healthy: row.was_healthy, roles: &row.roles }
    }
}

impl<'a> From<&'a InstanceLite> for Counted<'a> {
    fn from(row: &'a InstanceLite) -> Self {
        Self { auxiliary: row.auxiliary, was_healthy: row.healthy_at.is_some(), roles: &row.roles }
    }
}

fn per_hour(kinds: &Kinds, service: &ServiceRow, instances: &[Counted<'_>]) -> Credits {
    let price = kinds.get(service.kind.as_str()).map_or(Credits::default(), |kind| kind.spec.size.price_per_hour);
    let count = instances.iter().filter(|instance| !instance.auxiliary && instance.was_healthy).count();
    Credits::from_millis(price.millis * i64::try_from(count).unwrap_or(i64::MAX))
}

fn summary(
    settings: &UseCaseSettings,
    kinds: &Kinds,
    service: &ServiceRow,
    application: &ApplicationRow,
    owner: &str,
    is_main: bool,
    instances: &[Counted<'_>],
) -> ServiceSummary {
    let kind = kinds.get(service.kind.as_str());
    let public = kind.is_some_and(|kind| kind.spec.public.is_some());
    ServiceSummary {
        id: service.id,
        application_id: application.id,
        name: service.name.to_string(),
        kind: service.kind.to_string(),
        kind_title: kind.map_or_else(|| service.kind.to_string(), |kind| kind.spec.title.clone()),
        state: service.state,
        reason: if service.reason.is_empty() { service.stop_reason.clone() } else { service.reason.clone() },
        instances: u32::try_from(instances.iter().filter(|instance| !instance.auxiliary).count()).unwrap_or(u32::MAX),
        address: public.then(|| address(settings, application.name.as_str(), owner, service.name.as_str(), is_main)),
        per_hour: per_hour(kinds, service, instances),
        role_counts: kind.map(|kind| role_counts(kind, service, instances)).unwrap_or_default(),
        figures: Vec::new(),
        keeps_volumes: kind.is_some_and(|kind| kind.spec.mounter().is_some()),
    }
}

pub(crate) fn application(
    settings: &UseCaseSettings,
    kinds: &Kinds,
    row: &ApplicationRow,
    owner: &str,
    services: &[ServiceRow],
    instances: &[InstanceBrief],
) -> ApplicationView {
    let own = services.iter().filter(|service| service.application_id == row.id);
    let main = main_service(kinds, own.clone());
    let services: Vec<ServiceSummary> = own
        .map(|service| {
            let mine: Vec<Counted<'_>> =
                instances.iter().filter(|instance| instance.service_id == service.id).map(Counted::from).collect();
            summary(settings, kinds, service, row, owner, main == Some(service.id), &mine)
        })
        .collect();
    ApplicationView {
        id: row.id,
        name: row.name.to_string(),
        owner: owner.to_owned(),
        created_at: row.created_at,
        deleting: row.deleting_at.is_some(),
        read_only: false,
        per_hour: Credits::from_millis(services.iter().map(|service| service.per_hour.millis).sum()),
        services,
        uses: Vec::new(),
    }
}

fn role_counts(kind: &Kind, service: &ServiceRow, instances: &[Counted<'_>]) -> Vec<RoleCount> {
    let scaled = kind.spec.roles.iter().filter(|role| !role.auxiliary);
    scaled
        .map(|role| RoleCount {
            title: role.title.clone(),
            count: wanted(role, service),
            serving: serving(role, instances),
        })
        .collect()
}

fn wanted(role: &RoleSpec, service: &ServiceRow) -> u32 {
    if role.auxiliary { 1 } else { service.counts.get(&role.name).copied().unwrap_or(role.min) }
}

fn serving(role: &RoleSpec, instances: &[Counted<'_>]) -> u32 {
    let serves =
        |instance: &&Counted<'_>| instance.roles.iter().any(|r| r.role == role.name && r.phase == RolePhase::Serving);
    u32::try_from(instances.iter().filter(serves).count()).unwrap_or(u32::MAX)
}

/// Everything a service's page is made from.
pub(crate) struct ServiceParts<'a> {
    pub settings: &'a UseCaseSettings,
    pub kinds: &'a Kinds,
    pub kind: &'a Kind,
    pub service: &'a ServiceRow,
    pub application: &'a ApplicationRow,
    pub owner: &'a OwnerRow,
    pub is_main: bool,
    pub instances: &'a [InstanceLite],
    pub usages: &'a [UsageRow],
    pub costs: &'a [InstanceCostRow],
    pub versions: &'a [VersionRow],
    pub operation: Option<&'a OperationRow>,
    /// Whoever looks at it does not own it.
    pub read_only: bool,
    pub connections: ConnectionsView,
    pub volumes: ServiceVolumesView,
}

pub(crate) fn service(parts: &ServiceParts<'_>) -> ServiceView {
    let ServiceParts { kind, service, application, instances, .. } = parts;
    let counted: Vec<Counted<'_>> = instances.iter().map(Counted::from).collect();
    let operation = parts.operation.filter(|row| !row.state.is_final() || !row.error.is_empty()).map(operation);
    ServiceView {
        summary: summary(parts.settings, parts.kinds, service, application, &parts.owner.name, parts.is_main, &counted),
        application: application.name.to_string(),
        owner: parts.owner.name.clone(),
        read_only: parts.read_only,
        state_since: service.state_since,
        generation: service.generation,
        observed_generation: service.observed_generation,
        created_at: service.created_at,
        roles: kind.spec.roles.iter().map(|role| role_view(role, service, &counted)).collect(),
        instances: instances.iter().map(|instance| instance_view(parts, instance)).collect(),
        versions: parts.versions.iter().map(|row| version(row, service)).collect(),
        settings: kind
            .spec
            .settings
            .iter()
            .map(|spec| SettingView {
                value: service.settings.get(&spec.name).cloned().unwrap_or_else(|| spec.default.clone()),
                spec: spec.clone(),
            })
            .collect(),
        variables: service
            .variables
            .iter()
            .map(|(name, variable)| VariableView {
                name: name.clone(),
                value: (!variable.secret).then(|| variable.value.clone()),
                secret: variable.secret,
            })
            .collect(),
        connections: parts.connections.clone(),
        volumes: parts.volumes.clone(),
        operation,
        takes_code: kind.spec.code.is_some(),
        instance_price: kind.spec.size.price_per_hour,
    }
}

fn role_view(role: &RoleSpec, service: &ServiceRow, instances: &[Counted<'_>]) -> RoleView {
    let metrics = &role.process.metrics;
    RoleView {
        name: role.name.to_string(),
        title: role.title.clone(),
        summary: role.summary.clone(),
        count: wanted(role, service),
        serving: serving(role, instances),
        min: role.min,
        max: role.max,
        auxiliary: role.auxiliary,
        counts_requests: metrics.counts_requests(),
        figures: metrics.figures.as_ref().map(|probe| probe.shown.clone()).unwrap_or_default(),
    }
}

fn instance_view(parts: &ServiceParts<'_>, row: &InstanceLite) -> InstanceView {
    let size = &parts.kind.spec.size;
    let usage = parts.usages.iter().find(|usage| usage.instance_id == row.id);
    let cost = parts.costs.iter().find(|cost| cost.instance_id == row.id);
    let roles: Vec<InstanceRoleView> = row
        .roles
        .iter()
        .map(|role| {
            let process = row
                .report
                .as_ref()
                .and_then(|report| report.processes.iter().find(|process| process.role == role.role));
            InstanceRoleView {
                role: role.role.to_string(),
                phase: role.phase,
                healthy: process.is_some_and(|process| process.healthy),
                message: process.map(|process| process.message.clone()).unwrap_or_default(),
                restarts: process.map_or(0, |process| process.restarts),
                last_end: process.and_then(|process| process.last_end.as_ref()).map(|end| ProcessEndView {
                    code: end.code,
                    signal: end.signal.clone(),
                    out_of_memory: end.out_of_memory,
                    lines: end.lines.clone(),
                }),
            }
        })
        .collect();
    InstanceView {
        id: row.id,
        short: row.short.clone(),
        state: instance_state(row, &roles),
        roles,
        auxiliary: row.auxiliary,
        address: row.address.clone(),
        size: row.size.clone(),
        cpu_millis: usage.map(|usage| usage.cpu_millis),
        cpu_limit_millis: size.cpu_millis,
        memory_bytes: usage.map(|usage| usage.memory_bytes),
        memory_limit_bytes: u64::from(size.memory_mib) * 1024 * 1024,
        created_at: row.created_at,
        cost: Credits::from_millis(cost.map_or(0, |cost| cost.spent_millis)),
    }
}

fn instance_state(row: &InstanceLite, roles: &[InstanceRoleView]) -> InstanceState {
    if !row.wanted || roles.iter().all(|role| role.phase == RolePhase::Draining) {
        InstanceState::Draining
    } else if row.container_status != "running" {
        InstanceState::Creating
    } else if !row.connected && row.report.is_some() {
        InstanceState::Lost
    } else if roles.iter().any(|role| role.phase == RolePhase::Serving && !role.healthy) {
        InstanceState::Unhealthy
    } else if roles.iter().any(|role| role.phase == RolePhase::Starting) {
        InstanceState::Starting
    } else {
        InstanceState::Running
    }
}
