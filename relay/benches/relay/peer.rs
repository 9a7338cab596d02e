//! The far side of the measured server: raw WebSocket connections that cost as little as possible.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection after its handshake.
pub(crate) struct Peer {
    stream: TcpStream,
    /// What has been read and not been looked at.
    buffer: Vec<u8>,
}

/// What is read at once.
const READ_BYTES: usize = 256 << 10;

impl Peer {
    pub(crate) async fn connect(address: SocketAddr, session: &str, user: &str) -> Peer {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a fresh connection");
        let request = format!(
            "GET /ws/{session}/{user} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("connected");
        let mut buffer = Vec::new();
        loop {
            assert!(stream.read_buf(&mut buffer).await.expect("connected") > 0, "the handshake was answered");
            if let Some(end) = head_end(&buffer) {
                assert!(buffer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&buffer));
                buffer.drain(..end);
                return Peer { stream, buffer };
            }
        }
    }

    /// The connection, which does not block, and what has been read and not been looked at.
    pub(crate) fn into_parts(self) -> (std::net::TcpStream, Vec<u8>) {
        (self.stream.into_std().expect("a connection"), self.buffer)
    }

    pub(crate) async fn send(&mut self, frames: &[u8]) {
        self.stream.write_all(frames).await.expect("the server takes frames");
    }

    /// Waits for frames, and hands those that have arrived whole to `take`.
    pub(crate) async fn receive(&mut self, mut take: impl FnMut(&[u8])) {
        loop {
            let mut rest = self.buffer.as_slice();
            let mut count = 0;
            while let Some((payload, after)) = split_frame(rest) {
                take(payload);
                (rest, count) = (after, count + 1);
            }
            let used = self.buffer.len() - rest.len();
            self.buffer.drain(..used);
            if count > 0 {
                return;
            }
            self.buffer.reserve(READ_BYTES);
            let read = self.stream.read_buf(&mut self.buffer).await.expect("the connection lasts");
            assert!(read > 0, "the server closed the connection");
        }
    }

    /// Waits for a message that holds `text`, and returns it.
    pub(crate) async fn receive_with(&mut self, text: &str) -> String {
        let mut found = None;
        while found.is_none() {
            self.receive(|payload| {
                let message = String::from_utf8_lossy(payload);
                if message.contains(text) {
                    found = Some(message.into_owned());
                }
            })
            .await;
        }
        found.expect("the loop ended")
    }
}

/// Where the head of a request or an answer ends, once all of it is there.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4)
}

/// The payload of the first frame, and what follows it; none if it is not all there. A mask is taken to be of zeros, as [`frame`]
/// makes it.
pub(crate) fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mask = if bytes.get(1)? & 0x80 == 0 { 0 } else { 4 };
    let short = usize::from(bytes.get(1)? & 0x7f);
    let (head, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).expect("64 bits")),
        short => (2, short),
    };
    let start = head + mask;
    let payload = bytes.get(start..start + length)?;
    Some((payload, &bytes[start + length..]))
}

/// A text as a client's frame. Masked with zeros, so that it can be made once and sent as often as wanted.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length @ 0..=125) => bytes.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => {
            bytes.push(0x80 | 126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((text.len() as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}
