#![expect(clippy::unwrap_used, reason = "tests fail loudly")]

use super::*;
use proptest::prelude::*;

const TOML: &str = r#"
name = "small"
title = "Small"
summary = "A kind for tests."
category = "web"
pack = ["front", "back"]
drain_s = 2
[public]
role = "front"
port = 8080
[code]
default = "welcome"
check = ["/check"]
roles = ["back"]
[size]
name = "small"
cpu_millis = 1000
memory_mib = 64
pids = 32
price_per_hour = 1000
[tmpfs]
"/run/aerie" = 8
"/code" = 16
[[settings]]
name = "limit"
title = "Limit"
type = "megabytes"
min = 1
max = 10
default = "8M"
[backup]
role = "store"
file = "tar"
takes = "an archive"
dump = { command = ["/dump", "{{ slot }}"], timeout_s = 60 }
check = { command = ["/verify"], timeout_s = 60 }
load = { command = ["/load"], timeout_s = 60 }
[[roles]]
name = "front"
title = "Front"
summary = "x"
max = 4
uses = ["back"]
files = [{ template = "front.conf", path = "front/front.conf", mode = "600" }]
[roles.process]
command = ["/front"]
reload = { signal = "HUP" }
[roles.process.health]
kind = { type = "http", port = 1, path = "/", expect = "{{ digest('front/front.conf') }}" }
interval_ms = 1
timeout_ms = 1
failures = 1
[[roles]]
name = "back"
title = "Back"
summary = "x"
max = 2
uses = ["store"]
[roles.process]
command = ["/back", "{{ service }}"]
reload = "restart"
health = { kind = { type = "tcp", port = 2 }, interval_ms = 1, timeout_ms = 1, failures = 1 }
[[roles]]
name = "store"
title = "Store"
summary = "x"
max = 1
auxiliary = true
volume = { name = "data", path = "/data" }
init = [{ name = "init", role = "store", command = ["/init"], timeout_s = 5 }]
[roles.process]
command = ["/store"]
reload = "none"
health = { kind = { type = "alive" }, interval_ms = 1, timeout_ms = 1, failures = 1 }
[[actions]]
name = "go"
title = "Go"
roles = ["back"]
command = ["/go", "{{ values.how }}"]
excludes = ["go", "activate"]
[[actions.fields]]
name = "how"
title = "How"
type = "text"
max_length = 9
default = "well"
[[actions]]
name = "halt"
title = "Halt"
roles = ["back"]
on = "all"
command = ["/halt"]
stops = ["go"]
"#;

/// What a value of its setting may be.
const LIMIT: &str = "type = \"megabytes\"\nmin = 1\nmax = 10\ndefault = \"8M\"";

/// A folder named `small` with a kind in it.
struct Folder {
    _parent: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    fn new(toml: &str) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("small");
        for folder in ["files", "welcome"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        let folder = Self { _parent: parent, path };
        folder.write("template.toml", toml);
        folder.write("Dockerfile", "FROM aerie/base");
        folder.write("icon.svg", "<svg></svg>");
        folder.write("files/front.conf", "{{ settings.limit }} @@DIGEST@@");
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).unwrap();
    }

    fn error(&self) -> String {
        Kind::load(&self.path).unwrap_err().to_string()
    }
}

fn error_after(from: &str, to: &str) -> String {
    assert!(TOML.contains(from), "the test replaces {from:?}, which is not there");
    Folder::new(&TOML.replacen(from, to, 1)).error()
}

#[test]
fn a_sound_folder_is_loaded_and_shown() {
    let folder = Folder::new(TOML);
    let kind = Kind::load(&folder.path).unwrap();
    assert_eq!(kind.image_digest.len(), 64);
    assert_eq!(kind.files.keys().collect::<Vec<_>>(), ["front.conf"]);
    let view = kind.view();
    assert_eq!((view.name.as_str(), view.title.as_str(), view.code, view.public), ("small", "Small", true, true));
    assert_eq!(
        view.roles.iter().map(|role| (role.name.as_str(), role.max)).collect::<Vec<_>>(),
        [("front", 4), ("back", 2), ("store", 1)]
    );
    assert!(view.roles[2].auxiliary && view.roles[0].min == 1);
    assert_eq!(view.settings[0].default, "8M");
    assert_eq!(view.icon, "<svg></svg>");
}

#[test]
fn folders_without_a_template_are_not_kinds() {
    let folder = Folder::new(TOML);
    let parent = folder.path.parent().unwrap();
    fs::create_dir(parent.join("notes")).unwrap();
    let kinds = Kinds::load(parent).unwrap();
    assert_eq!(kinds.iter().count(), 1);
    assert!(kinds.get("small").is_some() && kinds.get("notes").is_none());
    assert!(Kinds::load(Path::new("/nowhere/at/all")).unwrap_err().to_string().contains("/nowhere/at/all"));
}

