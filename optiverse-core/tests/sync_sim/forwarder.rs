//! A server that only forwards, as the app's own `collaboration_server.py` was seen to: it greets, passes `command` and
//! `sync:full_state` on as they are, keeps the last state that its host uploaded and gives that to whoever joins or asks.
//! Nothing else leaves it. Its messages to one receiver keep the order of each sender, not that among senders.

use std::collections::{BTreeMap, VecDeque};

use optiverse_core::sync::limits;
use optiverse_core::sync::session::Status;
use serde_json::{Value, json};

use super::clients::{Client, contents};
use super::{HOUR_MS, Random, START_MS, assert_same_names, assert_without_keys};

/// One open connection.
#[derive(Default)]
struct Wire {
    up: VecDeque<String>,
    /// By sender; the server itself is one.
    down: BTreeMap<Option<usize>, VecDeque<String>>,
}

pub struct ForwardWorld {
    pub random: Random,
    pub now_ms: u64,
    pub clients: Vec<Client>,
    pub skew_ms: Vec<i64>,
    wires: BTreeMap<usize, Wire>,
    host: Option<usize>,
    stored: Value,
    /// Frames that were delivered to anybody.
    pub delivered: usize,
}

impl ForwardWorld {
    pub fn new(seed: u64, clients: Vec<Client>) -> ForwardWorld {
        let mut random = Random(seed);
        let skew_ms = clients
            .iter()
            .map(|_| if random.one_in(3) { random.below(2 * HOUR_MS as usize) as i64 - HOUR_MS as i64 } else { 0 })
            .collect();
        ForwardWorld {
            random,
            now_ms: START_MS,
            clients,
            skew_ms,
            wires: BTreeMap::new(),
            host: None,
            stored: json!({"items": [], "version": 0}),
            delivered: 0,
        }
    }

    pub fn clock(&self, client: usize) -> u64 {
        self.now_ms.saturating_add_signed(self.skew_ms[client])
    }

    pub fn is_connected(&self, client: usize) -> bool {
        self.wires.contains_key(&client)
    }

    fn say(&mut self, client: usize, message: &Value) {
        if let Some(wire) = self.wires.get_mut(&client) {
            wire.down.entry(None).or_default().push_back(message.to_string());
        }
    }

    pub fn connect(&mut self, client: usize) {
        self.wires.insert(client, Wire::default());
        let is_host = self.host.is_none();
        if is_host {
            self.host = Some(client);
            self.stored = json!({"items": [], "version": 0});
        }
        let users: Vec<Value> = self.wires.keys().map(|user| json!({"user_id": format!("user {user}")})).collect();
        let user = format!("user {client}");
        self.say(
            client,
            &json!({"type": "connection:ack", "session_id": "s", "user_id": user, "is_host": is_host, "users": users}),
        );
        if !is_host {
            self.say(client, &json!({"type": "sync:full_state", "state": self.stored, "from_server": true}));
        }
        let others: Vec<usize> = self.wires.keys().copied().filter(|other| *other != client).collect();
        for other in others {
            self.say(other, &json!({"type": "user:joined", "user_id": user}));
        }
        let now_ms = self.clock(client);
        self.clients[client].connected(now_ms);
    }

    /// Cuts a client off; what was on its way is lost.
    pub fn cut(&mut self, client: usize) {
        if self.wires.remove(&client).is_some() {
            if self.wires.is_empty() {
                self.host = None;
            }
            let others: Vec<usize> = self.wires.keys().copied().collect();
            for other in others {
                self.say(other, &json!({"type": "user:left", "user_id": format!("user {client}")}));
            }
        }
        let now_ms = self.clock(client);
        self.clients[client].disconnected(now_ms);
    }

    /// The server ends and is started again: it knows nothing.
    pub fn restart(&mut self) {
        let clients: Vec<usize> = std::mem::take(&mut self.wires).into_keys().collect();
        self.host = None;
        for client in clients {
            let now_ms = self.clock(client);
            self.clients[client].disconnected(now_ms);
        }
    }

    fn pump(&mut self, client: usize) {
        let frames = self.clients[client].take_frames();
        if self.clients[client].gives_up() {
            self.cut(client);
            return;
        }
        if let Some(wire) = self.wires.get_mut(&client) {
            for frame in frames {
                // The server's library closes the connection on a longer one.
                assert!(frame.len() <= limits::MAX_FRAME_BYTES);
                assert_without_keys(&self.clients, &frame);
                wire.up.push_back(frame);
            }
        }
    }

