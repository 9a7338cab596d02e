//! Who else is in a session: `Session::users`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod sync_sim;

use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload};
use optiverse_core::sync::limits::MAX_NAME_BYTES;
use optiverse_core::sync::session::{Event, GREETING_TIMEOUT_MS, MAX_PEERS, Status};
use optiverse_core::sync::{ReplicaId, Role, Session};
use serde_json::{Value, json};

use sync_sim::START_MS;
use sync_sim::keys::key;

/// A relay and its clients; each has a number, which is its place in the list.
struct Room {
    relay: Authority,
    clients: Vec<(ConnectionId, Session)>,
    connections: u64,
}

impl Room {
    fn new() -> Room {
        let config = AuthorityConfig { session_id: "s".to_owned(), epoch: 1, replica: ReplicaId::new(99) };
        Room { relay: Authority::new(config), clients: Vec::new(), connections: 0 }
    }

    /// Somebody comes who was not there before.
    fn join(&mut self, user: &str) -> usize {
        let client = self.clients.len();
        self.clients.push((ConnectionId(0), Session::new(key(client as u64))));
        self.connect(client, user);
        client
    }

    fn connect(&mut self, client: usize, user: &str) {
        self.connections += 1;
        self.clients[client].0 = ConnectionId(self.connections);
        self.relay.connect(ConnectionId(self.connections), user, Role::Editor, START_MS).unwrap();
        self.clients[client].1.handle_connected(START_MS);
        self.deliver();
    }

    fn leave(&mut self, client: usize) {
        let (connection, session) = &mut self.clients[client];
        self.relay.disconnect(*connection);
        session.handle_disconnected(START_MS);
        self.deliver();
    }

    fn deliver(&mut self) {
        loop {
            for (connection, session) in &mut self.clients {
                while let Some(frame) = session.poll_transmit() {
                    self.relay.handle_frame(*connection, frame.as_bytes(), START_MS);
                }
            }
            let Some(transmit) = self.relay.poll_transmit() else { return };
            let Payload::Frame(frame) = transmit.payload else { continue };
            if let Some((_, session)) = self.clients.iter_mut().find(|(id, _)| *id == transmit.connection) {
                session.handle_frame(frame.as_bytes(), START_MS);
            }
        }
    }

    fn users(&self, client: usize) -> &[String] {
        self.clients[client].1.users()
    }
}

#[test]
fn all_but_oneself_are_listed_in_the_order_they_came() {
    let mut room = Room::new();
    let ada = room.join("ada");
    assert!(room.users(ada).is_empty(), "{:?}", room.users(ada));
    let bob = room.join("bob");
    let other_ada = room.join("ada");
    assert_eq!(room.users(ada), ["bob", "ada"], "the other connection of that name is another one");
    assert_eq!(room.users(bob), ["ada", "ada"]);
    assert_eq!(room.users(other_ada), ["ada", "bob"], "of two of its name its own is not listed");
    room.leave(ada);
    assert_eq!(room.users(bob), ["ada"], "one of the two has left");
    assert_eq!(room.users(other_ada), ["bob"]);
    room.leave(bob);
    assert!(room.users(other_ada).is_empty());
}

#[test]
fn the_list_is_empty_without_a_connection_and_filled_anew_with_the_next() {
    let mut room = Room::new();
    let (ada, bob) = (room.join("ada"), room.join("bob"));
    room.leave(ada);
    assert!(room.users(ada).is_empty());
    room.join("cy");
    assert!(room.users(ada).is_empty());
    room.connect(ada, "ada");
    assert_eq!(room.users(ada), ["bob", "cy"]);
    assert_eq!(room.users(bob), ["cy", "ada"]);

    room.clients[ada].1.stop();
    assert!(room.users(ada).is_empty(), "at once, not when the socket is closed");

    // A connection that falls silent is given up.
    let (_, session) = &mut room.clients[bob];
    let due = session.poll_timeout().unwrap();
    session.handle_timeout(due);
    while session.poll_timeout().unwrap() > due && session.status() != Status::Offline {
        session.handle_timeout(session.poll_timeout().unwrap());
    }
    assert_eq!(session.status(), Status::Offline);
    assert!(session.users().is_empty());
}

#[test]
fn when_it_is_synchronised_the_list_is_there() {
    let mut room = Room::new();
    room.join("ada");
    let bob = room.join("bob");
    let (_, session) = &mut room.clients[bob];
    let told: Vec<Event> = std::iter::from_fn(|| session.poll_event()).collect();
    assert!(told.contains(&Event::Status(Status::Synchronised)));
    assert!(!told.iter().any(|event| matches!(event, Event::UserJoined { .. })), "no event of its own for each");
    assert_eq!(session.users(), ["ada"]);
}

/// A session that was sent this, and whether that was read.
fn greeted_by(greeting: &Value) -> (Session, bool) {
    let mut session = Session::new(key(1));
    session.handle_connected(START_MS);
    let is_read = take(&mut session, greeting);
    (session, is_read)
}

fn take(session: &mut Session, frame: &Value) -> bool {
    session.handle_frame(frame.to_string().as_bytes(), START_MS);
    !std::iter::from_fn(|| session.poll_event()).any(|event| matches!(event, Event::FrameIgnored(_)))
}

fn greeting(own: &str, users: &Value) -> Value {
    json!({"type": "connection:ack", "user_id": own, "users": users, "sync": {"protocol": 1}})
}

/// What a server that only forwards says.
fn forwarder_greeting(own: &str, users: &Value) -> Value {
    json!({"type": "connection:ack", "session_id": "s", "user_id": own, "is_host": false, "users": users})
}

