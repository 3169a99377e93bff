//! What must hold across the fields of a `template.toml`. Every message starts with the key it is about.

use super::{actions, backup};
use crate::{FileTemplate, KindSpec, RoleSpec, VolumeTemplate, render::start_order};
use aerie_agent_protocol::{CODE_FOLDER, MetricsSpec, ProbeKind, RUN_FOLDER, ReloadMethod};
use aerie_domain::{ALLOWED_CAPABILITIES, RoleName, SettingKind, SettingSpec, VariableName, views::KindCategory};
use std::{collections::BTreeSet, ops::RangeInclusive};

/// Signals a template may name.
const SIGNALS: &[&str] = &["TERM", "QUIT", "INT", "HUP", "USR1", "USR2", "WINCH"];

/// Shorter: can be guessed; longer: some programs cut it.
const SECRET_LENGTHS: RangeInclusive<u32> = 16..=64;

/// Figures of one role. More: a page nobody reads, and rows for each.
const MOST_FIGURES: usize = 8;

pub(super) type Check = Result<(), String>;

/// Checks everything that can be told from the text alone.
pub(super) fn spec(spec: &KindSpec) -> Check {
    names(spec)?;
    references(spec)?;
    limits(spec)?;
    settings(spec)?;
    secrets(spec)?;
    offers(spec)?;
    actions::check(spec)?;
    backup::check(spec)?;
    let mut paths = BTreeSet::new();
    for role in &spec.roles {
        volume(role)?;
        process(role)?;
        for file in &role.files {
            file_template(&role.name, file)?;
            ensure(paths.insert(&file.path), || {
                format!("roles.{}.files: {:?} is written twice; roles can share an instance", role.name, file.path)
            })?;
        }
    }
    Ok(())
}

pub(super) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(message()) }
}

fn names(spec: &KindSpec) -> Check {
    ensure(!spec.title.trim().is_empty(), || "title: is empty".to_owned())?;
    ensure(!spec.roles.is_empty(), || "roles: there is none".to_owned())?;
    let mut seen = BTreeSet::new();
    for role in &spec.roles {
        ensure(seen.insert(&role.name), || format!("roles.{}: is there twice", role.name))?;
    }
    Ok(())
}

fn references(spec: &KindSpec) -> Check {
    let exists = |key: &str, role: &RoleName| {
        ensure(spec.roles.iter().any(|other| other.name == *role), || format!("{key}: there is no role {role}"))
    };
    for role in &spec.pack {
        exists("pack", role)?;
        let auxiliary = spec.roles.iter().any(|other| other.name == *role && other.auxiliary);
        ensure(!auxiliary, || format!("pack: {role} is auxiliary and has an instance of its own"))?;
    }
    ensure(spec.pack.iter().collect::<BTreeSet<_>>().len() == spec.pack.len(), || {
        "pack: names a role twice".to_owned()
    })?;
    if let Some(public) = &spec.public {
        exists("public.role", &public.role)?;
        ensure(public.port > 1024, || "public.port: must be above 1024, processes have no privileges".to_owned())?;
    }
    if let Some(code) = &spec.code {
        ensure(!code.roles.is_empty(), || "code.roles: is empty".to_owned())?;
        code.roles.iter().try_for_each(|role| exists("code.roles", role))?;
        ensure(is_plain_name(&code.default), || "code.default: must be the name of a folder".to_owned())?;
        if let Some(script) = &code.prepare {
            ensure(!script.command.is_empty(), || "code.prepare.command: is empty".to_owned())?;
            ensure(script.timeout_s > 0, || "code.prepare.timeout_s: must be above 0".to_owned())?;
        }
        ensure(spec.tmpfs.contains_key(CODE_FOLDER), || format!("tmpfs: {CODE_FOLDER} is missing, code goes there"))?;
    }
    if let Some(volumes) = &spec.volumes {
        volumes.roles.iter().try_for_each(|role| exists("volumes.roles", role))?;
        ensure(!volumes.roles.is_empty(), || "volumes.roles: is empty".to_owned())?;
        let mut having = spec.roles.iter().filter(|role| volumes.roles.contains(&role.name));
        ensure(!having.clone().any(|role| role.auxiliary), || "volumes.roles: are not for helpers".to_owned())?;
        let overlaps = |own: &VolumeTemplate| {
            own.path == volumes.folder || is_below(&own.path, &volumes.folder) || is_below(&volumes.folder, &own.path)
        };
        ensure(!having.any(|role| role.volume.as_ref().is_some_and(overlaps)), || {
            "volumes.folder: must not overlap with a volume of the role's own".to_owned()
        })?;
        let covered = |path: &String| path == &volumes.folder || is_below(&volumes.folder, path);
        ensure(is_absolute(&volumes.folder) && !spec.tmpfs.keys().any(covered), || {
            "volumes.folder: must be a plain absolute path outside of the folders of tmpfs".to_owned()
        })?;
    }
    for role in &spec.roles {
        let key = format!("roles.{}.uses", role.name);
        role.uses.iter().try_for_each(|used| exists(&key, used))?;
        let key = format!("roles.{}.sees", role.name);
        role.sees.iter().try_for_each(|seen| exists(&key, seen))?;
        if let Some(hook) = &role.drain {
            let at = format!("roles.{}.drain", role.name);
            ensure(role.has_slots(), || format!("{at}: is for roles whose volume has each = true"))?;
            ensure(hook.role == role.name, || format!("{at}.role: must be {}", role.name))?;
            ensure(!hook.command.is_empty(), || format!("{at}.command: is empty"))?;
        }
        for hook in &role.init {
            ensure(hook.role == role.name, || format!("roles.{}.init.role: must be {}", role.name, role.name))?;
            ensure(!hook.command.is_empty(), || format!("roles.{}.init.command: is empty", role.name))?;
        }
    }
    start_order(spec).map(|_| ()).map_err(|role| format!("roles.{role}.uses: leads back to {role}"))
}

