//! Who may come into a session, and what they may do there: roles, tokens, invitations.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Client, KEYS, REPLICAS, add, ask, bearer, config, create, hello, invite, relay};
use optiverse_relay::config::{Config, StoreChoice};
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// What a connection shows to be let in.
#[derive(Debug, Clone, Default)]
struct Shown {
    header: Option<String>,
    query: String,
    first_message: Option<Value>,
}

impl Shown {
    fn header(header: String) -> Shown {
        Shown { header: Some(header), ..Shown::default() }
    }

    fn query(query: String) -> Shown {
        Shown { query, ..Shown::default() }
    }

    fn message(message: Value) -> Shown {
        Shown { first_message: Some(message), ..Shown::default() }
    }

    /// The role with which it comes in, or the code and the reason with which it is closed.
    async fn come(&self, address: SocketAddr, session: &str, user: &str) -> Result<String, (u16, String)> {
        let path = format!("/ws/{session}/{user}?{}", self.query);
        let mut client = match &self.header {
            Some(header) => Client::open_with(address, &path, header).await,
            None => Client::open(address, &path).await,
        };
        if let Some(first) = &self.first_message {
            client.send(first.clone()).await;
        }
        match client.receive().await {
            Message::Text(text) => {
                let ack: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(ack["type"], "connection:ack");
                client.assert_served().await;
                Ok(ack["sync"]["role"].as_str().unwrap().to_owned())
            }
            Message::Close(frame) => {
                let frame = frame.unwrap();
                Err((frame.code.into(), frame.reason.to_string()))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn role(name: &str) -> Result<String, (u16, String)> {
    Ok(name.to_owned())
}

fn refused(reason: &str) -> Result<String, (u16, String)> {
    Err((1008, reason.to_owned()))
}

const WRONG_TOKEN: &str = "the token is not, or no longer, valid here";
const NOTHING_SHOWN: &str = "the session asks for a password or a token, and none was given in time";

fn token(invited: &Value) -> &str {
    invited["token"].as_str().unwrap()
}

#[tokio::test]
async fn a_token_says_what_its_bearer_may_do_however_it_is_given() {
    let relay = relay().await;
    let address = relay.address();
    for terms in [json!({}), json!({"password": "right"}), json!({"access": "invited"})] {
        let (id, owner) = create(address, &terms).await;
        let viewer = invite(address, &id, &owner, &json!({"role": "viewer"})).await;
        let editor = invite(address, &id, &owner, &json!({"role": "editor"})).await;
        for (token, expected) in [(&*owner, "owner"), (token(&viewer), "viewer"), (token(&editor), "editor")] {
            assert_eq!(token.len(), 43, "32 bytes in URL-safe base64");
            let message = json!({"type": "auth", "token": token});
            let announced = Shown { query: "auth=message".to_owned(), ..Shown::message(message.clone()) };
            let mut ways = vec![Shown::header(bearer(token)), Shown::query(format!("token={token}")), announced];
            if terms != json!({}) {
                ways.push(Shown::message(message));
            }
            for shown in ways {
                assert_eq!(shown.come(address, &id, "ann").await, role(expected), "{terms} {shown:?}");
            }
            // It is good for its own session alone.
            assert_eq!(Shown::header(bearer(token)).come(address, "another", "ann").await, refused(WRONG_TOKEN));
        }
        for wrong in ["x".repeat(43), String::new(), "x".repeat(10_000), format!("{owner}A")] {
            assert_eq!(Shown::header(bearer(&wrong)).come(address, &id, "eve").await, refused(WRONG_TOKEN), "{terms}");
        }
    }
    relay.stop().await;
}

#[tokio::test]
async fn the_terms_of_a_session_say_what_others_may_do() {
    let mut config = config();
    config.limits.auth_s = 1;
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let by_password = |password: &str| Shown::query(format!("password={password}"));
    let nothing = Shown::default();
    for (terms, shown, expected) in [
        (json!({}), &nothing, role("editor")),
        (json!({"access": "open"}), &nothing, role("editor")),
        (json!({"access": null, "default_role": null, "password": null}), &nothing, role("editor")),
        (json!({"default_role": "editor"}), &nothing, role("editor")),
        (json!({"default_role": "viewer"}), &nothing, role("viewer")),
        (json!({"default_role": "viewer"}), &by_password("any"), role("viewer")),
        (json!({"default_role": "viewer", "password": "right"}), &by_password("right"), role("viewer")),
        (json!({"default_role": "viewer", "password": "right"}), &by_password("wrong"), refused("wrong password")),
        (json!({"default_role": "viewer", "password": "right"}), &nothing, refused(NOTHING_SHOWN)),
        (json!({"access": "invited"}), &nothing, refused(NOTHING_SHOWN)),
        (json!({"access": "invited"}), &by_password("any"), refused("one comes into this session with a token alone")),
    ] {
        let (id, _) = create(address, &terms).await;
        assert_eq!(shown.come(address, &id, "ann").await, expected, "{terms} {shown:?}");
    }
    // A session that exists because somebody connects to it is everybody's.
    assert_eq!(nothing.come(address, "bench", "ann").await, role("editor"));
    for (terms, problem) in [
        (json!({"access": "closed"}), "`access` is \"closed\", expected \"open\" or \"invited\""),
        (json!({"default_role": "owner"}), "`default_role` is \"owner\", expected \"editor\" or \"viewer\""),
        (json!({"access": "invited", "password": "x"}), "`password` goes with the access \"open\" alone"),
        (json!({"access": "invited", "default_role": "viewer"}), "`default_role` goes with the access \"open\" alone"),
        (json!({"role": "viewer"}), "`role` is not known here"),
    ] {
        let answer = ask(address, "POST /api/sessions", &[], terms.to_string().as_bytes()).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(problem)));
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_viewer_changes_nothing_in_any_family_of_messages() {
    let relay = relay().await;
    let address = relay.address();
    let (id, owner) = create(address, &json!({"default_role": "viewer"})).await;
    let mut ann = Client::open_with(address, &format!("/ws/{id}/ann"), &bearer(&owner)).await;
    ann.hello(REPLICAS[0]).await;
    let item = json!([REPLICAS[0], 1, 0, 0, "lens", {"add": "items", "set": {
        "item_uuid": "lens", "_type": "component", "id": "lens", "kind": "lens", "x_mm": 1, "y_mm": 2, "angle_deg": 0}}]);
    ann.send(json!({"type": "sync:ops", "ops": [item]})).await;
    assert_eq!(ann.next_of("sync:ack").await["sequence"], 1);

    let (mut new, _) = Client::join_sync(address, &id, "new", REPLICAS[1]).await;
    new.send(json!({"type": "sync:ops", "ops": [
        add(REPLICAS[1], 1, "mirror"),
        [REPLICAS[1], 2, 0, 0, "lens", {"set": {"x_mm": 9}}],
        [REPLICAS[1], 3, 0, 0, "lens", {"remove": true}],
    ]}))
    .await;
    for number in 1..=3 {
        let answer = new.next_of("sync:refused").await;
        assert_eq!((&answer["number"], &answer["reason"]), (&json!(number), &json!("role")));
    }

    let mut app = Client::join(address, &id, "app").await;
    let whole = json!({"item_uuid": "lens", "x_mm": 9.0, "y_mm": 9.0});
    for (action, data) in [
        ("add_item", json!({"item_uuid": "mirror", "x_mm": 0.0, "y_mm": 0.0})),
        ("move_item", whole.clone()),
        ("update_item", whole.clone()),
        ("remove_item", json!({})),
    ] {
        let item = if action == "add_item" { "mirror" } else { "lens" };
        let command = json!({"action": action, "item_type": "component", "item_id": item, "data": data});
        app.send(json!({"type": "command", "command": command, "user_id": "ann"})).await;
    }
    for kind in ["sync:full_state", "sync:update", "sync:state"] {
        let item = json!({"item_uuid": "mirror", "uuid": "mirror", "item_type": "component", "x_mm": 1.0, "y_mm": 1.0});
        app.send(json!({"type": kind, "state": {"items": [item], "version": 9}})).await;
    }

    let mut component = Client::join(address, &id, "component").await;
    for (kind, data) in [
        ("add", json!({"id": "mirror", "kind": "mirror", "x_mm": 0, "y_mm": 0, "angle_deg": 0})),
        ("move", json!({"id": "lens", "x_mm": 9, "y_mm": 9})),
        ("rotate", json!({"id": "lens", "angle_deg": 9})),
        ("edit", json!({"id": "lens", "efl_mm": 9})),
        ("delete", json!({"id": "lens"})),
    ] {
        component.send(json!({"type": format!("component:{kind}"), "data": data})).await;
    }
    // A viewer shows where it is.
    component.send(json!({"type": "cursor:move", "data": {"x": 3, "y": 4}})).await;
    assert_eq!(ann.next_of("sync:presence").await["user"], "component");

    for viewer in [&mut new, &mut app, &mut component] {
        viewer.assert_served().await;
    }
    // The next operation that is accepted is the second, and the document is the one that its owner made.
    ann.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], 2, 0, 0, "lens", {"set": {"note": "x"}}]]})).await;
    assert_eq!(ann.next_of("sync:ack").await["sequence"], 2);
    let (mut late, sequence) = Client::join_sync(address, &id, "late", REPLICAS[2]).await;
    assert_eq!(sequence, 2);
    let document = late.next_of("sync:part").await.to_string();
    assert!(document.contains("lens") && !document.contains("mirror"), "{document}");
    relay.stop().await;
}

