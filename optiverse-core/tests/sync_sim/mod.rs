//! A relay, clients old and new, and a network between them that delays, repeats, cuts and loses; all from one seed.

#![allow(unreachable_pub, dead_code, reason = "each test file that includes the simulation uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

pub mod clients;
pub mod forwarder;
pub mod keys;
pub mod schedules;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use clients::{Client, contents};
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload, Record, Snapshot};
use optiverse_core::sync::session::Status;
use optiverse_core::sync::{Operation, OperationId, ReplicaId, Role, limits};
use serde_json::Value;

pub const START_MS: u64 = 1_763_700_000_000;
const HOUR_MS: u64 = 3_600_000;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// An open connection and what is on its way; the frames of one direction stay in order.
pub struct Wire {
    pub client: usize,
    /// As whom a new client greeted.
    replica: Option<ReplicaId>,
    pub role: Role,
    up: VecDeque<String>,
    down: VecDeque<Arc<str>>,
}

pub struct World {
    pub random: Random,
    pub now_ms: u64,
    pub authority: Authority,
    pub clients: Vec<Client>,
    pub roles: Vec<Role>,
    /// How far each client's clock, and last the relay's, is off.
    pub skew_ms: Vec<i64>,
    wires: BTreeMap<ConnectionId, Wire>,
    next_connection: u64,
    /// What survives a crash of the relay.
    snapshot: Option<Snapshot>,
    records: Vec<Record>,
    /// Records that were handed out and are not yet on the disk.
    writing: Vec<Record>,
    starts: u64,
    /// Whether the view of a client is made anew after each of its steps, which takes most of the time.
    pub checks_all: bool,
    /// Whether snapshots replace records now and then.
    pub snapshots: bool,
    /// Operations whose acceptance their clients have been told.
    pub acknowledged: Vec<OperationId>,
}

impl World {
    pub fn new(seed: u64, clients: Vec<Client>) -> World {
        let mut random = Random(seed);
        let skew_ms = (0..=clients.len())
            .map(|_| if random.one_in(3) { random.below(2 * HOUR_MS as usize) as i64 - HOUR_MS as i64 } else { 0 })
            .collect();
        World {
            random,
            now_ms: START_MS,
            authority: Authority::new(config(0)),
            roles: vec![Role::Editor; clients.len()],
            clients,
            skew_ms,
            wires: BTreeMap::new(),
            next_connection: 0,
            snapshot: None,
            records: Vec::new(),
            writing: Vec::new(),
            starts: 0,
            checks_all: false,
            snapshots: true,
            acknowledged: Vec::new(),
        }
    }

