//! Nobody speaks to a relay as another's replica: S19 of `optiverse_core::sync`. The simulated network of the other tests
//! looks for keys in all that clients and the store of a relay get.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "sync_sim/exchange.rs"]
mod exchange;
#[path = "sync_sim/keys.rs"]
mod keys;

use exchange::exchange;
use keys::{hello, key, key_text};
use optiverse_core::scene::{Edit, Item, Section};
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
use optiverse_core::sync::session::{Event, Status, UndoStep};
use optiverse_core::sync::{ReplicaId, Role, Session};

const START_MS: u64 = 1_763_700_000_000;
const ADA: ConnectionId = ConnectionId(1);
const EVE: ConnectionId = ConnectionId(2);
const ADAS_KEY: u64 = 7;
const EVES_KEY: u64 = 8;
const OF_RELAY: ReplicaId = ReplicaId::new(9);

/// A relay with Ada's client, and a connection that is Eve's.
struct Room {
    relay: Authority,
    ada: Session,
    /// What Eve was sent, and how her connection was closed.
    to_eve: Vec<String>,
    /// How Ada's connections were closed, and all that they were sent.
    closes_of_ada: Vec<u16>,
    to_ada: Vec<String>,
    edits: u64,
}

impl Room {
    fn new(role_of_eve: Role) -> Room {
        let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: OF_RELAY };
        let (relay, ada) = (Authority::new(config), Session::new(key(ADAS_KEY)));
        let mut room = Room { relay, ada, to_eve: Vec::new(), closes_of_ada: Vec::new(), to_ada: Vec::new(), edits: 0 };
        room.relay.connect(ADA, "ada", Role::Editor, START_MS).unwrap();
        room.relay.connect(EVE, "ada", role_of_eve, START_MS).unwrap();
        room.ada.handle_connected(START_MS);
        room.pump();
        room.to_eve.clear();
        room
    }

    fn pump(&mut self) {
        let Room { relay, ada, to_eve, closes_of_ada, to_ada, .. } = self;
        exchange(relay, (ada, ADA), START_MS, |connection, payload| match (payload, connection) {
            (Payload::Frame(frame), ADA) => to_ada.push(frame.to_string()),
            (Payload::Frame(frame), _) => to_eve.push(frame.to_string()),
            (Payload::Close { code, .. }, ADA) => closes_of_ada.push(*code),
            (Payload::Close { code, reason }, _) => to_eve.push(format!("{code} {reason}")),
        });
    }

    /// What Eve is told when she says this.
    fn eve_says(&mut self, frame: &str) -> Vec<String> {
        self.relay.handle_frame(EVE, frame.as_bytes(), START_MS);
        self.pump();
        std::mem::take(&mut self.to_eve)
    }

    /// Ada is served as ever: her connection is open, and what she does is done.
    fn assert_ada_is_served(&mut self) {
        self.edits += 1;
        let id = format!("ada's {}", self.edits);
        let properties = serde_json::json!({"item_uuid": id, "_type": "source", "x_mm": 0, "y_mm": 0});
        let item = Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap();
        self.ada.edit(&Edit::Add { item, position: None }, UndoStep::New, START_MS).unwrap();
        self.pump();
        assert!(self.closes_of_ada.is_empty(), "{:?}", self.closes_of_ada);
        assert_eq!(self.ada.status(), Status::Synchronised);
        assert!(self.relay.scene().contains(&id));
        assert_eq!(self.relay.document().vector().up_to(key(ADAS_KEY).replica()), self.edits, "each of hers counts");
        let refused = |event: Event| matches!(event, Event::Refused { .. });
        assert!(!std::iter::from_fn(|| self.ada.poll_event()).any(refused));
    }
}

