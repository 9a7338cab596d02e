//! Sessions over WebSocket: the three families of messages, and what happens to those who misbehave.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::time::{Duration, Instant};

use common::{Client, KEYS, PATIENCE, REPLICAS, add, config, hello, relay};
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const COMMAND: &str = r#"{"type": "command", "command": {"action": "add_item", "item_type": "component",
    "item_id": "by-app", "data": {"item_uuid": "by-app", "x_mm": 1.0, "y_mm": 2.0}}, "user_id": "x"}"#;

#[tokio::test]
async fn three_families_share_one_session() {
    let relay = relay().await;
    let mut app = Client::join(relay.address(), "bench", "app").await;
    let mut component = Client::join(relay.address(), "bench", "component").await;
    let (mut new, _) = Client::join_sync(relay.address(), "bench", "new", REPLICAS[0]).await;

    app.send_raw(Message::text(COMMAND)).await;
    let told = new.next_of("sync:ops").await;
    assert_eq!(told["ops"][0][4], "by-app");

    let lens =
        json!({"id": "by-component", "kind": "lens", "x_mm": 3.0, "y_mm": 0.0, "angle_deg": 90.0, "efl_mm": 100.0});
    component.send(json!({"type": "component:add", "data": lens})).await;
    let told = new.next_of("sync:ops").await;
    assert_eq!(told["ops"][0][4], "by-component");

    new.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "by-new")]})).await;
    assert_eq!(new.next_of("sync:ack").await["number"], 1);
    let told = app.next_of("command").await;
    assert_eq!(told["command"]["item_id"], "by-new");

    // Whoever comes late gets all of it from the relay.
    let (_late, sequence) = Client::join_sync(relay.address(), "bench", "late", REPLICAS[1]).await;
    assert_eq!(sequence, 3);
    relay.stop().await;
}

#[tokio::test]
async fn two_connections_of_one_name_are_two_and_the_host_role_passes_on() {
    let relay = relay().await;
    let mut first = Client::open(relay.address(), "/ws/bench/ann").await;
    assert_eq!(first.next().await["is_host"], true);
    let mut second = Client::open(relay.address(), "/ws/bench/ann").await;
    let ack = second.next().await;
    assert_eq!(ack["is_host"], false);
    assert_eq!(ack["users"].as_array().unwrap().len(), 2);
    drop(first);
    assert_eq!(second.next_of("user:left").await["user_id"], "ann");
    second.assert_served().await;
    let mut third = Client::open(relay.address(), "/ws/bench/bob").await;
    assert_eq!(third.next().await["is_host"], false);
    relay.stop().await;
}

