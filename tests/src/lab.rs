//! A service that runs one's own scripts on a master and nodes, and somebody who presses its buttons.

use crate::{Api, Installation, until};
use aerie_domain::{
    InstanceId, Problem, ServiceId,
    views::{ActionRunView, ActionState, ActionsView, LogLine, Page},
};
use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// A service of the kind and its owner.
pub struct Lab {
    /// Its owner.
    pub ada: Api,
    /// The service.
    pub id: ServiceId,
}

impl Lab {
    /// Starts one, in an application of its own.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn start(home: &Installation) -> Result<Self> {
        let ada = home.api().register("ada").await?;
        let id = ada.application_with("lab", "generic").await?.summary.id;
        let lab = Self { ada, id };
        lab.ada.accepted(Method::POST, &lab.path("/start"), None).await?;
        Ok(lab)
    }

    /// Where it is in the API.
    #[must_use]
    pub fn path(&self, end: &str) -> String {
        format!("/services/{}{end}", self.id)
    }

    /// Uploads an archive and activates it.
    ///
    /// # Errors
    /// When either fails.
    pub async fn activate(&self, name: &str, archive: Vec<u8>) -> Result<()> {
        let version = self.ada.upload(self.id, name, archive).await?;
        let form = json!({ "version_id": version.id });
        self.ada.accepted(Method::POST, &self.path("/activate"), Some(form)).await.map(|_| ())
    }

    /// Asks for so many nodes and waits for them.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn scale(&self, nodes: u32) -> Result<()> {
        let form = json!({ "roles": { "node": nodes } });
        self.ada.accepted(Method::PUT, &self.path("/scale"), Some(form)).await.map(|_| ())
    }

    /// Presses a button.
    ///
    /// # Errors
    /// When refused.
    pub async fn press(&self, action: &str, form: Value) -> Result<ActionRunView> {
        self.ada.json(Method::POST, &self.path(&format!("/actions/{action}")), Some(form)).await
    }

    /// Presses a button that must be refused.
    ///
    /// # Errors
    /// When it is not.
    pub async fn refused(&self, action: &str) -> Result<Problem> {
        self.ada.refused(Method::POST, &self.path(&format!("/actions/{action}")), Some(json!({}))).await
    }

    /// The buttons and lights.
    ///
    /// # Errors
    /// When refused.
    pub async fn actions(&self) -> Result<ActionsView> {
        self.ada.json(Method::GET, &self.path("/actions"), None).await
    }

    /// Waits until a run has come to its end everywhere; its codes by instance.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn ended(&self, run: &ActionRunView) -> Result<ActionRunView> {
        self.ended_within(run, PATIENCE).await
    }

    /// The same for a run that takes long.
    ///
    /// # Errors
    /// When it takes longer than this.
    pub async fn ended_within(&self, run: &ActionRunView, limit: Duration) -> Result<ActionRunView> {
        until(&format!("{} to end", run.action), limit, || async {
            let runs = self.ada.json::<Page<ActionRunView>>(Method::GET, &self.path("/actions/runs"), None).await;
            let runs = runs.map_err(|error| error.to_string())?;
            let found = runs.items.into_iter().find(|other| other.id == run.id).ok_or("the run is gone")?;
            let over = found.results.iter().all(|result| result.state.is_final());
            if over { Ok(found) } else { Err(format!("{:?}", found.results)) }
        })
        .await
    }

    /// Waits until a run is under way on all its instances.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn running(&self, run: &ActionRunView) -> Result<()> {
        until(&format!("{} to run", run.action), PATIENCE, || async {
            let view = self.actions().await.map_err(|error| error.to_string())?;
            let lights: Vec<_> = view.instances.iter().flat_map(|instance| &instance.lights).collect();
            let mine: Vec<_> = lights.into_iter().filter(|light| light.run == run.id).collect();
            let all = mine.len() == run.results.len() && mine.iter().all(|light| light.state == ActionState::Running);
            if all { Ok(()) } else { Err(format!("{mine:?}")) }
        })
        .await
    }

    /// Waits until the log has a line like this of this stream.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn logged(&self, stream: &str, text: &str) -> Result<LogLine> {
        until(&format!("{text:?} in the log"), PATIENCE, || async {
            // The filter finds it among the lines of a flood, too.
            let word = text.split(' ').next().unwrap_or_default();
            let path = self.path(&format!("/logs?stream={stream}&text={word}&tail=200"));
            let page: Page<LogLine> =
                self.ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            let lines = page.items;
            let found = lines.iter().find(|line| line.text.contains(text)).cloned();
            found.ok_or_else(|| format!("{:?}", lines.iter().map(|line| &line.text).collect::<Vec<_>>()))
        })
        .await
    }

    /// Waits until every instance of a run has said this since it began: a script that has only just started may not
    /// listen to signals yet.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn all_said(&self, run: &ActionRunView, text: &str) -> Result<()> {
        until(&format!("{text:?} from all of {}", run.action), PATIENCE, || async {
            let path = self.path(&format!("/logs?stream={}&text={text}&tail=200", run.action));
            let page: Page<LogLine> =
                self.ada.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            let said =
                |instance: &str| page.items.iter().any(|line| line.instance == instance && line.at >= run.created_at);
            let silent: Vec<_> = run.results.iter().filter(|result| !said(&result.instance)).collect();
            if silent.is_empty() { Ok(()) } else { Err(format!("{silent:?}")) }
        })
        .await
    }

    /// One of those that have this role.
    ///
    /// # Errors
    /// When there is none.
    pub async fn instance(&self, role: &str) -> Result<InstanceId> {
        let view = self.actions().await?;
        let found = view.instances.iter().find(|instance| instance.roles.iter().any(|own| own == role));
        found.map(|instance| instance.id).with_context(|| format!("a {role}: {:?}", view.instances))
    }
}
