//! A WebSocket on its TCP stream. `tungstenite` does the framing; the stream is the relay's own, so that what was framed once
//! can be written to many.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use optiverse_core::sync::limits::MAX_STATE_BYTES;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, FrameHeader};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Utf8Bytes};

use crate::close::Close;
use crate::outbox::CLOSING;

/// The longest message that is read: the whole scene of a client of the app. What is longer than its kind may be and not
/// longer than this is answered by the session.
const MAX_MESSAGE_BYTES: usize = MAX_STATE_BYTES;

/// What a connection reads at once: it has a buffer of this size as long as it lasts.
pub(crate) const READ_BUFFER_BYTES: usize = 8 << 10;

/// Pieces that are handed to the system in one call, at most.
const MAX_SLICES: usize = 64;

/// How long is waited for the other side's end after the close was sent.
const CLOSED: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers a request for a WebSocket, and has it served once there is one.
pub(crate) fn upgrade<F>(
    mut request: Request,
    serve: impl FnOnce(Box<WebSocket>) -> F + Send + 'static,
) -> Result<Response, Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    let response = create_response_with_body(&request, Body::empty)?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Some(socket) = WebSocket::after(upgrade).await {
            // In a task of its own, so that nothing of this one is held as long as the connection lasts.
            // Boxed: a future has another place for what it is given each time that it is passed on.
            tokio::spawn(serve(Box::new(socket)));
        }
    });
    Ok(response)
}

/// Appends a text as a frame.
pub(crate) fn write_frame(text: &str, out: &mut Vec<u8>) {
    let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
    let bytes = text.len() as u64;
    out.reserve(header.len(bytes) + text.len());
    header.format(bytes, out).expect("a vector takes everything");
    out.extend_from_slice(text.as_bytes());
}

/// A connection after its handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: TcpStream,
    context: WebSocketContext,
    /// What is being sent. Each piece holds whole frames.
    sending: VecDeque<Bytes>,
    /// Whether a part of the first piece has been sent: nothing else may come before the rest of it.
    is_begun: bool,
}

impl WebSocket {
    async fn after(upgrade: OnUpgrade) -> Option<WebSocket> {
        let upgraded =
            upgrade.await.inspect_err(|error| tracing::debug!(%error, "the handshake was not finished")).ok()?;
        let parts = upgraded.downcast::<TokioIo<TcpStream>>().expect("every connection is served on such a stream");
        Some(WebSocket::new(parts.io.into_inner(), parts.read_buf))
    }

    /// On a stream from which something may have been read already.
    fn new(stream: TcpStream, read: Bytes) -> WebSocket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let context = WebSocketContext::from_partially_read(read.into(), Role::Server, Some(config));
        WebSocket { stream, context, sending: VecDeque::new(), is_begun: false }
    }

    /// Waits for a message. One that is not waited for any more is not lost.
    pub(crate) async fn receive(&mut self) -> Result<Message, Error> {
        poll_fn(|task| {
            if self.is_begun {
                // The library may answer a ping.
                ready!(self.poll_send(task))?;
            }
            or_pending(self.context.read(&mut Polled { stream: &mut self.stream, task }))
        })
        .await
    }

    /// The next message, if it has been read from the stream together with others.
    pub(crate) fn receive_buffered(&mut self) -> Option<Result<Message, Error>> {
        match or_pending(self.context.read(&mut Blocked)) {
            Poll::Ready(received) => Some(received),
            Poll::Pending => None,
        }
    }

    /// Sends pieces that hold whole frames each. If it is not waited for any more, the rest is still to be sent.
    pub(crate) async fn send(&mut self, pieces: Vec<Bytes>) -> Result<(), Error> {
        self.sending.extend(pieces);
        poll_fn(|task| self.poll_send(task)).await?;
        // An idle connection holds no memory for what it may have to send.
        self.sending = VecDeque::new();
        Ok(())
    }

    /// Sends the answer to what was received, such as a close.
    pub(crate) async fn answer(&mut self) {
        let answering = poll_fn(|task| self.poll_send(task));
        // Whoever does not take it has gone already.
        let _ = timeout(CLOSED, answering).await;
    }

    /// Closes the connection; what has not begun to be sent is not sent any more.
    pub(crate) async fn close(&mut self, close: Close) {
        self.sending.truncate(usize::from(self.is_begun));
        let frame = CloseFrame { code: close.code.into(), reason: Utf8Bytes::from_static(close.reason) };
        let closing = poll_fn(|task| {
            ready!(self.poll_send(task))?;
            or_pending(self.context.close(&mut Polled { stream: &mut self.stream, task }, Some(frame.clone())))
        });
        if matches!(timeout(CLOSING, closing).await, Ok(Ok(()))) {
            // With something unread the system would reset the connection, and the close would be lost.
            let drained = async { while self.receive().await.is_ok() {} };
            // Whoever does not answer the close is dropped.
            let _ = timeout(CLOSED, drained).await;
        }
    }

    fn poll_send(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if !self.is_begun {
                ready!(or_pending(self.context.flush(&mut Polled { stream: &mut self.stream, task })))?;
            }
            if self.sending.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = self.sending.len().min(MAX_SLICES);
            for (slice, piece) in slices.iter_mut().zip(&self.sending) {
                *slice = IoSlice::new(piece);
            }
            let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(task, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(Error::Io(ErrorKind::WriteZero.into())));
            }
            self.note_written(written);
        }
    }

    fn note_written(&mut self, mut written: usize) {
        while let Some(piece) = self.sending.front_mut() {
            if written < piece.len() {
                drop(piece.split_to(written));
                break;
            }
            written -= piece.len();
            self.sending.pop_front();
        }
        self.is_begun = written > 0;
    }
}

