//! One build by the engine's classic builder, which every engine has: progress as it goes, the last lines when it fails.

use super::{
    client::Engine,
    errors::{cloud_error, timed_out},
};
use crate::{CloudError, CloudErrorKind, Progress};
use bollard::{body_full, errors::Error, query_parameters::BuildImageOptionsBuilder};
use futures_util::StreamExt;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

/// How long a build may take. Larger: a stuck package server blocks a kind for longer; smaller: slow lines never finish.
const BUILD_LIMIT: Duration = Duration::from_mins(30);

/// Lines of output that a failure carries. More: unreadable on a page; fewer: the cause scrolls away.
const KEPT_LINES: usize = 20;

/// What to build.
pub(super) struct Build<'a> {
    pub(super) kind: &'a str,
    pub(super) tag: &'a str,
    pub(super) context: Vec<u8>,
    pub(super) arguments: &'a BTreeMap<String, String>,
}

impl Engine {
    pub(super) async fn build(&self, build: Build<'_>, progress: &Progress) -> Result<(), CloudError> {
        let arguments: HashMap<&str, &str> =
            build.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let options =
            BuildImageOptionsBuilder::default().t(build.tag).rm(true).forcerm(true).buildargs(&arguments).build();
        let what = format!("building the image of {}", build.kind);
        let mut output = Output { kind: build.kind, lines: VecDeque::new(), progress };
        let running = async {
            let mut steps = self.docker.build_image(options, None, Some(body_full(build.context.into())));
            while let Some(step) = steps.next().await {
                match step {
                    Ok(info) => output.hear(info.stream.as_deref().unwrap_or_default()),
                    Err(Error::DockerStreamError { error }) => return Err(output.failure(&error)),
                    Err(error) => return Err(cloud_error(&what, error)),
                }
            }
            Ok(())
        };
        match tokio::time::timeout(BUILD_LIMIT, running).await {
            Ok(result) => result,
            Err(_) => Err(timed_out(&what, BUILD_LIMIT)),
        }
    }
}

/// The output of a build so far.
struct Output<'a> {
    kind: &'a str,
    lines: VecDeque<String>,
    progress: &'a Progress,
}

impl Output<'_> {
    fn hear(&mut self, text: &str) {
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if let Some(step) = step(line) {
                (self.progress)(format!("{}: {step}", self.kind));
            }
            if self.lines.len() == KEPT_LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(line.to_owned());
        }
    }

    /// Worth another attempt: what fails in a build is mostly a download.
    fn failure(&self, error: &str) -> CloudError {
        let lines = self.lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n  ");
        let message = format!("the image of {} cannot be built: {error}; its last lines:\n  {lines}", self.kind);
        CloudError::new(CloudErrorKind::Transient, message)
    }
}

/// `Step 3/7 : RUN x` → `step 3 of 7: RUN x`.
fn step(line: &str) -> Option<String> {
    let (numbers, command) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, count) = numbers.split_once('/')?;
    Some(format!("step {number} of {count}: {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn steps_read_well() {
        assert_eq!(step("Step 3/7 : RUN apt-get update").as_deref(), Some("step 3 of 7: RUN apt-get update"));
        assert_eq!(step(" ---> Running in 1234"), None);
    }

    #[test]
    fn a_failure_carries_the_last_lines() {
        let progress: Progress = Arc::new(|_| {});
        let mut output = Output { kind: "php", lines: VecDeque::new(), progress: &progress };
        (0..50).for_each(|number| output.hear(&format!("line {number}\n")));
        let message = output.failure("exit code 3").message;
        assert!(message.contains("exit code 3") && message.contains("line 49") && message.contains("line 30"));
        assert!(!message.contains("line 29"));
    }
}
