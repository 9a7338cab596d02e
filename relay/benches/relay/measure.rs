//! What is done to a server, and what is read off it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use optiverse_core::sync::ReplicaKey;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::median;
use crate::peer::{Peer, frame};
use crate::server::{Kind, Server};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) turns: usize,
    /// Of latency, which differs most from one to the next.
    pub(crate) latency_turns: usize,
    /// Of one turn of throughput or latency.
    pub(crate) seconds: f64,
    pub(crate) items: usize,
    pub(crate) joins: usize,
    pub(crate) idle: usize,
    /// Sessions of four users whose latency is measured.
    pub(crate) many_sessions: usize,
}

impl Plan {
    pub(crate) const WHOLE: Plan =
        Plan { turns: 3, latency_turns: 5, seconds: 2.0, items: 10_000, joins: 11, idle: 2_000, many_sessions: 100 };
    pub(crate) const SMALL: Plan =
        Plan { turns: 1, latency_turns: 1, seconds: 0.2, items: 100, joins: 1, idle: 20, many_sessions: 2 };
}

/// Commands that a writer may be ahead of its slowest reader: enough to keep a server busy, less than any queue holds.
const AHEAD: u64 = 2_000;

/// What is done before anything is counted.
pub(crate) const WARM_UP: Duration = Duration::from_millis(300);

/// Longer than a server that works delivers nothing, on a machine however busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Added to every place, so that all have as many digits.
pub(crate) const X_ORIGIN: u64 = 100_000_000;

/// A command of the app that moves a user's item, of 250 bytes.
pub(crate) fn command(action: &str, user: usize, x: u64) -> Vec<u8> {
    let id = format!("00000000-0000-4000-8000-{user:012}");
    let x_mm = X_ORIGIN + x;
    frame(&format!(
        r#"{{"type":"command","command":{{"action":"{action}","item_type":"component","item_id":"{id}","data":{{"item_uuid":"{id}","x_mm":{x_mm},"y_mm":25.5125}}}},"timestamp":"2026-01-01T12:00:00"}}"#
    ))
}

