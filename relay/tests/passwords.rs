//! Sessions with a password.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test and its helpers fail by panicking")]

mod common;

use std::net::SocketAddr;

use common::{Client, config};
use optiverse_relay::config::{Config, StoreChoice};
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

async fn create(address: SocketAddr, body: &Value) -> Value {
    let url = format!("http://{address}/api/sessions");
    let output = Command::new("curl").args(["--silent", "--data", &body.to_string(), &url]).output().await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn whoever_knows_the_password_comes_in_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = StoreChoice::Sqlite(directory.path().join("relay.db"));
    let config = Config { store, ..config() };
    let relay = Relay::start(&config).await.unwrap();
    let made = create(relay.address(), &json!({"password": "M\u{fc}nchen & co"})).await;
    let id = made["session_id"].as_str().unwrap().to_owned();
    relay.stop().await;
    let bytes = std::fs::read(directory.path().join("relay.db")).unwrap();
    assert!(bytes.windows(9).any(|found| found == b"$argon2id"));
    assert!(!bytes.windows(9).any(|found| found == b"chen & co"), "the password itself is in the file");

    let relay = Relay::start(&config).await.unwrap();
    let address = relay.address();
    let mut request = format!("ws://{address}/ws/{id}/ann").into_client_request().unwrap();
    let in_header = "M\u{fc}nchen & co".as_bytes();
    request.headers_mut().insert("X-Session-Password", in_header.try_into().unwrap());
    let mut client = Client { socket: connect_async(request).await.unwrap().0 };
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
    let id = create(address, &json!({"password": "right"})).await["session_id"].as_str().unwrap().to_owned();
    for given in ["wrong", "", "right%00", &"x".repeat(1_025)] {
        let mut client = Client::open(address, &format!("/ws/{id}/eve?password={given}")).await;
        assert_eq!(client.closed().await, (1008, "wrong password".to_owned()), "{given}");
    }
    for first in [
        json!({"type": "auth", "password": "wrong"}),
        json!({"type": "auth"}),
        json!({"type": "ping", "password": "right"}),
        json!(["auth", "right"]),
        json!({"type": "sync:hello", "protocol": 1, "replica": "0000000000abc", "settled": 0}),
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
        let made = create(relay.address(), &json!({"password": password})).await;
        assert_eq!(made.get("session_id").is_some(), is_taken, "{made}");
        assert_eq!(made.get("error").is_some(), !is_taken, "{made}");
    }
    relay.stop().await;

    // Creating uses one of two, the first try the other.
    config.limits.http_requests_per_second = 2;
    let relay = Relay::start(&config).await.unwrap();
    let id = create(relay.address(), &json!({"password": "right"})).await["session_id"].as_str().unwrap().to_owned();
    let path = format!("/ws/{id}/eve?password=wrong");
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(Client::open(relay.address(), &path).await.closed().await.0);
    }
    assert_eq!(codes[0], 1008);
    assert!(codes.contains(&1013), "{codes:?}");
    relay.stop().await;
}
