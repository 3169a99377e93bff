//! Command line of the director.

// As in the library: the pages' types reach into everything that holds the router.
#![recursion_limit = "512"]

use aerie_director::{
    config::{Config, LogFormat, Options},
    firewall::{self, FirewallAction},
    http::openapi,
    selftest, serve, telemetry,
};
use clap::{Parser, Subcommand};
use std::{io::Write, process::ExitCode};

/// The system's own allocator does not give back what password checks took, 19 MiB each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Aerie's director: web pages, REST API and managers of one installation.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Clone, Copy)]
enum Command {
    /// Serve (what happens without a command).
    Serve,
    /// Bring the database's schema up to date and end.
    Migrate,
    /// Print the OpenAPI document of the REST API.
    Openapi,
    /// Check options and folders without starting anything.
    CheckConfig,
    /// Look at a running installation as an attacker would, and say what is open.
    Selftest,
    /// Bring the firewall rules of this installation's containers into force, or take them away.
    Firewall {
        /// What to do with them.
        #[arg(value_enum)]
        action: FirewallAction,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve);
    telemetry::start(if matches!(command, Command::Serve) { cli.options.log } else { LogFormat::Text });
    match run(command, cli.options).await {
        Ok(code) => code,
        Err(error) => {
            // `{:#}` prints the whole chain of causes on one line.
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, options: Options) -> anyhow::Result<ExitCode> {
    match command {
        Command::Openapi => {
            let text = openapi::document().to_pretty_json()?;
            writeln!(std::io::stdout().lock(), "{text}")?;
        }
        Command::CheckConfig => {
            let config = Config::check(options)?;
            writeln!(std::io::stdout().lock(), "The configuration is usable: {}", config.summary())?;
        }
        Command::Selftest => {
            let report = selftest::run(&Config::check(options)?).await;
            write!(std::io::stdout().lock(), "{report}")?;
            if !report.is_good() {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Firewall { action } => {
            let said = firewall::act(&options, action).await?;
            writeln!(std::io::stdout().lock(), "{said}")?;
        }
        Command::Migrate => serve::migrate(&Config::check(options)?).await?,
        Command::Serve => serve::serve(Config::check(options)?).await?,
    }
    Ok(ExitCode::SUCCESS)
}
