//! The template engine with what templates of a kind may name and call.
//!
//! Values are inserted as they are: a template that inserts anything from outside uses a filter of `quote`. Unknown
//! names are errors, never empty text.

use super::{Offer, OfferContext, RenderContext, RenderError, quote};
use crate::{FileTemplate, Kind, Member};
use aerie_agent_protocol::ProbeKind;
use aerie_domain::BackupScript;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Stands in a file where its own digest goes.
const DIGEST_MARK: &str = "@@DIGEST@@";

/// Hexadecimal digits of a digest in a file. More: longer lines; fewer: two configurations might look the same to a
/// health probe.
const DIGEST_DIGITS: usize = 16;

/// What templates can name; the fields of [`RenderContext`] and nothing else.
const NAMES: &[&str] = &[
    "service",
    "application",
    "instance",
    "roles",
    "members",
    "counts",
    "settings",
    "secrets",
    "variables",
    "bindings",
    "serving",
    "versions",
    "routes",
    "installation",
    "slot",
    "draining",
    "slots",
    "slots_wanted",
    "carried",
];

/// What the commands of actions can name besides.
const ACTION_VALUES: &str = "values";

/// What the templates of offers can name; the fields of [`OfferContext`].
const OFFER_NAMES: &[&str] = &["service", "application", "settings", "secrets"];

/// Digests of the files rendered so far, by path; the function `digest` in templates looks here.
type Digests = Arc<Mutex<BTreeMap<String, String>>>;

pub(super) struct Engine<'a> {
    kind: &'a Kind,
    environment: Environment<'a>,
    context: Value,
    digests: Digests,
}

impl<'a> Engine<'a> {
    pub(super) fn new(kind: &'a Kind, given: &RenderContext) -> Self {
        let digests = Digests::default();
        Self { kind, environment: environment(&digests), context: total(kind, given), digests }
    }

    /// The same for an action: its commands can also name what was typed in.
    pub(super) fn with_values(kind: &'a Kind, given: &RenderContext, values: &BTreeMap<String, String>) -> Self {
        let engine = Self::new(kind, given);
        let context = context! { values, ..engine.context.clone() };
        Self { context, ..engine }
    }

    /// Renders a file and remembers its digest: of the text with the mark still in it.
    pub(super) fn file(&mut self, template: &FileTemplate) -> Result<String, RenderError> {
        let source = self.kind.files.get(&template.template).map(String::as_str).unwrap_or_default();
        let text = self.text(&format!("files/{}", template.template), source)?;
        let mut digest = hex::encode(Sha256::digest(&text));
        digest.truncate(DIGEST_DIGITS);
        let text = text.replace(DIGEST_MARK, &digest);
        self.digests.lock().unwrap_or_else(PoisonError::into_inner).insert(template.path.clone(), digest);
        Ok(text)
    }

    /// Renders one text; `at` says where it comes from.
    pub(super) fn text(&self, at: &str, source: &str) -> Result<String, RenderError> {
        self.environment.render_named_str(at, source, &self.context).map_err(|source| RenderError {
            kind: self.kind.spec.name.to_string(),
            file: at.to_owned(),
            source,
        })
    }

    /// Renders every text of a list.
    pub(super) fn texts(&self, at: &str, sources: &[String]) -> Result<Vec<String>, RenderError> {
        sources.iter().map(|source| self.text(at, source)).collect()
    }
}

fn environment<'a>(digests: &Digests) -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    quote::add_filters(&mut environment);
    let digests = Arc::clone(digests);
    environment.add_function("digest", move |path: &str| {
        let digests = digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.get(path).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidOperation,
                format!("no file {path:?} of this instance is rendered before this"),
            )
        })
    });
    environment
}

/// The context with every role in `members` and every setting in `settings`, so that templates need not ask.
fn total(kind: &Kind, given: &RenderContext) -> Value {
    let settings = complete_settings(kind, &given.settings);
    let mut members: BTreeMap<&str, &[Member]> =
        kind.spec.roles.iter().map(|role| (role.name.as_str(), [].as_slice())).collect();
    members.extend(given.members.iter().map(|(role, members)| (role.as_str(), members.as_slice())));
    context! { settings, members, ..Value::from_serialize(given) }
}

/// Every setting of the kind: its value, or its default.
fn complete_settings<'a>(kind: &'a Kind, given: &'a BTreeMap<String, String>) -> BTreeMap<&'a str, &'a str> {
    let mut settings: BTreeMap<&str, &str> =
        kind.spec.settings.iter().map(|setting| (setting.name.as_str(), setting.default.as_str())).collect();
    settings.extend(given.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    settings
}

