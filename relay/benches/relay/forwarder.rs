//! What the relay is measured against: it passes each frame on to the others of the session, and does nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::SinkExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Frames that are written at once, if so many wait.
const BATCH: usize = 256;

/// What a connection reads at once.
const READ_BUFFER_BYTES: usize = 8 << 10;

type Users = Mutex<Vec<(u64, mpsc::UnboundedSender<Utf8Bytes>)>>;

#[derive(Clone)]
struct Forwarder {
    sessions: Arc<Mutex<HashMap<String, Arc<Users>>>>,
    next: Arc<AtomicU64>,
    batch: usize,
    /// What everybody who connects is sent, as by a relay that keeps bytes.
    greeting: Utf8Bytes,
}

/// Serves until the process ends. `tell` is told where.
pub(crate) async fn serve(is_batching: bool, greeting: String, tell: impl FnOnce(SocketAddr)) {
    let batch = if is_batching { BATCH } else { 1 };
    let forwarder = Forwarder { sessions: Arc::default(), next: Arc::default(), batch, greeting: greeting.into() };
    let upgrade = |Path((session, _)): Path<(String, String)>,
                   State(forwarder): State<Forwarder>,
                   upgrade: WebSocketUpgrade| async move {
        upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(move |socket| forward(socket, session, forwarder))
    };
    let router = Router::new().route("/ws/{session}/{user}", any(upgrade)).with_state(forwarder);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    tell(listener.local_addr().expect("an address"));
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a fresh connection"));
    axum::serve(listener, router).await.expect("serving never ends");
}

async fn forward(mut socket: WebSocket, session: String, forwarder: Forwarder) {
    let me = forwarder.next.fetch_add(1, Ordering::Relaxed);
    let (sender, mut waiting) = mpsc::unbounded_channel();
    let users = Arc::clone(forwarder.sessions.lock().expect("no panic").entry(session).or_default());
    users.lock().expect("no panic").push((me, sender));
    exchange(&mut socket, me, &users, &mut waiting, &forwarder).await;
    users.lock().expect("no panic").retain(|(user, _)| *user != me);
}

async fn exchange(
    socket: &mut WebSocket,
    me: u64,
    users: &Users,
    waiting: &mut mpsc::UnboundedReceiver<Utf8Bytes>,
    forwarder: &Forwarder,
) -> Option<()> {
    let mut frames = Vec::new();
    socket.send(Message::Text(forwarder.greeting.clone())).await.ok()?;
    loop {
        tokio::select! {
            biased;
            _ = waiting.recv_many(&mut frames, forwarder.batch) => {
                for frame in frames.drain(..) {
                    socket.feed(Message::Text(frame)).await.ok()?;
                }
                socket.flush().await.ok()?;
            }
            message = socket.recv() => {
                let Message::Text(text) = message?.ok()? else { continue };
                for (user, sender) in &*users.lock().expect("no panic") {
                    if *user != me {
                        // One that has just ended needs none.
                        let _ = sender.send(text.clone());
                    }
                }
            }
        }
    }
}
