//! The way out of one connection: all that is sent on it goes through here, so that order, bound and end are known in one place.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::Bytes;
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;

use crate::close::Close;

/// What a waiting piece counts for beside its bytes, so that many short ones are bounded too.
const PIECE_BYTES: usize = 64;

/// How long a connection that is closed has to take what waits for it, and then the close.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

/// Pieces that are handed to the system in one call, at most.
const MAX_SLICES: usize = 64;

/// Bytes that are handed to the system in one call, at most: whoever has something to add waits as long as that takes.
const MAX_WRITE_BYTES: usize = 256 << 10;

/// The frames for one connection, in pieces that hold whole ones. Whoever has one puts it in; what the system does not take
/// at once waits, and the task of the connection sends it as soon as it can.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug)]
struct Queue {
    /// None after the end.
    stream: Option<OwnedWriteHalf>,
    /// What waits.
    pieces: VecDeque<Bytes>,
    /// Whether a part of the first piece has been sent: nothing else may come before the rest of it.
    is_begun: bool,
    bytes: usize,
    limit: usize,
    state: State,
    /// The task of the connection, once it waits.
    task: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// To be closed after what waits.
    Closing(Close),
    /// To be closed at once.
    CutOff(Close),
    /// Nothing but the connection's own last words is sent any more.
    Over,
}

/// Who writes a piece if nothing waits before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Whoever puts it in, at once.
    Caller,
    /// The task of the connection, which has to be woken for it.
    Task,
}

impl Outbox {
    /// An empty one, in which `limit` bytes may wait.
    pub(crate) fn new(stream: OwnedWriteHalf, limit: usize) -> Outbox {
        let queue = Queue {
            stream: Some(stream),
            pieces: VecDeque::new(),
            is_begun: false,
            bytes: 0,
            limit,
            state: State::Open,
            task: None,
        };
        Outbox { queue: Arc::new(Mutex::new(queue)) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for `bytes` more than before.
    pub(crate) fn extend(&self, bytes: usize) {
        let mut queue = self.queue();
        queue.limit = queue.limit.saturating_add(bytes);
    }

    /// Whether both are the outbox of one connection.
    pub(crate) fn is_same(&self, other: &Outbox) -> bool {
        Arc::ptr_eq(&self.queue, &other.queue)
    }

    /// Sends frames, or has them wait. A connection that lets too much pile up is closed instead; nothing is left out in
    /// silence. Returns whether the connection still takes frames.
    pub(crate) fn push(&self, piece: Bytes, writer: Writer) -> bool {
        self.queue().push(piece, writer)
    }

    /// Sends what the WebSocket says by itself: a whole frame, or several.
    ///
    /// # Errors
    /// If the connection has broken, or takes frames no more.
    pub(crate) fn answer(&self, piece: Bytes) -> io::Result<()> {
        let mut queue = self.queue();
        if queue.state == State::Open {
            return if queue.push(piece, Writer::Caller) { Ok(()) } else { Err(ErrorKind::BrokenPipe.into()) };
        }
        // Its last words, or shortly before them: few and short, and not to be refused.
        queue.put(piece, Writer::Caller)
    }

    /// Closes the connection after what waits has been sent, if it takes that in time.
    pub(crate) fn close(&self, close: Close) {
        let mut queue = self.queue();
        if queue.state == State::Open {
            queue.state = State::Closing(close);
            queue.wake();
        }
    }

    /// Closes the connection at once, whatever waits.
    pub(crate) fn cut_off(&self, close: Close) {
        self.queue().cut_off(close);
    }

    /// Why the connection is to be closed, if it is.
    pub(crate) fn reason(&self) -> Option<Close> {
        match self.queue().state {
            State::Closing(close) | State::CutOff(close) => Some(close),
            State::Open | State::Over => None,
        }
    }

    /// Sends what waits, until the connection is to be closed. What waits then is still to be sent.
    ///
    /// # Errors
    /// If the connection has broken.
    pub(crate) async fn serve(&self) -> io::Result<Close> {
        poll_fn(|task| {
            let mut queue = self.queue();
            match queue.state {
                State::Closing(close) | State::CutOff(close) => Poll::Ready(Ok(close)),
                State::Over => Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
                State::Open => match queue.poll_sent(task) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
                },
            }
        })
        .await
    }

    /// Sends what waits before the close. Ready when nothing does any more, or the connection was cut off.
    pub(crate) fn poll_closing(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut queue = self.queue();
        if matches!(queue.state, State::CutOff(_)) { Poll::Ready(Ok(())) } else { queue.poll_sent(task) }
    }

    /// Sends what waits. Ready when nothing does any more.
    pub(crate) fn poll_sent(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.queue().poll_sent(task)
    }

    /// Takes nothing any more but the connection's own last words. What waits is not sent, but for the rest of what has begun.
    pub(crate) fn end(&self) {
        let mut queue = self.queue();
        queue.state = State::Over;
        queue.drop_waiting();
    }

    /// The connection has ended: its half of the stream goes, however many still hold the outbox.
    pub(crate) fn leave(&self) {
        let mut queue = self.queue();
        queue.state = State::Over;
        (queue.stream, queue.pieces, queue.task) = (None, VecDeque::new(), None);
    }
}

impl Queue {
    fn push(&mut self, piece: Bytes, writer: Writer) -> bool {
        if self.state != State::Open {
            return false;
        }
        if self.bytes + piece.len() + PIECE_BYTES > self.limit {
            self.cut_off(Close::SLOW);
            return false;
        }
        if self.put(piece, writer).is_err() {
            self.state = State::Over;
            self.wake();
            return false;
        }
        true
    }

