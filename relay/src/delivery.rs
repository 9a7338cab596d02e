//! Frames on their way from a session to its connections: framed once, in one text for all who get the same.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use optiverse_core::sync::authority::ConnectionId;

use crate::close::Close;
use crate::outbox::{Outbox, Writer};
use crate::websocket::write_frame;

/// Bytes after which frames are handed out, though more may follow. A longer frame is handed out alone.
const JOINED_BYTES: usize = 64 << 10;

/// Receivers to whom the session writes by itself, at most: waking a task for each would cost more than writing, but with many
/// other cores can share the work.
const MAX_WRITTEN: usize = 16;

/// The connections of a session, and what they are to be handed.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    members: BTreeMap<ConnectionId, Member>,
    /// Frames that are not handed out yet, one after the other.
    frames: Vec<u8>,
    /// The frame that was written last, and where it stands.
    last: Option<(Arc<str>, Range<usize>)>,
    /// Frames that were handed out, one for each receiver.
    sent: u64,
}

#[derive(Debug)]
struct Member {
    outbox: Outbox,
    /// What it is to get of the frames; parts that touch are one.
    parts: Vec<Range<usize>>,
    count: u64,
    close: Option<Close>,
}

impl Delivery {
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn join(&mut self, connection: ConnectionId, outbox: Outbox) {
        self.members.insert(connection, Member { outbox, parts: Vec::new(), count: 0, close: None });
    }

    /// Returns whether it was there.
    pub(crate) fn leave(&mut self, connection: ConnectionId) -> bool {
        self.members.remove(&connection).is_some()
    }

    /// Adds a frame for a connection, unless that has left or is to be closed.
    pub(crate) fn add(&mut self, connection: ConnectionId, frame: Arc<str>) {
        if self.members.get(&connection).is_none_or(|member| member.close.is_some()) {
            return;
        }
        let range = match &self.last {
            Some((last, range)) if Arc::ptr_eq(last, &frame) => range.clone(),
            _ => self.write(frame),
        };
        let Some(member) = self.members.get_mut(&connection) else { return };
        member.count += 1;
        match member.parts.last_mut() {
            Some(part) if part.end == range.start => part.end = range.end,
            _ => member.parts.push(range),
        }
    }

    fn write(&mut self, frame: Arc<str>) -> Range<usize> {
        if self.frames.len() + frame.len() > JOINED_BYTES {
            self.hand_out(0);
        }
        let start = self.frames.len();
        write_frame(&frame, &mut self.frames);
        let range = start..self.frames.len();
        self.last = Some((frame, range.clone()));
        range
    }

    /// Closes a connection after what was added for it.
    pub(crate) fn close(&mut self, connection: ConnectionId, close: Close) {
        if let Some(member) = self.members.get_mut(&connection) {
            member.close.get_or_insert(close);
        }
    }

    /// Closes all connections at once.
    pub(crate) fn close_all(&self, close: Close) {
        self.members.values().for_each(|member| member.outbox.close(close));
    }

    /// Hands out what was added. A session that has nothing else to do writes it to the first receivers by itself; the tasks of
    /// the connections write the rest. Returns how many frames that were since it was last asked.
    pub(crate) fn finish(&mut self, has_time: bool) -> u64 {
        self.hand_out(if has_time { MAX_WRITTEN } else { 0 });
        for member in self.members.values_mut() {
            if let Some(close) = member.close.take() {
                member.outbox.close(close);
            }
        }
        mem::take(&mut self.sent)
    }

