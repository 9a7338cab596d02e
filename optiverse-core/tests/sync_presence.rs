//! Where people are: S12 and S16 of `optiverse_core::sync`, invariant 11.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use std::collections::BTreeMap;

use optiverse_core::scene::ItemId;
use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
use optiverse_core::sync::session::Event;
use optiverse_core::sync::{MAX_SELECTION, PRESENCE_EXPIRY_MS, PRESENCE_INTERVAL_MS, Presence, ReplicaId, Session};

use sync_sim::keys::key;
use sync_sim::schedules::for_seeds;
use sync_sim::{Random, START_MS};

struct Room {
    relay: Authority,
    clients: Vec<(ConnectionId, Session)>,
    next: u64,
}

impl Room {
    fn new(clients: u64) -> Room {
        let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(99) };
        let mut room = Room { relay: Authority::new(config), clients: Vec::new(), next: 0 };
        for index in 0..clients {
            let session = Session::new(key(index));
            room.clients.push((ConnectionId(0), session));
            room.connect(index as usize, START_MS);
        }
        room.deliver(START_MS);
        room
    }

    /// Everybody has one name.
    fn connect(&mut self, client: usize, now_ms: u64) {
        self.next += 1;
        self.clients[client].0 = ConnectionId(self.next);
        self.relay.connect(ConnectionId(self.next), "ada", Role::Editor, now_ms).unwrap();
        self.clients[client].1.handle_connected(now_ms);
    }

    /// Returns how many frames about presence went to each client.
    fn deliver(&mut self, now_ms: u64) -> Vec<usize> {
        self.deliver_to(&vec![true; self.clients.len()], now_ms)
    }

    /// Delivers between the relay and the clients that are connected.
    fn deliver_to(&mut self, is_connected: &[bool], now_ms: u64) -> Vec<usize> {
        let mut counts = vec![0; self.clients.len()];
        loop {
            let mut is_quiet = true;
            let connected = self.clients.iter_mut().zip(is_connected).filter(|(_, is_connected)| **is_connected);
            for ((connection, session), _) in connected {
                while let Some(frame) = session.poll_transmit() {
                    self.relay.handle_frame(*connection, frame.as_bytes(), now_ms);
                    is_quiet = false;
                }
            }
            while let Some(transmit) = self.relay.poll_transmit() {
                let Payload::Frame(frame) = transmit.payload else { continue };
                let receiver = self.clients.iter_mut().position(|(id, _)| *id == transmit.connection);
                if let Some(index) = receiver.filter(|index| is_connected[*index]) {
                    counts[index] += usize::from(frame.contains("sync:presence"));
                    self.clients[index].1.handle_frame(frame.as_bytes(), now_ms);
                    is_quiet = false;
                }
            }
            if is_quiet {
                return counts;
            }
        }
    }
}

fn at(x: f64) -> Presence {
    Presence { cursor_mm: Some((x, -x)), selection: vec![ItemId::from("lens")], color: Some("#1e90ff".to_owned()) }
}

#[test]
fn the_newest_state_is_passed_on_thirty_times_a_second() {
    let mut room = Room::new(3);
    let mut received = 0;
    for millisecond in 0..1_000 {
        let now_ms = START_MS + millisecond;
        room.clients[0].1.set_presence(at(millisecond as f64), now_ms);
        room.relay.handle_timeout(now_ms);
        let counts = room.deliver(now_ms);
        assert_eq!(counts[0], 0, "nobody is told of oneself");
        received += counts[1];
    }
    assert!((28..=31).contains(&received), "{received}");
    let later = START_MS + 1_000 + PRESENCE_INTERVAL_MS;
    room.clients[0].1.handle_timeout(later);
    room.deliver(later);
    room.relay.handle_timeout(later + PRESENCE_INTERVAL_MS);
    room.deliver(later);
    for client in [1, 2] {
        let peers = room.clients[client].1.peers();
        assert_eq!(peers.len(), 1);
        assert_eq!(peers[&1].presence, at(999.0));
        assert_eq!(peers[&1].user, "ada");
    }
}

#[test]
fn a_newcomer_is_told_and_the_gone_are_gone() {
    let mut room = Room::new(2);
    room.clients[0].1.set_presence(at(1.0), START_MS + 100);
    room.deliver(START_MS + 100);
    // The same user comes back on a new connection before the old one is known to be closed.
    let old = room.clients[0].0;
    room.clients[0].1.handle_disconnected(START_MS + 200);
    room.connect(0, START_MS + 300);
    room.deliver(START_MS + 300);
    room.clients[0].1.handle_timeout(START_MS + 400);
    room.deliver(START_MS + 400);
    room.relay.disconnect(old);
    room.deliver(START_MS + 500);
    let peers = room.clients[1].1.peers();
    assert_eq!(peers.keys().copied().collect::<Vec<_>>(), [3], "the late close removes the old one only");
    assert_eq!(peers[&3].presence, at(1.0));
}

#[test]
fn others_vanish_ten_seconds_after_the_relay_is_lost() {
    let mut room = Room::new(2);
    room.clients[0].1.set_presence(at(1.0), START_MS + 100);
    room.deliver(START_MS + 100);
    let client = &mut room.clients[1].1;
    while client.poll_event().is_some() {}
    client.handle_disconnected(START_MS + 200);
    client.stop();
    assert_eq!(client.poll_timeout(), Some(START_MS + 200 + PRESENCE_EXPIRY_MS));
    client.handle_timeout(START_MS + 199 + PRESENCE_EXPIRY_MS);
    assert_eq!(client.peers().len(), 1);
    client.handle_timeout(START_MS + 200 + PRESENCE_EXPIRY_MS);
    assert!(client.peers().is_empty());
    assert!(
        std::iter::from_fn(|| client.poll_event()).any(|event| event == Event::Presence { connection: 1, peer: None })
    );
}

