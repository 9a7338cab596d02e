//! Sessions with a password.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use common::{Client, REPLICAS, ask, config, create, hello};
use optiverse_relay::config::{Config, StoreChoice};
use optiverse_relay::server::Relay;
use serde_json::json;

#[tokio::test]
async fn whoever_knows_the_password_comes_in_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = StoreChoice::Sqlite(directory.path().join("relay.db"));
    let config = Config { store, ..config() };
    let relay = Relay::start(&config).await.unwrap();
    let (id, _) = create(relay.address(), &json!({"password": "M\u{fc}nchen & co"})).await;
    relay.stop().await;
    let bytes = std::fs::read(directory.path().join("relay.db")).unwrap();
    assert!(bytes.windows(9).any(|found| found == b"$argon2id"));
    assert!(!bytes.windows(9).any(|found| found == b"chen & co"), "the password itself is in the file");

    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let mut client =
        Client::open_with(address, &format!("/ws/{id}/ann"), "X-Session-Password: M\u{fc}nchen & co").await;
    client.assert_served().await;

    Client::join(address, &id, "bob?password=M%C3%BCnchen%20%26%20co").await.assert_served().await;

    let mut client = Client::open(address, &format!("/ws/{id}/eve")).await;
    client.send(json!({"type": "auth", "password": "M\u{fc}nchen & co"})).await;
    assert_eq!(client.next().await["type"], "connection:ack");
    client.assert_served().await;
    relay.stop().await;
}

#[tokio::test]
async fn nobody_else_does() {
    let relay = Relay::start(&config()).await.unwrap();
    let address = relay.address();
    let (id, _) = create(address, &json!({"password": "right"})).await;
    for given in ["wrong", "", "right%00", &"x".repeat(1_025)] {
        let mut client = Client::open(address, &format!("/ws/{id}/eve?password={given}")).await;
        assert_eq!(client.closed().await, (1008, "wrong password".to_owned()), "{given}");
    }
    for first in [
        json!({"type": "auth", "password": "wrong"}),
        json!({"type": "auth"}),
        json!({"type": "ping", "password": "right"}),
        json!(["auth", "right"]),
        hello(REPLICAS[0]),
    ] {
        let mut client = Client::open(address, &format!("/ws/{id}/eve")).await;
        client.send(first.clone()).await;
        assert_eq!(client.closed().await.0, 1008, "{first}");
    }
    relay.stop().await;
}

#[tokio::test]
async fn passwords_have_a_length_and_tries_a_limit() {
    let mut config = config();
    let relay = Relay::start(&config).await.unwrap();
    for (password, is_taken) in
        [(json!("x".repeat(1_024)), true), (json!("x".repeat(1_025)), false), (json!(""), false), (json!(7), false)]
    {
        let body = json!({"password": password}).to_string();
        let answer = ask(relay.address(), "POST /api/sessions", &[], body.as_bytes()).await;
        assert_eq!(answer.status, if is_taken { 200 } else { 400 }, "{answer:?}");
        assert_eq!(answer.body.get("error").is_some(), !is_taken, "{answer:?}");
    }
    relay.stop().await;

    // Creating uses one of two, the first try the other.
    config.limits.http_requests_per_second = 2;
    let relay = Relay::start(&config).await.unwrap();
    let (id, _) = create(relay.address(), &json!({"password": "right"})).await;
    let path = format!("/ws/{id}/eve?password=wrong");
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(Client::open(relay.address(), &path).await.closed().await.0);
    }
    assert_eq!(codes[0], 1008);
    assert!(codes.contains(&1013), "{codes:?}");
    relay.stop().await;
}
