//! What is counted for `/metrics`, in the text format of `OpenMetrics` that Prometheus reads.
//!
//! Requests are counted as they are answered; everything else (`platform`, `hosted`, `process`) is read when somebody
//! asks. Labels are bounded: routes are those of the router, instances those whose agents this process listens to.
//! To extend: a figure in the fitting module.

mod hosted;
mod platform;
mod process;

use crate::load::{InstanceTotals, LoadRecorder};
use aerie_domain::InstanceId;
use aerie_manager::ManagerFigures;
use aerie_usecases::Figures;
use axum::http::Method;
use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// Upper ends of the buckets of answer times, seconds. Streams count until they begin.
const SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What this process counts. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    loads: LoadRecorder,
    manager: Option<ManagerFigures>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram>,
    registry: Arc<Registry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<RequestLabels, Counter>::default();
        let seconds: Family<RouteLabels, Histogram> = Family::new_with_constructor(|| Histogram::new(SECONDS));
        let mut registry = Registry::with_prefix("aerie");
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register("http_request_seconds", "Time to the head of the answer", seconds.clone());
        Self { loads: LoadRecorder::default(), manager: None, requests, seconds, registry: Arc::new(registry) }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// With what the managers of this process do.
    #[must_use]
    pub fn with_manager(self, figures: ManagerFigures) -> Self {
        Self { manager: Some(figures), ..self }
    }

    /// Adds up what agents tell.
    pub fn loads(&self) -> &LoadRecorder {
        &self.loads
    }

    /// A request was answered. `route` is the pattern, empty when there is none.
    pub(crate) fn request(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let route = if route.is_empty() { "other" } else { route }.to_owned();
        // Anybody can invent methods.
        let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        let method = if known.contains(method) { method.as_str() } else { "other" }.to_owned();
        self.seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { route, method, status }).inc();
    }

    /// Everything, as text.
    pub(crate) fn text(
        &self,
        figures: &Figures,
        totals: &HashMap<InstanceId, InstanceTotals>,
    ) -> Result<String, fmt::Error> {
        let mut asked = Registry::with_prefix("aerie");
        asked.register_collector(Box::new(platform::Platform::new(figures, self.manager.as_ref(), totals.len())));
        asked.register_collector(Box::new(hosted::Hosted::new(figures, totals)));
        // Names that every Prometheus knows, without our prefix.
        let mut process = Registry::default();
        process.register_collector(Box::new(process::Process::read()));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &asked)?;
        encode_registry(&mut text, &process)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}