/// Renders the variables that a kind offers. What is secret in them is told by the templates themselves.
pub(super) fn offers(
    kind: &Kind,
    variables: &BTreeMap<String, String>,
    given: &OfferContext,
) -> Result<Vec<Offer>, RenderError> {
    let environment = environment(&Digests::default());
    let settings = complete_settings(kind, &given.settings);
    let context = context! { settings, ..Value::from_serialize(given) };
    let render = |(name, source): (&String, &String)| {
        let at = format!("offers.variables.{name}");
        let failed = |source| RenderError { kind: kind.spec.name.to_string(), file: at.clone(), source };
        let template = environment.template_from_str(source).map_err(failed)?;
        let value = template.render(&context).map_err(failed)?;
        Ok(Offer { name: name.clone(), value, secret: template.undeclared_variables(false).contains("secrets") })
    };
    variables.iter().map(render).collect()
}

/// Whether one of the kind's files names this.
pub(super) fn any_file_names(kind: &Kind, name: &str) -> bool {
    let environment = environment(&Digests::default());
    kind.files.values().any(|source| {
        environment.template_from_str(source).is_ok_and(|template| template.undeclared_variables(false).contains(name))
    })
}

/// Whether everything in the kind that is a template compiles and names only what there is. The error is the file (below
/// the kind's folder) and the message.
pub(crate) fn check(kind: &Kind) -> Result<(), (String, String)> {
    let environment = environment(&Digests::default());
    let in_spec = |message| ("template.toml".to_owned(), message);
    for role in &kind.spec.roles {
        for file in &role.files {
            let Some(source) = kind.files.get(&file.template) else {
                return Err(in_spec(format!("roles.{}.files: there is no files/{}", role.name, file.template)));
            };
            let name = format!("files/{}", file.template);
            compile(&environment, source).map_err(|message| (name, message))?;
        }
        let process = &role.process;
        let health: Vec<&String> = match &process.health.kind {
            ProbeKind::Http { path, expect, .. } => vec![path, expect],
            ProbeKind::Exec { command } => command.iter().collect(),
            _ => Vec::new(),
        };
        let texts = process.command.iter().map(|text| ("command", text));
        let texts = texts.chain(process.check.iter().map(|text| ("check", text)));
        let texts = texts.chain(process.environment.values().map(|text| ("environment", text)));
        let texts = texts.chain(health.into_iter().map(|text| ("health", text)));
        for (key, text) in texts {
            let at = format!("roles.{}.process.{key}", role.name);
            compile(&environment, text).map_err(|message| in_spec(format!("{at}: {message}")))?;
        }
        for text in role.init.iter().chain(&role.drain).flat_map(|hook| &hook.command) {
            let at = format!("roles.{}.init.command", role.name);
            compile(&environment, text).map_err(|message| in_spec(format!("{at}: {message}")))?;
        }
    }
    let names: Vec<&str> = NAMES.iter().copied().chain([ACTION_VALUES]).collect();
    for action in &kind.spec.actions {
        for text in &action.command {
            let at = format!("actions.{}.command", action.name);
            compile_with(&environment, text, &names).map_err(|message| in_spec(format!("{at}: {message}")))?;
        }
    }
    let scripts = kind.spec.backup.iter().flat_map(|backup| {
        BackupScript::ALL
            .iter()
            .flat_map(|script| backup.script(*script).command.iter().map(|text| (script.key(), text)))
    });
    for (name, text) in scripts {
        compile(&environment, text).map_err(|message| in_spec(format!("{name}.command: {message}")))?;
    }
    for (name, text) in kind.spec.offers.iter().flat_map(|offers| &offers.variables) {
        compile_with(&environment, text, OFFER_NAMES)
            .map_err(|message| in_spec(format!("offers.variables.{name}: {message}")))?;
    }
    let used = |name: &String| kind.spec.roles.iter().flat_map(|role| &role.files).any(|file| file.template == *name);
    match kind.files.keys().find(|name| !used(name)) {
        Some(name) => Err((format!("files/{name}"), "is used by no role".to_owned())),
        None => Ok(()),
    }
}

fn compile(environment: &Environment<'_>, source: &str) -> Result<(), String> {
    compile_with(environment, source, NAMES)
}

fn compile_with(environment: &Environment<'_>, source: &str, names: &[&str]) -> Result<(), String> {
    let template = environment.template_from_str(source).map_err(|error| {
        let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("{line}{error}")
    })?;
    let is_global = |name: &str| environment.globals().any(|(global, _)| global == name);
    let mut unknown: Vec<String> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !names.contains(&name.as_str()) && !is_global(name))
        .collect();
    unknown.sort();
    match unknown.first() {
        Some(name) => Err(format!("there is no {name:?}; it can name {}", names.join(", "))),
        None => Ok(()),
    }
}