    fn clock(&self, index: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.skew_ms[index])
    }

    fn relay_clock(&self) -> u64 {
        self.clock(self.clients.len())
    }

    pub fn client_clock(&self, client: usize) -> u64 {
        self.clock(client)
    }

    /// Whether the client has a connection on which nothing is on its way, and nothing waits to be stored.
    pub fn is_settled(&self, client: usize) -> bool {
        let is_empty = |wire: &Wire| wire.up.is_empty() && wire.down.is_empty();
        let mut wires = self.wires.values().filter(|wire| wire.client == client).peekable();
        wires.peek().is_some() && wires.all(is_empty) && self.authority.held().waiting == 0
    }

    /// Another client, which is not connected yet.
    pub fn add_client(&mut self, client: Client) {
        self.skew_ms.insert(self.clients.len(), 0);
        self.roles.push(Role::Editor);
        self.clients.push(client);
    }

    /// The operations in the relay's storage, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    pub fn is_connected(&self, client: usize) -> bool {
        self.wires.values().any(|wire| wire.client == client)
    }

    /// Opens a connection for a client.
    pub fn connect(&mut self, client: usize) -> ConnectionId {
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        let role = self.roles[client];
        let wire = Wire { client, replica: None, role, up: VecDeque::new(), down: VecDeque::new() };
        self.wires.insert(connection, wire);
        let now_ms = self.relay_clock();
        self.authority.connect(connection, &user_name(client), role, now_ms).unwrap();
        let now_ms = self.clock(client);
        self.clients[client].connected(now_ms);
        connection
    }

    /// Cuts a client off; what was on its way is lost.
    pub fn cut(&mut self, client: usize) {
        let gone: Vec<ConnectionId> =
            self.wires.iter().filter(|(_, wire)| wire.client == client).map(|(id, _)| *id).collect();
        for connection in gone {
            self.wires.remove(&connection);
            self.authority.disconnect(connection);
        }
        let now_ms = self.clock(client);
        self.clients[client].disconnected(now_ms);
    }

    /// The relay crashes and starts again with what it had stored.
    pub fn crash(&mut self) {
        let clients: Vec<usize> = self.wires.values().map(|wire| wire.client).collect();
        self.wires.clear();
        self.writing.clear();
        self.starts += 1;
        // The relay's clock is set only while it does not run.
        let relay = self.clients.len();
        self.skew_ms[relay] = self.random.below(2 * HOUR_MS as usize) as i64 - HOUR_MS as i64;
        self.authority = Authority::restore(config(self.starts), self.snapshot.as_ref(), self.records.clone()).unwrap();
        for client in clients {
            let now_ms = self.clock(client);
            self.clients[client].disconnected(now_ms);
        }
    }

    /// Makes what was handed out safe; sometimes a snapshot replaces the records.
    pub fn store(&mut self) {
        self.writing.extend(std::iter::from_fn(|| self.authority.poll_record()));
        let Some(last) = self.writing.last().map(|record| record.sequence) else { return };
        self.writing.iter().for_each(|record| assert_without_keys(&self.clients, &record.text));
        self.records.append(&mut self.writing);
        self.authority.handle_stored(last);
        if self.snapshots && self.random.one_in(10) && last == self.authority.sequence() {
            let snapshot = self.authority.snapshot();
            assert_without_keys(&self.clients, &snapshot.text);
            // Some records that the snapshot includes stay, as when throwing them away was interrupted.
            let keep = snapshot.sequence.saturating_sub(self.random.below(3) as u64);
            self.records.retain(|record| record.sequence > keep);
            self.snapshot = Some(snapshot);
        }
    }

    fn pump_relay(&mut self) {
        while let Some(transmit) = self.authority.poll_transmit() {
            let Some(wire) = self.wires.get_mut(&transmit.connection) else { continue };
            match transmit.payload {
                Payload::Frame(frame) => {
                    let is_state = !self.clients[wire.client].is_new() && frame.contains("\"sync:full_state\"");
                    assert!(frame.len() <= if is_state { limits::MAX_STATE_BYTES } else { limits::MAX_FRAME_BYTES });
                    assert_without_keys(&self.clients, &frame);
                    wire.down.push_back(frame);
                }
                Payload::Close { .. } => {
                    let client = wire.client;
                    self.wires.remove(&transmit.connection);
                    self.authority.disconnect(transmit.connection);
                    if !self.is_connected(client) {
                        let now_ms = self.clock(client);
                        self.clients[client].disconnected(now_ms);
                    }
                }
            }
        }
    }

    fn pump_client(&mut self, client: usize) {
        let frames = self.clients[client].take_frames();
        let newest = self.wires.iter_mut().rev().find(|(_, wire)| wire.client == client);
        if let Some((_, wire)) = newest {
            for frame in frames {
                let is_state = !self.clients[client].is_new() && frame.contains("\"sync:full_state\"");
                assert!(frame.len() <= if is_state { limits::MAX_STATE_BYTES } else { limits::MAX_FRAME_BYTES });
                wire.up.push_back(frame);
            }
        }
    }

    /// Delivers one frame of one connection, if there is any. Returns whether there was.
    pub fn deliver(&mut self, may_repeat: bool) -> bool {
        let busy: Vec<(ConnectionId, bool)> = self
            .wires
            .iter()
            .flat_map(|(id, wire)| [(*id, true, wire.up.is_empty()), (*id, false, wire.down.is_empty())])
            .filter(|(.., is_empty)| !is_empty)
            .map(|(id, up, _)| (id, up))
            .collect();
        if busy.is_empty() {
            return false;
        }
        let (connection, up) = busy[self.random.below(busy.len())];
        let repeat = may_repeat && self.random.one_in(20);
        let Some(wire) = self.wires.get_mut(&connection) else { return false };
        let client = wire.client;
        if up {
            let frame = wire.up.pop_front().unwrap();
            if frame.starts_with(r#"{"type":"sync:hello""#) {
                let hello: Value = serde_json::from_str(&frame).unwrap();
                wire.replica = ReplicaId::from_text(hello["replica"].as_str().unwrap());
            }
            let now_ms = self.relay_clock();
            let times = if repeat && self.clients[client].is_new() { 2 } else { 1 };
            for _ in 0..times {
                self.authority.handle_frame(connection, frame.as_bytes(), now_ms);
            }
        } else {
            let frame = wire.down.pop_front().unwrap();
            if frame.starts_with(r#"{"type":"sync:ack""#) {
                let ack: Value = serde_json::from_str(&frame).unwrap();
                let number = ack["number"].as_u64().unwrap();
                self.acknowledged.extend(wire.replica.map(|replica| OperationId { replica, number }));
            }
            let now_ms = self.clock(client);
            // Who comes and goes is counted; all else may be told twice.
            let repeat = repeat && !frame.starts_with(r#"{"type":"user:"#);
            let times = if repeat && self.clients[client].is_new() { 2 } else { 1 };
            for _ in 0..times {
                self.clients[client].frame(&frame, now_ms);
            }
        }
        self.pump_client(client);
        true
    }

    /// One step of a random schedule.
    pub fn step(&mut self) {
        self.now_ms += self.random.below(200) as u64;
        let client = self.random.below(self.clients.len());
        match self.random.below(40) {
            0 => self.cut(client),
            1 if self.random.one_in(4) => self.crash(),
            2..=3 => self.store(),
            4 => {
                let client = self.random.below(self.clients.len());
                if self.random.one_in(5) {
                    self.skew_ms[client] = self.random.below(2 * HOUR_MS as usize) as i64 - HOUR_MS as i64;
                }
            }
            5 => {
                self.now_ms += 1_000;
                self.authority.handle_timeout(self.relay_clock());
            }
            6 if self.random.one_in(10) && self.clients[client].is_new() => {
                // The process ends; its work was saved.
                self.cut(client);
                let id = self.random.next();
                self.clients[client].restart(id);
            }
            7..=10 => {
                if !self.is_connected(client) && self.clients[client].wants_connection(self.now_ms + HOUR_MS * 2) {
                    self.connect(client);
                }
            }
            11..=18 => {
                let now_ms = self.clock(client);
                let is_connected = self.is_connected(client);
                self.clients[client].edit(&mut self.random, is_connected, now_ms);
            }
            _ => {
                self.deliver(true);
            }
        }
        self.pump_client(client);
        self.pump_relay();
        if self.checks_all || self.random.one_in(4) {
            self.clients[client].check();
        }
    }

    /// Lets one client connect and everything of its connection arrive, while nobody else hears anything.
    pub fn step_alone(&mut self, client: usize) {
        if !self.is_connected(client) {
            self.clients[client].wants_connection(u64::MAX);
            self.connect(client);
        }
        self.store();
        self.pump_relay();
        self.pump_client(client);
        let now_ms = self.clock(client);
        let relay_ms = self.relay_clock();
        let Some((&connection, wire)) = self.wires.iter_mut().find(|(_, wire)| wire.client == client) else { return };
        let up = wire.up.pop_front();
        let down = if up.is_none() { wire.down.pop_front() } else { None };
        if let Some(frame) = up {
            self.authority.handle_frame(connection, frame.as_bytes(), relay_ms);
        }
        if let Some(frame) = down {
            self.clients[client].frame(&frame, now_ms);
        }
        self.pump_client(client);
    }

    /// What a new client shows.
    pub fn clients_scene(&self, client: usize) -> clients::Contents {
        match &self.clients[client] {
            Client::New(client) => contents(client.session.scene().items()),
            _ => panic!("not a new client"),
        }
    }

    /// Lets everything arrive, everybody come back, and nobody edit.
    pub fn quiet(&mut self) {
        for _ in 0..100_000 {
            self.store();
            self.pump_relay();
            for client in 0..self.clients.len() {
                self.pump_client(client);
            }
            let mut is_busy = self.deliver(false);
            for client in 0..self.clients.len() {
                if !self.is_connected(client) {
                    self.clients[client].wants_connection(u64::MAX);
                    self.connect(client);
                    is_busy = true;
                }
                self.pump_client(client);
            }
            if !is_busy {
                self.now_ms += 1_000;
                if self.authority.poll_timeout().is_none() {
                    return;
                }
                self.authority.handle_timeout(self.relay_clock());
            }
        }
        panic!("the network does not become quiet");
    }

    /// What must hold when the network is quiet.
    pub fn check_quiet(&self) {
        let relay = contents(self.authority.scene().items());
        for (index, client) in self.clients.iter().enumerate() {
            client.check();
            match client {
                Client::New(client) => {
                    assert_eq!(client.session.status(), Status::Synchronised, "client {index}");
                    assert_eq!(client.session.pending(), 0);
                    let others = self.wires.values().filter(|wire| wire.client != index);
                    assert_same_names(client.session.users(), others.map(|wire| user_name(wire.client)));
                    assert_eq!(contents(client.session.scene().items()), relay, "client {index}");
                    assert!(self.authority.document().vector().covers(client.session.confirmed().vector()));
                }
                Client::App(app) => assert_eq!(app.shown(), app.expected(&self.authority.scene()), "app {index}"),
                Client::Component(other) => {
                    assert_eq!(other.shown(), other.expected(&self.authority.scene()), "component client {index}");
                }
            }
        }
        self.check_log();
    }

    /// S9, invariants 2 and 3: the state is the stored log replayed; its numbers have no gaps; no operation is in it twice.
    pub fn check_log(&self) {
        let replayed = Authority::restore(config(99), self.snapshot.as_ref(), self.records.clone()).unwrap();
        assert_eq!(replayed.sequence(), self.authority.sequence());
        assert_eq!(contents(replayed.scene().items()), contents(self.authority.scene().items()));
        let mut ids: Vec<_> =
            self.records.iter().map(|record| Operation::from_json(&record.text).unwrap().id()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "an operation was stored twice");
    }
}

/// S19: a client shows its key to the relay, and nobody else gets to see it.
pub fn assert_without_keys(clients: &[Client], text: &str) {
    let key = clients.iter().flat_map(Client::keys).find(|key| text.contains(key.as_str()));
    assert_eq!(key, None, "{text}");
}

fn config(start: u64) -> AuthorityConfig {
    AuthorityConfig { session_id: "bench".to_owned(), epoch: 7, replica: ReplicaId::new(1_000_000 + start) }
}

/// Two users of one name are part of every schedule.
fn user_name(client: usize) -> String {
    format!("user {}", client / 2)
}

/// Which of two of one name has left is not known, so that the order may differ.
pub fn assert_same_names(listed: &[String], there: impl Iterator<Item = String>) {
    let (mut listed, mut there) = (listed.to_vec(), there.collect::<Vec<_>>());
    listed.sort_unstable();
    there.sort_unstable();
    assert_eq!(listed, there);
}