#[tokio::test]
async fn malformed_input_is_answered_and_harms_nobody() {
    let relay = relay().await;
    let mut bystander = Client::join(relay.address(), "bench", "bystander").await;
    let mut client = Client::join(relay.address(), "bench", "client").await;
    let deep = format!(r#"{{"type":"command","command":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bad = [
        Message::text("{"),
        Message::text("[]"),
        Message::text(r#"{"no": "type"}"#),
        Message::text(r#"{"type": "command"}"#),
        Message::text(hello(REPLICAS[0]).to_string().replace(r#""protocol":1"#, r#""protocol":2"#)),
        Message::text(hello(REPLICAS[0]).to_string().replace(KEYS[0], "abc")),
        Message::text(deep),
        Message::binary(vec![0xff, 0xfe]),
        // One byte more than a session takes.
        Message::text(" ".repeat((1 << 20) + 1)),
    ];
    for message in bad {
        let shown = format!("{message:.60?}");
        client.send_raw(message).await;
        let answer = client.next_of("sync:error").await;
        assert!(answer["message"].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
    }
    client.assert_served().await;
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_text_that_is_not_utf8_closes_with_1007_and_harms_nobody() {
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::MaybeTlsStream;
    let relay = relay().await;
    let mut bystander = Client::join(relay.address(), "bench", "bystander").await;
    let mut client = Client::join(relay.address(), "bench", "client").await;
    // A text frame of two bytes, masked with zeros; no client library would send it.
    let MaybeTlsStream::Plain(stream) = client.socket.get_mut() else { panic!("no TLS here") };
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).await.unwrap();
    assert_eq!(client.closed().await.0, 1007);
    bystander.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn names_are_held_to_their_limits() {
    let relay = relay().await;
    let longest = "n".repeat(256);
    let mut client = Client::join(relay.address(), &longest, &longest).await;
    client.assert_served().await;
    let too_long = "n".repeat(257);
    for path in [
        format!("/ws/{too_long}/ann"),
        format!("/ws/bench/{too_long}"),
        "/ws/bench/a%00b".to_owned(),
        "/ws/bench".to_owned(),
        "/ws/a/b/c".to_owned(),
        "/ws/..%2F..%2Fetc%2Fpasswd/a/b".to_owned(),
    ] {
        let mut refused = Client::open(relay.address(), &path).await;
        assert_eq!(refused.closed().await.0, 1008, "{path}");
    }
    // A name is a name, whatever it looks like as a path.
    let mut odd = Client::join(relay.address(), "..%2F..%2Fetc%2Fpasswd", "ann").await;
    odd.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_session_has_a_limit_of_users() {
    let mut config = config();
    config.limits.users_per_session = 2;
    let relay = Relay::start(&config).await.unwrap();
    let mut first = Client::join(relay.address(), "bench", "ann").await;
    let second = Client::join(relay.address(), "bench", "bob").await;
    let mut third = Client::open(relay.address(), "/ws/bench/eve").await;
    assert_eq!(third.closed().await, (1013, "the session is full, try again later".to_owned()));
    drop(second);
    first.next_of("user:left").await;
    Client::join(relay.address(), "bench", "eve").await.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn the_relay_has_a_limit_of_sessions() {
    let mut config = config();
    config.limits.sessions = 1;
    let relay = Relay::start(&config).await.unwrap();
    let mut first = Client::join(relay.address(), "one", "ann").await;
    let mut refused = Client::open(relay.address(), "/ws/two/ann").await;
    assert_eq!(refused.closed().await.0, 1013);
    first.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_session_must_have_been_created_where_that_is_required() {
    let relay =
        Relay::start(&optiverse_relay::config::Config { require_created_sessions: true, ..config() }).await.unwrap();
    let mut refused = Client::open(relay.address(), "/ws/bench/ann").await;
    assert_eq!(refused.closed().await, (1008, "there is no session of this name".to_owned()));
    relay.stop().await;
}

#[tokio::test]
async fn a_session_that_nobody_uses_expires() {
    let mut config = config();
    config.limits.session_expiry_s = 1;
    let relay = Relay::start(&config).await.unwrap();
    let (mut client, _) = Client::join_sync(relay.address(), "bench", "ann", REPLICAS[0]).await;
    client.send(json!({"type": "sync:ops", "ops": [add(REPLICAS[0], 1, "lens")]})).await;
    client.next_of("sync:ack").await;
    // In use it stays, however long.
    tokio::time::sleep(Duration::from_millis(1_600)).await;
    let (_, sequence) = Client::join_sync(relay.address(), "bench", "bob", REPLICAS[1]).await;
    assert_eq!(sequence, 1);
    drop(client);
    // Unloaded after a second, expired after another.
    let deadline = Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep(Duration::from_millis(2_600)).await;
        let (_, sequence) = Client::join_sync(relay.address(), "bench", "eve", REPLICAS[2]).await;
        if sequence == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "the session did not expire");
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_slow_reader_is_closed_with_4002_and_delays_nobody() {
    let mut config = config();
    config.limits.queue_bytes = 1 << 20;
    let relay = Relay::start(&config).await.unwrap();
    let (mut writer, _) = Client::join_sync(relay.address(), "bench", "writer", REPLICAS[0]).await;
    let (mut slow, _) = Client::join_sync(relay.address(), "bench", "slow", REPLICAS[1]).await;
    let (mut quick, _) = Client::join_sync(relay.address(), "bench", "quick", REPLICAS[2]).await;
    let text = "x".repeat(200_000);
    for number in 1..=100 {
        let operation = if number == 1 {
            add(REPLICAS[0], 1, "lens")
        } else {
            json!([REPLICAS[0], number, 0, 0, "lens", {"set": {"note": text}}])
        };
        writer.send(json!({"type": "sync:ops", "ops": [operation]})).await;
        assert_eq!(writer.next_of("sync:ack").await["number"], number);
        assert_eq!(quick.next_of("sync:ops").await["sequence"], number);
    }
    // What it gets before the close has no hole.
    let mut expected = 1;
    let code = loop {
        match slow.receive().await {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "sync:ops" {
                    assert_eq!(message["sequence"], expected);
                    expected += 1;
                }
            }
            Message::Close(frame) => break u16::from(frame.unwrap().code),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4002);
    assert!(expected <= 100);
    relay.stop().await;
}

#[tokio::test]
async fn stopping_closes_with_1001() {
    let relay = relay().await;
    let mut client = Client::join(relay.address(), "bench", "ann").await;
    let (closed, ()) = tokio::join!(client.closed(), relay.stop());
    assert_eq!(closed.0, 1001);
}