    fn put(&mut self, piece: Bytes, writer: Writer) -> io::Result<()> {
        let is_first = self.pieces.is_empty();
        let written = if is_first && writer == Writer::Caller { self.try_write(&piece)? } else { 0 };
        if written < piece.len() {
            self.is_begun |= written > 0;
            self.bytes += piece.len() - written + PIECE_BYTES;
            self.pieces.push_back(piece.slice(written..));
            if is_first {
                self.wake();
            }
        }
        Ok(())
    }

    /// Hands bytes to the system. Returns how many it took.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stream = self.stream.as_ref().ok_or(ErrorKind::BrokenPipe)?;
        match stream.try_write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            outcome => outcome,
        }
    }

    fn cut_off(&mut self, close: Close) {
        self.state = match self.state {
            State::Open => State::CutOff(close),
            State::Closing(first) => State::CutOff(first),
            State::CutOff(_) | State::Over => return,
        };
        self.drop_waiting();
        self.wake();
    }

    fn drop_waiting(&mut self) {
        self.pieces.truncate(usize::from(self.is_begun));
        self.pieces.shrink_to_fit();
        self.bytes = self.pieces.iter().map(|piece| piece.len() + PIECE_BYTES).sum();
    }

    fn wake(&mut self) {
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }

    /// Ready when nothing waits any more. The task is woken also when something is put in, or the connection is to be closed.
    fn poll_sent(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.task.as_ref().is_some_and(|waiting| waiting.will_wake(task.waker())) {
            self.task = Some(task.waker().clone());
        }
        if self.pieces.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let written = ready!(self.poll_write(task))?;
        if written == 0 {
            return Poll::Ready(Err(ErrorKind::WriteZero.into()));
        }
        self.note_written(written);
        if self.pieces.is_empty() {
            // An idle connection holds no memory for what it may have to send.
            self.pieces = VecDeque::new();
            return Poll::Ready(Ok(()));
        }
        // Others may put something in before the next part is sent.
        task.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write(&mut self, task: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Err(ErrorKind::BrokenPipe.into())) };
        let stream = Pin::new(stream);
        let first = self.pieces.front().map(Bytes::as_ref).unwrap_or_default();
        if self.pieces.len() == 1 || first.len() >= MAX_WRITE_BYTES {
            // Costs the system less than several slices do.
            return stream.poll_write(task, &first[..first.len().min(MAX_WRITE_BYTES)]);
        }
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let (mut count, mut bytes) = (0, 0);
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            if bytes + piece.len() > MAX_WRITE_BYTES {
                break;
            }
            (*slice, count, bytes) = (IoSlice::new(piece), count + 1, bytes + piece.len());
        }
        stream.poll_write_vectored(task, &slices[..count])
    }

    fn note_written(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(piece) = self.pieces.front_mut() {
            if written < piece.len() {
                drop(piece.split_to(written));
                break;
            }
            written -= piece.len();
            self.bytes -= PIECE_BYTES;
            self.pieces.pop_front();
        }
        self.is_begun = written > 0;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// An outbox, and the far end of its connection.
    pub(crate) async fn pair(limit: usize) -> (Outbox, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (near, _) = listener.accept().await.unwrap();
        near.writable().await.unwrap();
        // The outbox alone holds the stream: its end is that of the stream.
        (Outbox::new(near.into_split().1, limit), far)
    }

    impl Outbox {
        /// What waits.
        pub(crate) fn waiting(&self) -> Vec<Bytes> {
            self.queue().pieces.iter().cloned().collect()
        }

        async fn sent(&self) {
            poll_fn(|task| self.poll_sent(task)).await.unwrap();
        }
    }

    /// Fills what the system takes from one who does not read. Returns how many bytes that were.
    fn fill(outbox: &Outbox) -> usize {
        let mut filled = 0;
        while outbox.waiting().is_empty() {
            outbox.answer(vec![b'.'; 1 << 20].into()).unwrap();
            filled += 1 << 20;
        }
        filled
    }

    /// All that arrives until the end, without what only filled.
    async fn rest(mut far: TcpStream) -> String {
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap().replace('.', "")
    }

    #[tokio::test]
    async fn what_the_system_takes_at_once_does_not_wait() {
        let (outbox, mut far) = pair(PIECE_BYTES + 1).await;
        for letter in [b"a", b"b"] {
            assert!(outbox.push(Bytes::from_static(letter), Writer::Caller));
            assert!(outbox.waiting().is_empty());
        }
        let mut read = [0; 2];
        far.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"ab");
    }

    #[tokio::test]
    async fn as_much_waits_as_may_and_one_more_closes() {
        let (outbox, _far) = pair(200).await;
        let piece = || Bytes::from("x".repeat(36));
        assert!(outbox.push(piece(), Writer::Task) && outbox.push(piece(), Writer::Task));
        assert_eq!(outbox.reason(), None);
        assert!(!outbox.push(Bytes::new(), Writer::Task));
        assert_eq!((outbox.waiting().len(), outbox.reason()), (0, Some(Close::SLOW)));
        // So does what the WebSocket says by itself, as to one who sends pings and reads nothing; the close may always wait.
        let (outbox, _far) = pair(200).await;
        assert!(outbox.push(piece(), Writer::Task) && outbox.answer(piece()).is_ok());
        assert!(outbox.answer(Bytes::from_static(b"a")).is_err());
        assert_eq!(outbox.reason(), Some(Close::SLOW));
        assert!(outbox.answer(vec![b'x'; 300].into()).is_ok());
        // A piece that is longer than what may wait is too long although nothing waits, and one that is not is taken.
        for (bytes, fits) in [(200 - PIECE_BYTES, true), (201 - PIECE_BYTES, false)] {
            let (outbox, _far) = pair(200).await;
            assert_eq!(outbox.push(vec![b'x'; bytes].into(), Writer::Caller), fits);
        }
    }

    #[tokio::test]
    async fn sending_makes_room() {
        let (outbox, _far) = pair(PIECE_BYTES + 1).await;
        for _ in 0..3 {
            assert!(outbox.push(Bytes::from_static(b"a"), Writer::Task));
            outbox.sent().await;
        }
        outbox.extend(PIECE_BYTES + 1);
        for takes in [true, true, false] {
            assert_eq!(outbox.push(Bytes::from_static(b"a"), Writer::Task), takes);
        }
    }

    #[tokio::test]
    async fn a_part_that_was_sent_makes_room_for_as_much() {
        let (outbox, mut far) = pair(usize::MAX).await;
        fill(&outbox);
        let before = outbox.queue().bytes;
        let mut read = vec![0; 1 << 20];
        while outbox.queue().bytes == before {
            far.read_exact(&mut read).await.unwrap();
            tokio::time::timeout(Duration::from_millis(10), outbox.sent()).await.unwrap_or_default();
        }
        let queue = outbox.queue();
        assert_eq!(queue.bytes, queue.pieces.iter().map(|piece| piece.len() + PIECE_BYTES).sum::<usize>());
    }

    #[tokio::test]
    async fn the_order_is_that_of_the_pieces_whoever_writes() {
        let (outbox, far) = pair(usize::MAX).await;
        fill(&outbox);
        for (letter, writer) in [("a", Writer::Caller), ("b", Writer::Task), ("c", Writer::Caller), ("d", Writer::Task)]
        {
            assert!(outbox.push(Bytes::from(letter), writer));
        }
        outbox.answer(Bytes::from_static(b"e")).unwrap();
        let sending = async {
            outbox.sent().await;
            outbox.leave();
        };
        assert_eq!(tokio::join!(sending, rest(far)).1, "abcde");
    }

    #[tokio::test]
    async fn who_is_cut_off_gets_nothing_that_waits_but_the_rest_of_what_has_begun() {
        let (outbox, far) = pair(usize::MAX).await;
        let filled = fill(&outbox);
        assert!(outbox.queue().is_begun, "{filled} bytes");
        assert!(outbox.push(Bytes::from_static(b"a"), Writer::Caller));
        outbox.cut_off(Close::REVOKED);
        assert!(!outbox.push(Bytes::from_static(b"b"), Writer::Caller));
        assert_eq!((outbox.waiting().len(), outbox.serve().await.unwrap()), (1, Close::REVOKED));
        poll_fn(|task| outbox.poll_closing(task)).await.unwrap();
        outbox.end();
        outbox.answer(Bytes::from_static(b"last words")).unwrap();
        let sending = async {
            outbox.sent().await;
            outbox.leave();
        };
        assert_eq!(tokio::join!(sending, rest(far)).1, "last words");
    }

    #[tokio::test]
    async fn a_close_comes_after_what_waits_unless_that_is_cut_off() {
        let (outbox, _far) = pair(1_000).await;
        assert!(outbox.push(Bytes::from_static(b"a"), Writer::Task));
        outbox.close(Close::GOING_AWAY);
        assert!(!outbox.push(Bytes::from_static(b"b"), Writer::Task));
        assert_eq!((outbox.waiting().len(), outbox.serve().await.unwrap()), (1, Close::GOING_AWAY));
        outbox.cut_off(Close::SLOW);
        assert_eq!((outbox.waiting().len(), outbox.reason()), (0, Some(Close::GOING_AWAY)));
    }

    #[tokio::test]
    async fn a_connection_that_has_ended_takes_nothing_and_is_no_longer_held() {
        let (outbox, far) = pair(1_000).await;
        let other = outbox.clone();
        assert!(outbox.is_same(&other) && !outbox.is_same(&pair(1_000).await.0));
        outbox.leave();
        assert!(!other.push(Bytes::from_static(b"a"), Writer::Caller));
        assert!(other.answer(Bytes::from_static(b"a")).is_err() && other.serve().await.is_err());
        assert_eq!(rest(far).await, "");
    }

    #[tokio::test]
    async fn a_broken_stream_ends_the_connection() {
        let (outbox, far) = pair(usize::MAX).await;
        // With something unread its end is a reset.
        assert!(outbox.push(Bytes::from_static(b"a"), Writer::Caller));
        far.readable().await.unwrap();
        drop(far);
        while outbox.push(Bytes::from_static(b"a"), Writer::Caller) {
            tokio::task::yield_now().await;
        }
        assert!(outbox.serve().await.is_err());
    }
}