#[test]
fn mistakes_are_told_with_file_and_key() {
    for (from, to, told) in [
        ("drain_s = 2", "drain_s = 2\ndrian_s = 3", "drian_s"),
        ("drain_s = 2\n", "", "drain_s"),
        ("min = 1", "min = 1\nmni = 2", "settings.limit: unknown key \"mni\""),
        ("roles = [\"back\"]\ncommand = [\"/go\"", "roles = []\ncommand = [\"/go\"", "actions.go.roles: is empty"),
        ("roles = [\"back\"]\ncommand", "roles = [\"nobody\"]\ncommand", "actions.go.roles: there is no role nobody"),
        ("command = [\"/halt\"]", "command = []", "actions.halt.command: is empty"),
        ("name = \"halt\"", "name = \"go\"", "actions.go: is there twice"),
        ("name = \"halt\"", "name = \"activate\"", "actions.activate.name: is taken"),
        ("stops = [\"go\"]", "stops = [\"run\"]", "actions.halt.stops: there is no action run"),
        ("\"activate\"]", "\"active\"]", "actions.go.excludes: there is no action active"),
        ("{{ values.how }}", "{{ values.why }}", "actions.go.command"),
        ("{{ values.how }}", "{{ valeus.how }}", "actions.go.command: there is no \"valeus\""),
        ("{{ service }}", "{{ values.how }}", "roles.back.process.command: there is no \"values\""),
        ("max_length = 9", "max_length = 9\nmin = 1", "actions.go.fields.how: unknown key \"min\""),
        ("max_length = 9", "max_length = 9999", "actions.go.fields.how.max_length: must be at most"),
        ("max_length = 9", "max_length = 3", "actions.go.fields.how.default: must have at most"),
        ("on = \"all\"", "on = \"some\"", "some"),
        ("name = \"halt\"", "name = \"backup-load\"", "actions.backup-load.name: is taken"),
        ("role = \"store\"\nfile", "role = \"nobody\"\nfile", "backup.role: there is no role nobody"),
        ("role = \"store\"\nfile", "role = \"back\"\nfile", "backup.role: back keeps nothing"),
        ("file = \"tar\"", "file = \"../tar\"", "backup.file: \"../tar\" is not a plain name"),
        ("command = [\"/load\"]", "command = []", "backup.load.command: is empty"),
        ("[\"/verify\"], timeout_s = 60", "[\"/verify\"], timeout_s = 0", "backup.check.timeout_s: must be above 0"),
        ("[\"/verify\"], timeout_s = 60", "[\"/verify\"], timeout = 5", "timeout"),
        ("{{ slot }}", "{{ slto }}", "backup.dump.command: there is no \"slto\""),
        ("load = { command = [\"/load\"], timeout_s = 60 }\n", "", "load"),
        (
            "check = [\"/check\"]",
            "prepare = { name = \"p\", command = [], timeout_s = 1 }",
            "code.prepare.command: is empty",
        ),
        ("uses = [\"back\"]", "uses = [\"back\"]\nsees = [\"nobody\"]", "roles.front.sees: there is no role nobody"),
        ("drain_s = 2", "drain_s = 2\nexecutable = [\"/tmp\"]", "executable: \"/tmp\" is not one of"),
        ("pids = 32", "pids = 32\nswap = 1", "size: unknown key \"swap\""),
        ("kind = { type = \"tcp\", port = 2 }", "kind = { type = \"tcp\", port = 2, path = \"/\" }", "health.kind"),
        ("timeout_s = 5 }", "timeout_s = 5, user = \"x\" }", "roles.store.init: unknown key \"user\""),
        ("name = \"small\"", "name = \"other\"", "name: is \"other\""),
        ("pack = [\"front\"", "pack = [\"nobody\"", "pack: there is no role nobody"),
        ("pack = [\"front\"", "pack = [\"store\"", "pack: store is auxiliary"),
        ("role = \"front\"", "role = \"nobody\"", "public.role: there is no role nobody"),
        ("port = 8080", "port = 80", "public.port"),
        ("roles = [\"back\"]", "roles = [\"nobody\"]", "code.roles: there is no role nobody"),
        ("default = \"welcome\"", "default = \"nowhere\"", "nowhere: is missing"),
        ("default = \"welcome\"", "default = \"../x\"", "code.default"),
        ("uses = [\"back\"]", "uses = [\"nobody\"]", "roles.front.uses: there is no role nobody"),
        ("uses = [\"store\"]", "uses = [\"front\"]", "uses: leads back to"),
        ("max = 1\nauxiliary = true", "max = 2", "roles.store.volume: needs max = 1"),
        ("max = 1\nauxiliary", "max = 2\nauxiliary", "roles.store.max"),
        ("max = 4", "max = 4\nmin = 5", "roles.front.max"),
        ("default = \"8M\"", "default = \"8\"", "settings.limit.default: must be written \"8M\""),
        ("default = \"8M\"", "default = \"80M\"", "settings.limit.default: must be between"),
        ("name = \"limit\"", "name = \"Limit!\"", "settings.Limit!.name"),
        (LIMIT, "type = \"port\"\ntaken = [8080, 1]\ndefault = \"0\"", "settings.limit.taken: 2 is missing"),
        (LIMIT, "type = \"port\"\ntaken = [1, 2]\ndefault = \"0\"", "settings.limit.taken: 8080 is missing"),
        (LIMIT, "type = \"port\"\ntaken = [8080, 1, 2]\ndefault = \"80\"", "settings.limit.default: must be 0 or 1024"),
        (LIMIT, "type = \"port\"\ntaken = [70000]\ndefault = \"0\"", "70000"),
        ("template = \"front.conf\"", "template = \"x.conf\"", "there is no files/x.conf"),
        ("mode = \"600\"", "mode = \"800\"", "roles.front.files.mode"),
        ("mode = \"600\"", "mode = \"1777\"", "roles.front.files.mode"),
        ("front/front.conf\", mode", "../front.conf\", mode", "roles.front.files.path"),
        ("\"/code\" = 16\n", "", "tmpfs: /code is missing"),
        ("\"/run/aerie\" = 8\n", "", "tmpfs: /run/aerie is missing"),
        ("\"/code\" = 16\n", "\"/code\" = 65\n", "tmpfs: /code has 65 MiB"),
        ("\"/code\" = 16\n", "\"/code\" = 16\n\"/a/../b\" = 1\n", "tmpfs: \"/a/../b\""),
        ("signal = \"HUP\"", "signal = \"KILL\"", "roles.front.process.reload: \"KILL\""),
        ("command = [\"/front\"]", "command = []", "roles.front.process.command: is empty"),
        ("{{ service }}", "{{ servise }}", "roles.back.process.command: there is no \"servise\""),
        ("role = \"store\", command", "role = \"back\", command", "roles.store.init.role"),
        ("drain_s = 2", "drain_s = 2\ncapabilities = [\"SYS_ADMIN\"]", "capabilities: \"SYS_ADMIN\" is not allowed"),
        ("drain_s = 2", "drain_s = 2\nhost_network = true", "host_network: is for kinds of category system"),
        ("price_per_hour = 1000", "price_per_hour = -1", "size.price_per_hour"),
        (
            "failures = 1\n[[roles]]\nname = \"back\"",
            "failures = 0\n[[roles]]\nname = \"back\"",
            "roles.front.process.health",
        ),
        ("name = \"back\"", "name = \"front\"", "there"),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { requests = { stream = \"acess\", status = -6, time = -3, unit = \"ms\" } }",
            "roles.front.process.metrics.requests.stream: \"acess\"",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { requests = { stream = \"out\", status = 0, time = -3, unit = \"ms\" } }",
            "roles.front.process.metrics.requests: status and time",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { haproxy = { socket = \"../x\", frontends = [\"a\"] } }",
            "roles.front.process.metrics.haproxy.socket",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { haproxi = 1 }",
            "roles.front.process.metrics: unknown key \"haproxi\"",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { figures = { command = [\"/x\"], shown = [] } }",
            "roles.front.process.metrics.figures.shown: from one",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { figures = { command = [\"/x\"], shown = [{ name = \"Keys\", title = \"Keys\" }] } }",
            "roles.front.process.metrics.figures.shown: \"Keys\" needs a name",
        ),
        (
            "command = [\"/front\"]",
            "command = [\"/front\"]\nmetrics = { figures = { command = [\"/x\"], shown = [{ name = \"keys\", title = \"Keys\", units = 1 }] } }",
            "roles.front.process.metrics.figures.shown: unknown key \"units\"",
        ),
    ] {
        let error = error_after(from, to);
        assert!(error.contains("small/") && error.contains(told), "{to:?} gave: {error}");
    }
}

#[test]
fn a_role_can_have_volumes_of_the_application_beside_its_own() {
    let with = |volume: &str, volumes: &str| {
        let toml = TOML.replacen("max = 2\n", &format!("max = 2\nvolume = {volume}\n"), 1);
        Folder::new(&toml.replacen("[backup]", &format!("[volumes]\n{volumes}\n[backup]"), 1))
    };
    let own = "{ name = \"own\", path = \"/own\", each = true, independent = true }";
    let folder = with(own, "roles = [\"back\"]");
    let kind = Kind::load(&folder.path).unwrap();
    assert!(kind.spec.slotted().is_some_and(|role| role.name.as_str() == "back" && !role.is_cluster()));
    let clash = own.replace("\"own\"", "\"data\"");
    let drains = format!("{own}\ndrain = {{ name = \"d\", role = \"back\", command = [\"/d\"], timeout_s = 1 }}");
    for (volume, volumes, told) in [
        (own, "roles = [\"back\", \"store\"]", "volumes.roles: are not for helpers"),
        (own, "roles = [\"back\"]\nfolder = \"/own\"", "volumes.folder: must not overlap"),
        (own, "roles = [\"back\"]\nfolder = \"/own/more\"", "volumes.folder: must not overlap"),
        (clash.as_str(), "roles = [\"back\"]", "roles.store.volume.name: \"data\" is that of another role"),
        (drains.as_str(), "roles = [\"back\"]", "roles.back.volume.independent: is for each = true"),
    ] {
        let error = with(volume, volumes).error();
        assert!(error.contains(told), "{volume} {volumes} gave: {error}");
    }
}

#[test]
fn mistakes_beside_the_template_are_told() {
    let folder = Folder::new(TOML);
    folder.write("files/front.conf", "{% for x in %}");
    assert!(folder.error().contains("files/front.conf: line 1"), "{}", folder.error());
    folder.write("files/front.conf", "\n{{ setings.limit }}");
    assert!(folder.error().contains("there is no \"setings\""), "{}", folder.error());
    folder.write("files/front.conf", "{{ settings.limit|no_such_filter }}");
    assert!(folder.error().contains("no_such_filter"), "{}", folder.error());
    folder.write("files/front.conf", "\n{{ settings.limti }}");
    assert!(folder.error().contains("files/front.conf: line 2"), "{}", folder.error());
    folder.write("files/front.conf", "{{ digest('front/front.conf') }}");
    assert!(folder.error().contains("no file \"front/front.conf\""), "{}", folder.error());
    folder.write("files/front.conf", "");
    folder.write("files/left.conf", "");
    assert!(folder.error().contains("files/left.conf: is used by no role"), "{}", folder.error());
    fs::remove_file(folder.path.join("files/left.conf")).unwrap();
    folder.write("icon.svg", "<svg><script/></svg>");
    assert!(folder.error().contains("icon.svg: must not have"));
    folder.write("icon.svg", "<svg></svg>");
    fs::remove_file(folder.path.join("Dockerfile")).unwrap();
    assert!(folder.error().contains("Dockerfile: is missing"));
    fs::remove_file(folder.path.join("icon.svg")).unwrap();
    assert!(folder.error().contains("icon.svg: cannot be read"));
}

#[test]
fn the_kinds_of_this_repository_are_sound() {
    let kinds = Kinds::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")).unwrap();
    let php = kinds.get("php").unwrap();
    assert_eq!(php.spec.public.as_ref().map(|public| (public.role.as_str(), public.port)), Some(("proxy", 8080)));
    let entry = kinds.get("entry").unwrap();
    assert!(entry.spec.host_network && entry.spec.receives_routes);
    assert!(kinds.iter().filter(|kind| !kind.spec.host_network).all(|kind| kind.spec.size.price_per_hour.millis > 0));
}

/// What a slip of the hand does to a text.
#[derive(Debug, Clone)]
enum Slip {
    DropLine,
    DoubleLine,
    CutAt(usize),
    Replace(usize, String),
}

fn slip() -> impl Strategy<Value = (usize, Slip)> {
    let kind = prop_oneof![
        Just(Slip::DropLine),
        Just(Slip::DoubleLine),
        (0..60usize).prop_map(Slip::CutAt),
        (0..60usize, "[\"'=\\[\\]{}%a-z0-9 -]{0,4}").prop_map(|(at, text)| Slip::Replace(at, text)),
    ];
    (any::<usize>(), kind)
}

fn slipped(text: &str, slips: &[(usize, Slip)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (place, slip) in slips {
        let at = place % lines.len().max(1);
        let Some(line) = lines.get_mut(at) else { continue };
        match slip {
            Slip::DropLine => drop(lines.remove(at)),
            Slip::DoubleLine => {
                let double = line.clone();
                lines.insert(at, double);
            }
            Slip::CutAt(length) => line.truncate((*length).min(line.len())),
            Slip::Replace(from, with) => {
                let from = (*from).min(line.len());
                line.replace_range(from..(from + 1).min(line.len()), with);
            }
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_slip_of_the_hand_makes_it_panic(slips in proptest::collection::vec(slip(), 1..4)) {
        if let Ok(spec) = parse(&slipped(TOML, &slips)) {
            // What still is a template either passes or is refused with a message about a key.
            if let Err(message) = check::spec(&spec) {
                prop_assert!(message.contains(':'), "{}", message);
            }
        }
    }
}
