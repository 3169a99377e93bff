//! `template.toml` as types. Unknown keys are errors, so that a typo does not pass silently.

use aerie_agent_protocol::{HealthProbe, HookSpec, MetricsSpec, ReloadMethod, StreamNames};
use aerie_domain::{
    ActionName, BackupScript, InstanceSize, KindName, RoleName, SettingSpec,
    views::{ActionTarget, KindCategory},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A whole `template.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSpec {
    /// Equal to the folder's name.
    pub name: KindName,
    /// "PHP".
    pub title: String,
    /// One or two sentences for the create page.
    pub summary: String,
    /// Group on the create page; `system` is not offered.
    pub category: KindCategory,
    /// Instances run on the host's network instead of an application's. System kinds only.
    #[serde(default)]
    pub host_network: bool,
    /// Its files receive the public routes of the whole installation. System kinds only.
    #[serde(default)]
    pub receives_routes: bool,
    /// The kind's files name the variables, and processes and scripts do not get them as environment. A process cannot be
    /// given another environment while it runs: with this, a changed variable is a reload rather than a restart.
    #[serde(default)]
    pub variables_in_files: bool,
    /// Roles that share one instance as long as each has a count of at most one; the first is the anchor.
    #[serde(default)]
    pub pack: Vec<RoleName>,
    /// Seconds between "others no longer use it" and "its process is stopped".
    pub drain_s: u32,
    /// Where visitors come in.
    pub public: Option<PublicSpec>,
    /// Present when the kind takes code uploads.
    pub code: Option<CodeSpec>,
    /// Size of every instance.
    pub size: InstanceSize,
    /// Linux capabilities of every instance, from [`ALLOWED_CAPABILITIES`](aerie_domain::ALLOWED_CAPABILITIES); usually none.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Writable folders in memory, path → MiB.
    #[serde(default)]
    pub tmpfs: BTreeMap<String, u32>,
    /// Those of them from which programs may run: for kinds whose users bring programs along.
    #[serde(default)]
    pub executable: Vec<String>,
    /// Services of this kind can have volumes of their application.
    pub volumes: Option<VolumesSpec>,
    /// Settings, in page order.
    #[serde(default)]
    pub settings: Vec<SettingSpec>,
    /// Passwords and the like that the platform makes, once per service.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    /// What a service that is bound to one of this kind gets. Left out: nothing can be bound to it.
    pub offers: Option<OffersSpec>,
    /// Roles, in page order.
    pub roles: Vec<RoleSpec>,
    /// Buttons that run a script on instances, in page order.
    #[serde(default)]
    pub actions: Vec<ActionSpec>,
    /// How what a service keeps is taken out and put back. Left out: it cannot be.
    pub backup: Option<BackupSpec>,
}

/// How what a service keeps is taken out and put back: three scripts that run on one instance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupSpec {
    /// They run on an instance that serves this role.
    pub role: RoleName,
    /// Name of the file for downloads, without folder; the service's name and the time come before it.
    pub file: String,
    /// What can be uploaded, for people: "a dump of mysqldump".
    pub takes: String,
    /// Writes a backup to its standard output.
    pub dump: BackupScriptSpec,
    /// Reads a backup from its standard input and fails when it cannot be put back. Changes nothing.
    pub check: BackupScriptSpec,
    /// Reads a backup from its standard input and puts it back.
    pub load: BackupScriptSpec,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupScriptSpec {
    /// Program and arguments. Strings are templates.
    pub command: Vec<String>,
    /// Seconds it may take.
    pub timeout_s: u32,
}

impl BackupSpec {
    /// The script for a step.
    pub fn script(&self, which: BackupScript) -> &BackupScriptSpec {
        match which {
            BackupScript::Dump => &self.dump,
            BackupScript::Check => &self.check,
            BackupScript::Load => &self.load,
        }
    }
}

/// Where volumes of an application appear.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumesSpec {
    /// Instances of these roles have them, all at the same time.
    pub roles: Vec<RoleName>,
    /// Below this folder.
    #[serde(default = "volumes_folder")]
    pub folder: String,
}

fn volumes_folder() -> String {
    "/data".to_owned()
}

/// A button that runs a script on some or all instances. The script ends; a process does not.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// Name in the API; also the stream of its lines.
    pub name: ActionName,
    /// Label.
    pub title: String,
    /// What it does.
    #[serde(default)]
    pub help: String,
    /// It runs on instances with one of these; the first one that an instance has counts.
    pub roles: Vec<RoleName>,
    /// On which of them.
    #[serde(default)]
    pub on: ActionTarget,
    /// Program and arguments. Strings are templates that can also name `values`, what was typed into the form.
    pub command: Vec<String>,
    /// Refused while one of these runs anywhere in the service. `activate` is refused itself while this one runs.
    #[serde(default)]
    pub excludes: Vec<ActionName>,
    /// Once it has ended, these are asked to end; the next time they are made to. Refused when none of them runs.
    #[serde(default)]
    pub stops: Vec<ActionName>,
    /// Seconds it may take; 0: as long as it likes.
    #[serde(default)]
    pub timeout_s: u32,
    /// What can be typed in. The script gets each as `ACTION_<NAME>`.
    #[serde(default)]
    pub fields: Vec<SettingSpec>,
}

impl ActionSpec {
    /// Stands in `excludes` for making another version the one that is served.
    pub const ACTIVATE: &str = "activate";
}

/// A password that the platform makes: letters and digits, so that no file format has to quote it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// Name in templates (`secrets.<name>`) and in the API.
    pub name: String,
    /// Label on the page.
    pub title: String,
    /// One sentence: what it is for.
    #[serde(default)]
    pub help: String,
    /// How many characters.
    pub length: u32,
    /// For the kind's own scripts only: nobody is shown it.
    #[serde(default)]
    pub internal: bool,
}

/// What others need to use a service of this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffersSpec {
    /// Usual beginning of the variables' names: `DB` makes `DB_HOST` out of `HOST`.
    pub prefix: String,
    /// Name without prefix → template that can name `service`, `application`, `settings` and `secrets`.
    pub variables: BTreeMap<String, String>,
}

/// Where visitors come in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicSpec {
    /// The role that answers.
    pub role: RoleName,
    /// On this port.
    pub port: u16,
}

/// How a kind takes code.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeSpec {
    /// Folder (in the kind's folder) that a new service serves as version 0.
    pub default: String,
    /// Looks for mistakes in staged code; its arguments are followed by the code's folder.
    #[serde(default)]
    pub check: Vec<String>,
    /// Runs once per version and instance before the version counts as staged; its arguments are followed by the code's
    /// folder. What fails is tried again.
    pub prepare: Option<PrepareSpec>,
    /// Roles whose instances need the code.
    pub roles: Vec<RoleName>,
}

/// A script that gets code ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareSpec {
    /// Its name in logs and messages.
    pub name: RoleName,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Seconds it may take.
    pub timeout_s: u32,
}

/// A role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSpec {
    /// Name.
    pub name: RoleName,
    /// Label.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// Smallest count.
    #[serde(default = "one")]
    pub min: u32,
    /// Largest count.
    pub max: u32,
    /// A helper with a count of one that users do not scale and that costs nothing.
    #[serde(default)]
    pub auxiliary: bool,
    /// Roles whose members its files name: they must serve before it does, and are drained only after it knows.
    #[serde(default)]
    pub uses: Vec<RoleName>,
    /// Roles whose members its files name as well, in no order: nobody waits for it to know of them. May lead back to it.
    #[serde(default)]
    pub sees: Vec<RoleName>,
    /// Data that outlives instances: one volume for a role with a largest count of 1, or one for each of its instances.
    pub volume: Option<VolumeTemplate>,
    /// Scripts to run before the process starts.
    #[serde(default)]
    pub init: Vec<HookSpec>,
    /// Its configuration files.
    #[serde(default)]
    pub files: Vec<FileTemplate>,
    /// Its process.
    pub process: ProcessTemplate,
    /// For roles with slots: hands over what only this instance has, before its slot is given up.
    pub drain: Option<HookSpec>,
    /// It mounts the volumes that the service carries for other services, which takes privileges that nobody else gets.
    #[serde(default)]
    pub mounts: bool,
}

fn one() -> u32 {
    1
}

/// A volume of a role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeTemplate {
    /// Short name.
    pub name: String,
    /// Absolute path in the instance.
    pub path: String,
    /// Each instance of the role has one of its own, which belongs to its slot: a number from 0 that an instance takes
    /// over from the one that it replaces.
    #[serde(default)]
    pub each: bool,
    /// The instances know nothing of each other's data: nobody has to wait for others before it leaves or is replaced.
    #[serde(default)]
    pub independent: bool,
}

impl RoleSpec {
    /// Its instances have slots.
    pub fn has_slots(&self) -> bool {
        self.volume.as_ref().is_some_and(|volume| volume.each)
    }

    /// Its slots belong together, as those of a cluster do: it matters who leaves when.
    pub fn is_cluster(&self) -> bool {
        self.volume.as_ref().is_some_and(|volume| volume.each && !volume.independent)
    }
}

impl KindSpec {
    /// The role whose instances have slots. Loading lets a kind have one at most.
    pub fn slotted(&self) -> Option<&RoleSpec> {
        self.roles.iter().find(|role| role.has_slots())
    }

    /// The role that mounts what services of this kind carry. Loading lets a kind have one at most.
    pub fn mounter(&self) -> Option<&RoleSpec> {
        self.roles.iter().find(|role| role.mounts)
    }
}

/// A configuration file: `files/<template>` in the kind's folder, rendered to `/run/aerie/<path>`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTemplate {
    /// Name in the kind's `files` folder.
    pub template: String,
    /// Path below `/run/aerie`.
    pub path: String,
    /// Permission bits, octal text such as "640".
    #[serde(default = "default_mode")]
    pub mode: String,
}

fn default_mode() -> String {
    "640".to_owned()
}

impl FileTemplate {
    /// The permission bits, or nothing if `mode` is not three octal digits (perhaps with a zero before them).
    pub fn mode_bits(&self) -> Option<u32> {
        let octal = (3..=4).contains(&self.mode.len()) && self.mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
        u32::from_str_radix(&self.mode, 8).ok().filter(|bits| octal && *bits <= 0o777)
    }
}

/// The process of a role. Strings are templates as well; `{{ digest('path') }}` in a probe is the digest of a rendered
/// file in which `@@DIGEST@@` was left where the digest goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessTemplate {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Run before the running process is reloaded or replaced.
    #[serde(default)]
    pub check: Vec<String>,
    /// What a changed file calls for.
    pub reload: ReloadMethod,
    /// What a changed command or environment calls for.
    #[serde(default)]
    pub renewal: Renewal,
    /// Signal that asks it to end.
    #[serde(default = "default_stop_signal")]
    pub stop_signal: String,
    /// Seconds from that signal to KILL.
    #[serde(default = "default_stop_timeout_s")]
    pub stop_timeout_s: u32,
    /// How to tell that it is healthy.
    pub health: HealthProbe,
    /// How its outputs are called.
    #[serde(default)]
    pub streams: StreamNames,
    /// Where figures about its work come from.
    #[serde(default)]
    pub metrics: MetricsSpec,
}

/// How a process that runs comes to have another command or environment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// Its instance is replaced, make before break. Roles with a volume, and system kinds on the host's network, cannot be
    /// there twice: their processes are started anew where they are.
    #[default]
    Instance,
    /// It is started anew where it is: what else runs on its instance, and what lies in its memory folders, stays.
    Process,
}

fn default_stop_signal() -> String {
    "TERM".to_owned()
}

fn default_stop_timeout_s() -> u32 {
    10
}
