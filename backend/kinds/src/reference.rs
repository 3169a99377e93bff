//! What a kind's page for users can take from the template: `docs/kinds/<kind>.md` has it between two marks.
//!
//! Called by the tests beside it, which hold it against the pages (`make docs` writes these anew); does no I/O.
//! To extend: a section is a function from the kind to Markdown, or to nothing where there is nothing to say.

use crate::{ActionSpec, BackupSpec, Kind, Offer, OfferContext, RenderError, RoleSpec};
use aerie_agent_protocol::RUN_FOLDER;
use aerie_domain::{Across, BackupScript, FigureSpec, FigureUnit, SettingKind, SettingSpec, views::ActionTarget};
use std::{collections::BTreeMap, fmt::Display};

/// Stands for passwords in examples.
const HIDDEN: &str = "…";

impl Kind {
    /// The kind as its users see it, in Markdown: roles, settings, what it offers, actions, streams, figures.
    ///
    /// Guarantees: equal folders give equal texts. Errors: as those of [`Kind::offers`].
    pub fn reference(&self) -> Result<String, RenderError> {
        let sections = [
            Some(in_short(self)),
            section("Roles", roles(self)),
            section("Settings", settings(self)),
            section("What other services get", offers(self)?),
            section("Passwords", passwords(self)),
            section("Actions", actions(self)),
            section("Backup files", backups(self)),
            section("Streams of the log", streams(self)),
            section("Figures", figures(self)),
        ];
        let sections: Vec<String> = sections.into_iter().flatten().collect();
        Ok(sections.join("\n\n") + "\n")
    }
}

fn section(title: &str, body: Option<String>) -> Option<String> {
    body.map(|body| format!("### {title}\n\n{body}"))
}

/// What holds for the whole kind.
fn in_short(kind: &Kind) -> String {
    let (spec, name) = (&kind.spec, &kind.spec.name);
    let size = &spec.size;
    let cores = counted(&(f64::from(size.cpu_millis) / 1000.0).to_string(), "core");
    let price = counted(&size.price_per_hour.to_string(), "credit");
    let mut points = vec![format!(
        "**An instance** has {cores}, {} MB of memory and at most {} processes, and costs {price} per hour.",
        size.memory_mib, size.pids
    )];
    if let Some((anchor, others)) = spec.pack.split_first().filter(|(_, others)| !others.is_empty()) {
        let others = list(others, "and");
        points.push(format!(
            "**Together**: while there is one `{anchor}`, its instance also runs {others}, each while its count is 1."
        ));
    }
    if let Some(public) = &spec.public {
        points.push(format!("**Visitors** are answered by `{}`.", public.role));
    }
    if let Some(code) = &spec.code {
        points.push(format!("**Uploaded code** is on the instances of {}.", list(&code.roles, "and")));
    }
    if let Some(volumes) = &spec.volumes {
        let (roles, folder) = (list(&volumes.roles, "and"), &volumes.folder);
        points.push(format!("**Volumes** of the application are on the instances of {roles}, below `{folder}`."));
    }
    let folders = spec.tmpfs.iter().filter(|(path, _)| path.as_str() != RUN_FOLDER);
    let folders: Vec<String> = folders.map(|(path, mib)| format!("`{path}` ({mib} MB)")).collect();
    if !folders.is_empty() {
        points.push(format!("**In memory**, and gone with the instance: {}.", folders.join(", ")));
    }
    points.push(format!("**Variables** {}.", variables(kind)));
    let intro = format!(
        "The kind is called `{name}` in REST calls. (`make docs` makes this part from its\n\
         [template](../../service-templates/{name}/template.toml).)"
    );
    format!("## Reference\n\n{intro}\n\n- {}", points.join("\n- "))
}

fn variables(kind: &Kind) -> &'static str {
    if kind.takes_variables() {
        "that you set, and those of services that it is connected with, reach its programs"
    } else if kind.uses_others() {
        "that you set reach no program; it can be connected with other services"
    } else {
        "reach none of its programs, and it is connected with no other services"
    }
}

fn roles(kind: &Kind) -> Option<String> {
    let row = |role: &RoleSpec| {
        let volume = role.volume.as_ref().map(|volume| {
            let each = if volume.each { ", one for each instance" } else { "" };
            format!("`{}` at `{}`{each}", volume.name, volume.path)
        });
        [role.title.clone(), code(role.name.as_str()), count(role), role.summary.clone(), volume.unwrap_or_default()]
    };
    let rows: Vec<_> = kind.spec.roles.iter().map(row).collect();
    let table = table(["role", "name", "count", "what it does", "volume of its own"], &rows)?;
    let helper = kind.spec.roles.iter().any(|role| role.auxiliary);
    let note = if helper { "\n\nA helper has an instance of its own, is not scaled and costs nothing." } else { "" };
    Some(table + note)
}

