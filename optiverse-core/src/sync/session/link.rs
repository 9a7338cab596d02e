//! The connection to the relay: hello, catching up, sending, and trying again.

use crate::scene::ItemId;
use crate::sync::limits::{MAX_FRAME_BYTES, MAX_FRAME_OPERATIONS};
use crate::sync::operation::Operation;
use crate::sync::replica::{Applied, RemovedItems, Replica};
use crate::sync::session::{Event, Session, Status, peers};
use crate::sync::version::OperationId;
use crate::sync::wire::FrameError;
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::message::{
    Decision, Hello, Welcome, read_decision, read_operations, read_role, write_operations,
};

/// The time to the second attempt to connect, in milliseconds; it doubles with each further one.
pub const FIRST_RETRY_MS: u64 = 500;

/// The longest time between two attempts, in milliseconds.
pub const LONGEST_RETRY_MS: u64 = 30_000;

/// How long a new connection may take to say who it is, in milliseconds. Longer than a relay waits for a password (10 s), so
/// that a client which has none hears so.
pub const GREETING_TIMEOUT_MS: u64 = 15_000;

/// The time between two pings, in milliseconds.
pub const PING_INTERVAL_MS: u64 = 30_000;

/// After this time without any frame a connection is taken for dead, in milliseconds.
pub const SILENCE_TIMEOUT_MS: u64 = 75_000;

/// The most parts of a snapshot. A document takes fewer: its limit is [`crate::sync::limits::MAX_DOCUMENT_BYTES`], and
/// parts are cut at half a frame.
pub const MAX_PARTS: u64 = 4_096;

#[derive(Debug)]
pub(crate) struct Link {
    state: State,
    attempt: u32,
    random: u64,
    /// When something was last received.
    heard_ms: u64,
    ping_due_ms: u64,
}

#[derive(Debug)]
enum State {
    Stopped,
    Waiting {
        until_ms: u64,
    },
    Connecting,
    /// Connected; the relay has not said who it is.
    Greeting {
        until_ms: u64,
    },
    /// The relay was asked for what is missing.
    CatchingUp {
        welcome: Option<Welcome>,
        /// What has arrived of the whole document, and how many parts that was.
        arrived: Box<Replica>,
        parts: u64,
    },
    Live,
    /// The server only forwards.
    Forwarding,
}

impl Link {
    pub(crate) fn new(seed: u64) -> Link {
        Link { state: State::Connecting, attempt: 1, random: seed, heard_ms: 0, ping_due_ms: 0 }
    }

    fn is_connected(&self) -> bool {
        matches!(self.state, State::Greeting { .. } | State::CatchingUp { .. } | State::Live | State::Forwarding)
    }

