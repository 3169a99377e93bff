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
    must(config["User"] == "1000:1000", "it runs as another user than 1000");
    must(host["Privileged"] == false, "it is privileged");
    must(texts(&host["CapDrop"]) == ["ALL"], "capabilities are not dropped");
    must(texts(&host["CapAdd"]).iter().all(|name| CAPABILITIES.contains(&name.as_str())), "it has odd capabilities");
    let options = texts(&host["SecurityOpt"]);
    must(options.iter().any(|option| option == "no-new-privileges:true"), "it may gain privileges");
    must(!options.iter().any(|option| option.contains("unconfined")), "seccomp or the like is off");
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
    for key in ["Binds", "Devices", "DeviceRequests", "DeviceCgroupRules", "PortBindings", "Links", "VolumesFrom"] {
        must(nothing(&host[key]), &format!("{key} is not empty"));
    }
    for mount in container["Mounts"].as_array().into_iter().flatten() {
        let volume = mount["Type"] == "volume" && mount["Name"].as_str().is_some_and(|name| name.starts_with(label));
        must(volume || mount["Type"] == "tmpfs", &format!("a folder that is not ours is mounted: {mount}"));
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
