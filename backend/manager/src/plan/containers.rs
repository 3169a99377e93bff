//! Containers: noticing that one has ended, having one for each wanted instance and none for others.

use super::{
    board::{Board, Draft, Weight, label},
    draining::hands_over,
};
use crate::{
    backoff, explain, names,
    step::{Level, Step},
    subnets,
    world::{Attached, Image, Instance, Role, Seen, Task, VolumePlace, Work, World},
};
use aerie_agent_protocol::{ENV_DIRECTOR, ENV_INSTANCE, ENV_PORTS_BESIDE};
use aerie_cloud::{ContainerSpec, ContainerStatus, Mount, NetworkMode, NetworkSpec, VolumeOwner, VolumeSpec};
use aerie_domain::{RoleName, RolePhase};
use aerie_kinds::Kind;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

/// How often to look whether a service that is used has started: its manager does not wake those that wait for it. Longer:
/// starts are slower; shorter: every start of several services costs more queries.
const AWAIT_POLL: time::Duration = time::Duration::milliseconds(200);

/// How long an instance serves until its end is nothing that it was started with. Longer: several ends by chance look like a
/// program that cannot run; shorter: one that cannot run is started at once again and again. Docker's restarts have the same limit.
const WELL: time::Duration = time::Duration::seconds(10);

/// Roles whose container has ended start over; those that were draining are through.
pub(super) fn notice_ends(board: &mut Board<'_>) {
    for index in 0..board.drafts.len() {
        notice_restart(board, index);
        let Some(row) = board.drafts[index].row.filter(|row| has_ended(row)) else { continue };
        let starts_over = |role: &Role| role.phase == RolePhase::Starting || goes_on(board, row, role);
        let is_news = !is_recorded_as_ended(row) || !row.roles.iter().all(starts_over);
        if is_news {
            let public = row.roles.iter().any(|role| board.is_public(&role.name));
            board.wake_entry |= public;
            count_end(board, row);
            board.say(Level::Warn, explain::container_ended(row));
            board.drafts[index].renew = true;
            start_over(board, index);
        }
        if board.drafts[index].wanted && (is_news || row.status != "absent") {
            let weight = if board.failures >= 2 { Weight::Failing } else { Weight::Waiting };
            board.trouble(weight, explain::container_ended(row));
        }
    }
}

/// The engine starts containers again by itself; then the agent has nothing and says so.
fn notice_restart(board: &mut Board<'_>, index: usize) {
    let restarted =
        |row: &&Instance| row.is_running() && row.report.as_ref().is_some_and(|r| r.applied_generation == 0);
    let Some(row) = board.drafts[index].row.filter(restarted) else { return };
    if row.roles.iter().all(|role| role.phase == RolePhase::Starting || goes_on(board, row, role)) {
        return;
    }
    board.wake_entry |= row.roles.iter().any(|role| board.is_public(&role.name));
    count_end(board, row);
    board.say(Level::Warn, explain::container_restarted(row));
    start_over(board, index);
}

/// Ends that follow each other quickly are answered ever later. One that comes after the instance was well for a while begins
/// anew: somebody pulled a plug, and the next attempt will do.
fn count_end(board: &mut Board<'_>, row: &Instance) {
    let was_well =
        row.roles.iter().all(|role| role.phase == RolePhase::Serving && board.world.now - role.since >= WELL);
    board.failures = if was_well { 1 } else { board.failures + 1 };
}

fn start_over(board: &mut Board<'_>, index: usize) {
    let now = board.world.now;
    let Some(row) = board.drafts[index].row else { return };
    let mut roles = Vec::new();
    for role in &board.drafts[index].roles {
        if goes_on(board, row, role) {
            roles.push(role.clone());
        } else if role.phase != RolePhase::Draining {
            roles.push(Role { phase: RolePhase::Starting, since: now, ..role.clone() });
        }
    }
    // What it has mounted is of no use any more, and whoever had it needs another path: another instance takes its place.
    let is_over = roles.is_empty() || board.mounts(&board.drafts[index]);
    let draft = &mut board.drafts[index];
    draft.wanted = !is_over;
    draft.roles = roles;
}

