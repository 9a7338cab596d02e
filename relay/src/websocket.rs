//! A WebSocket on its TCP stream. `tungstenite` reads frames and answers to them; what is sent goes through the outbox of the
//! connection, so that what was framed once can be written to many.

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use optiverse_core::sync::limits::MAX_STATE_BYTES;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::timeout;
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, FrameHeader};
use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Utf8Bytes};

use crate::close::Close;
use crate::outbox::{CLOSING, Outbox};

/// The longest message that is read: the whole scene of a client of the app. What is longer than its kind may be and not
/// longer than this is answered by the session.
const MAX_MESSAGE_BYTES: usize = MAX_STATE_BYTES;

/// What a connection reads at once: it has a buffer of this size as long as it lasts.
pub(crate) const READ_BUFFER_BYTES: usize = 8 << 10;

/// How long is waited for the other side's end after the close was sent.
const CLOSED: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers a request for a WebSocket, and has it served once there is one. `limit` is that of its outbox.
pub(crate) fn upgrade<F>(
    mut request: Request,
    limit: usize,
    serve: impl FnOnce(Box<WebSocket>) -> F + Send + 'static,
) -> Result<Response, Error>
where
    F: Future<Output = ()> + Send + 'static,
{
    let response = create_response_with_body(&request, Body::empty)?;
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Some(socket) = WebSocket::after(upgrade, limit).await {
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
    header.format(bytes, out).expect("writing to a vector never fails");
    out.extend_from_slice(text.as_bytes());
}

/// A connection after its handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    incoming: OwnedReadHalf,
    context: WebSocketContext,
    outbox: Outbox,
}

impl WebSocket {
    async fn after(upgrade: OnUpgrade, limit: usize) -> Option<WebSocket> {
        let upgraded =
            upgrade.await.inspect_err(|error| tracing::debug!(%error, "the handshake was not finished")).ok()?;
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => Some(WebSocket::new(parts.io.into_inner(), parts.read_buf, limit)),
            Err(_) => {
                tracing::error!("the connection was not served on a TCP stream, and is dropped");
                None
            }
        }
    }

    /// On a stream from which something may have been read already.
    fn new(stream: TcpStream, read: Bytes, limit: usize) -> WebSocket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let context = WebSocketContext::from_partially_read(read.into(), Role::Server, Some(config));
        let (incoming, outgoing) = stream.into_split();
        WebSocket { incoming, context, outbox: Outbox::new(outgoing, limit) }
    }

    /// Through which everything is sent.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Waits for a message, and sends before that what waits. One that is not waited for any more is not lost.
    pub(crate) async fn receive(&mut self) -> Result<Message, Error> {
        poll_fn(|task| {
            // Whoever takes nothing is not read: the answers would pile up.
            ready!(self.outbox.poll_sent(task))?;
            or_pending(
                self.context.read(&mut Polled { incoming: Some((&mut self.incoming, task)), outbox: &self.outbox }),
            )
        })
        .await
    }

    /// The next message, if it has been read from the stream together with others.
    pub(crate) fn receive_buffered(&mut self) -> Option<Result<Message, Error>> {
        match or_pending(self.context.read(&mut Polled { incoming: None, outbox: &self.outbox })) {
            Poll::Ready(received) => Some(received),
            Poll::Pending => None,
        }
    }

    /// Sends the answer to what was received, such as a close, and nothing that waits.
    pub(crate) async fn answer(&mut self) {
        self.outbox.end();
        // Whoever does not take it has gone already; after the answer to a close the library calls the connection closed.
        let _ = self.context.flush(&mut Polled { incoming: None, outbox: &self.outbox });
        let _ = timeout(CLOSED, poll_fn(|task| self.outbox.poll_sent(task))).await;
    }

    /// Closes the connection after what waits, if that is taken in time, and at once if it was cut off.
    pub(crate) async fn close(&mut self, close: Close) {
        self.outbox.close(close);
        // If it takes nothing in time, the close is all that it may still get.
        let _ = timeout(CLOSING, poll_fn(|task| self.outbox.poll_closing(task))).await;
        self.outbox.end();
        let frame = CloseFrame { code: close.code.into(), reason: Utf8Bytes::from_static(close.reason) };
        if self.context.close(&mut Polled { incoming: None, outbox: &self.outbox }, Some(frame)).is_err() {
            return;
        }
        if matches!(timeout(CLOSING, poll_fn(|task| self.outbox.poll_sent(task))).await, Ok(Ok(()))) {
            // With something unread the system would reset the connection, and the close would be lost.
            let drained = async { while self.receive().await.is_ok() {} };
            // Whoever does not answer the close is dropped.
            let _ = timeout(CLOSED, drained).await;
        }
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.outbox.leave();
    }
}

/// What blocks is to be tried again.
fn or_pending<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

/// A stream as the library wants it. Reading blocks where the task has to wait, or always if there is none that could; writing never does.
struct Polled<'s, 't, 'w> {
    incoming: Option<(&'s mut OwnedReadHalf, &'t mut Context<'w>)>,
    outbox: &'s Outbox,
}

