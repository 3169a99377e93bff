//! A service behind an entry, with the layout of its instances in the hands of the test.

use super::{
    docker::{Network, docker, docker_with_input, try_docker},
    http::{Answer, get},
    instance::Instance,
};
use aerie_agent_protocol::CodeVersionSpec;
use aerie_domain::{CodeVersionId, InstanceId, RoleName};
use aerie_kinds::{Kind, Kinds, Member, RenderContext, Route};
use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

pub const HOST: &str = "shop.ada.localhost";

/// One service of a kind, called `site`, and the entry.
pub struct Site {
    // Fields are dropped in this order: instances before the network that they are on.
    pub instances: BTreeMap<&'static str, Instance>,
    pub roles: BTreeMap<&'static str, Vec<RoleName>>,
    pub members: BTreeMap<RoleName, Vec<&'static str>>,
    pub settings: BTreeMap<String, String>,
    pub variables: BTreeMap<String, String>,
    /// What visitors get; none for kinds without code.
    pub serving: Option<CodeVersionId>,
    /// What instances have at hand, as their files may name it.
    pub versions: Vec<CodeVersionId>,
    pub port: u16,
    ready_port: u16,
    kind: Arc<Kind>,
    entry: Arc<Kind>,
    network: Network,
}

pub fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates")
}

pub fn kind(name: &str) -> Arc<Kind> {
    Arc::clone(Kinds::load(&templates()).expect("the kinds are sound").get(name).expect("it is there"))
}

/// The kind's image, built once per content of its folder.
pub fn image(kind: &Kind) -> String {
    // One build for all tests of this run; the others wait for it.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let base = std::env::var("AERIE_TEST_BASE").unwrap_or_else(|_| "aerie/base:bookworm".to_owned());
    let name = format!("aerie-kinds-test/{}:{}", kind.spec.name, &kind.image_digest[..12]);
    if !try_docker(&["image", "inspect", &name]).0 {
        assert!(try_docker(&["image", "inspect", &base]).0, "there is no image {base}: make up builds it");
        let dockerfile = std::fs::read_to_string(kind.folder.join("Dockerfile")).expect("it has one");
        let dockerfile = dockerfile.replace("FROM aerie/base:bookworm", &format!("FROM {base}"));
        let folder = kind.folder.to_string_lossy().into_owned();
        docker_with_input(
            &["build", "--network", "host", "-q", "-t", &name, "-f", "-", &folder],
            dockerfile.as_bytes(),
        );
    }
    name
}

/// A port that nobody uses right now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("there is one").port()
}

pub fn role(name: &str) -> RoleName {
    name.parse().expect("it is a name")
}

impl Site {
    pub fn new(kind_name: &str, serving: Option<CodeVersionId>) -> Self {
        Self::of(kind(kind_name), serving)
    }

    pub fn of(kind: Arc<Kind>, serving: Option<CodeVersionId>) -> Self {
        Self {
            instances: BTreeMap::new(),
            roles: BTreeMap::new(),
            members: BTreeMap::new(),
            settings: BTreeMap::new(),
            variables: BTreeMap::new(),
            serving,
            versions: serving.into_iter().collect(),
            port: free_port(),
            ready_port: free_port(),
            kind,
            entry: self::kind("entry"),
            network: Network::new(),
        }
    }

    /// Starts an instance with these roles; nobody else is told yet.
    pub fn start(&mut self, name: &'static str, roles: &[&str], code: &[(CodeVersionId, PathBuf)]) {
        let kind = if roles == ["entry"] { &self.entry } else { &self.kind };
        let network = if kind.spec.host_network { "host" } else { &self.network.0 };
        let aliases: Vec<String> = roles.iter().map(|role| format!("{role}.site")).collect();
        let aliases: Vec<&str> =
            if kind.spec.host_network { vec![] } else { aliases.iter().map(String::as_str).collect() };
        let instance = Instance::start(kind, &image(kind), network, &aliases);
        for (version, folder) in code {
            instance.put_code(*version, folder);
        }
        self.instances.insert(name, instance);
        self.roles.insert(name, roles.iter().map(|name| role(name)).collect());
        self.configure(name);
    }

