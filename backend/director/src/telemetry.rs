//! Logging. Lines read alone and carry fields; `RUST_LOG` decides how much.

use crate::config::LogFormat;
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What is logged unless `RUST_LOG` says otherwise. The silenced crates repeat what we log ourselves.
const DEFAULT_FILTER: &str = "info,tower_sessions=error,tower_sessions_core=error,sqlx=warn";

/// Starts logging to standard error; a second call changes nothing.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Json => registry
            .with(fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(std::io::stderr))
            .try_init(),
        LogFormat::Text => {
            // Colours only for eyes: in files and journals they are noise.
            let colours = std::io::stderr().is_terminal();
            let lines = fmt::layer().with_target(false).with_ansi(colours).with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logging had been started before");
    }
}
