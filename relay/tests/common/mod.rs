//! A relay of its own for each test, and clients for it.

#![allow(unreachable_pub, dead_code, reason = "each test file that includes this uses a part of it")]

pub mod driven;
pub mod process;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use optiverse_relay::config::Config;
use optiverse_relay::server::Relay;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
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

    /// Connects with a header, such as `Authorization: …`.
    pub async fn open_with(address: SocketAddr, path: &str, header: &str) -> Client {
        let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
        let (name, value) = header.split_once(": ").unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        Client { socket: connect_async(request).await.unwrap().0 }
    }

    /// Tells which replica it is, and reads until it is up to date.
    pub async fn hello(&mut self, replica: &str) -> u64 {
        self.send(hello(replica)).await;
        self.next_of("sync:welcome").await["sequence"].as_u64().unwrap()
    }

    /// Connects as a client of the new protocol that has nothing yet, and reads until it is up to date.
    pub async fn join_sync(address: SocketAddr, session: &str, user: &str, replica: &str) -> (Client, u64) {
        let mut client = Client::join(address, session, user).await;
        let sequence = client.hello(replica).await;
        (client, sequence)
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
        self.rest().await.1
    }

    /// Reads until the relay closes, and returns all messages before that, the code and the reason.
    pub async fn rest(&mut self) -> (Vec<Value>, (u16, String)) {
        let mut told = Vec::new();
        loop {
            match self.receive().await {
                Message::Close(frame) => {
                    let frame = frame.expect("a close with a code");
                    return (told, (frame.code.into(), frame.reason.to_string()));
                }
                Message::Text(text) => told.push(serde_json::from_str(&text).unwrap()),
                _ => {}
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

/// What the client of one of the replicas says first.
pub fn hello(replica: &str) -> Value {
    let index = REPLICAS.iter().position(|known| *known == replica).expect("a replica whose key is known");
    json!({"type": "sync:hello", "protocol": 1, "replica": replica, "key": KEYS[index], "settled": 0})
}

/// Ids of replicas, and the keys that they follow from.
pub const REPLICAS: [&str; 3] = ["37lucdqaqyc1a", "1jqpvosxav9v4", "3mafboxqwg8th"];
pub const KEYS: [&str; 3] =
    ["00000000000000000000000000000abc", "00000000000000000000000000000abd", "00000000000000000000000000000abe"];

/// The answer to an HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    /// JSON, a text that is none, or nothing.
    pub body: Value,
}

/// Asks for something over HTTP, on a connection of its own. Headers are lines without their ends.
pub async fn ask(address: SocketAddr, what: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{what} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n",
        body.len(),
        headers.iter().map(|header| format!("{header}\r\n")).collect::<String>()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The relay may answer before it has read all.
    let _ = stream.write_all(body).await;
    read_answer(&mut stream).await
}

/// Reads an answer up to the end of the connection.
pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut answer = Vec::new();
    // With something unread the relay's end of the connection is a reset, after the answer.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("in time");
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    Answer { status, head: head.to_lowercase(), body }
}

/// Makes a session, and returns its id and its owner's token.
pub async fn create(address: SocketAddr, body: &Value) -> (String, String) {
    let made = ask(address, "POST /api/sessions", &[], body.to_string().as_bytes()).await.body;
    let text = |key: &str| made[key].as_str().unwrap_or_else(|| panic!("no {key}: {made}")).to_owned();
    (text("session_id"), text("owner_token"))
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// Has the owner invite, and returns the whole answer.
pub async fn invite(address: SocketAddr, session: &str, owner: &str, offer: &Value) -> Value {
    let path = format!("POST /api/sessions/{session}/invitations");
    let answer = ask(address, &path, &[&bearer(owner)], offer.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}
