//! One WebSocket connection: who may come in, what arrives, what is sent, how it ends.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use optiverse_core::sync::authority::ConnectionId;
use optiverse_core::sync::limits::MAX_STATE_BYTES;
use tokio::sync::oneshot;
use tokio::time::{sleep_until, timeout};

use crate::access::{Access, Visitor};
use crate::close::Close;
use crate::config::Limits;
use crate::invitation::Pass;
use crate::limit::Bucket;
use crate::outbox::{CLOSING, Outbox, Work};
use crate::registry::{MAX_SESSION_NAME_BYTES, Sessions};
use crate::session::{Input, Lease};

/// The longest message that is read: the whole scene of a client of the app. What is longer than its kind may be and not
/// longer than this is answered by the session.
pub(crate) const MAX_MESSAGE_BYTES: usize = MAX_STATE_BYTES;

/// What a connection reads at once: it has a buffer of this size as long as it lasts.
pub(crate) const READ_BUFFER_BYTES: usize = 8 << 10;

/// How long is waited for the other side's end after the close was sent.
const CLOSED: Duration = Duration::from_secs(1);

static NEXT_CONNECTION: AtomicU64 = AtomicU64::new(1);

/// Serves a connection until it ends.
pub(crate) async fn serve(mut socket: WebSocket, sessions: Arc<Sessions>, access: &Access, visitor: Visitor) {
    let Visitor { session, user, address, .. } = &visitor;
    let close = match admit(&mut socket, &sessions, access, &visitor).await {
        Ok(admitted) => {
            let (connection, role) = (admitted.connection.0, admitted.pass.role.code());
            tracing::info!(session, user, connection, role, %address, "connected");
            let close = admitted.exchange(&mut socket, &sessions).await;
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
        self::close(socket, reason).await;
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
    let outbox = Outbox::new(sessions.limits().queue_bytes);
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

impl Admitted {
    /// Passes frames on both ways. Returns how to close the connection, unless it has ended by itself.
    async fn exchange(&self, socket: &mut WebSocket, sessions: &Sessions) -> Option<Close> {
        let metrics = sessions.metrics();
        let mut budget = Budget::new(sessions.limits());
        let mut resume = None;
        loop {
            tokio::select! {
                biased;
                () = self.outbox.ready() => {
                    let Work { frames, close } = self.outbox.take();
                    if !self.send(socket, frames).await {
                        return None;
                    }
                    if close.is_some() {
                        metrics.slow_connections.inc_by(u64::from(close == Some(Close::SLOW)));
                        return close;
                    }
                }
                () = sleep_until(resume.unwrap_or_else(Instant::now).into()), if resume.is_some() => resume = None,
                message = socket.recv(), if resume.is_none() => {
                    let frame = match message {
                        Some(Ok(Message::Text(text))) => Bytes::from(text),
                        // Text in the wrong envelope: the session says whether it can read it.
                        Some(Ok(Message::Binary(bytes))) => bytes,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Bytes::new(),
                        Some(Ok(Message::Close(_))) => {
                            // The library has its answer ready, which leaves with the next flush.
                            let _ = timeout(CLOSED, socket.flush()).await;
                            return None;
                        }
                        None => return None,
                        Some(Err(error)) => return refusal(&error),
                    };
                    let (is_control, bytes) = (frame.is_empty(), frame.len());
                    if !is_control && !self.lease.send_frame(self.connection, frame).await {
                        return Some(self.outbox.take().close.unwrap_or(Close::STORE));
                    }
                    if !is_control {
                        metrics.received.inc();
                        metrics.received_bytes.inc_by(bytes as u64);
                    }
                    resume = budget.use_up(bytes);
                }
            }
        }
    }

    /// Sends frames in one go. Returns whether the connection still lives.
    async fn send(&self, socket: &mut WebSocket, frames: Vec<Utf8Bytes>) -> bool {
        // Of what was cut off a part may still be on its way, which is not waited for.
        if frames.is_empty() {
            return true;
        }
        let sending = async {
            for frame in frames {
                socket.feed(Message::Text(frame)).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            biased;
            sent = sending => sent.is_ok(),
            // It takes nothing in time: the close is all that it may still get.
            () = self.outbox.cut() => true,
        }
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
    fn use_up(&mut self, bytes: usize) -> Option<Instant> {
        let now = Instant::now();
        // At most 8 MiB: exact in double precision.
        let waits = [self.messages.owe(1.0, now), self.bytes.owe(bytes as f64, now)];
        waits.into_iter().flatten().max().map(|wait| now + wait)
    }
}

/// What is said to a connection on which something unreadable arrived, if it can still hear it.
fn refusal(error: &axum::Error) -> Option<Close> {
    match error.source()?.downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Capacity(_) => Some(Close::TOO_LARGE),
        tungstenite::Error::Utf8(_) => Some(Close::ENCODING),
        tungstenite::Error::Protocol(problem) => match problem {
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake => None,
            _ => Some(Close::PROTOCOL),
        },
        _ => None,
    }
}

/// Closes a connection.
pub(crate) async fn close(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from_static(close.reason) };
    let sent = timeout(CLOSING, socket.send(Message::Close(Some(frame)))).await;
    if matches!(sent, Ok(Ok(()))) {
        // With something unread the system would reset the connection, and the close would be lost.
        let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
        // Whoever does not answer the close is dropped.
        let _ = timeout(CLOSED, drained).await;
    }
}
