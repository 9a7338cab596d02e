//! The thread of a client: it owns the socket, and waits for it, for the session's timeouts and for calls.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

use crate::connecting::{Attempt, Failure, Progress, Target};
use crate::event::Event;
use crate::shared::{Shared, Wish};
use crate::stream::Stream;
use crate::system::now_ms;

pub(crate) const WAKER: Token = Token(0);
const SOCKET: Token = Token(1);

/// Messages that are read before something else has its turn.
const READS_IN_A_TURN: usize = 64;

/// The codes with which a server refuses this client, so that trying again would not help: protocol, data, policy, size,
/// and a relay's own: taken over by another connection, invitation revoked.
const FINAL_CODES: [u16; 7] = [1002, 1003, 1007, 1008, 1009, 4001, 4003];

pub(crate) struct Worker {
    shared: Arc<Shared>,
    target: Target,
    poll: Poll,
    waker: Arc<Waker>,
    link: Link,
}

/// However the thread ends, by a panic too, nobody is to wait for it any more.
impl Drop for Worker {
    fn drop(&mut self) {
        let closed = catch_unwind(AssertUnwindSafe(|| self.shared.close()));
        // A bell whose panic ended the thread may panic again, which would end the program.
        if let Err(panic) = closed
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

enum Link {
    None,
    Attempt(Attempt),
    Open(Open),
}

struct Open {
    socket: Box<WebSocket<Stream>>,
    /// There may be more to read.
    is_readable: bool,
    /// Something waits until the socket takes it.
    is_blocked: bool,
    is_closing: bool,
}

/// How a connection ended.
struct Ending {
    code: Option<u16>,
    message: String,
    is_final: bool,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, target: Target, poll: Poll, waker: Arc<Waker>) -> Worker {
        Worker { shared, target, poll, waker, link: Link::None }
    }

    /// Runs until the client is closed.
    pub(crate) fn run(mut self) {
        let mut ready = Events::with_capacity(8);
        loop {
            self.shared.act(|state| {
                let now = now_ms();
                if state.session.session().poll_timeout().is_some_and(|due| due <= now) {
                    state.session.handle_timeout(now);
                }
            });
            self.follow_wish();
            self.advance_attempt();
            self.write();
            if self.closes() {
                break;
            }
            if let Err(error) = self.poll.poll(&mut ready, self.timeout()) {
                // A signal; anything else would come again at once, so it is not looped on without a pause.
                if error.kind() != io::ErrorKind::Interrupted {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            if let Link::Open(open) = &mut self.link {
                for event in ready.iter().filter(|event| event.token() == SOCKET) {
                    open.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                    open.is_blocked &= !event.is_writable();
                }
            }
            self.read();
        }
        self.shared.act(|state| {
            state.session.stop();
            state.session.handle_disconnected(now_ms());
        });
    }

    /// How long to wait for something to happen.
    fn timeout(&self) -> Option<Duration> {
        let state = self.shared.lock();
        let due_ms = state.session.session().poll_timeout();
        let of_session = due_ms.map(|due| Duration::from_millis(due.saturating_sub(now_ms())));
        let of_link = match &self.link {
            Link::Open(open) if open.is_readable => Some(Duration::ZERO),
            Link::Attempt(attempt) => Some(attempt.deadline().saturating_duration_since(Instant::now())),
            // A wish came while the last one was followed.
            _ if state.wish.is_some() => Some(Duration::ZERO),
            _ => None,
        };
        let of_closing = state.closing.map(|until| until.saturating_duration_since(Instant::now()));
        [of_session, of_link, of_closing].into_iter().flatten().min()
    }

    fn follow_wish(&mut self) {
        let wish = self.shared.act(|state| state.wish.take());
        match wish {
            None => {}
            Some(Wish::Connect) => {
                match Attempt::new(&self.target, self.poll.registry(), SOCKET, &self.waker) {
                    Ok(attempt) => self.link = Link::Attempt(attempt),
                    Err(failure) => self.fail(failure),
                };
            }
            Some(Wish::Disconnect(reason)) => {
                if let Link::Open(open) = &mut self.link {
                    // Best effort: a server that has fallen silent does not take it.
                    let _ = open.socket.close(Some(normal(reason)));
                    let _ = open.socket.flush();
                }
                let message = format!("{}: {reason}", self.target.address);
                self.end(Ending { code: None, message, is_final: false });
            }
        }
    }

    fn advance_attempt(&mut self) {
        let attempt = match std::mem::replace(&mut self.link, Link::None) {
            Link::Attempt(attempt) => attempt,
            other => {
                self.link = other;
                return;
            }
        };
        match attempt.advance(&self.target, self.poll.registry(), SOCKET) {
            Ok(Progress::Waiting(attempt)) => self.link = Link::Attempt(attempt),
            Ok(Progress::Open(socket)) => {
                self.link = Link::Open(Open { socket, is_readable: true, is_blocked: false, is_closing: false });
                self.shared.act(|state| state.session.handle_connected(now_ms()));
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn fail(&mut self, failure: Failure) {
        let message = format!("{}: {}", self.target.address, failure.message);
        self.end(Ending { code: None, message, is_final: failure.is_final });
    }

    /// Sends what the session has to say, as much as the socket takes.
    fn write(&mut self) {
        let Link::Open(open) = &mut self.link else { return };
        let mut outcome = Ok(());
        while !open.is_blocked && !open.is_closing {
            let frame = self.shared.lock().session.poll_transmit();
            let Some(frame) = frame else { break };
            outcome = open.socket.write(Message::text(frame));
            if outcome.is_err() {
                break;
            }
        }
        if !open.is_blocked {
            outcome = outcome.and_then(|()| open.socket.flush());
        }
        self.check(outcome);
    }

    fn read(&mut self) {
        for _ in 0..READS_IN_A_TURN {
            let Link::Open(open) = &mut self.link else { return };
            if !open.is_readable {
                return;
            }
            match open.socket.read() {
                Ok(Message::Text(text)) => {
                    self.shared.act(|state| state.session.handle_frame(text.as_bytes(), now_ms()));
                }
                Ok(Message::Binary(bytes)) => {
                    self.shared.act(|state| state.session.handle_frame(&bytes, now_ms()));
                }
                Ok(Message::Close(frame)) => {
                    let _ = open.socket.flush();
                    let ending = self.closed_by_server(frame);
                    return self.end(ending);
                }
                // Answered by the library.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    open.is_readable = false;
                }
                Err(error) => return self.check(Err(error)),
            }
        }
    }

    /// Takes note of what became of writing or reading.
    fn check(&mut self, outcome: tungstenite::Result<()>) {
        let error = match outcome {
            Ok(()) => return,
            Err(error) => error,
        };
        if let (tungstenite::Error::Io(error), Link::Open(open)) = (&error, &mut self.link)
            && error.kind() == io::ErrorKind::WouldBlock
        {
            open.is_blocked = true;
            return;
        }
        let (what, is_final) = match &error {
            tungstenite::Error::ConnectionClosed
            | tungstenite::Error::AlreadyClosed
            | tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                ("the connection has ended".to_owned(), false)
            }
            tungstenite::Error::Io(error) => (format!("the connection was lost: {error}"), false),
            other => (format!("the server does not keep to WebSocket: {other}"), true),
        };
        let message = format!("{}: {what}", self.target.address);
        self.end(Ending { code: None, message, is_final });
    }

    fn closed_by_server(&self, frame: Option<CloseFrame>) -> Ending {
        let code = frame.as_ref().map(|frame| u16::from(frame.code));
        let reason = frame.as_ref().map(|frame| frame.reason.as_str()).unwrap_or_default();
        let shown = match (code, reason) {
            (None, _) => "the server has closed the connection".to_owned(),
            (Some(code), "") => format!("the server has closed the connection ({code})"),
            (Some(code), reason) => format!("the server has closed the connection: {reason} ({code})"),
        };
        let is_final = code.is_some_and(|code| FINAL_CODES.contains(&code));
        Ending { code, message: format!("{}: {shown}", self.target.address), is_final }
    }

    /// There is no connection any more.
    fn end(&mut self, ending: Ending) {
        let was_closing = matches!(&self.link, Link::Open(open) if open.is_closing);
        if let Link::Open(open) = &mut self.link {
            let _ = self.poll.registry().deregister(open.socket.get_mut().socket_mut());
        }
        self.link = Link::None;
        self.shared.act(|state| {
            // First, so that the session asks for no end of a connection that has ended.
            state.session.handle_disconnected(now_ms());
            if ending.is_final {
                state.session.stop();
                state.is_given_up = true;
            }
            // What a connection is asked that is there no more.
            if matches!(state.wish, Some(Wish::Disconnect(_))) {
                state.wish = None;
            }
            if !was_closing {
                let Ending { code, message, .. } = ending;
                state.push(Event::Disconnected { code, message, retries: !state.is_given_up });
            }
        });
    }

    /// Whether the thread is to end. The connection gets its time to be closed in order.
    fn closes(&mut self) -> bool {
        let Some(until) = self.shared.lock().closing else { return false };
        match &mut self.link {
            Link::Open(open) if !open.is_closing => {
                open.is_closing = true;
                let outcome = open.socket.close(Some(normal("")));
                let outcome = outcome.and_then(|()| open.socket.flush());
                self.check(outcome);
            }
            Link::Open(_) => {}
            _ => return true,
        }
        Instant::now() >= until || !matches!(self.link, Link::Open(_))
    }
}

fn normal(reason: &str) -> CloseFrame {
    CloseFrame { code: CloseCode::Normal, reason: reason.into() }
}
