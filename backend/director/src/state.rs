//! What every request handler can reach. No globals: tests build the same state with another cloud.

use crate::{
    config::Config,
    firewall::Protection,
    http::{auth::StreamSlots, openapi::ApiDocument},
    lifecycle::Lifecycle,
    metrics::Metrics,
};
use aerie_cloud::Cloud;
use aerie_frontend::Assets;
use aerie_store::{Listener, Store};
use aerie_usecases::UseCases;
use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use std::sync::Arc;

/// State of the HTTP side. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// Everything a person or program can ask for.
    pub usecases: UseCases,
    /// For sessions, and to tell whether the database answers. Handlers use the use cases.
    pub store: Store,
    /// For container output, and to tell whether the engine answers.
    pub cloud: Arc<dyn Cloud>,
    /// Whether containers are kept from the host.
    pub firewall: Protection,
    /// Signals from the database.
    pub listener: Arc<Listener>,
    /// What the operator configured.
    pub config: Arc<Config>,
    /// How the process ends.
    pub lifecycle: Lifecycle,
    /// What is counted for `/metrics`.
    pub metrics: Metrics,
    /// The generated document of the REST API.
    pub api_document: Arc<ApiDocument>,
    /// Limits long-lived streams per user.
    pub streams: StreamSlots,
    /// The built files that pages refer to.
    pub assets: Assets,
    /// What the pages' renderer wants to know.
    pub leptos: LeptosOptions,
}

/// The renderer's options: only names; paths and hashes are the pages' own business.
pub fn leptos_options(config: &Config) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("aerie")
        .site_root(config.options.static_dir.display().to_string())
        .site_pkg_dir("pkg")
        .site_addr(config.options.listen)
        .build()
}
