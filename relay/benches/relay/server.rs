//! The measured servers, each a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use optiverse_relay::config::{Config, StoreChoice};
use optiverse_relay::server::Relay;

use crate::{forwarder, raw};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RelayInMemory,
    RelayOnSqlite,
    /// Writes what waits in one go.
    Forwarder,
    /// One write for each frame.
    PlainForwarder,
    /// Neither requests nor frames: what the machine takes for a message.
    RawTcp,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] =
        [Kind::RelayInMemory, Kind::RelayOnSqlite, Kind::Forwarder, Kind::PlainForwarder, Kind::RawTcp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::RelayInMemory => "relay, memory",
            Kind::RelayOnSqlite => "relay, SQLite",
            Kind::Forwarder => "forwarder, batching",
            Kind::PlainForwarder => "forwarder, plain",
            Kind::RawTcp => "raw TCP",
        }
    }

    pub(crate) fn is_relay(self) -> bool {
        matches!(self, Kind::RelayInMemory | Kind::RelayOnSqlite)
    }
}

/// The argument by which this program becomes a server.
pub(crate) const SERVE: &str = "--serve";

/// Serves until the process is killed; what kind follows [`SERVE`].
pub(crate) fn serve(arguments: &[String]) {
    let [kind, greeting_bytes, directory] = arguments else { panic!("{SERVE} KIND BYTES DIRECTORY") };
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).expect("a known kind");
    let greeting = "x".repeat(greeting_bytes.parse().expect("a number of bytes"));
    let tell = |address: SocketAddr| {
        let mut out = std::io::stdout();
        writeln!(out, "{address}").and_then(|()| out.flush()).expect("somebody listens");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match kind {
            Kind::Forwarder => forwarder::serve(true, greeting, tell).await,
            Kind::PlainForwarder => forwarder::serve(false, greeting, tell).await,
            Kind::RawTcp => raw::serve(tell).await,
            Kind::RelayInMemory | Kind::RelayOnSqlite => {
                let mut config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
                if kind == Kind::RelayOnSqlite {
                    config.store = StoreChoice::Sqlite(Path::new(directory).join("relay.db"));
                }
                // The budgets are not what is measured.
                let limits = &mut config.limits;
                (limits.messages_per_second, limits.message_burst) = (u32::MAX, u32::MAX);
                (limits.bytes_per_second, limits.byte_burst) = (u32::MAX, u32::MAX);
                limits.http_requests_per_second = u32::MAX;
                let relay = Relay::start(&config).await.expect("the relay starts");
                tell(relay.address());
                std::future::pending().await
            }
        }
    });
}

/// A server that runs, and is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts one, on this core if the system can pin it.
    pub(crate) fn start(kind: Kind, greeting_bytes: usize, core: Option<usize>) -> Server {
        let directory = tempfile::tempdir().expect("a directory");
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args([SERVE, kind.name(), &greeting_bytes.to_string()]).arg(directory.path());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("the server says where");
        let address = line.trim().parse().expect("an address");
        Server { child, address, _directory: directory }
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("Linux tells of a process")
    }

    /// The processor time it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = self.proc("stat");
        // The name, in parentheses, may hold spaces; user and system time are fields 14 and 15 (proc(5)), in ticks of 10 ms.
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number");
        (ticks(14) + ticks(15)) / 100.0
    }

    /// The memory it occupies, in bytes.
    pub(crate) fn resident_bytes(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of it");
        line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") * 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
    }
}

/// Has this process run on a core only. Returns whether the system can do that.
pub(crate) fn pin_this_process(core: usize) -> bool {
    let pinned = Command::new("taskset")
        .args(["-cp", &core.to_string(), &std::process::id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    pinned.is_ok_and(|status| status.success())
}