fn limits(spec: &KindSpec) -> Check {
    let system = spec.category == KindCategory::System;
    ensure(system || !spec.host_network, || "host_network: is for kinds of category system only".to_owned())?;
    ensure(system || !spec.receives_routes, || "receives_routes: is for kinds of category system only".to_owned())?;
    for name in &spec.capabilities {
        ensure(ALLOWED_CAPABILITIES.contains(&name.as_str()), || {
            format!("capabilities: {name:?} is not allowed; possible are {}", ALLOWED_CAPABILITIES.join(", "))
        })?;
    }
    let size = &spec.size;
    ensure(size.cpu_millis > 0 && size.memory_mib > 0 && size.pids > 0, || {
        "size: cpu_millis, memory_mib and pids must be above 0".to_owned()
    })?;
    ensure(size.price_per_hour.millis >= 0, || "size.price_per_hour: must not be negative".to_owned())?;
    ensure(spec.tmpfs.contains_key(RUN_FOLDER), || format!("tmpfs: {RUN_FOLDER} is missing, the agent writes there"))?;
    for (path, mib) in &spec.tmpfs {
        ensure(is_absolute(path), || format!("tmpfs: {path:?} is not a plain absolute path"))?;
        ensure((1..=size.memory_mib).contains(mib), || {
            format!("tmpfs: {path} has {mib} MiB, but must fit into size.memory_mib")
        })?;
    }
    for path in &spec.executable {
        ensure(spec.tmpfs.contains_key(path), || format!("executable: {path:?} is not one of the folders of tmpfs"))?;
    }
    ensure(spec.roles.iter().filter(|role| role.has_slots()).count() <= 1, || {
        "roles.volume.each: is for one role of a kind, an instance has one slot".to_owned()
    })?;
    let mut names = BTreeSet::new();
    for role in &spec.roles {
        let Some(volume) = &role.volume else { continue };
        ensure(names.insert(&volume.name), || {
            format!("roles.{}.volume.name: {:?} is that of another role, two would share it", role.name, volume.name)
        })?;
    }
    let mut mounters = spec.roles.iter().filter(|role| role.mounts);
    ensure(mounters.clone().count() <= 1, || "roles.mounts: is for one role of a kind".to_owned())?;
    ensure(mounters.all(|role| role.auxiliary && role.volume.is_none() && !spec.host_network), || {
        "roles.mounts: is for helpers (auxiliary) without a volume".to_owned()
    })?;
    for role in &spec.roles {
        let at = format!("roles.{}", role.name);
        ensure(role.max > 0 && role.min <= role.max, || format!("{at}.max: must be at least 1 and at least min"))?;
        ensure(!role.auxiliary || role.max == 1, || format!("{at}.max: must be 1, there is one of an auxiliary role"))?;
    }
    Ok(())
}

