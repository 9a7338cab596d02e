//! The command `optiverse-relay`, for programs that have it as a command of their own.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, DEFAULT_FILE, StoreChoice};
use crate::server::Relay;
use crate::signal::Signals;

/// The relay could not be started, or did not end in order.
const EXIT_FAILURE: u8 = 1;

/// The options or the configuration cannot be used.
const EXIT_USAGE: u8 = 2;

/// Relay for shared optical layouts.
///
/// Serves WebSocket connections at /ws/SESSION/USER and HTTP requests on one port until it gets SIGINT or SIGTERM; it then
/// stores everything, closes the connections, and ends with code 0. A second signal ends it at once, with code 1. It ends
/// with 1 if it cannot start, and with 2 if the options or the configuration cannot be used.
#[derive(Debug, Parser)]
#[command(name = "optiverse-relay", version)]
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

    /// Stops, as on SIGTERM, when standard input ends: for a program that starts a relay and must not leave it behind
    #[arg(long)]
    exit_with_stdin: bool,

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

/// Runs the command, and returns its exit code: 0, 1 if the relay could not be started or did not end in order, 2 if the
/// options or the configuration cannot be used. A relay runs until the process gets SIGINT or SIGTERM; on Windows, until
/// Ctrl-C or the end of the console.
///
/// The first argument is the name of the command, as [`std::env::args_os`] gives it. It must not be called on a thread of
/// a `tokio` runtime. Where the process has a [`tracing`] subscriber already, logs go there.
///
/// The code is a number and no [`ExitCode`](std::process::ExitCode), from which a host in another language could not read
/// it.
///
/// ```
/// assert_eq!(optiverse_relay::command::run(["optiverse-relay", "--print-config"]), 0);
/// assert_eq!(optiverse_relay::command::run(["my-program relay", "--store", "tape:1"]), 2);
/// ```
pub fn run<A>(arguments: impl IntoIterator<Item = A>) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(problem) => {
            // `--help` and `--version` come this way too. A pipe that was closed early is not our failure.
            let _ = problem.print();
            return if problem.use_stderr() { EXIT_USAGE } else { 0 };
        }
    };
    if arguments.print_config {
        let _ = std::io::stdout().write_all(DEFAULT_FILE.as_bytes());
        return 0;
    }
    let usage = |problem: String| {
        let _ = writeln!(std::io::stderr(), "error: {problem}");
        EXIT_USAGE
    };
    let config = match arguments.config() {
        Ok(config) => config,
        Err(problem) => return usage(problem),
    };
    if let Err(error) = start_log(&arguments) {
        return usage(error);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no threads can be started");
            return EXIT_FAILURE;
        }
    };
    let served = runtime.block_on(serve(&config, arguments.exit_with_stdin));
    // After a second signal something may still be at work, for which nobody waits.
    runtime.shutdown_background();
    match served {
        Ok(Ended::InOrder) => 0,
        Ok(Ended::AtOnce) => EXIT_FAILURE,
        Err(error) => {
            tracing::error!(%error, "the relay could not be started");
            EXIT_FAILURE
        }
    }
}

/// How a relay that had started ended.
enum Ended {
    InOrder,
    /// Without waiting for connections to take their last messages.
    AtOnce,
}

fn start_log(arguments: &Arguments) -> Result<(), String> {
    let filter = EnvFilter::try_new(&arguments.log).map_err(|error| format!("--log {:?}: {error}", arguments.log))?;
    let is_coloured =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_coloured).with_writer(std::io::stderr);
    // It fails where the process has a subscriber, which is then the right one.
    let _ = match arguments.log_format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    Ok(())
}

async fn serve(config: &Config, exit_with_stdin: bool) -> Result<Ended, Box<dyn std::error::Error>> {
    // Before anybody can be told that it runs: a signal must not find the default action.
    let mut signals = Signals::catch()?;
    let relay = Relay::start(config).await?;
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(address = %relay.address(), store = %config.store, sessions = relay.sessions(), version, "listening");
    let input = async {
        match exit_with_stdin {
            true => end_of_input().await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        signal = signals.received() => tracing::info!(signal, "stopping"),
        () = input => tracing::info!("stopping: standard input has ended"),
    }
    tokio::select! {
        () = relay.stop() => {
            tracing::info!("stopped");
            Ok(Ended::InOrder)
        }
        signal = signals.received() => {
            // What was acknowledged is stored.
            tracing::warn!(signal, "stopping at once");
            Ok(Ended::AtOnce)
        }
    }
}

/// Waits until standard input ends. What is read is thrown away.
async fn end_of_input() {
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own: a read that blocks on one of the runtime's would keep the runtime from ending.
    std::thread::spawn(move || {
        // An input that cannot be read has ended too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        // Where nobody waits any more, the relay is stopping already.
        let _ = ended.send(());
    });
    // The thread sends before it ends.
    let _ = end.await;
}