/// What blocks is to be tried again.
fn or_pending<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

/// A stream as the library wants it: it blocks where the task has to wait.
struct Polled<'s, 't, 'w> {
    stream: &'s mut TcpStream,
    task: &'t mut Context<'w>,
}

impl Read for Polled<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        or_would_block(Pin::new(&mut *self.stream).poll_read(self.task, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Polled<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.stream).poll_write(self.task, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.stream).poll_flush(self.task))
    }
}

/// A stream on which nothing arrives and that takes nothing.
struct Blocked;

impl Read for Blocked {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Write for Blocked {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(ErrorKind::WouldBlock.into())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::WebSocketStream;

    use super::*;

    /// What a test sends in one frame, and in one piece: more than the system takes from one who does not read.
    const FRAME_BYTES: usize = 4 << 20;
    const PIECE_FRAMES: usize = 8;

    async fn pair() -> (WebSocket, WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let client = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        (WebSocket::new(accepted, Bytes::new()), client)
    }

    fn piece(letter: &str) -> Bytes {
        let mut frames = Vec::new();
        (0..PIECE_FRAMES).for_each(|_| write_frame(&letter.repeat(FRAME_BYTES), &mut frames));
        frames.into()
    }

    /// Everything until the end, each frame as a word.
    async fn read_all(client: &mut WebSocketStream<TcpStream>) -> String {
        let mut words = String::new();
        while let Some(Ok(message)) = client.next().await {
            match message {
                Message::Text(text) if text.len() == FRAME_BYTES => words.push_str(&text[..1]),
                Message::Pong(_) => words.push('!'),
                Message::Close(Some(frame)) => words.push_str(&u16::from(frame.code).to_string()),
                other => panic!("{other:?}"),
            }
        }
        words
    }

    /// Begins to send two pieces to a client that has sent a ping and reads nothing.
    async fn blocked() -> (WebSocket, WebSocketStream<TcpStream>) {
        let (mut socket, mut client) = pair().await;
        client.send(Message::Ping(Bytes::new())).await.unwrap();
        let sent = timeout(Duration::from_millis(300), socket.send(vec![piece("a"), piece("b")])).await;
        assert!(sent.is_err() && socket.is_begun, "{sent:?}");
        (socket, client)
    }

    #[tokio::test]
    async fn a_close_comes_after_the_piece_that_has_begun() {
        let (mut socket, mut client) = blocked().await;
        let closing = async move { socket.close(Close::SLOW).await };
        let ((), read) = tokio::join!(closing, read_all(&mut client));
        assert_eq!(read, "aaaaaaaa4002");
    }

    #[tokio::test]
    async fn an_answer_to_a_ping_tears_no_frame() {
        let (mut socket, mut client) = blocked().await;
        let serving = async move {
            assert!(matches!(socket.receive().await, Ok(Message::Ping(_))));
            socket.send(vec![piece("c")]).await.unwrap();
            socket.close(Close::GOING_AWAY).await;
        };
        let ((), read) = tokio::join!(serving, read_all(&mut client));
        assert_eq!(read, "aaaaaaaabbbbbbbb!cccccccc1001");
    }

    #[tokio::test]
    async fn what_was_read_together_need_not_be_waited_for() {
        let (mut socket, mut client) = pair().await;
        for text in ["a", "b"] {
            client.feed(Message::text(text)).await.unwrap();
        }
        client.flush().await.unwrap();
        assert_eq!(socket.receive().await.unwrap(), Message::text("a"));
        assert_eq!(socket.receive_buffered().unwrap().unwrap(), Message::text("b"));
        assert!(socket.receive_buffered().is_none());
    }
}
