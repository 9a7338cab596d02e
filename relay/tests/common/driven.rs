//! Clients that are driven as a host would drive them: the engine's own state machine over a real socket. They edit
//! whether the relay is there or not, and come back by themselves.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use optiverse_core::scene::{Edit, Item, Section};
use optiverse_core::sync::session::{Event, Status, UndoStep};
use optiverse_core::sync::{ReplicaId, ReplicaKey, Session};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Edits that may wait to be decided; with as many a client makes no more.
const AHEAD: usize = 50;

/// How often a client makes two edits.
const PAUSE: Duration = Duration::from_millis(5);

/// What the test tells a client, and sees of it.
#[derive(Debug)]
pub struct Control {
    /// Where the relay is to be found.
    pub address: Mutex<SocketAddr>,
    pub is_editing: AtomicBool,
    pub is_over: AtomicBool,
    /// The number of the newest operation that was acknowledged.
    pub acknowledged: AtomicU64,
    /// Edits made.
    pub edits: AtomicU64,
    /// Items that it shows, if nothing of its own waits.
    pub items: AtomicUsize,
}

impl Control {
    pub fn new(address: SocketAddr) -> Arc<Control> {
        Arc::new(Control {
            address: Mutex::new(address),
            is_editing: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            edits: AtomicU64::new(0),
            items: AtomicUsize::new(0),
        })
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Edits a session until the test is over. The item of the n-th edit is named after the replica and n.
pub async fn live(session: &str, key: ReplicaKey, control: Arc<Control>) -> Session {
    let replica = key.replica();
    let mut engine = Session::new(key);
    let mut socket: Option<Socket> = None;
    while !control.is_over.load(Ordering::SeqCst) {
        if control.is_editing.load(Ordering::SeqCst) {
            for _ in 0..2 {
                if engine.pending() < AHEAD {
                    add_one(&mut engine, replica, &control);
                }
            }
        }
        while let Some(event) = engine.poll_event() {
            match event {
                Event::Connect { .. } => {
                    let address = *control.address.lock().unwrap();
                    socket =
                        connect_async(format!("ws://{address}/ws/{session}/{replica}")).await.ok().map(|all| all.0);
                    match socket {
                        Some(_) => engine.handle_connected(now_ms()),
                        None => engine.handle_disconnected(now_ms()),
                    }
                }
                Event::Disconnect { .. } => {
                    socket = None;
                    engine.handle_disconnected(now_ms());
                }
                Event::Refused { .. }
                | Event::ForwardOnly
                | Event::ServerChanged
                | Event::FrameIgnored(_)
                | Event::RelayComplained { .. } => {
                    panic!("{event:?}")
                }
                _ => {}
            }
        }
        if !exchange(&mut engine, &mut socket, &control).await {
            socket = None;
            engine.handle_disconnected(now_ms());
        }
        if engine.poll_timeout().is_some_and(|due| due <= now_ms()) {
            engine.handle_timeout(now_ms());
        }
        let is_quiet = engine.status() == Status::Synchronised && engine.pending() == 0;
        let items = if is_quiet { engine.scene().items().count() } else { 0 };
        control.items.store(items, Ordering::SeqCst);
    }
    engine
}

fn add_one(engine: &mut Session, replica: ReplicaId, control: &Control) {
    let number = control.edits.load(Ordering::SeqCst) + 1;
    let properties = json!({"item_uuid": format!("{replica}-{number}"), "x_mm": number, "y_mm": 0});
    let item = Item::new(Section::Items, properties.as_object().unwrap().clone()).unwrap();
    engine.edit(&Edit::Add { item, position: None }, UndoStep::New, now_ms()).unwrap();
    control.edits.store(number, Ordering::SeqCst);
}

/// Sends what is to be sent, then reads for a short while. Returns whether the connection still lives, if there is one.
async fn exchange(engine: &mut Session, socket: &mut Option<Socket>, control: &Control) -> bool {
    let Some(socket) = socket else {
        sleep(PAUSE).await;
        return true;
    };
    while let Some(frame) = engine.poll_transmit() {
        if socket.feed(Message::text(frame)).await.is_err() {
            return false;
        }
    }
    if socket.flush().await.is_err() {
        return false;
    }
    let reading = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    if text.contains("\"sync:ack\"") {
                        let ack: Value = serde_json::from_str(&text).unwrap();
                        control.acknowledged.fetch_max(ack["number"].as_u64().unwrap(), Ordering::SeqCst);
                    }
                    engine.handle_frame(text.as_bytes(), now_ms());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
    };
    timeout(PAUSE, reading).await.is_err()
}