/// S19: everybody sees the id of a replica, and only its own client has the key.
#[tokio::test]
async fn who_says_the_replica_of_another_without_its_key_is_sent_away() {
    let relay = relay().await;
    let address = relay.address();
    for default_role in ["viewer", "editor"] {
        let (id, owner) = create(address, &json!({"default_role": default_role})).await;
        let come = async || Client::open_with(address, &format!("/ws/{id}/ann"), &bearer(&owner)).await;
        let mut wrong = hello(REPLICAS[0]);
        wrong["key"] = KEYS[1].into();
        wrong["settled"] = 1_000_000.into();

        let mut ann = come().await;
        ann.hello(REPLICAS[0]).await;
        let mut eve = Client::join(address, &id, "ann").await;
        eve.send(wrong.clone()).await;
        assert_eq!(eve.closed().await, (1008, "the key is not that of the replica".to_owned()));
        ann.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
        assert_eq!(ann.next_of("sync:ack").await["sequence"], 1);

        // While she is away, what somebody else says is done or sends does not count as hers.
        drop(ann);
        let gone = async {
            while ask(address, &format!("GET /api/sessions/{id}"), &[], b"").await.body["user_count"] != 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(common::PATIENCE, gone).await.unwrap();
        let mut eve = Client::join(address, &id, "ann").await;
        eve.send(wrong).await;
        eve.closed().await;
        let mut eve = Client::join(address, &id, "ann").await;
        eve.hello(REPLICAS[1]).await;
        eve.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 2, "mirror")]})).await;
        assert_eq!(eve.next_of("sync:refused").await["reason"], "id");
        let mut ann = come().await;
        ann.hello(REPLICAS[0]).await;
        ann.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 2, "grating")]})).await;
        assert_eq!(ann.next_of("sync:ack").await["sequence"], 2);
        eve.assert_served().await;
    }
    relay.stop().await;
}