#[test]
fn servers_that_only_forward_say_who_is_there_too() {
    let users = json!([{"user_id": "ada"}, {"user_id": "me", "connected_at": "now"}, {"user_id": "bob"}]);
    let (mut session, is_read) = greeted_by(&forwarder_greeting("me", &users));
    assert!(is_read);
    assert_eq!(session.status(), Status::Unconfirmed);
    assert_eq!(session.users(), ["ada", "bob"]);
    assert!(take(&mut session, &json!({"type": "user:joined", "user_id": "cy"})));
    assert!(take(&mut session, &json!({"type": "user:joined", "user_id": "ada"})));
    assert_eq!(session.users(), ["ada", "bob", "cy", "ada"]);
    assert!(take(&mut session, &json!({"type": "user:left", "user_id": "ada"})));
    assert!(take(&mut session, &json!({"type": "user:left", "user_id": "nobody"})));
    assert_eq!(session.users(), ["bob", "cy", "ada"]);
    // Another user may send it: such a server passes it on.
    take(&mut session, &greeting("me", &json!([{"user_id": "eve"}])));
    take(&mut session, &forwarder_greeting("me", &json!([{"user_id": "eve"}])));
    assert_eq!(session.users(), ["bob", "cy", "ada"]);
    session.handle_disconnected(START_MS);
    assert!(session.users().is_empty());
    session.handle_connected(START_MS);
    assert!(take(&mut session, &forwarder_greeting("me", &json!([{"user_id": "me"}, {"user_id": "dan"}]))));
    assert_eq!(session.users(), ["dan"]);
}

#[test]
fn a_relay_that_lists_nobody_is_joined_all_the_same() {
    for greeting in [
        json!({"type": "connection:ack", "sync": {}}),
        json!({"type": "connection:ack", "user_id": "me", "sync": {}}),
        json!({"type": "connection:ack", "user_id": "me", "users": null, "sync": {}}),
        json!({"type": "connection:ack", "user_id": "me", "users": [], "sync": {}}),
    ] {
        let (mut session, is_read) = greeted_by(&greeting);
        assert!(is_read && session.users().is_empty(), "{greeting}");
        assert!(session.poll_transmit().is_some_and(|hello| hello.contains("sync:hello")), "{greeting}");
    }
}

#[test]
fn a_malformed_greeting_is_ignored_and_changes_nothing() {
    for users in
        [json!({}), json!("ada"), json!(["ada"]), json!([{"name": "ada"}]), json!([{"user_id": 7}]), json!([[]])]
    {
        for greeting in [greeting("me", &users), forwarder_greeting("me", &users)] {
            let (mut session, is_read) = greeted_by(&greeting);
            assert!(!is_read, "{greeting}");
            assert_eq!((session.status(), session.users().len()), (Status::CatchingUp, 0));
            assert_eq!(session.poll_transmit(), None);
            assert_eq!(session.poll_timeout(), Some(START_MS + GREETING_TIMEOUT_MS), "it still waits for one");
        }
    }
    let (session, is_read) = greeted_by(&greeting("me", &json!([{"user_id": "ada"}, {}])));
    assert!(!is_read && session.users().is_empty());
    let (mut session, _) = greeted_by(&greeting("me", &json!([{"user_id": "ada"}])));
    for kind in ["user:joined", "user:left"] {
        assert!(!take(&mut session, &json!({"type": kind})));
        assert!(!take(&mut session, &json!({"type": kind, "user_id": ["ada"]})));
    }
    assert_eq!(session.users(), ["ada"]);
}

#[test]
fn the_users_that_are_listed_are_limited() {
    let names = |count: usize| -> Value { (0..count).map(|number| json!({"user_id": format!("u{number}")})).collect() };
    for others in [MAX_PEERS - 1, MAX_PEERS, MAX_PEERS + 1, 40_000] {
        let mut users = names(others);
        users.as_array_mut().unwrap().push(json!({"user_id": "me"}));
        let (session, is_read) = greeted_by(&greeting("me", &users));
        assert!(is_read, "it is joined all the same");
        assert_eq!(session.users().len(), others.min(MAX_PEERS));
        assert_eq!(session.users().last().unwrap(), &format!("u{}", others.min(MAX_PEERS) - 1));
    }
    for greeting in [greeting("me", &names(MAX_PEERS - 1)), forwarder_greeting("me", &names(MAX_PEERS - 1))] {
        let (mut session, _) = greeted_by(&greeting);
        for name in ["the last", "one too many"] {
            assert!(take(&mut session, &json!({"type": "user:joined", "user_id": name})));
            assert_eq!(session.users().len(), MAX_PEERS);
            assert_eq!(session.users().last().unwrap(), "the last");
        }
        assert!(take(&mut session, &json!({"type": "user:left", "user_id": "u0"})));
        assert!(take(&mut session, &json!({"type": "user:joined", "user_id": "the next"})));
        assert_eq!(session.users().last().unwrap(), "the next", "there is room again");
    }
}

#[test]
fn the_names_that_are_listed_are_limited() {
    let (longest, longer) = ("x".repeat(MAX_NAME_BYTES), "x".repeat(MAX_NAME_BYTES + 1));
    let users = json!([{"user_id": longer}, {"user_id": longest}, {"user_id": "ada"}]);
    for greeting in [greeting("me", &users), forwarder_greeting("me", &users)] {
        let (mut session, is_read) = greeted_by(&greeting);
        assert!(is_read, "it is joined all the same");
        assert_eq!(session.users(), [longest.as_str(), "ada"]);
        for name in [&longer, &longest] {
            assert!(take(&mut session, &json!({"type": "user:joined", "user_id": name})));
        }
        assert_eq!(session.users(), [longest.as_str(), "ada", longest.as_str()]);
    }
}