impl Read for Polled<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((incoming, task)) = &mut self.incoming else { return Err(ErrorKind::WouldBlock.into()) };
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut **incoming).poll_read(task, &mut buffer) {
            Poll::Ready(outcome) => outcome.map(|()| buffer.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

/// Takes everything at once, so that the frames of a piece are whole.
impl Write for Polled<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.answer(Bytes::copy_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::WebSocketStream;

    use super::*;
    use crate::outbox::Writer;

    /// What a test sends in one frame, and in one piece: more than the system takes from one who does not read.
    const FRAME_BYTES: usize = 4 << 20;
    const PIECE_FRAMES: usize = 8;

    /// A connection of which `read` has been read already.
    async fn raw_pair(read: Bytes) -> (WebSocket, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        accepted.writable().await.unwrap();
        // Until then a fresh stream passes for one that can be read.
        assert_eq!(accepted.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        (WebSocket::new(accepted, read, usize::MAX), stream)
    }

    async fn pair() -> (WebSocket, WebSocketStream<TcpStream>) {
        let (socket, stream) = raw_pair(Bytes::new()).await;
        (socket, WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
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

    fn push(socket: &WebSocket, letter: &str) {
        assert!(socket.outbox().push(piece(letter), Writer::Caller));
    }

    /// Begins to send two pieces to a client that has sent a ping and reads nothing.
    async fn blocked() -> (WebSocket, WebSocketStream<TcpStream>) {
        let (socket, mut client) = pair().await;
        client.send(Message::Ping(Bytes::new())).await.unwrap();
        ["a", "b"].iter().for_each(|letter| push(&socket, letter));
        let waiting = socket.outbox().waiting();
        assert!(waiting.len() == 2 && waiting[0].len() < waiting[1].len(), "the first has begun");
        (socket, client)
    }

    #[tokio::test]
    async fn a_close_comes_after_what_waits() {
        let (mut socket, mut client) = blocked().await;
        let closing = async move { socket.close(Close::GOING_AWAY).await };
        let ((), read) = tokio::join!(closing, read_all(&mut client));
        assert_eq!(read, "aaaaaaaabbbbbbbb1001");
    }

    #[tokio::test]
    async fn where_it_was_cut_off_it_comes_after_the_piece_that_has_begun() {
        let (mut socket, mut client) = blocked().await;
        socket.outbox().cut_off(Close::SLOW);
        let closing = async move { socket.close(Close::SLOW).await };
        let ((), read) = tokio::join!(closing, read_all(&mut client));
        assert_eq!(read, "aaaaaaaa4002");
    }

    #[tokio::test]
    async fn an_answer_to_a_ping_tears_no_frame() {
        let (mut socket, mut client) = blocked().await;
        let serving = async move {
            assert!(matches!(socket.receive().await, Ok(Message::Ping(_))));
            // The next that it waits for.
            assert!(timeout(Duration::from_millis(50), socket.receive()).await.is_err());
            push(&socket, "c");
            socket.close(Close::GOING_AWAY).await;
        };
        let ((), read) = tokio::join!(serving, read_all(&mut client));
        assert_eq!(read, "aaaaaaaabbbbbbbb!cccccccc1001");
    }

    #[tokio::test]
    async fn a_close_is_answered_and_nothing_follows() {
        let (mut socket, mut client) = pair().await;
        client.send(Message::Close(None)).await.unwrap();
        assert!(matches!(socket.receive().await, Ok(Message::Close(None))));
        socket.answer().await;
        assert!(!socket.outbox().push(piece("a"), Writer::Caller));
        assert!(matches!(client.next().await, Some(Ok(Message::Close(None)))));
        drop(socket);
        assert!(client.next().await.is_none());
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

    /// A client's frame, masked with zeros; its length in two bytes, though one would do, if it is to be `wide`.
    fn client_frame(first: u8, payload: &str, is_wide: bool) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        let mut bytes = if is_wide { vec![first, 0x80 | 126, 0, length] } else { vec![first, 0x80 | length] };
        bytes.extend([0; 4]);
        bytes.extend(payload.as_bytes());
        bytes
    }

    #[tokio::test]
    async fn every_message_arrives_however_the_bytes_are_cut() {
        let long = "a".repeat(100);
        let frames = [
            client_frame(0x81, &long, false),
            client_frame(0x81, "bb", true),
            client_frame(0x01, "c", false),
            client_frame(0x89, "ping", false),
            client_frame(0x80, "cc", false),
            client_frame(0x82, "dddd", false),
            client_frame(0x81, "", false),
            client_frame(0x89, "last", false),
        ];
        let expected = [
            Message::text(&long),
            Message::text("bb"),
            Message::Ping("ping".into()),
            Message::text("ccc"),
            Message::Binary("dddd".into()),
            Message::text(""),
            Message::Ping("last".into()),
        ];
        let bytes = Bytes::from(frames.concat());
        for (read_before, size) in
            (0..=bytes.len()).map(|read| (read, 5)).chain((1..=bytes.len()).map(|size| (0, size)))
        {
            let (first, rest) = (bytes.slice(..read_before), bytes.slice(read_before..));
            let (mut socket, mut client) = raw_pair(first).await;
            let sending = async {
                for chunk in rest.chunks(size) {
                    client.write_all(chunk).await.unwrap();
                    tokio::task::yield_now().await;
                }
                let mut pongs = [0; 12];
                client.read_exact(&mut pongs).await.unwrap();
                assert_eq!(&pongs, b"\x8a\x04ping\x8a\x04last");
            };
            let receiving = async {
                let mut received = Vec::new();
                while received.len() < expected.len() {
                    received.push(socket.receive().await.unwrap());
                    while let Some(message) = socket.receive_buffered() {
                        received.push(message.unwrap());
                    }
                }
                // The answer to a ping is sent when more is asked for.
                assert!(timeout(Duration::from_millis(1), socket.receive()).await.is_err());
                received
            };
            let cut = format!("{read_before} bytes before, then {size} at once");
            let both = async { tokio::join!(sending, receiving) };
            let ((), received) = timeout(Duration::from_secs(10), both).await.expect(&cut);
            assert_eq!(received, expected, "{cut}");
        }
    }
}
