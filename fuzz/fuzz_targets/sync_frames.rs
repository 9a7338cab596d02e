//! Any frames, connections and edits: a relay with a hostile connection, a hostile relay, and a hostile server that only
//! forwards. Nothing panics, and a well-behaved client beside them is served.
//!
//! The input is lines. The first byte of a line says what happens, the rest is a frame:
//! `r` to the relay from the hostile connection, `s` to a client from a hostile relay, `f` to a client from a hostile
//! forwarder; `c`, `d` the hostile connection opens and closes; `t` a second passes; `e`, `u`, `y` a client edits, undoes,
//! redoes; `x` all clients lose their connections and get new ones.

#![no_main]

use libfuzzer_sys::fuzz_target;
use optiverse_core::scene::{Edit, Item, ItemId, PropertyChange, Section};
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload, Record};
use optiverse_core::sync::session::{Event, Status, UndoStep};
use optiverse_core::sync::{ReplicaId, ReplicaKey, Role, Session, limits};

const EVE: ConnectionId = ConnectionId(1);
const ADA: ConnectionId = ConnectionId(2);

fn config() -> AuthorityConfig {
    AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(9) }
}

fn key(number: u128) -> ReplicaKey {
    ReplicaKey::new(number.to_be_bytes())
}

fn session(number: u128) -> Session {
    Session::new(key(number))
}

/// Items by id with their properties as text, keys sorted.
fn contents(session: &Session) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<_> = session
        .scene()
        .items()
        .map(|item| {
            let mut texts: Vec<String> =
                item.properties().iter().map(|(key, value)| format!("{key}={value}")).collect();
            texts.sort_unstable();
            (item.id().to_string(), texts)
        })
        .collect();
    all.sort_unstable();
    all
}

fn drain(session: &mut Session) -> Vec<String> {
    while session.poll_event().is_some() {}
    let frames: Vec<String> = std::iter::from_fn(|| session.poll_transmit()).collect();
    assert!(frames.iter().all(|frame| frame.len() <= limits::MAX_FRAME_BYTES));
    frames
}

fn edit(session: &mut Session, now_ms: u64) {
    let id = ItemId::from("own");
    let edit = if session.scene().contains("own") {
        Edit::Set { id, changes: vec![PropertyChange::set("n", now_ms)] }
    } else {
        let properties = serde_json::json!({"item_uuid": "own", "x_mm": 1, "y_mm": 2});
        let Some(properties) = properties.as_object().cloned() else { return };
        let Ok(item) = Item::new(Section::Items, properties) else { return };
        Edit::Add { item, position: None }
    };
    // A hostile relay may have said that the user only looks, or filled the document.
    let _ = session.edit(&edit, UndoStep::New, now_ms);
}

/// S7: what is shown is what is confirmed with the pending edits on top, made anew.
fn check_view(session: &Session) {
    let anew = Session::resume(key(0), &session.save());
    assert_eq!(contents(&anew.expect("it was just saved")), contents(session));
}

struct Room {
    relay: Authority,
    records: Vec<Record>,
    ada: Session,
}

impl Room {
    /// Lets everything arrive at the relay and at its well-behaved client.
    fn pump(&mut self, now_ms: u64) {
        loop {
            let mut is_quiet = true;
            for frame in drain(&mut self.ada) {
                self.relay.handle_frame(ADA, frame.as_bytes(), now_ms);
                is_quiet = false;
            }
            while let Some(record) = self.relay.poll_record() {
                self.relay.handle_stored(record.sequence);
                self.records.push(record);
            }
            while let Some(transmit) = self.relay.poll_transmit() {
                match transmit.payload {
                    Payload::Frame(frame) if transmit.connection == ADA => {
                        assert!(frame.len() <= limits::MAX_FRAME_BYTES);
                        self.ada.handle_frame(frame.as_bytes(), now_ms);
                        while let Some(event) = self.ada.poll_event() {
                            let is_bad = matches!(event, Event::FrameIgnored(_) | Event::RelayComplained { .. });
                            assert!(!is_bad, "{event:?}");
                        }
                        is_quiet = false;
                    }
                    Payload::Frame(frame) => assert!(frame.len() <= limits::MAX_STATE_BYTES),
                    Payload::Close { code, .. } if transmit.connection == EVE => {
                        assert!([1008, 4001].contains(&code));
                    }
                    Payload::Close { code, reason } => panic!("{:?} closed: {code} {reason}", transmit.connection),
                }
            }
            if is_quiet {
                return;
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut now_ms = 1_763_700_000_000;
    let mut room = Room { relay: Authority::new(config()), records: Vec::new(), ada: session(2) };
    room.relay.connect(ADA, "ada", Role::Editor, now_ms).expect("a short name");
    room.ada.handle_connected(now_ms);
    room.pump(now_ms);
    let (mut of_relay, mut of_forwarder) = (session(3), session(4));
    of_relay.handle_connected(now_ms);
    of_relay.handle_frame(br#"{"type":"connection:ack","sync":{}}"#, now_ms);
    of_forwarder.handle_connected(now_ms);
    of_forwarder.handle_frame(br#"{"type":"connection:ack","user_id":"me"}"#, now_ms);
    let mut is_open = false;
    for line in input.split(|byte| *byte == b'\n').take(64) {
        let Some((action, frame)) = line.split_first() else { continue };
        match action {
            b'r' if is_open => room.relay.handle_frame(EVE, frame, now_ms),
            b's' => of_relay.handle_frame(frame, now_ms),
            b'f' => of_forwarder.handle_frame(frame, now_ms),
            b'c' if !is_open => {
                is_open = room.relay.connect(EVE, "eve", Role::Editor, now_ms).is_ok();
            }
            b'd' => {
                room.relay.disconnect(EVE);
                is_open = false;
            }
            b't' => {
                now_ms += 1_000;
                room.relay.handle_timeout(now_ms);
                for session in [&mut room.ada, &mut of_relay, &mut of_forwarder] {
                    session.handle_timeout(now_ms);
                }
            }
            b'e' | b'u' | b'y' => {
                for session in [&mut room.ada, &mut of_relay, &mut of_forwarder] {
                    match action {
                        b'e' => edit(session, now_ms),
                        b'u' => drop(session.undo(now_ms)),
                        _ => drop(session.redo(now_ms)),
                    }
                }
            }
            b'x' => {
                for session in [&mut of_relay, &mut of_forwarder] {
                    session.handle_disconnected(now_ms);
                    session.start();
                    session.handle_connected(now_ms);
                }
                of_relay.handle_frame(br#"{"type":"connection:ack","sync":{}}"#, now_ms);
                of_forwarder.handle_frame(br#"{"type":"connection:ack","user_id":"me"}"#, now_ms);
            }
            _ => {}
        }
        room.pump(now_ms);
        drain(&mut of_relay);
        drain(&mut of_forwarder);
    }
    for session in [&room.ada, &of_relay, &of_forwarder] {
        check_view(session);
    }
    // Whatever was sent, the other is served, and the log is the state.
    if !matches!(room.ada.status(), Status::Offline | Status::Connecting { .. }) {
        assert_eq!(room.ada.status(), Status::Synchronised);
        assert_eq!(room.ada.scene().items().count(), room.relay.document().len());
    }
    let restored = Authority::restore(config(), None, room.records).expect("its own records");
    assert_eq!(restored.sequence(), room.relay.sequence());
    assert_eq!(restored.snapshot().text, room.relay.snapshot().text);
});
