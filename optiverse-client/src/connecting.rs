//! From an address to an open WebSocket, without ever waiting.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token, Waker};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::http::Request;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{WebSocket, client::client_with_config};

use crate::address::Address;
use crate::stream::Stream;

/// How long looking up the host may take, connecting to each of its addresses, and the handshakes after that.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest message that is read. Those of a relay have 1 MiB at most, those of older clients 8 MiB.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// What does not change between attempts.
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) request: Request<()>,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// Whether the server would answer another attempt in the same way.
    pub(crate) is_final: bool,
}

impl Failure {
    fn passing(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), is_final: false }
    }
}

/// An attempt under way.
pub(crate) struct Attempt {
    step: Step,
    deadline: Instant,
}

enum Step {
    LookingUp(Receiver<io::Result<Vec<SocketAddr>>>),
    Connecting { socket: TcpStream, to: SocketAddr, others: VecDeque<SocketAddr> },
    Handshaking(Box<MidHandshake<ClientHandshake<Stream>>>),
}

/// How far an attempt has come.
pub(crate) enum Progress {
    Waiting(Attempt),
    Open(Box<WebSocket<Stream>>),
}

impl Attempt {
    /// Begins an attempt. Its socket is registered under `token`.
    pub(crate) fn new(
        target: &Target,
        registry: &Registry,
        token: Token,
        waker: &Arc<Waker>,
    ) -> Result<Attempt, Failure> {
        let (host, port) = (target.address.host().to_owned(), target.address.port());
        if let Ok(address) = host.parse::<IpAddr>() {
            return Attempt::connect(VecDeque::from([SocketAddr::new(address, port)]), registry, token, None);
        }
        // The system's look-up waits, for a long time where there is no network. Whoever drops the client does not.
        let (found, receiver) = channel();
        let waker = Arc::clone(waker);
        let look_up = move || {
            let _ = found.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect));
            let _ = waker.wake();
        };
        std::thread::Builder::new()
            .name("optiverse-look-up".to_owned())
            .spawn(look_up)
            .map_err(|error| Failure::passing(format!("no thread to look up the host: {error}")))?;
        Ok(Attempt { step: Step::LookingUp(receiver), deadline: Instant::now() + STEP_TIMEOUT })
    }

    /// When to call [`Attempt::advance`] at the latest.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Goes as far as it can without waiting.
    pub(crate) fn advance(self, target: &Target, registry: &Registry, token: Token) -> Result<Progress, Failure> {
        let is_late = Instant::now() >= self.deadline;
        match self.step {
            Step::LookingUp(receiver) => match receiver.try_recv() {
                Ok(Ok(found)) => {
                    Attempt::connect(found.into(), registry, token, None)?.advance(target, registry, token)
                }
                Ok(Err(error)) => Err(Failure::passing(format!("cannot look up the host: {error}"))),
                Err(TryRecvError::Disconnected) => Err(Failure::passing("cannot look up the host")),
                Err(TryRecvError::Empty) if is_late => Err(Failure::passing("looking up the host took too long")),
                Err(TryRecvError::Empty) => Ok(Progress::Waiting(Attempt { step: Step::LookingUp(receiver), ..self })),
            },
            Step::Connecting { mut socket, to, others } => match connected(&socket) {
                Ok(true) => {
                    let _ = socket.set_nodelay(true);
                    let stream = target.stream(socket)?;
                    let config = WebSocketConfig::default()
                        .max_message_size(Some(MAX_MESSAGE_BYTES))
                        .max_frame_size(Some(MAX_MESSAGE_BYTES));
                    let deadline = Instant::now() + STEP_TIMEOUT;
                    shaken(client_with_config(target.request.clone(), stream, Some(config)), deadline)
                }
                Ok(false) if !is_late => {
                    Ok(Progress::Waiting(Attempt { step: Step::Connecting { socket, to, others }, ..self }))
                }
                outcome => {
                    let why = outcome.map_or_else(|error| error.to_string(), |_| "it took too long".to_owned());
                    let _ = registry.deregister(&mut socket);
                    let problem = format!("cannot connect to {to}: {why}");
                    Attempt::connect(others, registry, token, Some(problem)).map(Progress::Waiting)
                }
            },
            Step::Handshaking(_) if is_late => Err(Failure::passing("the server did not answer in time")),
            Step::Handshaking(middle) => shaken(middle.handshake(), self.deadline),
        }
    }

    fn connect(
        mut addresses: VecDeque<SocketAddr>,
        registry: &Registry,
        token: Token,
        problem: Option<String>,
    ) -> Result<Attempt, Failure> {
        let Some(to) = addresses.pop_front() else {
            return Err(Failure::passing(problem.unwrap_or_else(|| "the host has no address".to_owned())));
        };
        let opened = TcpStream::connect(to).and_then(|mut socket| {
            registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(socket)
        });
        match opened {
            Ok(socket) => {
                let step = Step::Connecting { socket, to, others: addresses };
                Ok(Attempt { step, deadline: Instant::now() + STEP_TIMEOUT })
            }
            Err(error) => {
                Attempt::connect(addresses, registry, token, Some(format!("cannot connect to {to}: {error}")))
            }
        }
    }
}

impl Target {
    fn stream(&self, socket: TcpStream) -> Result<Stream, Failure> {
        let Some((config, name)) = &self.tls else { return Ok(Stream::Plain(socket)) };
        let connection = ClientConnection::new(Arc::clone(config), name.clone());
        let connection = connection.map_err(|error| Failure::passing(format!("TLS: {error}")))?;
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }
}

/// Whether the socket is connected by now.
fn connected(socket: &TcpStream) -> io::Result<bool> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

type Shaken =
    Result<(WebSocket<Stream>, tungstenite::handshake::client::Response), HandshakeError<ClientHandshake<Stream>>>;

fn shaken(outcome: Shaken, deadline: Instant) -> Result<Progress, Failure> {
    match outcome {
        Ok((socket, _)) => Ok(Progress::Open(Box::new(socket))),
        Err(HandshakeError::Interrupted(middle)) => {
            Ok(Progress::Waiting(Attempt { step: Step::Handshaking(Box::new(middle)), deadline }))
        }
        Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => {
            let status = response.status();
            // 4xx: the request is at fault, except that it came too late or too often.
            let is_final = status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429);
            Err(Failure { message: format!("the server answered {status} where a WebSocket was asked for"), is_final })
        }
        Err(HandshakeError::Failure(tungstenite::Error::Io(error))) => Err(Failure::passing(error.to_string())),
        Err(HandshakeError::Failure(error)) => {
            Err(Failure::passing(format!("the server speaks no WebSocket: {error}")))
        }
    }
}