/// It drains and has not handed over what it has: it starts again for that.
fn goes_on(board: &Board<'_>, row: &Instance, role: &Role) -> bool {
    role.phase == RolePhase::Draining && hands_over(board, row.slot, &role.name)
}

/// There is no container (any more), or it has exited, and we are not about to change that.
fn has_ended(row: &Instance) -> bool {
    row.work != Work::Busy && row.seen.as_ref().is_none_or(|s| matches!(s.status, ContainerStatus::Exited { .. }))
}

fn is_recorded_as_ended(row: &Instance) -> bool {
    row.status == "absent" && row.seen.is_none() || row.status.starts_with("exited")
}

/// Makes what is missing, removes what is condemned.
pub(super) fn bring_about(board: &mut Board<'_>) {
    let mut wants_image = board.wants_image;
    let mut starts = Vec::new();
    for index in 0..board.drafts.len() {
        let draft = &board.drafts[index];
        if !draft.wanted || draft.is_running() || draft.is_busy() {
            continue;
        }
        if !is_due(board, index) || (board.drafts[index].config.is_none() && !has_config(&board.drafts[index])) {
            continue;
        }
        match &board.world.image {
            Image::Ready(image) => starts.push((index, image.clone())),
            _ => wants_image = true,
        }
    }
    if wants_image {
        want_image(board);
    }
    if !starts.is_empty() && !waits_for_others(board) {
        starts.retain(|(index, _)| !waits_for_volumes(board, *index));
        if !starts.is_empty() {
            start(board, starts);
        }
    }
    let given_up = board.drafts.iter().filter(|draft| !draft.wanted).filter_map(|draft| draft.row);
    let gone: Vec<&Instance> = given_up.chain(board.world.instances.iter().filter(|row| !row.wanted)).collect();
    for row in gone {
        let (step, trouble) = dispose(row, board.world.now, Some(board.kind));
        if let Some((text, retry_at)) = trouble {
            board.plan.wake(retry_at);
            board.trouble(Weight::Waiting, text);
        }
        board.plan.steps.extend(step);
    }
}

/// A service that starts comes after those that it uses. Not so one that runs: it would lose instances for nothing.
fn waits_for_others(board: &mut Board<'_>) -> bool {
    let awaited = &board.world.service.awaited;
    if awaited.is_empty() || board.world.instances.iter().any(|row| row.container.is_some()) {
        return false;
    }
    let text = explain::waits_for(awaited);
    board.doing.push(text.clone());
    board.trouble(Weight::Waiting, format!("Starts when what it uses is there: {text}."));
    board.plan.wake(board.world.now + AWAIT_POLL);
    true
}

/// An instance is made with its volumes or not at all.
fn waits_for_volumes(board: &mut Board<'_>, index: usize) -> bool {
    let away = volumes_away(board, board.drafts[index].roles.iter().map(|role| &role.name));
    if away.is_empty() {
        return false;
    }
    let text = explain::waits_for_volumes(&away);
    board.doing.push(text.clone());
    board.trouble(Weight::Waiting, format!("Instances can start when their volumes are there: {text}."));
    board.plan.wake(board.world.now + AWAIT_POLL);
    true
}

fn has_config(draft: &Draft<'_>) -> bool {
    draft.row.is_some_and(|row| row.config.is_some())
}

/// What to do about a condemned instance, and what is wrong with doing it.
pub(super) fn dispose(
    row: &Instance,
    now: time::OffsetDateTime,
    kind: Option<&Kind>,
) -> (Option<Step>, Option<(String, time::OffsetDateTime)>) {
    let mut trouble = None;
    match &row.work {
        Work::Busy => return (None, None),
        Work::Failed { task: Task::Remove, reason, retry_at, .. } if row.seen.is_some() => {
            trouble = Some((explain::removal_failed(row, reason), *retry_at));
            if now < *retry_at {
                return (None, trouble);
            }
        }
        Work::Idle | Work::Failed { .. } => {}
    }
    let step =
        if row.seen.is_some() { Step::Remove { id: row.id, grace: grace(row, kind) } } else { Step::Retire(row.id) };
    (Some(step), trouble)
}