fn ops(replica: ReplicaId, number: u64) -> String {
    format!(r#"{{"type":"sync:ops","ops":[["{replica}",{number},0,0,"eve's",{{"add":"items","set":{{}}}}]]}}"#)
}

#[test]
fn a_wrong_key_is_refused_and_the_victim_is_unharmed() {
    for role in [Role::Editor, Role::Viewer] {
        for victim in [key(ADAS_KEY).replica(), OF_RELAY, key(12_345).replica()] {
            let mut room = Room::new(role);
            room.assert_ada_is_served();
            let own = hello(EVES_KEY).replace(&key(EVES_KEY).replica().to_string(), &victim.to_string());
            let own = own.replace(r#""settled":0"#, r#""settled":1000000"#);
            let told = room.eve_says(&own);
            assert!(told.contains(&"1008 the key is not that of the replica".to_owned()), "{told:?}");
            // Not even until the host has closed the connection.
            assert!(!room.eve_says(&ops(victim, 2)).iter().any(|frame| frame.contains("sync:ack")));
            assert_eq!(room.relay.sequence(), 1);
            room.assert_ada_is_served();
        }
    }
}

#[test]
fn an_operation_of_another_replica_is_refused() {
    let mut room = Room::new(Role::Editor);
    room.assert_ada_is_served();
    room.eve_says(&hello(EVES_KEY));
    let told = room.eve_says(&ops(key(ADAS_KEY).replica(), 2));
    assert!(told.iter().any(|frame| frame.contains(r#""reason":"id""#)), "{told:?}");
    // Nor does a wrong key take her own from her.
    let told = room.eve_says(&hello(ADAS_KEY).replace(&key_text(ADAS_KEY), &key_text(EVES_KEY)));
    assert!(told.iter().any(|frame| frame.starts_with("1008")), "{told:?}");
    room.assert_ada_is_served();
}

#[test]
fn a_key_that_is_absent_or_malformed_is_an_error_that_does_not_repeat_it() {
    let text = key_text(ADAS_KEY);
    let member = format!(r#""key":"{text}","#);
    let half = "0123456789abcdef";
    for wrong in [
        String::new(),
        r#""key":null,"#.to_owned(),
        r#""key":7,"#.to_owned(),
        r#""key":"","#.to_owned(),
        format!(r#""key":"{half}{}","#, &half[1..]),
        format!(r#""key":"{half}{half}0","#),
        format!(r#""key":"{}{half}","#, half.to_uppercase()),
        format!(r#""key":["{text}"],"#),
    ] {
        let mut room = Room::new(Role::Editor);
        let told = room.eve_says(&hello(ADAS_KEY).replace(&member, &wrong));
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("sync:error") && told[0].contains("`key` is m"), "{wrong}: {told:?}");
        assert!(!told[0].contains(&half[1..]) && !told[0].contains(&text), "{told:?}");
        // Who has not said who it is makes no operations.
        assert!(!room.eve_says(&ops(key(ADAS_KEY).replica(), 1)).iter().any(|frame| frame.contains("sync:ack")));
        assert_eq!(room.relay.sequence(), 0);
        room.assert_ada_is_served();
    }
}

/// With the key it is the same client, which has come back before the relay knew that it had gone, whatever it may do now.
#[test]
fn the_right_key_takes_over() {
    for role in [Role::Editor, Role::Viewer] {
        let mut room = Room::new(role);
        room.assert_ada_is_served();
        let told = room.eve_says(&hello(ADAS_KEY));
        assert!(told[0].contains("sync:welcome"), "{told:?}");
        assert_eq!(room.closes_of_ada, [4001]);
        let told = room.eve_says(&ops(key(ADAS_KEY).replica(), 2));
        let expected = if role == Role::Editor { "sync:ack" } else { r#""reason":"role""# };
        assert!(told[0].contains(expected), "{told:?}");
    }
}

#[test]
fn nobody_else_gets_to_see_a_key() {
    let mut room = Room::new(Role::Editor);
    let mut to_eve = room.eve_says(&hello(EVES_KEY));
    to_eve.extend(room.eve_says(&ops(key(EVES_KEY).replica(), 1)));
    to_eve.extend(room.eve_says(&hello(ADAS_KEY).replace(&key_text(ADAS_KEY), &key_text(EVES_KEY))));
    room.assert_ada_is_served();
    to_eve.append(&mut room.to_eve);
    let kept = [room.relay.snapshot().text, format!("{:?}", room.relay)];
    assert!(
        to_eve.iter().any(|frame| frame.contains("ada's 1")) && room.to_ada.iter().any(|frame| frame.contains("eve's"))
    );
    for text in to_eve.iter().chain(&room.to_ada).chain(&kept) {
        for number in [ADAS_KEY, EVES_KEY] {
            assert!(!text.contains(&key_text(number)), "{text}");
        }
    }
}

#[test]
fn a_session_does_not_show_its_key() {
    let mut session = Session::new(key(ADAS_KEY));
    session.handle_connected(START_MS);
    assert_eq!(session.poll_transmit(), None, "the relay speaks first");
    session.handle_frame(br#"{"type":"connection:ack","sync":{"protocol":1}}"#, START_MS);
    assert!(!format!("{session:?}").contains(&key_text(ADAS_KEY)));
    assert!(session.poll_transmit().unwrap().contains(&key_text(ADAS_KEY)), "it was waiting to be sent");
}

/// Only what goes on under the old name needs the old key.
#[test]
fn a_key_is_saved_only_with_pending_work() {
    let says = |session: &mut Session| {
        session.handle_connected(START_MS);
        session.handle_frame(br#"{"type":"connection:ack","sync":{"protocol":1}}"#, START_MS);
        session.poll_transmit().unwrap()
    };
    let mut session = Session::new(key(ADAS_KEY));
    let empty = session.save();
    assert!(!empty.contains(&key_text(ADAS_KEY)) && !empty.contains(&key(ADAS_KEY).replica().to_string()));
    let mut anew = Session::resume(key(EVES_KEY), &empty).unwrap();
    assert!(says(&mut anew).contains(&key_text(EVES_KEY)));

    let item = Item::new(Section::Items, serde_json::Map::from_iter([("item_uuid".to_owned(), "a".into())])).unwrap();
    session.edit(&Edit::Add { item, position: None }, UndoStep::New, START_MS).unwrap();
    let pending = session.save();
    let mut anew = Session::resume(key(EVES_KEY), &pending).unwrap();
    let hello = says(&mut anew);
    assert!(hello.contains(&key_text(ADAS_KEY)) && hello.contains(&key(ADAS_KEY).replica().to_string()), "{hello}");

    let member = format!(r#","key":"{}""#, key_text(ADAS_KEY));
    let refused = |text: &str| Session::resume(key(EVES_KEY), text).unwrap_err().to_string();
    assert_eq!(refused(&pending.replace(&member, "")), "`key` is missing in the saved work");
    let error = refused(&pending.replace(&key_text(ADAS_KEY), &key_text(EVES_KEY)));
    assert!(error.contains("operations of the replica of `key`"), "{error}");
    assert!(refused(&pending.replace(&key_text(ADAS_KEY), "7")).contains("`key` is malformed"));
}

/// On a server that lets another user's greeting through before its own, the key may have been sent to everybody: a session
/// that was deceived so does not speak to a relay any more.
#[test]
fn a_session_that_was_lured_by_another_users_greeting_speaks_to_no_relay() {
    let relay = br#"{"type":"connection:ack","session_id":"s","user_id":"u","sync":{"protocol":1}}"#;
    let server = br#"{"type":"connection:ack","session_id":"s","user_id":"u","users":[]}"#;
    let mut session = Session::new(key(ADAS_KEY));
    session.handle_connected(START_MS);
    session.handle_frame(relay, START_MS);
    assert!(session.poll_transmit().unwrap().contains(&key_text(ADAS_KEY)));
    session.handle_frame(server, START_MS);
    assert!(std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::ForwardOnly));
    session.handle_disconnected(START_MS);
    session.handle_connected(START_MS);
    session.handle_frame(relay, START_MS);
    assert!(std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::ServerChanged));
    assert_eq!((session.status(), session.poll_transmit()), (Status::Offline, None));
}
