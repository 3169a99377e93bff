//! Backups of a service, as a script of its owner's would make them and put them back.

use crate::{Api, until};
use aerie_domain::{
    BackupId, ServiceId,
    views::{BackupView, BackupsView},
};
use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

/// Longest wait for a job. Each step is a matter of seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The backups of one service.
pub struct Copies {
    api: Api,
    service: ServiceId,
    name: String,
}

impl Copies {
    /// Those of a service, whose name has to be typed before one is put back.
    #[must_use]
    pub fn of(api: &Api, service: ServiceId, name: &str) -> Self {
        Self { api: api.clone(), service, name: name.to_owned() }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self, end: &str) -> String {
        format!("/services/{}/backups{end}", self.service)
    }

    /// All of them.
    ///
    /// # Errors
    /// When refused.
    pub async fn list(&self) -> Result<BackupsView> {
        self.api.json(Method::GET, &self.path(""), None).await
    }

    /// Waits until nothing goes on.
    ///
    /// # Errors
    /// When that takes longer than a minute.
    pub async fn idle(&self) -> Result<BackupsView> {
        until("the job to end", PATIENCE, || async {
            let list = self.list().await.map_err(|error| error.to_string())?;
            if list.job.is_none() { Ok(list) } else { Err(format!("{:?}", list.job)) }
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: BackupId) -> Result<BackupView> {
        self.api.json(Method::GET, &self.path(&format!("/{id}")), None).await
    }

    /// Makes one and waits until it has been checked, or has failed.
    ///
    /// # Errors
    /// When refused.
    pub async fn make(&self) -> Result<BackupView> {
        let made: BackupView = self.api.json(Method::POST, &self.path(""), None).await?;
        self.idle().await?;
        self.get(made.id).await
    }

    /// What can be downloaded of one.
    ///
    /// # Errors
    /// When refused.
    pub async fn file(&self, id: BackupId) -> Result<Vec<u8>> {
        let file = self.api.send(Method::GET, &self.path(&format!("/{id}/file")), None).await?.error_for_status()?;
        Ok(file.bytes().await?.to_vec())
    }

    /// Uploads a file and waits until it has been checked, or has failed.
    ///
    /// # Errors
    /// When it is not even taken.
    pub async fn upload(&self, name: &str, content: Vec<u8>) -> Result<BackupView> {
        let uploaded = self.api.upload_backup(self.service, name, content).await?;
        ensure!(uploaded.status() == 201, "{} {}", uploaded.status(), uploaded.text().await?);
        let made: BackupView = uploaded.json().await?;
        self.idle().await?;
        self.get(made.id).await
    }

    /// Puts one back and waits until that has ended, well or not.
    ///
    /// # Errors
    /// When refused.
    pub async fn restore(&self, id: BackupId) -> Result<BackupsView> {
        let confirm = Some(json!({ "confirm": self.name }));
        let begun = self.api.send(Method::POST, &self.path(&format!("/{id}/restore")), confirm).await?;
        ensure!(begun.status() == 202, "{} {}", begun.status(), begun.text().await?);
        self.idle().await
    }
}