/// With the key it is the same client, whatever it may do now; the relay may not have noticed yet that it had gone.
#[tokio::test]
async fn a_client_that_comes_back_as_a_viewer_replaces_itself() {
    let relay = relay().await;
    let address = relay.address();
    let (id, owner) = create(address, &json!({"default_role": "viewer"})).await;
    let mut editor = Client::open_with(address, &format!("/ws/{id}/ann"), &bearer(&owner)).await;
    editor.hello(REPLICAS[0]).await;
    let (mut viewer, _) = Client::join_sync(address, &id, "ann", REPLICAS[0]).await;
    assert_eq!(editor.closed().await.0, 4001);
    viewer.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    assert_eq!(viewer.next_of("sync:refused").await["reason"], "role");
    relay.stop().await;
}

#[tokio::test]
async fn a_message_cannot_speak_for_another_user_or_session() {
    let relay = relay().await;
    let address = relay.address();
    let (mut elsewhere, _) = Client::join_sync(address, "elsewhere", "ann", REPLICAS[0]).await;
    let (mut ann, _) = Client::join_sync(address, "bench", "ann", REPLICAS[2]).await;
    let mut eve = Client::join(address, "bench", "eve").await;
    assert_eq!(ann.next_of("user:joined").await["user_id"], "eve");
    let lens = json!({"id": "lens", "item_uuid": "lens", "kind": "lens", "x_mm": 1, "y_mm": 2, "angle_deg": 0});
    let spoofed = json!({"session_id": "elsewhere", "session": "elsewhere", "user_id": "ann", "user": "ann",
                         "role": "owner", "is_host": true});
    let mut send = async |mut message: Value| {
        message.as_object_mut().unwrap().extend(spoofed.as_object().unwrap().clone());
        eve.send(message).await;
    };
    send(json!({"type": "component:add", "data": lens})).await;
    send(json!({"type": "cursor:move", "data": {"x": 3, "y": 4}})).await;
    send(json!({"type": "user:left"})).await;
    send(json!({"type": "connection:ack"})).await;
    // It is taken for what its own connection says, in its own session.
    assert_eq!(ann.next_of("sync:presence").await["user"], "eve");
    eve.assert_served().await;
    ann.assert_served().await;
    let (_, sequence) = Client::join_sync(address, "bench", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, 1);
    elsewhere.assert_served().await;
    let (_, sequence) = Client::join_sync(address, "elsewhere", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, 0);
    relay.stop().await;
}

