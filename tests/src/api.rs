//! A programme that speaks REST, as a student's script would.

use crate::until;
use aerie_domain::{
    Problem, ServiceId, ServiceState,
    views::{Accepted, ApplicationView, CodeVersionView, CreatedToken, OperationView, ServiceView, UserView},
};
use anyhow::{Result, bail};
use reqwest::{
    Client, Method, Response,
    multipart::{Form, Part},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// A client of one installation, signed in by token or not.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: Client,
    token: Option<String>,
}

impl Api {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), client: Client::new(), token: None }
    }

    /// The same installation with another token.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Its token, for scripts.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Registers a user and signs in.
    ///
    /// # Errors
    /// When either is refused.
    pub async fn register(&self, name: &str) -> Result<Self> {
        let form = json!({
            "user_name": name, "email": format!("{name}@example.org"),
            "password": PASSWORD, "password_again": PASSWORD,
            "first_name": "Test", "last_name": name, "affiliation": "Test school",
        });
        let _: UserView = self.json(Method::POST, "/users", Some(form)).await?;
        self.log_in(name).await
    }

    /// Signs in a user that [`Api::register`] made.
    ///
    /// # Errors
    /// When refused.
    pub async fn log_in(&self, name: &str) -> Result<Self> {
        self.log_in_with(name, PASSWORD).await
    }

    /// Signs in with another password.
    ///
    /// # Errors
    /// When refused.
    pub async fn log_in_with(&self, name: &str, password: &str) -> Result<Self> {
        let form = json!({ "user_name": name, "password": password });
        let created: CreatedToken = self.json(Method::POST, "/login", Some(form)).await?;
        Ok(self.with_token(Some(&created.secret)))
    }

    /// Sends a request below `/api/v1` and gives the answer as it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?)
    }

    /// Sends a request and reads its JSON answer.
    ///
    /// # Errors
    /// When refused: with the problem's text.
    pub async fn json<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<Value>) -> Result<T> {
        let response = self.send(method.clone(), path, body).await?;
        read(&format!("{method} {path}"), response).await
    }

    /// Sends a request that must be refused and gives the problem.
    ///
    /// # Errors
    /// When it is not refused.
    pub async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> Result<Problem> {
        let response = self.send(method.clone(), path, body).await?;
        let status = response.status();
        if status.is_success() {
            bail!("{method} {path} should have been refused, but answered {status}");
        }
        Ok(response.json().await?)
    }

    /// Makes an application with one service and gives the service's page data.
    ///
    /// # Errors
    /// When refused.
    pub async fn application_with(&self, application: &str, kind: &str) -> Result<ServiceView> {
        let application: ApplicationView =
            self.json(Method::POST, "/applications", Some(json!({ "name": application }))).await?;
        let path = format!("/applications/{}/services", application.id);
        self.json(Method::POST, &path, Some(json!({ "kind": kind }))).await
    }

    /// A service's page data.
    ///
    /// # Errors
    /// When refused.
    pub async fn service(&self, id: ServiceId) -> Result<ServiceView> {
        self.json(Method::GET, &format!("/services/{id}"), None).await
    }

    /// Sends a request that takes a while and waits until its operation has ended well.
    ///
    /// # Errors
    /// When refused, failed, or not done within three minutes.
    pub async fn accepted(&self, method: Method, path: &str, body: Option<Value>) -> Result<OperationView> {
        let accepted: Accepted = self.json(method.clone(), path, body).await?;
        let id = accepted.operation.id;
        let what = format!("{method} {path} to be done");
        until(&what, Duration::from_secs(180), || async {
            let path = format!("/operations/{id}?wait=10s");
            let operation: OperationView =
                self.json(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
            match operation.state.as_str() {
                "done" => Ok(operation),
                state => Err(format!("{state}: {} {}", operation.progress, operation.error)),
            }
        })
        .await
    }

    /// Uploads an archive as a new version.
    ///
    /// # Errors
    /// When refused.
    pub async fn upload(&self, service: ServiceId, file_name: &str, archive: Vec<u8>) -> Result<CodeVersionView> {
        let response = self.upload_raw(service, file_name, archive).await?;
        read("upload", response).await
    }

    /// Uploads an archive and gives the answer as it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn upload_raw(&self, service: ServiceId, file_name: &str, archive: Vec<u8>) -> Result<Response> {
        let form = Form::new()
            .text("note", format!("uploaded as {file_name}"))
            .part("file", Part::bytes(archive).file_name(file_name.to_owned()));
        let mut request = self.client.post(format!("{}/api/v1/services/{service}/versions", self.base)).multipart(form);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?)
    }

    /// Uploads a backup of a service and gives the answer as it is.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn upload_backup(&self, service: ServiceId, file_name: &str, file: Vec<u8>) -> Result<Response> {
        let form = Form::new().part("file", Part::bytes(file).file_name(file_name.to_owned()));
        let address = format!("{}/api/v1/services/{service}/backups/upload", self.base);
        let mut request = self.client.post(address).multipart(form);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Ok(request.send().await?)
    }

    /// Waits until a service is in a state.
    ///
    /// # Errors
    /// After three minutes, with the state and reason it is in.
    pub async fn wait_state(&self, id: ServiceId, wanted: ServiceState) -> Result<ServiceView> {
        until(&format!("state {wanted}"), Duration::from_secs(180), || async {
            let view = self.service(id).await.map_err(|error| error.to_string())?;
            if view.summary.state == wanted {
                Ok(view)
            } else {
                Err(format!("{} {}", view.summary.state, view.summary.reason))
            }
        })
        .await
    }
}

/// Password of every test user.
pub const PASSWORD: &str = "correct horse battery";

async fn read<T: DeserializeOwned>(what: &str, response: Response) -> Result<T> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{what}: {status} {text}");
    }
    serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("{what}: {error} in {text}"))
}