fn settings(spec: &KindSpec) -> Check {
    fields("settings", &spec.settings)?;
    for setting in &spec.settings {
        let SettingKind::Port { taken } = &setting.kind else { continue };
        for port in own_ports(spec) {
            ensure(taken.contains(&port), || {
                format!("settings.{}.taken: {port} is missing, a program of the kind listens there", setting.name)
            })?;
        }
    }
    Ok(())
}

/// Ports on which the kind's own programs listen, as far as the template tells.
fn own_ports(spec: &KindSpec) -> impl Iterator<Item = u16> {
    let probed = spec.roles.iter().filter_map(|role| match &role.process.health.kind {
        ProbeKind::Http { port, .. } | ProbeKind::Tcp { port } => Some(*port),
        ProbeKind::Alive | ProbeKind::Exec { .. } => None,
    });
    spec.public.iter().map(|public| public.port).chain(probed)
}

/// What can be typed in, of a service or of an action.
pub(super) fn fields(list: &str, fields: &[SettingSpec]) -> Check {
    let mut seen = BTreeSet::new();
    for setting in fields {
        let at = format!("{list}.{}", setting.name);
        identifier(&at, &setting.name)?;
        ensure(seen.insert(&setting.name), || format!("{at}: is there twice"))?;
        match setting.normalise(&setting.default) {
            Ok(normal) if normal == setting.default => {}
            Ok(normal) => return Err(format!("{at}.default: must be written {normal:?}")),
            Err(message) => return Err(format!("{at}.default: {message}")),
        }
    }
    Ok(())
}

fn secrets(spec: &KindSpec) -> Check {
    let mut seen = BTreeSet::new();
    for secret in &spec.secrets {
        let at = format!("secrets.{}", secret.name);
        identifier(&at, &secret.name)?;
        ensure(seen.insert(&secret.name), || format!("{at}: is there twice"))?;
        ensure(!secret.title.trim().is_empty(), || format!("{at}.title: is empty"))?;
        ensure(SECRET_LENGTHS.contains(&secret.length), || {
            format!("{at}.length: must be from {} to {}", SECRET_LENGTHS.start(), SECRET_LENGTHS.end())
        })?;
    }
    Ok(())
}

fn offers(spec: &KindSpec) -> Check {
    let Some(offers) = &spec.offers else { return Ok(()) };
    ensure(!offers.variables.is_empty(), || "offers.variables: is empty".to_owned())?;
    ensure(is_variable_prefix(&offers.prefix), || {
        format!("offers.prefix: {:?} is not a word of capitals and digits such as DB", offers.prefix)
    })?;
    offers.variables.keys().try_for_each(|name| {
        ensure(is_variable_prefix(name), || format!("offers.variables: {name:?} is not a word such as HOST"))
    })
}

/// `A-Z`, digits and underscores, begins with a letter: with more of its kind it makes the name of a variable.
fn is_variable_prefix(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && text.parse::<VariableName>().is_ok()
}

/// What templates can name after a dot.
pub(super) fn identifier(at: &str, name: &str) -> Check {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let starts_well = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    ensure(plain && starts_well, || format!("{at}.name: may use only a–z, digits and underscores"))
}

fn volume(role: &RoleSpec) -> Check {
    let Some(volume) = &role.volume else { return Ok(()) };
    let at = format!("roles.{}.volume", role.name);
    ensure(role.max == 1 || volume.each, || {
        format!("{at}: needs max = 1, two instances cannot share a volume; or each = true")
    })?;
    ensure(!volume.each || !role.auxiliary, || format!("{at}.each: there is one of an auxiliary role"))?;
    ensure(!volume.independent || (volume.each && role.drain.is_none()), || {
        format!("{at}.independent: is for each = true, and for roles that hand nothing over (drain)")
    })?;
    ensure(is_plain_name(&volume.name), || format!("{at}.name: may use only a–z, digits and hyphens"))?;
    ensure(is_absolute(&volume.path), || format!("{at}.path: {:?} is not a plain absolute path", volume.path))
}