fn count(role: &RoleSpec) -> String {
    match (role.auxiliary, role.min, role.max) {
        (true, ..) => "1, a helper".to_owned(),
        (false, min, max) if min == max => max.to_string(),
        (false, min, max) => format!("{min}–{max}"),
    }
}

fn settings(kind: &Kind) -> Option<String> {
    let rows: Vec<_> = kind.spec.settings.iter().map(field).collect();
    table(["setting", "name", "type", "range", "default", "meaning"], &rows)
}

/// What can be typed in, as a row.
fn field(spec: &SettingSpec) -> [String; 6] {
    let (shape, range) = match &spec.kind {
        SettingKind::Integer { min, max, unit } => {
            ("whole number", format!("{min}–{max} {unit}").trim_end().to_owned())
        }
        SettingKind::Port { taken } => ("port", SettingKind::ports(taken)),
        SettingKind::Megabytes { min, max } => ("megabytes", format!("{min}M–{max}M")),
        SettingKind::Switch => ("switch", list(["on", "off"], "or")),
        SettingKind::Choice { options } => ("choice", list(options, "or")),
        SettingKind::Folder => ("folder", String::new()),
        SettingKind::Text { max_length } => ("text", format!("up to {max_length} characters")),
    };
    let default = if spec.default.is_empty() { "(empty)".to_owned() } else { code(&spec.default) };
    [spec.title.clone(), code(&spec.name), shape.to_owned(), range, default, spec.help.clone()]
}

fn offers(kind: &Kind) -> Result<Option<String>, RenderError> {
    let Some(offers) = &kind.spec.offers else { return Ok(None) };
    let (name, prefix) = (&kind.spec.name, &offers.prefix);
    let secrets = kind.spec.secrets.iter().map(|secret| (secret.name.clone(), HIDDEN.to_owned())).collect();
    let context = OfferContext {
        // As a service is called unless somebody says otherwise.
        service: name.to_string(),
        application: "blog".to_owned(),
        settings: BTreeMap::new(),
        secrets,
    };
    let row = |offer: Offer| {
        let note = if offer.secret { "secret" } else { "" };
        [code(&format!("{prefix}_{}", offer.name)), code(&offer.value), note.to_owned()]
    };
    let rows: Vec<_> = kind.offers(&context)?.into_iter().map(row).collect();
    let intro = format!(
        "Variables of a service that is connected with one called `{name}`. They begin with `{prefix}` unless you\n\
         choose another word."
    );
    Ok(table(["variable", "value", ""], &rows).map(|table| format!("{intro}\n\n{table}")))
}

fn passwords(kind: &Kind) -> Option<String> {
    let shown = kind.spec.secrets.iter().filter(|secret| !secret.internal);
    let rows: Vec<_> = shown.map(|secret| [secret.title.clone(), code(&secret.name), secret.help.clone()]).collect();
    table(["password", "name", "what it is for"], &rows)
}

fn actions(kind: &Kind) -> Option<String> {
    let points: Vec<String> = kind.spec.actions.iter().map(action).collect();
    let row = |action: &ActionSpec, spec: &SettingSpec| {
        let [title, name, shape, range, default, help] = field(spec);
        [code(action.name.as_str()), title, name, shape, range, default, help]
    };
    let rows: Vec<_> =
        kind.spec.actions.iter().flat_map(|action| action.fields.iter().map(move |spec| row(action, spec))).collect();
    let forms = table(["action", "field", "name", "type", "range", "default", "meaning"], &rows);
    let points = (!points.is_empty()).then(|| points.join("\n"));
    paragraphs([points, forms])
}

fn action(action: &ActionSpec) -> String {
    let roles = list(&action.roles, "and");
    let on = match action.on {
        ActionTarget::All => format!("all instances of {roles}"),
        ActionTarget::Chosen => format!("chosen instances of {roles}"),
        ActionTarget::First => format!("the oldest instance of {roles}"),
    };
    let mut sentences = vec![format!("- **{}** (`{}`), on {on}.", action.title, action.name)];
    if !action.help.is_empty() {
        sentences.push(action.help.clone());
    }
    let (activation, others): (Vec<_>, Vec<_>) =
        action.excludes.iter().partition(|name| name.as_str() == ActionSpec::ACTIVATE);
    if !others.is_empty() {
        sentences.push(format!("Refused while {} runs.", list(others, "or")));
    }
    if !activation.is_empty() {
        sentences.push("While it runs, no version can be activated.".to_owned());
    }
    if !action.stops.is_empty() {
        sentences.push(format!("It ends {}.", list(&action.stops, "and")));
    }
    if action.timeout_s > 0 {
        sentences.push(format!("It may take {} s.", action.timeout_s));
    }
    sentences.join(" ")
}