/// What the slowest of its processes may take, and a little for the agent.
fn grace(row: &Instance, kind: Option<&Kind>) -> Duration {
    let slowest = kind
        .into_iter()
        .flat_map(|kind| &kind.spec.roles)
        .filter(|spec| row.roles.is_empty() || row.roles.iter().any(|role| role.name == spec.name))
        .map(|spec| spec.process.stop_timeout_s)
        .max();
    Duration::from_secs(u64::from(slowest.unwrap_or(10).min(120)) + 2)
}

/// The time for another attempt has come.
fn is_due(board: &mut Board<'_>, index: usize) -> bool {
    let now = board.world.now;
    let Some(row) = board.drafts[index].row else { return true };
    if let Work::Failed { task: Task::Run, reason, attempts, retry_at, hopeless } = &row.work {
        let weight = match (*hopeless, *attempts) {
            (true, _) => Weight::Hopeless,
            (false, 0 | 1) => Weight::Waiting,
            _ => Weight::Failing,
        };
        board.trouble(weight, explain::creation_failed(row, reason));
        if now < *retry_at {
            board.plan.wake(*retry_at);
            return false;
        }
    }
    if row.container.is_some() && board.failures > 1 {
        // the first end is answered at once
        let since = board.drafts[index].roles.iter().map(|role| role.since).max().unwrap_or(now);
        let due = since + backoff::delay(board.failures - 1);
        if now < due {
            board.plan.wake(due);
            return false;
        }
    }
    true
}

fn want_image(board: &mut Board<'_>) {
    let title = &board.kind.spec.title;
    match &board.world.image {
        Image::Ready(_) => {}
        Image::Unknown => {
            board.doing.push(explain::image_building(""));
            board.plan.steps.push(Step::BuildImage);
        }
        Image::Building(progress) => {
            let text = explain::image_building(progress);
            board.doing.push(text.clone());
            board.trouble(Weight::Waiting, format!("Instances can start when this is done: {text}."));
        }
        Image::Failed { reason, retry_at } => {
            board.trouble(Weight::Failing, explain::image_failed(title, reason));
            if board.world.now >= *retry_at {
                board.plan.steps.push(Step::BuildImage);
            } else {
                board.plan.wake(*retry_at);
            }
        }
    }
}

fn start(board: &mut Board<'_>, starts: Vec<(usize, String)>) {
    let world = board.world;
    let host = board.spec().host_network;
    let mut director = IpAddr::from([127, 0, 0, 1]);
    if !host {
        let Some(subnet) = subnets::subnet(world.settings.subnet_pool, world.service.network_index) else {
            board.trouble(Weight::Hopeless, explain::NO_SUBNET);
            return;
        };
        director = subnet.gateway.into();
        board.plan.steps.push(Step::EnsureNetwork(NetworkSpec {
            name: names::network(&world.settings.installation, world.service.application_id),
            subnet: subnet.cidr,
            gateway: director,
        }));
    }
    for (index, image) in starts {
        let spec = container(board, &board.drafts[index], image, director);
        for mount in &spec.volumes {
            let owner = mount.named.map_or(VolumeOwner::Service(world.service.id), VolumeOwner::Volume);
            let volume = VolumeSpec { name: mount.volume.clone(), owner, carrier: mount.carrier.clone() };
            let step = Step::EnsureVolume(volume);
            if !board.plan.steps.contains(&step) {
                board.plan.steps.push(step);
            }
        }
        let draft = &board.drafts[index];
        let (id, row, label) = (draft.id, draft.row, label(&draft.roles, &draft.short));
        let spec = Box::new(spec);
        if row.and_then(|row| row.container.as_ref()) != Some(&*spec) {
            board.plan.steps.push(Step::SetContainer { id, spec: spec.clone() });
        }
        let keep_output =
            row.is_some_and(|row| matches!(row.seen, Some(Seen { status: ContainerStatus::Exited { .. }, .. })));
        board.say(Level::Info, format!("Starting the container of instance {label}."));
        board.plan.steps.push(Step::Run { id, spec, keep_output });
    }
}