    /// The time to the next attempt: between half and all of what doubling gives.
    fn backoff_ms(&mut self) -> u64 {
        let doublings = self.attempt.saturating_sub(1).min(16);
        let longest = (FIRST_RETRY_MS << doublings).min(LONGEST_RETRY_MS);
        longest / 2 + self.random_below(longest / 2 + 1)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn random_below(&mut self, limit: u64) -> u64 {
        // SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

impl Session {
    /// Takes note of the time. Where the host's clock was set back, what was due comes no later for it.
    pub(crate) fn note_time(&mut self, now_ms: u64) {
        let back = self.now_ms.saturating_sub(now_ms);
        self.now_ms = now_ms;
        if back == 0 {
            return;
        }
        if let State::Waiting { until_ms } | State::Greeting { until_ms } = &mut self.link.state {
            *until_ms = until_ms.saturating_sub(back);
        }
        for time in [&mut self.link.heard_ms, &mut self.link.ping_due_ms] {
            *time = time.saturating_sub(back);
        }
        self.peers.set_back(back);
        if let Some(forward) = &mut self.forward {
            forward.set_back(back);
        }
    }

    /// The connection that was asked for is open.
    pub fn handle_connected(&mut self, now_ms: u64) {
        self.note_time(now_ms);
        self.link.state = State::Greeting { until_ms: now_ms.saturating_add(GREETING_TIMEOUT_MS) };
        self.link.heard_ms = now_ms;
        self.link.ping_due_ms = now_ms.saturating_add(PING_INTERVAL_MS);
        self.transmits.clear();
        self.update_status();
    }

    /// The connection has ended, or could not be opened. Another attempt follows by itself.
    pub fn handle_disconnected(&mut self, now_ms: u64) {
        self.note_time(now_ms);
        self.transmits.clear();
        self.peers_disconnected(now_ms);
        if !matches!(self.link.state, State::Stopped | State::Waiting { .. }) {
            let until_ms = now_ms.saturating_add(self.link.backoff_ms());
            self.link.state = State::Waiting { until_ms };
            self.update_status();
        }
    }

    /// Tries no more until [`Session::start`]; edits are kept.
    pub fn stop(&mut self) {
        if self.link.is_connected() {
            self.events.push_back(Event::Disconnect { reason: "the session was stopped" });
        }
        self.link.state = State::Stopped;
        self.transmits.clear();
        self.forget_users();
        self.update_status();
    }

    /// Tries to connect, at once.
    pub fn start(&mut self) {
        if matches!(self.link.state, State::Stopped | State::Waiting { .. }) {
            self.connect();
        }
    }

    fn connect(&mut self) {
        self.link.attempt = self.link.attempt.saturating_add(1);
        self.link.state = State::Connecting;
        self.events.push_back(Event::Connect { attempt: self.link.attempt });
        self.update_status();
    }

    /// The time that [`Session::poll_timeout`] asked for has come.
    pub fn handle_timeout(&mut self, now_ms: u64) {
        self.note_time(now_ms);
        self.presence_timeout(now_ms);
        let silent = self.link.is_connected() && now_ms >= self.link.heard_ms.saturating_add(SILENCE_TIMEOUT_MS);
        match self.link.state {
            State::Waiting { until_ms } if now_ms >= until_ms => self.connect(),
            State::Greeting { until_ms } if now_ms >= until_ms => {
                self.give_up("the server did not say who it is", now_ms)
            }
            _ if silent => self.give_up("the server has fallen silent", now_ms),
            State::CatchingUp { .. } | State::Live | State::Forwarding if now_ms >= self.link.ping_due_ms => {
                self.link.ping_due_ms = now_ms.saturating_add(PING_INTERVAL_MS);
                self.transmits.push_back("{\"type\":\"ping\"}".to_owned());
                if self.is_forwarding() {
                    // The others take one who says nothing for gone.
                    self.announce(false, now_ms);
                }
            }
            _ => {}
        }
        if self.is_forwarding() {
            self.forward_timeout(now_ms);
            self.update_status();
        }
    }

    /// When to call [`Session::handle_timeout`], in milliseconds since the Unix epoch.
    pub fn poll_timeout(&self) -> Option<u64> {
        let silence = self.link.heard_ms.saturating_add(SILENCE_TIMEOUT_MS);
        let of_link = match self.link.state {
            State::Stopped | State::Connecting => None,
            State::Waiting { until_ms } => Some(until_ms),
            State::Greeting { until_ms } => Some(until_ms),
            State::CatchingUp { .. } | State::Live | State::Forwarding => Some(self.link.ping_due_ms.min(silence)),
        };
        let of_forwarding = if self.is_forwarding() { self.forward_deadline() } else { None };
        [of_link, of_forwarding, self.presence_deadline()].into_iter().flatten().min()
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.link.state, State::Live)
    }

    fn is_forwarding(&self) -> bool {
        matches!(self.link.state, State::Forwarding)
    }

    fn give_up(&mut self, reason: &'static str, now_ms: u64) {
        self.events.push_back(Event::Disconnect { reason });
        self.handle_disconnected(now_ms);
    }

    /// A frame has arrived. One that cannot be read changes nothing.
    pub fn handle_frame(&mut self, frame: &[u8], now_ms: u64) {
        self.note_time(now_ms);
        if !self.link.is_connected() {
            return;
        }
        self.link.heard_ms = now_ms;
        if let Err(error) = self.receive(frame, now_ms) {
            self.events.push_back(Event::FrameIgnored(error));
        }
        self.update_status();
    }

    fn receive(&mut self, frame: &[u8], now_ms: u64) -> Result<(), FrameError> {
        let envelope = Envelope::read(frame)?;
        if self.is_forwarding() {
            return self.receive_forwarded(&envelope, now_ms);
        }
        match envelope.kind.as_ref() {
            "connection:ack" => self.greeted(&envelope, now_ms)?,
            "sync:welcome" => self.welcomed(Welcome::read(&envelope)?, now_ms)?,
            "sync:part" => self.take_part(&envelope, now_ms)?,
            "sync:ops" => self.take_operations(&envelope, now_ms)?,
            "sync:ack" | "sync:refused" => self.take_decision(&envelope)?,
            "sync:gap" => {
                let expected = envelope.required("expected", |scanner| scanner.unsigned())?;
                self.sent = expected.saturating_sub(1);
                self.flush(now_ms);
            }
            "sync:error" => {
                let message = envelope.required("message", |scanner| scanner.string())?.into_owned();
                self.events.push_back(Event::RelayComplained { message });
            }
            "sync:presence" => self.take_peer(&envelope)?,
            "user:joined" | "user:left" => {
                let user = envelope.required("user_id", |scanner| scanner.string())?.into_owned();
                if envelope.kind == "user:joined" { self.user_joined(user) } else { self.user_left(user) }
            }
            // What is meant for the app, and what a later version may say.
            _ => {}
        }
        Ok(())
    }

    fn greeted(&mut self, envelope: &Envelope<'_>, now_ms: u64) -> Result<(), FrameError> {
        let offer = envelope.get("sync");
        // A relay greets once. Where an offer is followed by a greeting without, it came from another user, whom a server that
        // only forwards has let speak first.
        if offer.is_some() && !matches!(self.link.state, State::Greeting { .. }) {
            return Ok(());
        }
        let users = peers::read_users(envelope)?;
        let began_otherwise = if offer.is_some() { self.forward.is_some() } else { self.have.is_some() };
        if began_otherwise {
            self.stop();
            self.events.push_back(Event::ServerChanged);
            return Ok(());
        }
        let Some(offer) = offer else {
            self.link.attempt = 0;
            self.forget_peers();
            self.set_users(users);
            self.link.state = State::Forwarding;
            return self.forwarder_connected(envelope, now_ms);
        };
        let role = read_role(offer)?;
        if role != self.role {
            self.role = role;
            self.events.extend(role.map(Event::Role));
        }
        self.link.attempt = 0;
        self.forget_peers();
        self.set_users(users);
        self.ask_for_missing();
        Ok(())
    }

    /// Asks for what is missing, in the first place or because something was found to be.
    fn ask_for_missing(&mut self) {
        let settled = self.pending.keys().next().map_or(self.number, |first| first - 1);
        let arrived = Box::new(Replica::new(RemovedItems::Forget));
        self.link.state = State::CatchingUp { welcome: None, arrived, parts: 0 };
        let hello = Hello { replica: self.replica, key: self.key, settled, have: self.have };
        self.transmits.push_back(hello.write());
    }

    fn welcomed(&mut self, welcome: Welcome, now_ms: u64) -> Result<(), FrameError> {
        let State::CatchingUp { welcome: current, arrived, parts } = &mut self.link.state else { return Ok(()) };
        if welcome.parts > MAX_PARTS {
            let found = welcome.parts.to_string();
            return Err(FrameError::Value { key: "snapshot", found, expected: "at most 4096 parts" });
        }
        **arrived = Replica::new(RemovedItems::Forget);
        *parts = 0;
        *current = Some(welcome);
        self.go_live_if_complete(now_ms);
        Ok(())
    }

    fn take_part(&mut self, envelope: &Envelope<'_>, now_ms: u64) -> Result<(), FrameError> {
        let index = envelope.required("index", |scanner| scanner.unsigned())?;
        let part = envelope.get("part").ok_or(FrameError::Missing { place: "the frame", key: "part" })?;
        let State::CatchingUp { welcome: Some(welcome), arrived, parts } = &mut self.link.state else { return Ok(()) };
        if index != *parts || index >= welcome.parts {
            return Ok(());
        }
        if let Err(error) = arrived.merge(part) {
            // Without this part the document will never be whole.
            self.give_up("the relay's document cannot be read", now_ms);
            return Err(error);
        }
        *parts += 1;
        if *parts == welcome.parts {
            let (epoch, sequence) = (welcome.epoch, welcome.sequence);
            self.confirmed = std::mem::replace(arrived, Replica::new(RemovedItems::Forget));
            self.have = Some((epoch, sequence));
            self.refresh_all();
            self.go_live_if_complete(now_ms);
        }
        Ok(())
    }

    fn go_live_if_complete(&mut self, now_ms: u64) {
        let State::CatchingUp { welcome: Some(welcome), .. } = &self.link.state else { return };
        if self.have.is_none_or(|(epoch, have)| epoch != welcome.epoch || have < welcome.sequence) {
            return;
        }
        let confirmed = |operation: &&Operation<'_>| self.confirmed.vector().contains(operation.id);
        let decided: Vec<u64> = self.pending.values().filter(confirmed).map(|operation| operation.id.number).collect();
        let taken: Vec<_> = decided.into_iter().filter_map(|number| self.take_pending(number)).collect();
        self.refresh(taken.iter().map(|operation| &*operation.item).collect::<Vec<_>>());
        self.link.state = State::Live;
        self.sent = 0;
        self.flush(now_ms);
    }

    /// Sends what was not sent yet.
    pub(crate) fn flush(&mut self, now_ms: u64) {
        const FRAME_MARGIN: usize = 4_096;
        if self.is_forwarding() {
            self.forward_pending(now_ms);
            return;
        }
        if !matches!(self.link.state, State::Live) {
            return;
        }
        let mut texts: Vec<String> = Vec::new();
        let mut bytes = 0;
        for (&number, operation) in self.pending.range(self.sent + 1..) {
            let text = operation.to_json();
            let is_full = bytes + text.len() > MAX_FRAME_BYTES - FRAME_MARGIN || texts.len() == MAX_FRAME_OPERATIONS;
            if is_full && !texts.is_empty() {
                self.transmits.push_back(write_operations(None, texts.iter().map(String::as_str)));
                texts.clear();
                bytes = 0;
            }
            bytes += text.len() + 1;
            texts.push(text);
            self.sent = number;
        }
        if !texts.is_empty() {
            self.transmits.push_back(write_operations(None, texts.iter().map(String::as_str)));
        }
    }

    /// Takes the relay's operations, in its order.
    fn take_operations(&mut self, envelope: &Envelope<'_>, now_ms: u64) -> Result<(), FrameError> {
        let (sequence, operations) = read_operations(envelope)?;
        let first = sequence.ok_or(FrameError::Missing { place: "the frame", key: "sequence" })?;
        let mut touched: Vec<ItemId> = Vec::new();
        for (sequence, operation) in (first..).zip(operations) {
            match self.next_in_sequence(sequence) {
                Order::Next => {}
                Order::Known => continue,
                Order::Gap => break,
            }
            touched.push(ItemId::from(&*operation.item));
            self.confirm(sequence, &operation)?;
        }
        touched.sort_unstable();
        touched.dedup();
        self.refresh(touched.iter().map(|id| &**id));
        self.go_live_if_complete(now_ms);
        Ok(())
    }

    fn take_decision(&mut self, envelope: &Envelope<'_>) -> Result<(), FrameError> {
        let (number, decision) = read_decision(envelope)?;
        match decision {
            Decision::Accepted(Some((sequence, time))) => {
                if !matches!(self.next_in_sequence(sequence), Order::Next) {
                    return Ok(());
                }
                let Some(operation) = self.take_pending(number) else {
                    // Not ours any more: ask the relay for the operation itself.
                    self.ask_for_missing();
                    return Ok(());
                };
                let operation = Operation { time, ..operation };
                self.confirm(sequence, &operation)?;
                self.refresh([&*operation.item]);
            }
            Decision::Accepted(None) => {
                let id = OperationId { replica: self.replica, number };
                if self.confirmed.vector().contains(id)
                    && let Some(operation) = self.take_pending(number)
                {
                    self.refresh([&*operation.item]);
                }
            }
            Decision::Refused(reason) => {
                if let Some(operation) = self.take_pending(number) {
                    self.refresh([&*operation.item]);
                    self.events.push_back(Event::Refused { item: ItemId::from(&*operation.item), reason });
                }
            }
        }
        Ok(())
    }

    /// Where a number of the relay's sequence stands. A gap asks for what is missing.
    fn next_in_sequence(&mut self, sequence: u64) -> Order {
        let is_waiting = matches!(self.link.state, State::CatchingUp { welcome: None, .. });
        match self.have {
            Some((_, have)) if sequence <= have => Order::Known,
            Some((_, have)) if sequence == have + 1 && !is_waiting => Order::Next,
            _ => {
                // While catching up the answer is on its way.
                if matches!(self.link.state, State::Live) {
                    self.ask_for_missing();
                }
                Order::Gap
            }
        }
    }

    /// Merges the relay's next operation.
    fn confirm(&mut self, sequence: u64, operation: &Operation<'_>) -> Result<(), FrameError> {
        let applied = self.confirmed.apply(operation).map_err(|error| FrameError::Value {
            key: "ops",
            found: error.to_string(),
            expected: "a document within its limit",
        })?;
        debug_assert_eq!(applied, Applied::New, "{operation:?}");
        let _ = self.clock.observe(operation.time, operation.time.milliseconds());
        if let Some((_, have)) = &mut self.have {
            *have = sequence;
        }
        if operation.id.replica == self.replica {
            self.take_pending(operation.id.number);
        }
        Ok(())
    }

    /// Says how things stand, if that has changed.
    pub(crate) fn update_status(&mut self) {
        let status = match &self.link.state {
            State::Stopped | State::Waiting { .. } => Status::Offline,
            State::Connecting => Status::Connecting { attempt: self.link.attempt },
            State::Greeting { .. } | State::CatchingUp { .. } => Status::CatchingUp,
            State::Live if self.pending.is_empty() => Status::Synchronised,
            State::Live => Status::Sending,
            State::Forwarding => self.forward_status(),
        };
        if status != self.status {
            self.status = status;
            self.events.push_back(Event::Status(status));
        }
    }
}

/// Where a number stands in the relay's sequence.
enum Order {
    Next,
    Known,
    Gap,
}