fn process(role: &RoleSpec) -> Check {
    let at = format!("roles.{}.process", role.name);
    ensure(!role.process.command.is_empty(), || format!("{at}.command: is empty"))?;
    let known = |key: &str, signal: &str| {
        ensure(SIGNALS.contains(&signal), || format!("{at}.{key}: {signal:?} is not one of {}", SIGNALS.join(", ")))
    };
    known("stop_signal", &role.process.stop_signal)?;
    match &role.process.reload {
        ReloadMethod::Signal(signal) => known("reload", signal)?,
        ReloadMethod::Exec { command, signal } => {
            known("reload.exec.signal", signal)?;
            ensure(!command.is_empty(), || format!("{at}.reload.exec.command: is empty"))?;
        }
        ReloadMethod::Restart | ReloadMethod::None => {}
    }
    for name in role.process.environment.keys() {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        ensure(plain && !name.starts_with("AERIE_"), || {
            format!("{at}.environment: {name:?} is not a name for a variable, or one of the platform's own")
        })?;
    }
    metrics(role)?;
    let health = &role.process.health;
    ensure(health.interval_ms > 0 && health.timeout_ms > 0 && health.failures > 0, || {
        format!("{at}.health: interval_ms, timeout_ms and failures must be above 0")
    })
}

fn metrics(role: &RoleSpec) -> Check {
    let at = format!("roles.{}.process.metrics", role.name);
    let MetricsSpec { requests, haproxy, figures } = &role.process.metrics;
    if let Some(log) = requests {
        let streams = [&role.process.streams.out, &role.process.streams.err];
        ensure(streams.contains(&&log.stream), || {
            format!("{at}.requests.stream: {:?} is not one of the process' streams", log.stream)
        })?;
        ensure(log.status != 0 && log.time != 0, || {
            format!("{at}.requests: status and time are words counted from 1, or from -1 at the end")
        })?;
    }
    if let Some(stats) = haproxy {
        ensure(is_absolute(&format!("/{}", stats.socket)), || {
            format!("{at}.haproxy.socket: {:?} is not a plain path below {RUN_FOLDER}", stats.socket)
        })?;
        ensure(!stats.frontends.is_empty(), || format!("{at}.haproxy.frontends: names none"))?;
    }
    if let Some(probe) = figures {
        ensure(!probe.command.is_empty(), || format!("{at}.figures.command: names no program"))?;
        ensure((1..=MOST_FIGURES).contains(&probe.shown.len()), || {
            format!("{at}.figures.shown: from one to {MOST_FIGURES} can be shown")
        })?;
        for (place, figure) in probe.shown.iter().enumerate() {
            let name = &figure.name;
            ensure(is_word(name) && !figure.title.is_empty(), || {
                format!("{at}.figures.shown: {name:?} needs a name of a-z, digits and underscores, and a title")
            })?;
            let again = probe.shown[..place].iter().any(|earlier| earlier.name == *name);
            ensure(!again, || format!("{at}.figures.shown: {name:?} is there twice"))?;
        }
    }
    Ok(())
}

fn file_template(role: &RoleName, file: &FileTemplate) -> Check {
    let at = format!("roles.{role}.files");
    ensure(is_absolute(&format!("/{}", file.path)), || {
        format!("{at}.path: {:?} is not a plain path below {RUN_FOLDER}", file.path)
    })?;
    ensure(file.mode_bits().is_some(), || format!("{at}.mode: {:?} is not a mode such as \"640\"", file.mode))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub(super) fn is_plain_name(text: &str) -> bool {
    text.parse::<RoleName>().is_ok()
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// `/a/b`: no empty, `.` or `..` parts, nothing that a mount option or a shell could read differently.
fn is_absolute(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.bytes().all(|b| b == b'.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain))
}
