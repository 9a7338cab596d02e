//! What waits to be sent on one connection: bounded, and never waited for by the session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::Notify;

use crate::close::Close;

/// What a waiting piece counts for beside its bytes, so that many short ones are bounded too.
const PIECE_BYTES: usize = 64;

/// How long a connection that is closed has to take what waits for it, and then the close.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

/// The frames that wait for one connection, in pieces that hold whole ones. The session puts them in; the task of the connection takes them out.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to take.
    ready: Notify,
    /// The connection is to be closed, though something may be being sent.
    cut: Notify,
}

#[derive(Debug)]
struct Queue {
    pieces: Vec<Bytes>,
    bytes: usize,
    limit: usize,
    close: Option<Close>,
    /// Whether the close does not wait for what is being sent.
    is_cut_off: bool,
}

/// What the task of a connection has to do next.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// To be sent, in this order.
    pub(crate) pieces: Vec<Bytes>,
    /// To be done after that.
    pub(crate) close: Option<Close>,
}

impl Outbox {
    /// An empty one that takes `limit` bytes.
    pub(crate) fn new(limit: usize) -> Outbox {
        let queue = Queue { pieces: Vec::new(), bytes: 0, limit, close: None, is_cut_off: false };
        Outbox { shared: Arc::new(Shared { queue: Mutex::new(queue), ready: Notify::new(), cut: Notify::new() }) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for `bytes` more than before.
    pub(crate) fn extend(&self, bytes: usize) {
        let mut queue = self.queue();
        queue.limit = queue.limit.saturating_add(bytes);
    }

    /// Adds frames. A connection that lets too much pile up is closed instead; nothing is left out in silence.
    /// Returns whether the connection still takes frames.
    pub(crate) fn push(&self, piece: Bytes) -> bool {
        let mut queue = self.queue();
        if queue.close.is_some() {
            return false;
        }
        let bytes = queue.bytes + piece.len() + PIECE_BYTES;
        if bytes > queue.limit {
            drop(queue);
            self.cut_off(Close::SLOW);
            return false;
        }
        queue.bytes = bytes;
        queue.pieces.push(piece);
        drop(queue);
        self.shared.ready.notify_one();
        true
    }

    /// Closes the connection at once, whatever waits.
    pub(crate) fn cut_off(&self, close: Close) {
        let mut queue = self.queue();
        queue.pieces = Vec::new();
        queue.close.get_or_insert(close);
        queue.is_cut_off = true;
        drop(queue);
        self.shared.cut.notify_one();
        self.shared.ready.notify_one();
    }

    /// Whether both are the outbox of one connection.
    pub(crate) fn is_same(&self, other: &Outbox) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Closes the connection after what waits has been sent, if it takes that in time.
    pub(crate) fn close(&self, close: Close) {
        let mut queue = self.queue();
        queue.close.get_or_insert(close);
        drop(queue);
        self.shared.cut.notify_one();
        self.shared.ready.notify_one();
    }

    /// Waits for something to do.
    pub(crate) async fn ready(&self) {
        self.shared.ready.notified().await;
    }

    /// Waits until the connection is to be closed whatever is being sent.
    pub(crate) async fn cut(&self) {
        loop {
            let (is_closed, is_cut_off) = {
                let queue = self.queue();
                (queue.close.is_some(), queue.is_cut_off)
            };
            if is_cut_off {
                return;
            }
            if is_closed {
                return tokio::time::sleep(CLOSING).await;
            }
            self.shared.cut.notified().await;
        }
    }

    /// Takes all that waits.
    pub(crate) fn take(&self) -> Work {
        let mut queue = self.queue();
        queue.bytes = 0;
        Work { pieces: std::mem::take(&mut queue.pieces), close: queue.close }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_what_fits_and_closes_at_one_more() {
        let piece = || Bytes::from("x".repeat(36));
        let outbox = Outbox::new(200);
        assert!(outbox.push(piece()) && outbox.push(piece()));
        assert_eq!(outbox.queue().close, None);
        assert!(!outbox.push(Bytes::from("")));
        let work = outbox.take();
        assert!(work.pieces.is_empty());
        assert_eq!(work.close, Some(Close::SLOW));
    }

    #[test]
    fn taking_makes_room() {
        let outbox = Outbox::new(PIECE_BYTES);
        for _ in 0..3 {
            assert!(outbox.push(Bytes::from("")));
            assert_eq!(outbox.take().pieces.len(), 1);
        }
        outbox.extend(PIECE_BYTES);
        assert!(outbox.push(Bytes::from("")) && outbox.push(Bytes::from("")));
    }

    #[test]
    fn who_is_cut_off_gets_nothing_that_waits() {
        let outbox = Outbox::new(1_000);
        assert!(outbox.push(Bytes::from("a")));
        outbox.cut_off(Close::REVOKED);
        assert!(!outbox.push(Bytes::from("b")));
        let work = outbox.take();
        assert_eq!((work.pieces.len(), work.close), (0, Some(Close::REVOKED)));
        assert!(outbox.is_same(&outbox.clone()) && !outbox.is_same(&Outbox::new(1_000)));
    }

    #[test]
    fn a_close_comes_after_what_waits() {
        let outbox = Outbox::new(1_000);
        assert!(outbox.push(Bytes::from("a")));
        outbox.close(Close::GOING_AWAY);
        assert!(!outbox.push(Bytes::from("b")));
        let work = outbox.take();
        assert_eq!((work.pieces.len(), work.close), (1, Some(Close::GOING_AWAY)));
    }
}