#[tokio::test]
async fn an_invitation_is_for_as_many_users_as_it_says_and_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("relay.db");
    let config = Config { store: StoreChoice::Sqlite(file.clone()), ..config() };
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let (id, owner) = create(address, &json!({"access": "invited"})).await;
    let invited = invite(address, &id, &owner, &json!({"role": "editor", "uses": 2})).await;
    let shown = Shown::header(bearer(token(&invited)));
    assert_eq!(shown.come(address, &id, "ann").await, role("editor"));
    relay.stop().await;

    for secret in [&owner, token(&invited)] {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(43).any(|found| found == secret.as_bytes()), "the token itself is in the file");
    }

    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    assert_eq!(shown.come(address, &id, "bob").await, role("editor"));
    let used_up = refused("as many users as may have come by this invitation");
    assert_eq!(shown.come(address, &id, "eve").await, used_up);
    // Whoever has come may come again, as after a lost connection.
    assert_eq!(shown.come(address, &id, "ann").await, role("editor"));
    let path = format!("/api/sessions/{id}/invitations");
    let listed = ask(address, &format!("GET {path}"), &[&bearer(&owner)], b"").await;
    assert_eq!(listed.body["invitations"][0]["users"], json!(["ann", "bob"]));
    let which = invited["invitation_id"].as_str().unwrap();
    assert_eq!(ask(address, &format!("DELETE {path}/{which}"), &[&bearer(&owner)], b"").await.status, 204);
    relay.stop().await;

    let relay = Relay::start(&config).await.unwrap();
    assert_eq!(shown.come(relay.address(), &id, "ann").await, refused(WRONG_TOKEN));
    assert_eq!(Shown::header(bearer(&owner)).come(relay.address(), &id, "ann").await, role("owner"));
    relay.stop().await;
}