fn backups(kind: &Kind) -> Option<String> {
    let BackupSpec { role, file, takes, dump, check, load } = kind.spec.backup.as_ref()?;
    let [dump, check, load] = [dump, check, load].map(|script| script.timeout_s);
    Some(format!(
        "A backup is a `.{file}` file with what `{role}` keeps. Making one may take {dump} s, checking it {check} s,\n\
         putting it back {load} s. What can be uploaded: {takes}."
    ))
}

fn streams(kind: &Kind) -> Option<String> {
    let spec = &kind.spec;
    let row = |role: &RoleSpec| {
        let process = [role.process.streams.out.clone(), role.process.streams.err.clone()];
        let hooks = role.init.iter().chain(&role.drain).map(|hook| hook.name.clone());
        let code_for = spec.code.iter().filter(|code| code.roles.contains(&role.name));
        let prepare = code_for.filter_map(|code| code.prepare.as_ref()).map(|script| script.name.to_string());
        let actions = spec.actions.iter().filter(|action| action.roles.contains(&role.name));
        let actions = actions.map(|action| action.name.to_string());
        let backup = spec.backup.iter().filter(|backup| backup.role == role.name);
        let scripts = backup.flat_map(|_| BackupScript::ALL.iter().map(|script| script.action().to_owned()));
        let names = process.into_iter().chain(hooks).chain(prepare).chain(actions).chain(scripts);
        [code(role.name.as_str()), list(names, "and")]
    };
    let rows: Vec<_> = spec.roles.iter().map(row).collect();
    table(["role", "streams"], &rows)
}

fn figures(kind: &Kind) -> Option<String> {
    let spec = &kind.spec;
    let counting = spec.roles.iter().filter(|role| role.process.metrics.counts_requests());
    let counting: Vec<_> = counting.map(|role| &role.name).collect();
    let requests = (!counting.is_empty())
        .then(|| format!("Requests, errors and response times are counted for {}.", list(counting, "and")));
    let row = |role: &RoleSpec, figure: &FigureSpec| {
        let across = match figure.across {
            Across::Sum => "added up",
            Across::Most => "the largest",
        };
        [figure.title.clone(), code(&figure.name), code(role.name.as_str()), unit(figure), across.to_owned()]
    };
    let shown = |role: &RoleSpec| {
        let shown = role.process.metrics.figures.iter().flat_map(|probe| &probe.shown);
        shown.map(|figure| row(role, figure)).collect::<Vec<_>>()
    };
    let rows: Vec<_> = spec.roles.iter().flat_map(shown).collect();
    paragraphs([requests, table(["figure", "name", "role", "unit", "of several instances"], &rows)])
}

fn unit(figure: &FigureSpec) -> String {
    let unit = match figure.unit {
        FigureUnit::Count => "number",
        FigureUnit::Bytes => "bytes",
        FigureUnit::Milliseconds => "milliseconds",
    };
    format!("{unit}{}", if figure.per_second { " per second" } else { "" })
}

/// Those that are there, with an empty line between.
fn paragraphs(all: [Option<String>; 2]) -> Option<String> {
    let there: Vec<String> = all.into_iter().flatten().collect();
    (!there.is_empty()).then(|| there.join("\n\n"))
}

/// A table, or nothing without rows.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let mut lines = vec![line(&head.map(str::to_owned)), format!("|{}", "---|".repeat(N))];
    lines.extend(rows.iter().map(|row| line(row)));
    Some(lines.join("\n"))
}

/// A row of a table. What is in a cell must not end it.
fn line(cells: &[String]) -> String {
    let cell = |text: &String| {
        if text.is_empty() { " ".to_owned() } else { format!(" {} ", text.replace('|', "\\|").replace('\n', " ")) }
    };
    let cells: Vec<String> = cells.iter().map(cell).collect();
    format!("|{}|", cells.join("|"))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// "`a`, `b` and `c`".
fn list<T: Display>(names: impl IntoIterator<Item = T>, last: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((only, [])) => only.clone(),
        Some((end, others)) => format!("{} {last} {end}", others.join(", ")),
        None => String::new(),
    }
}

/// "1 core", "1.5 cores".
fn counted(number: &str, unit: &str) -> String {
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
#[path = "reference/tests.rs"]
mod tests;
