//! A relay of its own for each test, and clients for it.

#![allow(unreachable_pub, dead_code, reason = "each test file that includes this uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use optiverse_relay::config::Config;
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn config() -> Config {
    let mut config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
    config.limits.http_requests_per_second = 1_000;
    config
}

pub async fn relay() -> Relay {
    Relay::start(&config()).await.unwrap()
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn open(address: SocketAddr, path: &str) -> Client {
        let (socket, _) = connect_async(format!("ws://{address}{path}")).await.unwrap();
        Client { socket }
    }

    /// Connects, and reads the greeting.
    pub async fn join(address: SocketAddr, session: &str, user: &str) -> Client {
        let mut client = Client::open(address, &format!("/ws/{session}/{user}")).await;
        assert_eq!(client.next().await["type"], "connection:ack");
        client
    }

    /// Connects as a client of the new protocol that has nothing yet, and reads until it is up to date.
    pub async fn join_sync(address: SocketAddr, session: &str, user: &str, replica: &str) -> (Client, u64) {
        let mut client = Client::join(address, session, user).await;
        client.send(json!({"type": "sync:hello", "protocol": 1, "replica": replica, "settled": 0})).await;
        let welcome = client.next_of("sync:welcome").await;
        (client, welcome["sequence"].as_u64().unwrap())
    }

    pub async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub async fn receive(&mut self) -> Message {
        timeout(PATIENCE, self.socket.next()).await.expect("in time").expect("not ended").expect("readable")
    }

    pub async fn next(&mut self) -> Value {
        match self.receive().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a text frame: {other:?}"),
        }
    }

    /// The next message of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Reads until the relay closes, and returns the code and the reason.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.receive().await {
                let frame = frame.expect("a close with a code");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }

    /// Whether it is still served.
    pub async fn assert_served(&mut self) {
        self.send(json!({"type": "ping"})).await;
        self.next_of("pong").await;
    }
}

/// An operation that adds an item, as a client of the new protocol sends it.
pub fn add(replica: &str, number: u64, item: &str) -> Value {
    json!([replica, number, 0, 0, item, {"add": "items", "set": {"item_uuid": item, "x_mm": number, "y_mm": 0}}])
}

/// Ids of replicas.
pub const REPLICAS: [&str; 3] = ["0000000000abc", "0000000000abd", "0000000000abe"];
