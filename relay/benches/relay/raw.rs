//! The floor of the machine: what arrives on a connection is written to the others of its session as it came. All that is looked
//! at is the path of the request, and where frames end, so that none is torn by another.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use crate::peer::{head_end, split_frame};

/// What a connection reads at once.
const READ_BYTES: usize = 8 << 10;

type Users = tokio::sync::Mutex<Vec<(u64, OwnedWriteHalf)>>;
type Sessions = Arc<Mutex<HashMap<String, Arc<Users>>>>;

/// Serves until the process ends. `tell` is told where.
pub(crate) async fn serve(tell: impl FnOnce(SocketAddr)) {
    let sessions = Sessions::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    tell(listener.local_addr().expect("an address"));
    for me in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(forward(stream, me, Arc::clone(&sessions)));
    }
}

/// Ends, as the connection does, at the first failure.
async fn forward(stream: TcpStream, me: u64, sessions: Sessions) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut incoming, mut outgoing) = stream.into_split();
    let mut bytes = Vec::with_capacity(READ_BYTES);
    let end = loop {
        if let Some(end) = head_end(&bytes) {
            break end;
        }
        if incoming.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head: Vec<u8> = bytes.drain(..end).collect();
    let session = String::from_utf8_lossy(&head).split('/').nth(2).unwrap_or_default().to_owned();
    outgoing.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await?;
    let users = Arc::clone(sessions.lock().expect("no panic").entry(session).or_default());
    users.lock().await.push((me, outgoing));
    while matches!(incoming.read_buf(&mut bytes).await, Ok(1..)) {
        let mut rest = bytes.as_slice();
        while let Some((_, after)) = split_frame(rest) {
            rest = after;
        }
        let whole = bytes.len() - rest.len();
        for (_, outgoing) in users.lock().await.iter_mut().filter(|(user, _)| *user != me) {
            // One that has just ended needs none.
            let _ = outgoing.write_all(&bytes[..whole]).await;
        }
        bytes.drain(..whole);
    }
    users.lock().await.retain(|(user, _)| *user != me);
    Ok(())
}