#[tokio::test]
async fn an_invitation_expires_and_whoever_has_come_stays() {
    let relay = relay().await;
    let address = relay.address();
    let (id, owner) = create(address, &json!({"access": "invited"})).await;
    let invited = invite(address, &id, &owner, &json!({"role": "viewer", "expires_s": 1})).await;
    let mut ann = Client::open_with(address, &format!("/ws/{id}/ann"), &bearer(token(&invited))).await;
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    let again = Shown::header(bearer(token(&invited)));
    assert_eq!(again.come(address, &id, "bob").await, refused(WRONG_TOKEN));
    let listed = ask(address, &format!("GET /api/sessions/{id}/invitations"), &[&bearer(&owner)], b"").await;
    assert_eq!(listed.body, json!({"invitations": []}));
    ann.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn revoking_closes_those_who_came_by_the_invitation_and_nobody_else() {
    let relay = relay().await;
    let address = relay.address();
    let (id, owner) = create(address, &json!({})).await;
    let revoked = invite(address, &id, &owner, &json!({"role": "editor"})).await;
    let kept = invite(address, &id, &owner, &json!({"role": "editor"})).await;
    let path = |user: &str| format!("/ws/{id}/{user}");
    let mut host = Client::open_with(address, &path("owner"), &bearer(&owner)).await;
    host.hello(REPLICAS[0]).await;
    let mut friend = Client::open_with(address, &path("friend"), &bearer(token(&kept))).await;
    let mut stranger = Client::join(address, &id, "stranger").await;
    let mut ann = Client::open_with(address, &path("ann"), &bearer(token(&revoked))).await;
    // One of them reads nothing, so that frames wait for it in the relay.
    let mut stuck = Client::open_with(address, &path("stuck"), &bearer(token(&revoked))).await;
    stuck.hello(REPLICAS[1]).await;
    let text = "x".repeat(200_000);
    for number in 1..=60 {
        let body = if number == 1 { json!({"add": "items", "set": {}}) } else { json!({"set": {"note": text}}) };
        host.send(json!({"type": "sync:ops", "ops": [[REPLICAS[0], number, 0, 0, "lens", body]]})).await;
        assert_eq!(host.next_of("sync:ack").await["number"], number);
    }

    let which = revoked["invitation_id"].as_str().unwrap();
    let revoke = format!("DELETE /api/sessions/{id}/invitations/{which}");
    assert_eq!(ask(address, &revoke, &[&bearer(&owner)], b"").await.status, 204);
    assert_eq!(ann.closed().await, (4003, "the invitation was revoked".to_owned()));
    let mut gone = [host.next_of("user:left").await, host.next_of("user:left").await];
    gone.sort_by_key(Value::to_string);
    assert_eq!(gone, ["ann", "stuck"].map(|user| json!({"type": "user:left", "user_id": user})));
    for client in [&mut host, &mut friend, &mut stranger] {
        client.assert_served().await;
    }
    assert_eq!(Shown::header(bearer(token(&revoked))).come(address, &id, "ann").await, refused(WRONG_TOKEN));
    // It cannot be revoked twice.
    assert_eq!(ask(address, &revoke, &[&bearer(&owner)], b"").await.status, 404);
    relay.stop().await;
}

#[tokio::test]
async fn invitations_are_the_owners() {
    let mut config = config();
    config.limits.invitations_per_session = 2;
    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let (id, owner) = create(address, &json!({})).await;
    let _open = Client::join(address, "bench", "ann").await;
    let offer = json!({"role": "viewer", "expires_s": 31_536_000, "uses": 256});
    let invited = invite(address, &id, &owner, &offer).await;
    assert_eq!(invited["share_link"], format!("optiverse://join/{id}?token={}", token(&invited)));
    assert_eq!((&invited["role"], &invited["uses"], &invited["users"]), (&json!("viewer"), &json!(256), &json!([])));

    let path = format!("/api/sessions/{id}/invitations");
    let which = invited["invitation_id"].as_str().unwrap();
    let (of_owner, of_guest) = (bearer(&owner), bearer(token(&invited)));
    for (headers, expected) in [
        (vec![], 401),
        (vec!["Authorization: Bearer wrong"], 401),
        (vec!["Authorization: Basic b3duZXI6"], 401),
        (vec![of_guest.as_str()], 403),
    ] {
        for what in [format!("GET {path}"), format!("POST {path}"), format!("DELETE {path}/{which}")] {
            let answer = ask(address, &what, &headers, offer.to_string().as_bytes()).await;
            assert_eq!(answer.status, expected, "{what} {headers:?}");
            assert!(answer.body["error"].as_str().is_some_and(|problem| !problem.is_empty()), "{answer:?}");
            assert_eq!(answer.head.contains("www-authenticate: bearer"), expected == 401, "{answer:?}");
        }
    }
    for (what, expected) in [
        (format!("GET /api/sessions/{}/invitations", "x".repeat(43)), 404),
        // Nobody owns a session that exists because somebody connected to it.
        ("GET /api/sessions/bench/invitations".to_owned(), 401),
        (format!("DELETE {path}/nothing"), 404),
        (format!("PUT {path}"), 405),
    ] {
        assert_eq!(ask(address, &what, &[&of_owner], b"").await.status, expected, "{what}");
    }
    for (offer, problem) in [
        (json!({}), "`role` is missing, expected \"editor\" or \"viewer\""),
        (json!({"role": "owner"}), "`role` is \"owner\", expected \"editor\" or \"viewer\""),
        (json!({"role": "editor", "uses": 0}), "`uses` is 0, expected a whole number from 1 to 256"),
        (json!({"role": "editor", "uses": 257}), "`uses` is 257, expected a whole number from 1 to 256"),
        (json!({"role": "editor", "uses": 1.5}), "`uses` is 1.5, expected a whole number from 1 to 256"),
        (json!({"role": "editor", "expires_s": 0}), "`expires_s` is 0, expected a whole number from 1 to 31536000"),
        (
            json!({"role": "editor", "expires_s": 31_536_001}),
            "`expires_s` is 31536001, expected a whole number from 1 to 31536000",
        ),
        (json!({"role": "editor", "for": "ann"}), "`for` is not known here"),
    ] {
        let answer = ask(address, &format!("POST {path}"), &[&of_owner], offer.to_string().as_bytes()).await;
        assert_eq!((answer.status, &answer.body["error"]), (400, &json!(problem)));
    }

    // Two are as many as there may be, and one that is revoked makes room.
    let second = invite(address, &id, &owner, &json!({"role": "editor"})).await;
    let third = ask(address, &format!("POST {path}"), &[&of_owner], br#"{"role": "editor"}"#).await;
    assert_eq!(third.status, 409, "{third:?}");
    let listed = ask(address, &format!("GET {path}"), &[&of_owner], b"").await.body;
    let ids: Vec<&Value> = listed["invitations"].as_array().unwrap().iter().map(|one| &one["invitation_id"]).collect();
    assert_eq!(ids, [&invited["invitation_id"], &second["invitation_id"]]);
    assert!(!listed.to_string().contains(token(&invited)), "a token is shown once");
    assert_eq!(ask(address, &format!("DELETE {path}/{which}"), &[&of_owner], b"").await.status, 204);
    invite(address, &id, &owner, &json!({"role": "editor"})).await;
    relay.stop().await;
}