    /// Brings one instance up to what it should know.
    pub fn configure(&mut self, name: &'static str) {
        let context = self.context(name);
        let kind = if name == "entry" { &self.entry } else { &self.kind };
        let config = kind.render(&context).expect("the kind can be rendered");
        self.instances.get_mut(name).expect("it is there").apply(config);
    }

    /// Who serves a role from now on, for those that are configured after this.
    pub fn serve(&mut self, role_name: &str, instances: &[&'static str]) {
        self.members.insert(role(role_name), instances.to_vec());
    }

    /// An instance gives up one of its roles; its process has been stopped.
    pub fn forget_role(&mut self, name: &'static str, role_name: &str) {
        self.roles.get_mut(name).expect("it is there").retain(|known| *known != role(role_name));
    }

    fn context(&self, name: &'static str) -> RenderContext {
        let member = |other: &&'static str| Member {
            name: (*other).to_owned(),
            address: if *other == name { "127.0.0.1".to_owned() } else { self.instances[other].address.clone() },
        };
        let members: BTreeMap<RoleName, Vec<Member>> =
            self.members.iter().map(|(role, members)| (role.clone(), members.iter().map(member).collect())).collect();
        let public = self.kind.spec.public.as_ref().and_then(|public| members.get(&public.role).cloned());
        let public = public.unwrap_or_default();
        let route = |name: &str, host: &str, members, state: &str| Route {
            name: name.to_owned(),
            hosts: vec![host.to_owned()],
            members,
            port: self.kind.spec.public.as_ref().map_or(0, |public| public.port),
            state: state.to_owned(),
        };
        RenderContext {
            service: "site".to_owned(),
            application: "shop".to_owned(),
            instance: InstanceId(uuid_of(name)),
            roles: self.roles[name].clone(),
            settings: self.settings.clone(),
            secrets: BTreeMap::new(),
            variables: self.variables.clone(),
            bindings: BTreeMap::new(),
            serving: self.serving,
            versions: self.versions.iter().map(version).collect(),
            routes: vec![
                route("shop", HOST, public, ""),
                route("idle", "idle.ada.localhost", vec![], "is starting' }\n<script>%[src]"),
            ],
            members,
            installation: [
                ("public_bind", "127.0.0.1".to_owned()),
                ("public_port", self.port.to_string()),
                ("ready_port", self.ready_port.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            slot: 0,
            draining: Vec::new(),
            slots: 1,
            counts: BTreeMap::new(),
            slots_wanted: 1,
            carried: Vec::new(),
        }
    }
}

impl Site {
    /// A visitor asks for a page.
    pub fn get(&self, path: &str) -> Answer {
        get(self.port, HOST, path, "")
    }

    /// A visitor gets a page.
    pub fn body(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

fn version(id: &CodeVersionId) -> CodeVersionSpec {
    CodeVersionSpec { id: *id, digest: String::new(), size_bytes: 0 }
}

/// Equal for equal names, so that a configuration that is rendered again is the same.
fn uuid_of(name: &str) -> uuid::Uuid {
    let mut bytes = [0; 16];
    for (byte, letter) in bytes.iter_mut().rev().zip(name.bytes()) {
        *byte = letter;
    }
    uuid::Uuid::from_bytes(bytes)
}

impl Instance {
    /// Unpacks a version as an agent would.
    pub fn put_code(&self, version: CodeVersionId, folder: &Path) {
        let archive = std::process::Command::new("tar").arg("-C").arg(folder).args(["-c", "."]).output();
        let archive = archive.expect("tar can be started").stdout;
        let name = &self.container.name;
        docker(&["exec", name, "mkdir", &format!("/code/{version}")]);
        docker_with_input(&["exec", "-i", name, "tar", "-x", "-C", &format!("/code/{version}")], &archive);
    }
}
