//! The command `optiverse-relay`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use optiverse_relay::config::{Config, DEFAULT_FILE, StoreChoice};
use optiverse_relay::server::Relay;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The configuration cannot be used. `clap` ends with the same code where an option cannot.
const EXIT_USAGE: u8 = 2;

/// Relay for shared optical layouts.
///
/// Serves WebSocket connections at /ws/SESSION/USER and HTTP requests on one port until it gets SIGINT or SIGTERM; it then
/// stores everything, closes the connections, and ends with code 0. It ends with 1 if it cannot start, and with 2 if the
/// options or the configuration cannot be used.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen [default: 0.0.0.0:8765]; port 0 picks a free one, which is logged
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Where sessions are kept: `memory`, or `sqlite:PATH` for a file that survives a restart [default: memory]
    #[arg(long, value_name = "STORE")]
    store: Option<StoreChoice>,

    /// Lets nobody connect to a session that POST /api/sessions has not made
    #[arg(long)]
    require_created_sessions: bool,

    /// A configuration file; options win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Prints the default configuration file, with comments, and ends
    #[arg(long)]
    print_config: bool,

    /// What is logged, to standard error: a level, or a filter such as `info,optiverse_relay=debug`
    #[arg(long, value_name = "FILTER", default_value = "info", env = "OPTIVERSE_RELAY_LOG")]
    log: String,

    /// How it is logged
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Lines for a person
    Text,
    /// One JSON object a line
    Json,
}

impl Arguments {
    fn config(&self) -> Result<Config, String> {
        let mut config = match &self.config {
            None => Config::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                Config::from_toml(&text).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(store) = &self.store {
            config.store = store.clone();
        }
        config.require_created_sessions |= self.require_created_sessions;
        Ok(config)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        // A pipe that was closed early is not our failure.
        let _ = std::io::stdout().write_all(DEFAULT_FILE.as_bytes());
        return ExitCode::SUCCESS;
    }
    let usage = |problem: String| {
        let _ = writeln!(std::io::stderr(), "error: {problem}");
        ExitCode::from(EXIT_USAGE)
    };
    let config = match arguments.config() {
        Ok(config) => config,
        Err(problem) => return usage(problem),
    };
    let filter = match EnvFilter::try_new(&arguments.log) {
        Ok(filter) => filter,
        Err(error) => return usage(format!("--log {:?}: {error}", arguments.log)),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match arguments.log_format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    match serve(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the relay could not be started");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    // Before anybody can be told that it runs: a signal must not find the default action.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let relay = Relay::start(config).await?;
    tracing::info!(address = %relay.address(), store = ?config.store, "listening");
    let received = tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    };
    tracing::info!(signal = received, "stopping");
    relay.stop().await;
    Ok(())
}