    fn hand_out(&mut self, mut written: usize) {
        self.last = None;
        if self.frames.is_empty() {
            return;
        }
        let frames = Bytes::from(mem::take(&mut self.frames));
        for member in self.members.values_mut().filter(|member| !member.parts.is_empty()) {
            let piece = match member.parts.as_slice() {
                [part] if part.len() == frames.len() => frames.clone(),
                // A copy: one that does not take it would hold all of it for the sake of a part.
                parts => parts.iter().flat_map(|part| &frames[part.clone()]).copied().collect(),
            };
            let count = mem::take(&mut member.count);
            member.parts.clear();
            let writer = if written > 0 { Writer::Caller } else { Writer::Task };
            written = written.saturating_sub(1);
            if member.outbox.push(piece, writer) {
                self.sent += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::tests::pair;

    const ANN: ConnectionId = ConnectionId(1);
    const BOB: ConnectionId = ConnectionId(2);

    async fn two(limit: usize) -> (Delivery, Outbox, Outbox) {
        let (ann, bob) = (pair(limit).await.0, pair(limit).await.0);
        let mut delivery = Delivery::default();
        delivery.join(ANN, ann.clone());
        delivery.join(BOB, bob.clone());
        (delivery, ann, bob)
    }

    /// The texts of the frames in what waits; all are short.
    fn texts(outbox: &Outbox) -> Vec<String> {
        let pieces = outbox.waiting().concat();
        let mut rest = pieces.as_slice();
        let mut texts = Vec::new();
        while let [0x81, length, after @ ..] = rest {
            let (text, after) = after.split_at(usize::from(*length));
            texts.push(String::from_utf8(text.to_vec()).unwrap());
            rest = after;
        }
        assert!(rest.is_empty(), "{rest:?}");
        texts
    }

    #[tokio::test]
    async fn those_who_get_the_same_share_it() {
        let (mut delivery, ann, bob) = two(1_000).await;
        for frame in ["a", "b"].map(Arc::<str>::from) {
            delivery.add(ANN, Arc::clone(&frame));
            delivery.add(BOB, frame);
        }
        assert_eq!(delivery.finish(false), 4);
        let (ann, bob) = (ann.waiting(), bob.waiting());
        assert_eq!((ann.len(), &ann[0][..]), (1, &b"\x81\x01a\x81\x01b"[..]));
        assert_eq!(ann[0].as_ptr(), bob[0].as_ptr());
        assert_eq!(delivery.finish(false), 0);
    }

    #[tokio::test]
    async fn each_gets_its_own_frames_in_their_order() {
        let (mut delivery, ann, bob) = two(1_000).await;
        let frames = ["a", "b", "c"].map(Arc::<str>::from);
        delivery.add(ANN, Arc::clone(&frames[0]));
        for connection in [BOB, ANN, ConnectionId(3)] {
            delivery.add(connection, Arc::clone(&frames[1]));
        }
        delivery.add(BOB, Arc::clone(&frames[2]));
        delivery.add(ANN, Arc::clone(&frames[0]));
        assert_eq!(delivery.finish(false), 5);
        assert_eq!(texts(&ann), ["a", "b", "a"]);
        assert_eq!(texts(&bob), ["b", "c"]);
    }

    #[tokio::test]
    async fn what_is_long_is_handed_out_alone() {
        let (mut delivery, ann, _) = two(1 << 20).await;
        let long = "x".repeat(JOINED_BYTES);
        for frame in ["a", "b", &long, "c"] {
            delivery.add(ANN, frame.into());
        }
        assert_eq!(delivery.finish(false), 4);
        let lengths: Vec<usize> = ann.waiting().iter().map(|piece| piece.len()).collect();
        assert_eq!(lengths, [6, 10 + JOINED_BYTES, 3]);
    }

    #[tokio::test]
    async fn nothing_is_added_after_a_close_or_for_who_has_left() {
        let (mut delivery, ann, bob) = two(1_000).await;
        delivery.add(ANN, "a".into());
        delivery.close(ANN, Close::STORE);
        delivery.add(ANN, "b".into());
        assert!(delivery.leave(BOB) && !delivery.leave(BOB));
        delivery.add(BOB, "b".into());
        assert_eq!((delivery.finish(false), delivery.len()), (1, 1));
        assert_eq!(ann.reason(), Some(Close::STORE));
        assert!(bob.waiting().is_empty());
    }

    #[tokio::test]
    async fn a_session_that_has_time_writes_to_the_first_receivers_and_no_more() {
        let mut delivery = Delivery::default();
        let mut all = Vec::new();
        for connection in 0..=MAX_WRITTEN as u64 {
            let (outbox, far) = pair(1 << 20).await;
            delivery.join(ConnectionId(connection), outbox.clone());
            all.push((outbox, far));
        }
        for (has_time, waiting) in [(true, 1), (false, MAX_WRITTEN + 2)] {
            let frame = Arc::<str>::from("a");
            (0..=MAX_WRITTEN as u64).for_each(|connection| delivery.add(ConnectionId(connection), Arc::clone(&frame)));
            assert_eq!(delivery.finish(has_time), MAX_WRITTEN as u64 + 1);
            assert_eq!(all.iter().map(|(outbox, _)| outbox.waiting().len()).sum::<usize>(), waiting);
        }
    }

    #[tokio::test]
    async fn what_comes_before_more_is_left_to_the_task() {
        let (mut delivery, ann, _) = two(1 << 20).await;
        for frame in ["a", &"x".repeat(JOINED_BYTES)] {
            delivery.add(ANN, frame.into());
        }
        delivery.finish(true);
        assert_eq!(ann.waiting().len(), 2);
    }
}