#[test]
fn a_selection_is_limited() {
    let mut room = Room::new(2);
    let ids: Vec<String> = (0..=MAX_SELECTION).map(|index| format!("\"{index}\"")).collect();
    for (count, expected) in [(MAX_SELECTION, 1), (MAX_SELECTION + 1, 0)] {
        let mut fresh = Room::new(2);
        let frame = format!(r#"{{"type":"sync:presence","selection":[{}]}}"#, ids[..count].join(","));
        fresh.relay.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS + 100);
        assert_eq!(fresh.deliver(START_MS + 100)[1], expected);
    }
    let all = Presence { selection: (0..2_000).map(|index| ItemId::from(index.to_string())).collect(), ..at(1.0) };
    room.clients[0].1.set_presence(all, START_MS + 100);
    room.deliver(START_MS + 100);
    assert_eq!(room.clients[1].1.peers()[&1].presence.selection.len(), MAX_SELECTION);
}

#[test]
fn a_cursor_that_is_nowhere_is_refused() {
    let mut room = Room::new(2);
    for cursor in ["[NaN,1]", "[1e400,1]", "[1]", "\"x\"", "[1,\"2\"]"] {
        let frame = format!(r#"{{"type":"sync:presence","cursor":{cursor}}}"#);
        room.relay.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS + 100);
    }
    assert_eq!(room.deliver(START_MS + 100)[1], 0);
}

#[test]
fn component_clients_and_new_ones_see_each_others_cursors() {
    let mut room = Room::new(1);
    room.relay.connect(ConnectionId(7), "bob", Role::Editor, START_MS).unwrap();
    room.relay.handle_frame(ConnectionId(7), br#"{"type":"component:delete","data":{"id":"x"}}"#, START_MS);
    room.relay.handle_frame(ConnectionId(7), br#"{"type":"cursor:move","data":{"x":1.5,"y":2}}"#, START_MS);
    room.deliver(START_MS);
    assert_eq!(room.clients[0].1.peers()[&7].presence.cursor_mm, Some((1.5, 2.0)));
    room.clients[0].1.set_presence(at(3.0), START_MS + 100);
    while let Some(frame) = room.clients[0].1.poll_transmit() {
        room.relay.handle_frame(ConnectionId(1), frame.as_bytes(), START_MS + 100);
    }
    let frames: Vec<_> = std::iter::from_fn(|| room.relay.poll_transmit()).collect();
    let expected = Payload::Frame(r#"{"type":"cursor:move","user_id":"ada","data":{"x":3,"y":-3}}"#.into());
    assert!(frames.iter().any(|transmit| transmit.connection == ConnectionId(7) && transmit.payload == expected));
}

/// S12, S16: presence belongs to a connection. Everybody sees exactly the others that are there, a late close takes away
/// nothing of a newer connection of the same user, and one who has lost the relay sees nobody after 10 s.
#[test]
fn invariant_11_presence_is_that_of_the_connections_that_are_there() {
    for_seeds("invariant_11", 0..400, |seed| {
        let mut random = Random(seed);
        let mut room = Room::new(4);
        let mut now_ms = START_MS;
        let mut is_connected = [true; 4];
        let mut shown: BTreeMap<usize, Presence> = BTreeMap::new();
        // Connections that have ended, of which the relay has not heard yet.
        let mut ended: Vec<ConnectionId> = Vec::new();
        for _ in 0..60 {
            now_ms += random.below(400) as u64;
            let client = random.below(4);
            match random.below(8) {
                0 if is_connected[client] => {
                    ended.push(room.clients[client].0);
                    room.clients[client].1.handle_disconnected(now_ms);
                    is_connected[client] = false;
                }
                1 | 2 if !is_connected[client] => {
                    room.clients[client].1.start();
                    room.connect(client, now_ms);
                    is_connected[client] = true;
                }
                3 if !ended.is_empty() => {
                    let late = ended.swap_remove(random.below(ended.len()));
                    room.relay.disconnect(late);
                }
                _ => {
                    let presence = at(random.below(1_000) as f64);
                    room.clients[client].1.set_presence(presence.clone(), now_ms);
                    shown.insert(client, presence);
                }
            }
            if random.one_in(3) {
                room.relay.handle_timeout(now_ms);
                room.deliver_to(&is_connected, now_ms);
            }
        }
        // The relay hears of every end, and the timers run out.
        ended.drain(..).for_each(|late| room.relay.disconnect(late));
        room.deliver_to(&is_connected, now_ms);
        for _ in 0..2 {
            now_ms += PRESENCE_EXPIRY_MS;
            room.clients.iter_mut().for_each(|(_, session)| {
                session.handle_frame(br#"{"type":"pong"}"#, now_ms);
                session.handle_timeout(now_ms);
            });
            room.deliver_to(&is_connected, now_ms);
            room.relay.handle_timeout(now_ms);
            room.deliver_to(&is_connected, now_ms);
        }
        let places: BTreeMap<u64, Presence> = (0..4)
            .filter(|client| is_connected[*client])
            .filter_map(|client| Some((room.clients[client].0.0, shown.get(&client)?.clone())))
            .collect();
        for (client, (connection, session)) in room.clients.iter().enumerate() {
            let seen: BTreeMap<u64, Presence> =
                session.peers().iter().map(|(id, peer)| (*id, peer.presence.clone())).collect();
            let mut others = places.clone();
            others.remove(&connection.0);
            assert_eq!(seen, if is_connected[client] { others } else { BTreeMap::new() }, "client {client}");
        }
    });
}
