//! One WebSocket connection: who may come in, what arrives, what is sent, how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use optiverse_core::sync::authority::ConnectionId;
use tokio::sync::oneshot;
use tokio::time::sleep_until;
use tungstenite::protocol::Message;

use crate::access::{Access, Visitor};
use crate::close::Close;
use crate::config::Limits;
use crate::invitation::Pass;
use crate::limit::Bucket;
use crate::outbox::Outbox;
use crate::registry::{MAX_SESSION_NAME_BYTES, Sessions};
use crate::session::{Input, Lease};
use crate::websocket::WebSocket;

static NEXT_CONNECTION: AtomicU64 = AtomicU64::new(1);

/// Serves a connection until it ends.
pub(crate) async fn serve(mut socket: Box<WebSocket>, sessions: &Arc<Sessions>, access: &Access, visitor: &Visitor) {
    let Visitor { session, user, address, .. } = visitor;
    // What it takes to come in is not held as long as the connection lasts.
    let close = match Box::pin(admit(&mut socket, sessions, access, visitor)).await {
        Ok(admitted) => {
            let (connection, role) = (admitted.connection.0, admitted.pass.role.code());
            tracing::info!(session, user, connection, role, %address, "connected");
            let close = admitted.exchange(&mut socket, sessions).await;
            sessions.metrics().slow_connections.inc_by(u64::from(close == Some(Close::SLOW)));
            tracing::info!(session, user, connection, code = close.map(|close| close.code), "disconnected");
            close
        }
        Err(close) => {
            sessions.metrics().refused_connections.inc();
            tracing::info!(session, user, %address, code = close.code, reason = close.reason, "refused");
            Some(close)
        }
    };
    if let Some(reason) = close {
        Box::pin(socket.close(reason)).await;
    }
}

struct Admitted {
    lease: Lease,
    connection: ConnectionId,
    outbox: Outbox,
    /// Held as long as the connection lasts.
    pass: Pass,
}

async fn admit(
    socket: &mut WebSocket,
    sessions: &Arc<Sessions>,
    access: &Access,
    visitor: &Visitor,
) -> Result<Admitted, Close> {
    if !is_usable(&visitor.session) || !is_usable(&visitor.user) {
        return Err(Close::NAMES);
    }
    let outbox = socket.outbox().clone();
    let pass = access.admit(socket, sessions, visitor, &outbox).await?;
    let lease = sessions.join(&visitor.session)?;
    let connection = ConnectionId(NEXT_CONNECTION.fetch_add(1, Ordering::Relaxed));
    let (admitted, answer) = oneshot::channel();
    let (user, role) = (visitor.user.clone(), pass.role);
    lease.send(Input::Connect { connection, user, role, outbox: outbox.clone(), admitted });
    // A session that could not be brought into memory drops the question.
    answer.await.unwrap_or(Err(Close::STORE))?;
    Ok(Admitted { lease, connection, outbox, pass })
}

/// Whether a text may name a session or a user.
fn is_usable(name: &str) -> bool {
    (1..=MAX_SESSION_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// What has arrived together.
#[derive(Default)]
struct Arrived {
    frames: Vec<Bytes>,
    bytes: usize,
    /// Until when no more is read, because it was more than the connection may send.
    resume: Option<Instant>,
    /// Why nothing will follow.
    end: Option<End>,
}

/// How a connection ends that does not end by the session.
enum End {
    /// The other side closed it.
    Theirs,
    /// It broke, or what arrived cannot be read: how to close it, if the other side can still hear it.
    Ours(Option<Close>),
}

impl Arrived {
    /// Takes a message, and all that were read with it and are within the budget.
    fn take(first: Result<Message, tungstenite::Error>, socket: &mut WebSocket, budget: &mut Budget) -> Arrived {
        let now = Instant::now();
        let mut arrived = Arrived::default();
        let mut next = Some(first);
        while let Some(message) = next {
            let frame = match message {
                Ok(Message::Text(text)) => Bytes::from(text),
                // Text in the wrong envelope: the session says whether it can read it.
                Ok(Message::Binary(bytes)) => bytes,
                Ok(Message::Close(_)) => {
                    arrived.end = Some(End::Theirs);
                    break;
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Bytes::new(),
                Err(error) => {
                    arrived.end = Some(End::Ours(refusal(&error)));
                    break;
                }
            };
            arrived.resume = budget.use_up(frame.len(), now);
            if !frame.is_empty() {
                arrived.bytes += frame.len();
                arrived.frames.push(frame);
            }
            next = if arrived.resume.is_none() { socket.receive_buffered() } else { None };
        }
        arrived
    }
}

impl Admitted {
    /// Passes frames on both ways. Returns how to close the connection, unless it has ended by itself.
    async fn exchange(&self, socket: &mut WebSocket, sessions: &Sessions) -> Option<Close> {
        let metrics = sessions.metrics();
        let mut budget = Budget::new(sessions.limits());
        let mut resume = None;
        loop {
            tokio::select! {
                biased;
                outcome = self.outbox.serve() => return outcome.ok(),
                () = reached(resume), if resume.is_some() => resume = None,
                message = socket.receive(), if resume.is_none() => {
                    let arrived = Arrived::take(message, socket, &mut budget);
                    let (count, bytes) = (arrived.frames.len(), arrived.bytes);
                    if count > 0 {
                        if !self.lease.send_frames(self.connection, arrived.frames, bytes).await {
                            return Some(self.outbox.reason().unwrap_or(Close::STORE));
                        }
                        metrics.received.inc_by(count as u64);
                        metrics.received_bytes.inc_by(bytes as u64);
                    }
                    match arrived.end {
                        None => resume = arrived.resume,
                        // Where an answer to a ping was one too many, the outbox knows why.
                        Some(End::Ours(close)) => return close.or_else(|| self.outbox.reason()),
                        Some(End::Theirs) => {
                            socket.answer().await;
                            return None;
                        }
                    }
                }
            }
        }
    }
}

async fn reached(instant: Option<Instant>) {
    if let Some(instant) = instant {
        sleep_until(instant.into()).await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // A session that has ended knows.
        self.lease.send(Input::Disconnect { connection: self.connection });
    }
}

/// What a connection may send.
struct Budget {
    messages: Bucket,
    bytes: Bucket,
}

impl Budget {
    fn new(limits: &Limits) -> Budget {
        let now = Instant::now();
        Budget {
            messages: Bucket::new(limits.messages_per_second, limits.message_burst, now),
            bytes: Bucket::new(limits.bytes_per_second, limits.byte_burst, now),
        }
    }

    /// Counts a message. Returns until when no more are read, if it was one too many.
    fn use_up(&mut self, bytes: usize, now: Instant) -> Option<Instant> {
        // At most 8 MiB: exact in double precision.
        let waits = [self.messages.owe(1.0, now), self.bytes.owe(bytes as f64, now)];
        waits.into_iter().flatten().max().map(|wait| now + wait)
    }
}

/// What is said to a connection on which something unreadable arrived, if it can still hear it.
fn refusal(error: &tungstenite::Error) -> Option<Close> {
    match error {
        tungstenite::Error::Capacity(_) => Some(Close::TOO_LARGE),
        tungstenite::Error::Utf8(_) => Some(Close::ENCODING),
        tungstenite::Error::Protocol(problem) => match problem {
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake => None,
            _ => Some(Close::PROTOCOL),
        },
        _ => None,
    }
}