/// The volumes of the application that an instance with these roles has.
pub(super) fn named_volumes<'r>(board: &Board<'_>, roles: impl Iterator<Item = &'r RoleName>) -> Vec<Mount> {
    let mount = |volume: &Attached| Mount {
        volume: names::named_volume(&board.world.settings.installation, volume.id),
        path: volume.path.clone(),
        named: Some(volume.id),
        read_only: volume.read_only,
        carrier: match &volume.place {
            VolumePlace::Carried(container) => Some(container.clone()),
            VolumePlace::Host | VolumePlace::Away(_) => None,
        },
    };
    attached(board, roles).map(mount).collect()
}

/// The services that keep volumes of such an instance and cannot be reached now.
pub(super) fn volumes_away<'r>(board: &Board<'_>, roles: impl Iterator<Item = &'r RoleName>) -> Vec<String> {
    let away = attached(board, roles).filter_map(|volume| match &volume.place {
        VolumePlace::Away(service) => Some(service.clone()),
        VolumePlace::Host | VolumePlace::Carried(_) => None,
    });
    away.collect::<BTreeSet<_>>().into_iter().collect()
}

fn attached<'w, 'r>(
    board: &Board<'w>,
    mut roles: impl Iterator<Item = &'r RoleName>,
) -> impl Iterator<Item = &'w Attached> {
    let spec = board.spec().volumes.as_ref().filter(|spec| roles.any(|role| spec.roles.contains(role)));
    let below = spec.map(|spec| format!("{}/", spec.folder));
    let volumes = board.world.service.volumes.iter();
    volumes.filter(move |volume| below.as_ref().is_some_and(|below| volume.path.starts_with(below)))
}

/// What the agent has to know to find a director, also when the one that makes its container goes away before it could tell it
/// of the others.
fn environment(world: &World, draft: &Draft<'_>, director: IpAddr) -> BTreeMap<String, String> {
    let settings = &world.settings;
    let mut environment = BTreeMap::from([
        (ENV_DIRECTOR.to_owned(), format!("{director}:{}", settings.agent_port)),
        (ENV_INSTANCE.to_owned(), draft.id.to_string()),
    ]);
    if !settings.agent_ports_beside.is_empty() {
        let ports: Vec<String> = settings.agent_ports_beside.iter().map(u16::to_string).collect();
        environment.insert(ENV_PORTS_BESIDE.to_owned(), ports.join(","));
    }
    environment
}

fn container(board: &Board<'_>, draft: &Draft<'_>, image: String, director: IpAddr) -> ContainerSpec {
    let (spec, world) = (board.spec(), board.world);
    let service = &world.service;
    let network = if spec.host_network {
        NetworkMode::Host
    } else {
        let mut aliases: Vec<String> =
            draft.live_roles().map(|role| format!("{role}.{service}", service = service.name)).collect();
        // whoever has the slot is found by this name
        let slotted = spec.slotted().filter(|slotted| draft.phase(&slotted.name).is_some());
        aliases.extend(slotted.zip(draft.slot).map(|(role, slot)| format!("{}-{slot}.{}", role.name, service.name)));
        if spec.roles.first().is_some_and(|first| draft.phase(&first.name).is_some()) {
            aliases.push(service.name.clone());
        }
        NetworkMode::Private { network: names::network(&world.settings.installation, service.application_id), aliases }
    };
    let own = draft.live_roles().filter_map(|role| board.role(role)?.volume.as_ref()).map(|volume| {
        let slot = draft.slot.filter(|_| volume.each).unwrap_or(0);
        Mount::own(names::volume(&world.settings.installation, service.id, &volume.name, slot), &volume.path)
    });
    let volumes = own.chain(named_volumes(board, draft.live_roles())).collect();
    ContainerSpec {
        name: names::container(&world.settings.installation, service.id, draft.id),
        instance: draft.id,
        service: service.id,
        image,
        network,
        environment: environment(world, draft, director),
        volumes,
        tmpfs: spec.tmpfs.clone(),
        executable: spec.executable.clone(),
        capabilities: spec.capabilities.clone(),
        mounter: board.mounts(draft),
        cpu_millis: spec.size.cpu_millis,
        memory_mib: spec.size.memory_mib,
        pids: spec.size.pids,
        log_mib: world.settings.container_log_mib,
    }
}
