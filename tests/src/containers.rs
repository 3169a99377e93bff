//! Every container that a story makes is looked at as it starts: whatever it may do beyond the allow-list fails the story.

use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

/// Capabilities that a kind may name.
const CAPABILITIES: &[&str] = aerie_domain::ALLOWED_CAPABILITIES;

/// What the one that mounts for others may do beside that.
const OF_MOUNTERS: &[&str] = &["SYS_ADMIN", "SETUID", "SETGID", "KILL"];

/// Looks at containers of one installation until it is finished.
pub(crate) struct Watch {
    events: Child,
    reader: JoinHandle<BTreeMap<String, Vec<String>>>,
}

impl Watch {
    /// Starts looking.
    ///
    /// # Errors
    /// When Docker's events cannot be followed.
    pub(crate) fn start(label: &str) -> Result<Self> {
        let filter = format!("label=aerie.installation={label}");
        let mut events = Command::new("docker")
            .args(["events", "--filter", &filter, "--filter", "event=start", "--format", "{{.Actor.Attributes.name}}"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("docker events cannot be followed")?;
        let lines = BufReader::new(events.stdout.take().context("docker events has no output")?).lines();
        let label = label.to_owned();
        let reader = std::thread::spawn(move || {
            let mut seen = BTreeMap::new();
            for name in lines.map_while(Result::ok) {
                // One that is gone again is made from the same code as all others.
                if let Ok(found) = inspect(&name) {
                    seen.insert(name, problems(&found, &label));
                }
            }
            seen
        });
        Ok(Self { events, reader })
    }

    /// Stops looking and says what was wrong, if anything.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        // Ends the reader, too.
        let _ = self.events.kill();
        let _ = self.events.wait();
        let seen = self.reader.join().unwrap_or_default();
        let wrong: Vec<_> = seen
            .into_iter()
            .filter(|(_, problems)| !problems.is_empty())
            .map(|(name, problems)| format!("{name}: {}", problems.join("; ")))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
    }
}

fn inspect(name: &str) -> Result<Value> {
    let output = Command::new("docker").args(["container", "inspect", name]).output()?;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    all.into_iter().next().context("no such container")
}

/// What a container may do beyond what is allowed.
fn problems(container: &Value, label: &str) -> Vec<String> {
    let (host, config) = (&container["HostConfig"], &container["Config"]);
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    let positive = |value: &Value| value.as_i64().is_some_and(|number| number > 0);
    // The only exception, and of one kind only: it mounts what others have as volumes.
    let mounts = config["Labels"]["aerie.mounter"] == "1"
        && config["Image"].as_str().is_some_and(|image| image.starts_with("aerie/files:"));
    let user = if mounts { "0:0" } else { "1000:1000" };
    must(config["User"] == user, &format!("it runs as another user than {user}"));
    must(host["Privileged"] == false, "it is privileged");
    must(texts(&host["CapDrop"]) == ["ALL"], "capabilities are not dropped");
    let may_have = |name: &str| CAPABILITIES.contains(&name) || mounts && OF_MOUNTERS.contains(&name);
    must(texts(&host["CapAdd"]).iter().all(|name| may_have(name)), "it has odd capabilities");
    let options = texts(&host["SecurityOpt"]);
    must(options.iter().any(|option| option == "no-new-privileges:true"), "it may gain privileges");
    let is_off = |option: &String| option.contains("unconfined") && !(mounts && option.starts_with("apparmor="));
    must(!options.iter().any(is_off), "seccomp or the like is off");
    must(host["ReadonlyRootfs"] == true, "its root is writable");
    must(positive(&host["Memory"]) && host["MemorySwap"] == host["Memory"], "memory is not limited, or it may swap");
    must(positive(&host["CpuQuota"]) && positive(&host["CpuPeriod"]), "processor time is not limited");
    must(positive(&host["PidsLimit"]), "processes are not limited");
    must(positive(&host["OomScoreAdj"]), "it would outlive the platform when memory ends");
    let limits = host["Ulimits"].as_array().cloned().unwrap_or_default();
    must(
        limits.iter().any(|limit| limit["Name"] == "nofile" && positive(&limit["Hard"])),
        "open files are not limited",
    );
    let log = &host["LogConfig"];
    let limited = log["Type"] == "json-file" && log["Config"]["max-size"].is_string();
    must(limited || log["Type"] == "none", "its output is not limited");
    for (key, shared) in [("PidMode", "host"), ("IpcMode", "host"), ("UTSMode", "host"), ("UsernsMode", "host")] {
        must(host[key] != shared, &format!("{key} is the host's"));
    }
    must(
        ["host", "none"].iter().any(|mode| host["NetworkMode"] == *mode)
            || host["NetworkMode"].as_str().is_some_and(|name| name.starts_with(label)),
        "it is on a network of others",
    );
    let nothing = |value: &Value| {
        value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty)
    };
    let fuse = host["Devices"].as_array().is_some_and(|all| all.len() == 1 && all[0]["PathOnHost"] == "/dev/fuse");
    must(nothing(&host["Devices"]) || mounts && fuse, "it has devices of the host");
    for key in ["Binds", "DeviceRequests", "DeviceCgroupRules", "PortBindings", "Links", "VolumesFrom"] {
        must(nothing(&host[key]), &format!("{key} is not empty"));
    }
    for mount in container["Mounts"].as_array().into_iter().flatten() {
        let volume = mount["Type"] == "volume" && mount["Name"].as_str().is_some_and(|name| name.starts_with(label));
        let of_mounters = format!("/run/aerie/{label}/mounts/");
        let carried = mount["Type"] == "bind"
            && mount["Source"].as_str().and_then(|source| source.strip_prefix(&of_mounters)).is_some_and(|rest| {
                match rest.split_once('/') {
                    None => mounts && container["Name"] == format!("/{rest}"),
                    Some((_, of_volume)) => of_volume.strip_prefix("fs/").is_some_and(|id| id.len() == 32),
                }
            });
        must(volume || carried || mount["Type"] == "tmpfs", &format!("a folder that is not ours is mounted: {mount}"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::problems;
    use serde_json::json;

    #[test]
    fn a_container_without_limits_has_many_problems() {
        let bare = json!({
            "Config": { "User": "" },
            "HostConfig": {
                "Privileged": true, "NetworkMode": "bridge", "PidMode": "host", "Binds": ["/:/host"],
                "CapAdd": ["SYS_ADMIN"], "SecurityOpt": ["seccomp=unconfined"],
            },
            "Mounts": [{ "Type": "bind", "Source": "/var/run/docker.sock" }],
        });
        let found = problems(&bare, "test");
        assert!(found.len() >= 16, "{found:#?}");
    }
}