    fn forward(&mut self, from: usize, frame: String) {
        let message: Value = serde_json::from_str(&frame).unwrap();
        match message["type"].as_str().unwrap() {
            "ping" => self.say(from, &json!({"type": "pong"})),
            "sync:request" => {
                let state = json!({"type": "sync:full_state", "state": self.stored, "from_server": true, "conflict_resolution": "host_wins"});
                self.say(from, &state);
            }
            kind @ ("command" | "sync:full_state") => {
                if kind == "sync:full_state" && self.host == Some(from) {
                    self.stored = message["state"].clone();
                }
                for (_, wire) in self.wires.iter_mut().filter(|(other, _)| **other != from) {
                    wire.down.entry(Some(from)).or_default().push_back(frame.clone());
                }
            }
            _ => {}
        }
    }

    /// Delivers one frame, if there is any.
    pub fn deliver(&mut self, may_repeat: bool) -> bool {
        let mut busy: Vec<(usize, Option<Option<usize>>)> = Vec::new();
        for (client, wire) in &self.wires {
            if !wire.up.is_empty() {
                busy.push((*client, None));
            }
            // The server sends what it says itself in its turn with what it forwards.
            let senders = wire.down.iter().filter(|(_, frames)| !frames.is_empty()).map(|(sender, _)| *sender);
            busy.extend(senders.map(|sender| (*client, Some(sender))));
        }
        if busy.is_empty() {
            return false;
        }
        let (client, direction) = busy[self.random.below(busy.len())];
        let wire = self.wires.get_mut(&client).unwrap();
        match direction {
            None => {
                let frame = wire.up.pop_front().unwrap();
                self.forward(client, frame);
            }
            Some(sender) => {
                // The greeting comes before everything.
                let sender = if wire.down.get(&None).is_some_and(|frames| !frames.is_empty()) { None } else { sender };
                let frame = wire.down.get_mut(&sender).unwrap().pop_front().unwrap();
                let times = if may_repeat && self.clients[client].is_new() && self.random.one_in(20) && sender.is_some()
                {
                    2
                } else {
                    1
                };
                let now_ms = self.clock(client);
                for _ in 0..times {
                    self.clients[client].frame(&frame, now_ms);
                }
                self.delivered += 1;
            }
        }
        self.pump(client);
        true
    }

    /// One step of a random schedule.
    pub fn step(&mut self) {
        self.now_ms += self.random.below(200) as u64;
        let client = self.random.below(self.clients.len());
        match self.random.below(40) {
            0 => self.cut(client),
            1 if self.random.one_in(6) => self.restart(),
            2 if self.random.one_in(5) => {
                self.skew_ms[client] = self.random.below(2 * HOUR_MS as usize) as i64 - HOUR_MS as i64;
            }
            3 if self.random.one_in(8) && self.clients[client].is_new() => {
                self.cut(client);
                let id = self.random.next();
                self.clients[client].restart(id);
            }
            4..=6 => {
                let now_ms = self.clock(client);
                self.clients[client].timeout(now_ms);
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
        self.pump(client);
        self.clients[client].check();
    }

    /// Lets everybody come back, everything arrive and the timers run, until nobody has anything to say.
    pub fn quiet(&mut self) {
        let mut silent = 0;
        for _ in 0..200_000 {
            for client in 0..self.clients.len() {
                if !self.is_connected(client) {
                    self.clients[client].wants_connection(u64::MAX);
                    self.connect(client);
                }
                self.pump(client);
            }
            if self.deliver(false) {
                continue;
            }
            self.now_ms += 500;
            silent += 1;
            // Somebody who was replaced is taken for gone after a while only.
            if silent > 4 && self.agree() || silent > 400 {
                return;
            }
            for client in 0..self.clients.len() {
                let now_ms = self.clock(client);
                self.clients[client].timeout(now_ms);
            }
        }
        panic!("the network does not become quiet");
    }

    fn agree(&self) -> bool {
        self.clients.iter().all(|client| match client {
            Client::New(client) => client.session.status() == Status::Synchronised,
            _ => true,
        })
    }

    /// What must hold among new clients when the network is quiet.
    pub fn check_quiet(&self) {
        let mut scenes = Vec::new();
        for (index, client) in self.clients.iter().enumerate() {
            client.check();
            if let Client::New(client) = client {
                assert_eq!(client.session.status(), Status::Synchronised, "client {index}");
                assert_eq!(client.session.pending(), 0);
                let others = self.wires.keys().filter(|other| **other != index);
                assert_same_names(client.session.users(), others.map(|other| format!("user {other}")));
                scenes.push((contents(client.session.scene().items()), client.session.confirmed().vector()));
            }
        }
        for (scene, vector) in &scenes {
            assert_eq!(scene, &scenes[0].0);
            assert!(vector.covers(scenes[0].1) && scenes[0].1.covers(vector));
        }
    }
}
