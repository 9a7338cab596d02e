//! How long a message takes from one user to the others of its session.
//!
//! The clients share a core with the server, so that what they do themselves is measured with it. They do little: one thread waits
//! for all sockets, each command is made beforehand, and of what arrives only the place is looked at, which is when it was sent.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::measure::{PATIENCE, WARM_UP, X_ORIGIN, command, join, settle};
use crate::peer::{Peer, split_frame};
use crate::server::{Kind, Server};

/// Messages per second of each user.
const PACE: u32 = 30;

/// What is read at once.
const READ_BYTES: usize = 64 << 10;

/// What stands before the place of an item.
const BEFORE_PLACE: &[u8] = br#""x_mm":"#;

/// The digits of every place.
const PLACE_DIGITS: usize = X_ORIGIN.ilog10() as usize + 1;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    /// In milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) deliveries: f64,
}

pub(crate) async fn measure(kind: Kind, core: Option<usize>, sessions: usize, users: usize, seconds: f64) -> Latency {
    let server = Server::start(kind, 0, core);
    let mut peers = Vec::new();
    for session in 0..sessions {
        for user in 0..users {
            peers.push((user, join(server.address, kind, session, user).await));
        }
    }
    for (_, peer) in &mut peers {
        settle(std::slice::from_mut(peer)).await;
    }
    let clients = peers.into_iter().map(|(user, peer)| Client::new(user, peer)).collect();
    let mut delays = exchange(clients, Duration::from_secs_f64(seconds));
    assert!(!delays.is_empty(), "{} delivered nothing", kind.name());
    delays.sort_by(f64::total_cmp);
    let quantile = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize] * 1e3;
    Latency { p50: quantile(0.5), p99: quantile(0.99), deliveries: delays.len() as f64 }
}

/// Has each client send at its pace, one after the other, as people do. Returns the delays of what arrived, in seconds.
fn exchange(mut clients: Vec<Client>, duration: Duration) -> Vec<f64> {
    let mut poll = Poll::new().expect("the system can wait for sockets");
    for (client, token) in clients.iter_mut().zip((0..).map(Token)) {
        poll.registry().register(&mut client.stream, token, Interest::READABLE).expect("a connection");
    }
    let mut events = Events::with_capacity(clients.len());
    let mut scratch = vec![0; READ_BYTES];
    let mut delays = Vec::with_capacity(1 << 20);
    let begun = Instant::now();
    let mut senders = (0..clients.len()).cycle();
    let gap = Duration::from_secs(1).div_f64(f64::from(PACE) * clients.len() as f64);
    let (mut due, end) = (Duration::ZERO, WARM_UP + duration);
    loop {
        let now = begun.elapsed();
        // On a busy machine a flush of the disk may take longer than what is measured in small.
        if now >= end && (!delays.is_empty() || now >= end + PATIENCE) {
            return delays;
        }
        if now >= due {
            let sender = senders.next().expect("a cycle has no end");
            clients[sender].send(begun);
            due += gap;
            continue;
        }
        match poll.poll(&mut events, Some(due - now)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            outcome => outcome.expect("the system can wait for sockets"),
        }
        for event in &events {
            clients[event.token().0].receive(&mut scratch, |sent| {
                if sent >= WARM_UP {
                    delays.push((begun.elapsed() - sent).as_secs_f64());
                }
            });
        }
    }
}

struct Client {
    stream: TcpStream,
    /// The start of a frame whose end has not arrived.
    rest: Vec<u8>,
    command: Vec<u8>,
    /// Where the place stands in what was received last; 0 if there was none.
    place: usize,
}

impl Client {
    fn new(user: usize, peer: Peer) -> Client {
        let (stream, rest) = peer.into_parts();
        Client { stream: TcpStream::from_std(stream), rest, command: command("move_item", user, 0), place: 0 }
    }

    /// Sends the command, with the time as the place.
    fn send(&mut self, begun: Instant) {
        let start = place_in(&self.command).expect("a command has a place");
        let micros = u64::try_from(begun.elapsed().as_micros()).expect("minutes");
        let mut rest = X_ORIGIN + micros;
        for digit in self.command[start..start + PLACE_DIGITS].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let sent = self.stream.write(&self.command).expect("the server takes frames");
        assert_eq!(sent, self.command.len(), "what waits for a server is less than the system holds");
    }

    /// Reads what has arrived, and tells `take` when it was sent.
    fn receive(&mut self, scratch: &mut [u8], mut take: impl FnMut(Duration)) {
        loop {
            let count = match self.stream.read(scratch) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                outcome => outcome.expect("the connection lasts"),
            };
            assert!(count > 0, "the server closed the connection");
            let mut bytes = &scratch[..count];
            if !self.rest.is_empty() {
                self.rest.extend_from_slice(bytes);
                bytes = &self.rest;
            }
            while let Some((payload, after)) = split_frame(bytes) {
                if !payload.get(..self.place).is_some_and(|before| before.ends_with(BEFORE_PLACE)) {
                    self.place = place_in(payload).unwrap_or(0);
                }
                if self.place > 0 {
                    take(sent_at(&payload[self.place..]));
                }
                bytes = after;
            }
            self.rest = bytes.to_vec();
            if count < scratch.len() {
                // It was everything; epoll(7), "Questions and answers", 9.
                return;
            }
        }
    }
}

/// Where the digits of the place stand in a command.
fn place_in(bytes: &[u8]) -> Option<usize> {
    Some(bytes.windows(BEFORE_PLACE.len()).position(|window| window == BEFORE_PLACE)? + BEFORE_PLACE.len())
}

/// The time that stands as a place at the start of a text.
fn sent_at(text: &[u8]) -> Duration {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let place = digits.fold(0, |place, digit| 10 * place + u64::from(digit - b'0'));
    Duration::from_micros(place.checked_sub(X_ORIGIN).expect("every place is after the origin"))
}
