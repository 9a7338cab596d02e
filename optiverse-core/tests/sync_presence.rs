//! Where people are: S12 and S16 of `optiverse_core::sync`, invariant 11.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use optiverse_core::scene::ItemId;
use optiverse_core::sync::Role;
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
use optiverse_core::sync::session::Event;
use optiverse_core::sync::{
    MAX_SELECTION, PRESENCE_EXPIRY_MS, PRESENCE_INTERVAL_MS, Presence, ReplicaId, Session, SessionConfig,
};

const START_MS: u64 = 1_763_700_000_000;

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
            let session = Session::new(SessionConfig { replica: ReplicaId::new(index), jitter_seed: 0 });
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
        let mut counts = vec![0; self.clients.len()];
        loop {
            let mut is_quiet = true;
            for (connection, session) in &mut self.clients {
                while let Some(frame) = session.poll_transmit() {
                    self.relay.handle_frame(*connection, frame.as_bytes(), now_ms);
                    is_quiet = false;
                }
            }
            while let Some(transmit) = self.relay.poll_transmit() {
                let Payload::Frame(frame) = transmit.payload else { continue };
                let receiver = self.clients.iter_mut().position(|(id, _)| *id == transmit.connection);
                if let Some(index) = receiver {
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