/// A user of a session that has been let in and has an item of its own.
pub(crate) async fn join(address: SocketAddr, kind: Kind, session: usize, user: usize) -> Peer {
    let mut peer = Peer::connect(address, &format!("session-{session}"), &format!("{user:04}")).await;
    peer.send(&command("add_item", user, 0)).await;
    if kind.is_relay() {
        peer.send(&frame(r#"{"type":"ping"}"#)).await;
        peer.receive_with("\"pong\"").await;
    }
    peer
}

/// Reads until nothing has arrived for a while.
pub(crate) async fn settle(peers: &mut [Peer]) {
    for peer in peers {
        while timeout(Duration::from_millis(20), peer.receive(|_| ())).await.is_ok() {}
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    pub(crate) per_second: f64,
    /// Seconds of processor time of the server for a million deliveries.
    pub(crate) cpu_per_million: f64,
}

pub(crate) async fn throughput(
    kind: Kind,
    core: Option<usize>,
    sessions: usize,
    users: usize,
    seconds: f64,
) -> Throughput {
    let server = Server::start(kind, 0, core);
    let mut tasks: Vec<JoinHandle<()>> = Vec::new();
    let mut counts: Vec<Rc<Cell<u64>>> = Vec::new();
    for session in 0..sessions {
        let mut peers = Vec::new();
        for user in 0..users {
            peers.push(join(server.address, kind, session, user).await);
        }
        settle(&mut peers).await;
        let mut writer = peers.remove(0);
        let read: Vec<Rc<Cell<u64>>> = peers.iter().map(|_| Rc::default()).collect();
        counts.extend(read.iter().cloned());
        for (mut peer, count) in peers.into_iter().zip(read.clone()) {
            tasks.push(spawn_local(async move {
                loop {
                    peer.receive(|_| count.set(count.get() + 1)).await;
                }
            }));
        }
        // Each differs from the one before: a value that is already there would be no news.
        let commands: Vec<Vec<u8>> = (0..512).map(|x| command("move_item", 0, x)).collect();
        tasks.push(spawn_local(async move {
            for (sent, command) in (0_u64..).zip(commands.iter().cycle()) {
                while sent - read.iter().map(|count| count.get()).min().unwrap_or(sent).min(sent) > AHEAD {
                    tokio::task::yield_now().await;
                }
                writer.send(command).await;
            }
        }));
    }
    let total = || counts.iter().map(|count| count.get()).sum::<u64>();
    sleep(WARM_UP).await;
    let (begun, before, cpu) = (Instant::now(), total(), server.cpu_seconds());
    sleep(Duration::from_secs_f64(seconds)).await;
    // On a busy machine a flush of the disk may take longer than what is measured in small.
    let something = async {
        while total() == before {
            sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, something).await.is_ok(), "{} delivered nothing", kind.name());
    let (delivered, cpu, passed) = (total() - before, server.cpu_seconds() - cpu, begun.elapsed().as_secs_f64());
    tasks.iter().for_each(JoinHandle::abort);
    Throughput { per_second: delivered as f64 / passed, cpu_per_million: cpu / delivered as f64 * 1e6 }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Joined {
    pub(crate) milliseconds: f64,
    pub(crate) bytes: usize,
}

/// A server with a session that holds items.
pub(crate) struct LateJoiner {
    server: Server,
    /// Keeps the session in use.
    _writer: Peer,
}

impl LateJoiner {
    pub(crate) async fn prepare(kind: Kind, core: Option<usize>, items: usize, greeting: usize) -> LateJoiner {
        let server = Server::start(kind, greeting, core);
        let mut writer = Peer::connect(server.address, "session-0", "writer").await;
        for chunk in (0..items).collect::<Vec<_>>().chunks(100) {
            writer.send(&chunk.iter().flat_map(|item| add(*item)).collect::<Vec<u8>>()).await;
        }
        if kind.is_relay() {
            writer.send(&frame(r#"{"type":"ping"}"#)).await;
            writer.receive_with("\"pong\"").await;
        }
        LateJoiner { server, _writer: writer }
    }

    async fn measure(
        &self,
        joins: usize,
        hello: impl Fn(usize) -> String,
        done: impl Fn(&[u8], &mut usize) -> bool,
    ) -> Joined {
        let mut times = Vec::new();
        let mut bytes = 0;
        for join in 0..joins {
            sleep(Duration::from_millis(20)).await;
            let hello = hello(join);
            let begun = Instant::now();
            let mut peer = Peer::connect(self.server.address, "session-0", &format!("joiner-{join}")).await;
            if !hello.is_empty() {
                peer.send(&frame(&hello)).await;
            }
            let (mut is_done, mut parts) = (false, 0);
            bytes = 0;
            while !is_done {
                peer.receive(|payload| {
                    bytes += payload.len();
                    is_done |= done(payload, &mut parts);
                })
                .await;
            }
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        Joined { milliseconds: median(times), bytes }
    }

    /// A new client, until the last part of the snapshot.
    pub(crate) async fn new_protocol(&self, joins: usize) -> Joined {
        let hello = |join: usize| {
            let replica = ReplicaKey::new((join as u128).to_be_bytes()).replica();
            format!(r#"{{"type":"sync:hello","protocol":1,"replica":"{replica}","key":"{join:032x}","settled":0}}"#)
        };
        self.measure(joins, hello, |payload, parts| {
            let head = String::from_utf8_lossy(&payload[..payload.len().min(200)]);
            if head.contains("sync:welcome") {
                let (_, after) = head.split_once(r#""snapshot":"#).expect("how many parts follow");
                *parts = after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number");
            } else if head.contains("sync:part") {
                *parts -= 1;
                return *parts == 0;
            }
            false
        })
        .await
    }

    /// A client of the app, until the whole state.
    pub(crate) async fn app(&self, joins: usize) -> Joined {
        let is_state = |payload: &[u8], _: &mut usize| {
            String::from_utf8_lossy(&payload[..payload.len().min(200)]).contains("sync:full_state")
        };
        self.measure(joins, |_| r#"{"type":"sync:request"}"#.to_owned(), is_state).await
    }

    /// One who is sent bytes on connecting.
    pub(crate) async fn bytes(&self, joins: usize) -> Joined {
        self.measure(joins, |_| String::new(), |_, _| true).await
    }
}

/// An item of about 300 bytes.
fn add(item: usize) -> Vec<u8> {
    let id = format!("00000000-0000-4000-8000-{item:012}");
    frame(&format!(
        r##"{{"type":"command","command":{{"action":"add_item","item_type":"source","item_id":"{id}","data":{{"item_uuid":"{id}","_type":"source","name":"laser","x_mm":{item},"y_mm":12.5,"angle_deg":30.25,"size_mm":10.0,"n_rays":9,"ray_length_mm":1000.0,"spread_deg":0.0,"color_hex":"#DC143C","wavelength_nm":633.0,"polarization_type":"horizontal"}}}},"user_id":"writer"}}"##
    ))
}

/// The memory of an idle connection, in bytes.
pub(crate) async fn idle(kind: Kind, core: Option<usize>, connections: usize) -> f64 {
    let server = Server::start(kind, 0, core);
    // What the first one costs once and for all is not counted.
    let first = Peer::connect(server.address, "first", "user").await;
    sleep(Duration::from_secs(1)).await;
    let before = server.resident_bytes();
    let mut peers = Vec::new();
    for connection in 0..connections {
        let mut peer =
            Peer::connect(server.address, &format!("session-{}", connection / 10), &format!("{connection}")).await;
        peer.receive(|_| ()).await;
        peers.push(peer);
    }
    sleep(Duration::from_secs(1)).await;
    let after = server.resident_bytes();
    drop((first, peers));
    (after - before) / connections as f64
}
