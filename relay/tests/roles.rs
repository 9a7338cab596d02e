//! Who may come into a session, and what they may do there: roles, tokens, invitations.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that goes wrong must fail")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Client, REPLICAS, add, ask, bearer, config, create, invite, relay};
use optiverse_relay::config::{Config, StoreChoice};
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// How a connection shows what lets it in.
enum By<'a> {
    Nothing,
    Header(&'a str),
    Query(&'a str),
    /// The first message of a session that asks for it.
    Message(Value),
    /// The first message of one that said so.
    Announced(Value),
}

/// The role that it gets, or the code and the reason with which it is closed.
async fn come(address: SocketAddr, session: &str, user: &str, by: By<'_>) -> Result<String, (u16, String)> {
    let path = format!("/ws/{session}/{user}");
    let (mut client, first) = match by {
        By::Nothing => (Client::open(address, &path).await, None),
        By::Header(header) => (Client::open_with(address, &path, header).await, None),
        By::Query(query) => (Client::open(address, &format!("{path}?{query}")).await, None),
        By::Message(message) => (Client::open(address, &path).await, Some(message)),
        By::Announced(message) => (Client::open(address, &format!("{path}?auth=message")).await, Some(message)),
    };
    if let Some(first) = first {
        client.send(first).await;
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

fn role(name: &str) -> Result<String, (u16, String)> {
    Ok(name.to_owned())
}

fn refused(reason: &str) -> Result<String, (u16, String)> {
    Err((1008, reason.to_owned()))
}

const WRONG_TOKEN: &str = "the token is not, or no longer, valid here";
const NOTHING_SHOWN: &str = "the session asks for a password or a token, and none was given in time";

#[tokio::test]
async fn a_token_says_what_its_bearer_may_do_however_it_is_given() {
    let relay = relay().await;
    let address = relay.address();
    for terms in [json!({}), json!({"password": "right"}), json!({"access": "invited"})] {
        let (id, owner) = create(address, &terms).await;
        let invited = invite(address, &id, &owner, &json!({"role": "viewer"})).await;
        for (token, expected) in [(owner.as_str(), "owner"), (invited["token"].as_str().unwrap(), "viewer")] {
            assert_eq!(token.len(), 43, "32 bytes in URL-safe base64");
            let message = || json!({"type": "auth", "token": token});
            let mut ways = vec![
                By::Header(&bearer(token)).owned(),
                By::Query(&format!("token={token}")).owned(),
                By::Announced(message()).owned(),
            ];
            if terms != json!({}) {
                ways.push(By::Message(message()).owned());
            }
            for way in &ways {
                assert_eq!(come(address, &id, "ann", way.as_by()).await, role(expected), "{terms}");
            }
            assert_eq!(come(address, "another", "ann", By::Header(&bearer(token))).await, refused(WRONG_TOKEN));
        }
        let wrong = bearer(&"x".repeat(43));
        assert_eq!(come(address, &id, "eve", By::Header(&wrong)).await, refused(WRONG_TOKEN), "{terms}");
    }
    relay.stop().await;
}
