//! Kinds that keep data: one instance on a volume, killed and started again, with settings that change while clients
//! are at work.

mod keyvalue;
mod mysql;
mod mysql_backup;

use crate::harness::{
    docker::{Network, Volume},
    instance::Instance,
    site::{image, kind, role},
};
use aerie_agent_protocol::InstanceConfig;
use aerie_domain::{BackupScript, InstanceId};
use aerie_kinds::{Kind, Member, OfferContext, RenderContext};
use std::{collections::BTreeMap, sync::Arc};

/// One service called `db`, all its roles in one instance.
pub struct Data {
    // Fields are dropped in this order.
    instance: Option<Instance>,
    volume: Volume,
    network: Network,
    kind: Arc<Kind>,
    pub settings: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
}

impl Data {
    pub fn start(kind_name: &str) -> Self {
        let kind = kind(kind_name);
        let secrets = kind.spec.secrets.iter().map(|s| (s.name.clone(), format!("{}4secret", s.name.replace('_', ""))));
        let secrets = secrets.collect();
        let (volume, network) = (Volume::new(), Network::new());
        let mut data = Self { instance: None, volume, network, kind, settings: BTreeMap::new(), secrets };
        data.start_instance();
        data
    }

    /// Kills everything as a power cut would, and starts another instance on the same volume.
    pub fn kill_and_start(&mut self) {
        let instance = self.instance.take().expect("it runs");
        crate::harness::docker::docker(&["kill", "--signal", "KILL", &instance.container.name]);
        drop(instance);
        self.start_instance();
    }

    fn start_instance(&mut self) {
        let config = self.config();
        let image = image(&self.kind);
        let mut instance = Instance::start_on(&self.kind, &image, &self.network.0, "db", &self.volume.0, &config);
        instance.apply(config);
        self.instance = Some(instance);
    }

    /// Brings the instance up to the settings and secrets of now.
    pub fn configure(&mut self) {
        let config = self.config();
        self.instance.as_mut().expect("it runs").apply(config);
    }

    /// Runs a command in the instance.
    pub fn run(&self, command: &[&str]) -> (bool, String) {
        let instance = self.instance.as_ref().expect("it runs");
        let (ok, said) = instance.container.run(command);
        (ok, said.trim().to_owned())
    }

    /// A variable that services which use it get.
    pub fn offered(&self, name: &str) -> String {
        let context = OfferContext {
            service: "db".to_owned(),
            application: "shop".to_owned(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
        };
        let offers = self.kind.offers(&context).expect("the kind can be rendered");
        offers.into_iter().find(|offer| offer.name == name).expect("it is offered").value
    }

    /// Runs one of the kind's scripts for backups.
    pub fn backup(&self, script: BackupScript, input: &[u8]) -> (Option<i32>, Vec<u8>, String) {
        let spec = self.kind.spec.backup.as_ref().expect("the kind has backups").script(script);
        let command: Vec<&str> = spec.command.iter().map(String::as_str).collect();
        self.instance.as_ref().expect("it runs").container.run_fed(&command, input)
    }

    /// Process id of a role's process, as a sign that it is the same one.
    pub fn pid(&self, role: &str) -> String {
        let (ok, said) = self.run(&["cat", &format!("/run/aerie/{role}.pid")]);
        assert!(ok, "{said}");
        said
    }

    fn config(&self) -> InstanceConfig {
        let own = || vec![Member { name: "own".to_owned(), address: "127.0.0.1".to_owned() }];
        let context = RenderContext {
            service: "db".to_owned(),
            application: "shop".to_owned(),
            instance: InstanceId(uuid::Uuid::from_u128(7)),
            roles: self.kind.spec.roles.iter().map(|spec| spec.name.clone()).collect(),
            members: self.kind.spec.roles.iter().map(|spec| (role(spec.name.as_str()), own())).collect(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            variables: BTreeMap::new(),
            bindings: BTreeMap::new(),
            serving: None,
            versions: Vec::new(),
            routes: Vec::new(),
            installation: BTreeMap::new(),
            slot: 0,
            draining: Vec::new(),
            slots: 1,
            counts: BTreeMap::new(),
            slots_wanted: 1,
            carried: Vec::new(),
        };
        self.kind.render(&context).expect("the kind can be rendered")
    }
}
