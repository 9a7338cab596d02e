//! One session: a task that alone decides what happened, and in which order.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use optiverse_core::sync::authority::{Authority, AuthorityConfig, ConnectionId, Payload, Record};
use optiverse_core::sync::{ReplicaId, Role};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::sleep_until;

use crate::close::Close;
use crate::delivery::Delivery;
use crate::outbox::Outbox;
use crate::registry::{Failure, Sessions};
use crate::store::{Change, SessionInfo, Waiting};
use crate::websocket::READ_BUFFER_BYTES;

/// Inputs that are handled before what follows from them is stored and sent.
const BATCH: usize = 64;

/// Bytes of frames that have arrived and wait for the session, at most.
const MAX_WAITING_BYTES: usize = 16 << 20;

/// What waiting frames of one connection count for at least: they may hold the buffer into which they were read.
const MIN_WAITING_BYTES: usize = READ_BUFFER_BYTES;

/// Bytes of operations that wait to be stored, after which no more frames are handled until they are.
const MAX_UNSAVED_BYTES: usize = 16 << 20;

/// Operations after which a snapshot is made, so that the log is bounded.
const SNAPSHOT_OPERATIONS: usize = 10_000;

/// Bytes of operations after which a snapshot is made, if the document is smaller than that.
const SNAPSHOT_BYTES: usize = 16 << 20;

/// How long a session stays in memory after its last user has left.
const UNLOAD_AFTER: Duration = Duration::from_secs(30);

/// What a session is told.
pub(crate) enum Input {
    Connect {
        connection: ConnectionId,
        user: String,
        role: Role,
        outbox: Outbox,
        admitted: oneshot::Sender<Result<(), Close>>,
    },
    /// Frames that arrived together, in their order.
    Frames {
        connection: ConnectionId,
        frames: Vec<Bytes>,
        /// Given back when they have been handled.
        _room: OwnedSemaphorePermit,
    },
    Disconnect {
        connection: ConnectionId,
    },
    /// Store everything, close all connections, and end.
    Stop,
}

/// A session that is in memory.
#[derive(Debug)]
pub(crate) struct Live {
    inputs: mpsc::UnboundedSender<Input>,
    room: Arc<Semaphore>,
    /// Connections that hold on to it.
    leases: AtomicUsize,
    /// The names of its users, in the order of their connections.
    users: Mutex<Vec<(ConnectionId, String)>>,
}

impl Live {
    pub(crate) fn users(&self) -> Vec<String> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.iter().map(|(_, user)| user.clone()).collect()
    }

    pub(crate) fn user_count(&self) -> usize {
        self.users.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.inputs.is_closed()
    }

    pub(crate) fn is_leased(&self) -> bool {
        self.leases.load(Ordering::Acquire) > 0
    }

    pub(crate) fn stop(&self) {
        // One that has ended needs no stopping.
        let _ = self.inputs.send(Input::Stop);
    }

    pub(crate) async fn ended(&self) {
        self.inputs.closed().await;
    }
}

/// Keeps a session in memory as long as it is held.
#[derive(Debug)]
pub(crate) struct Lease {
    live: Arc<Live>,
}

impl Lease {
    /// Only under the lock of the registry, which decides about unloading.
    pub(crate) fn new(live: &Arc<Live>) -> Lease {
        live.leases.fetch_add(1, Ordering::AcqRel);
        Lease { live: Arc::clone(live) }
    }

    /// Tells the session something. Returns whether it still runs.
    pub(crate) fn send(&self, input: Input) -> bool {
        self.live.inputs.send(input).is_ok()
    }

    /// Hands frames to the session, as soon as there is room for them. Returns whether it still runs.
    pub(crate) async fn send_frames(&self, connection: ConnectionId, frames: Vec<Bytes>, bytes: usize) -> bool {
        let bytes = bytes.clamp(MIN_WAITING_BYTES, MAX_WAITING_BYTES);
        let Ok(permits) = u32::try_from(bytes) else { return false };
        let Ok(room) = Arc::clone(&self.live.room).acquire_many_owned(permits).await else { return false };
        self.send(Input::Frames { connection, frames, _room: room })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.live.leases.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Brings a session into memory. What goes wrong is told to those who connect.
pub(crate) fn start(sessions: Arc<Sessions>, info: SessionInfo, is_new: bool) -> Arc<Live> {
    let (inputs, mailbox) = mpsc::unbounded_channel();
    let live = Arc::new(Live {
        inputs,
        room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)),
        leases: AtomicUsize::new(0),
        users: Mutex::new(Vec::new()),
    });
    let started = Arc::clone(&live);
    tokio::spawn(async move {
        let id = info.id.clone();
        match restore(&sessions, info, is_new).await {
            // In a task of its own, so that nothing of this one is held as long as the session is in memory.
            Ok(authority) => drop(tokio::spawn(Writer::new(sessions, live, id, authority, mailbox).run())),
            Err(failure) => {
                tracing::error!(session = id, %failure, "the session could not be brought into memory");
                // Leaves before the mailbox closes, so that whoever comes back finds no trace of it.
                sessions.failed(&id, &live, is_new);
            }
        }
    });
    started
}

async fn restore(sessions: &Sessions, info: SessionInfo, is_new: bool) -> Result<Authority, Failure> {
    let config =
        AuthorityConfig { session_id: info.id.clone(), epoch: info.epoch, replica: ReplicaId::new(getrandom::u64()?) };
    if is_new {
        stored(sessions.storage().commit(Change::Create(info)).await)?;
        return Ok(Authority::new(config));
    }
    let found = sessions.storage().load(&info.id).await?.ok_or(Failure::Missing)?;
    Ok(Authority::restore(config, found.snapshot.as_ref(), found.records)?)
}

/// What became of a change; a storage that has ended gives no answer.
fn stored<E>(answer: Result<Result<(), Arc<crate::store::StoreError>>, E>) -> Result<(), Failure> {
    answer.map_err(|_| Failure::Closed)?.map_err(Failure::Store)
}

struct Writer {
    sessions: Arc<Sessions>,
    live: Arc<Live>,
    id: String,
    authority: Authority,
    delivery: Delivery,
    mailbox: mpsc::UnboundedReceiver<Input>,
    unsaved: Vec<Record>,
    unsaved_bytes: usize,
    /// The newest operation that is stored.
    stored: u64,
    /// The newest operation that is being stored, and when it is.
    saving: Option<(u64, Waiting)>,
    /// Operations since the last snapshot, and their bytes.
    since_snapshot: (usize, usize),
    idle_since: Instant,
    is_stopping: bool,
}

impl Writer {
    fn new(
        sessions: Arc<Sessions>,
        live: Arc<Live>,
        id: String,
        authority: Authority,
        mailbox: mpsc::UnboundedReceiver<Input>,
    ) -> Writer {
        let stored = authority.sequence();
        Writer {
            stored,
            sessions,
            live,
            id,
            authority,
            delivery: Delivery::default(),
            mailbox,
            unsaved: Vec::new(),
            unsaved_bytes: 0,
            saving: None,
            since_snapshot: (0, 0),
            idle_since: Instant::now(),
            is_stopping: false,
        }
    }

    async fn run(mut self) {
        match self.serve().await {
            Ok(()) if self.is_stopping => self.close_all(Close::GOING_AWAY),
            Ok(()) => tracing::debug!(session = self.id, "unloaded"),
            Err(failure) => {
                tracing::error!(session = self.id, %failure, "the session could not be stored");
                // Nobody has been told of what is lost: they come back to what is stored.
                self.close_all(Close::STORE);
                self.sessions.failed(&self.id, &self.live, false);
            }
        }
    }

    async fn serve(&mut self) -> Result<(), Failure> {
        let mut inputs = Vec::new();
        let mut timer = pin!(sleep_until(Instant::now().into()));
        loop {
            let timeout = self.authority.poll_timeout();
            // One that fires too early does no harm, and costs less than one that is set anew for each message.
            let deadline = self.deadline(timeout);
            if let Some(deadline) = deadline
                && (timer.is_elapsed() || deadline < timer.deadline().into())
            {
                timer.as_mut().reset(deadline.into());
            }
            let may_receive = !self.is_stopping && self.unsaved_bytes < MAX_UNSAVED_BYTES;
            tokio::select! {
                biased;
                stored_up_to = saved(&mut self.saving), if self.saving.is_some() => {
                    self.saving = None;
                    self.handle_stored(stored_up_to?);
                }
                _ = self.mailbox.recv_many(&mut inputs, BATCH), if may_receive => {
                    for input in inputs.drain(..) {
                        self.handle(input);
                    }
                }
                () = &mut timer, if deadline.is_some() && !self.is_stopping => {}
            }
            let now_ms = self.sessions.clock().now_ms();
            if timeout.is_some_and(|due| due <= now_ms) {
                self.authority.handle_timeout(now_ms);
            }
            self.save(now_ms)?;
            self.transmit();
            if self.is_stopping && self.saving.is_none() {
                return Ok(());
            }
            if self.idle_at().is_some_and(|at| at <= Instant::now()) && self.unload() {
                return Ok(());
            }
        }
    }

    /// When there is something to do though nothing arrives, given when the authority has.
    fn deadline(&self, timeout: Option<u64>) -> Option<Instant> {
        let timeout = timeout.map(|ms| self.sessions.clock().instant(ms));
        [timeout, self.idle_at()].into_iter().flatten().min()
    }

    /// When it leaves memory, if nobody uses it.
    fn idle_at(&self) -> Option<Instant> {
        let is_idle = self.delivery.is_empty() && self.saving.is_none() && !self.is_stopping;
        is_idle.then(|| self.idle_since + UNLOAD_AFTER.min(self.sessions.expiry()))
    }

    fn handle(&mut self, input: Input) {
        let now_ms = self.sessions.clock().now_ms();
        match input {
            Input::Connect { connection, user, role, outbox, admitted } => {
                let answer = self.connect(connection, &user, role, outbox, now_ms);
                if admitted.send(answer).is_err() {
                    self.disconnect(connection);
                }
            }
            Input::Frames { connection, frames, _room } => {
                for frame in frames {
                    self.authority.handle_frame(connection, &frame, now_ms);
                }
            }
            Input::Disconnect { connection } => self.disconnect(connection),
            Input::Stop => self.is_stopping = true,
        }
    }

    fn connect(
        &mut self,
        connection: ConnectionId,
        user: &str,
        role: Role,
        outbox: Outbox,
        now_ms: u64,
    ) -> Result<(), Close> {
        if self.delivery.len() >= self.sessions.limits().users_per_session {
            return Err(Close::SESSION_FULL);
        }
        self.authority.connect(connection, user, role, now_ms).map_err(|_| Close::NAMES)?;
        // A newcomer gets the whole document, as one text or item by item.
        let document = self.authority.document();
        outbox.extend(2 * document.bytes() + 256 * document.len());
        self.delivery.join(connection, outbox);
        self.sessions.metrics().connections.inc();
        self.users().push((connection, user.to_owned()));
        Ok(())
    }

    fn disconnect(&mut self, connection: ConnectionId) {
        if !self.delivery.leave(connection) {
            return;
        }
        self.authority.disconnect(connection);
        self.users().retain(|(other, _)| *other != connection);
        self.idle_since = Instant::now();
    }

    fn users(&self) -> std::sync::MutexGuard<'_, Vec<(ConnectionId, String)>> {
        self.live.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has new operations stored, all that have come up while the last ones were, in one go.
    fn save(&mut self, now_ms: u64) -> Result<(), Failure> {
        while let Some(record) = self.authority.poll_record() {
            self.unsaved_bytes += record.text.len();
            self.unsaved.push(record);
        }
        let Some(last) = self.unsaved.last().map(|record| record.sequence) else { return Ok(()) };
        if self.saving.is_some() {
            return Ok(());
        }
        self.since_snapshot.0 += self.unsaved.len();
        self.since_snapshot.1 += self.unsaved_bytes;
        self.unsaved_bytes = 0;
        let records = std::mem::take(&mut self.unsaved);
        let append = Change::Append { session: self.id.clone(), records, now_ms };
        let mut waiting = self.sessions.storage().commit(append);
        match waiting.try_recv() {
            // A store in memory has done it.
            Ok(answer) => {
                stored::<()>(Ok(answer))?;
                self.handle_stored(last);
            }
            Err(oneshot::error::TryRecvError::Empty) => self.saving = Some((last, waiting)),
            Err(oneshot::error::TryRecvError::Closed) => return Err(Failure::Closed),
        }
        let (operations, bytes) = self.since_snapshot;
        if operations >= SNAPSHOT_OPERATIONS || bytes >= SNAPSHOT_BYTES.max(self.authority.document().bytes()) {
            self.snapshot();
        }
        Ok(())
    }

    fn handle_stored(&mut self, sequence: u64) {
        self.sessions.metrics().operations.inc_by(sequence - self.stored);
        self.stored = sequence;
        self.authority.handle_stored(sequence);
    }

    /// Has the state stored in place of the operations that led to it.
    fn snapshot(&mut self) {
        self.since_snapshot = (0, 0);
        let snapshot = self.authority.snapshot();
        let waiting = self.sessions.storage().commit(Change::Snapshot { session: self.id.clone(), snapshot });
        let id = self.id.clone();
        // Nothing depends on it: without it the log is longer.
        tokio::spawn(async move {
            if let Err(failure) = stored(waiting.await) {
                tracing::warn!(session = id, %failure, "no snapshot could be stored");
            }
        });
    }

    fn transmit(&mut self) {
        while let Some(transmit) = self.authority.poll_transmit() {
            match transmit.payload {
                Payload::Frame(frame) => self.delivery.add(transmit.connection, frame),
                Payload::Close { code, reason } => self.delivery.close(transmit.connection, Close { code, reason }),
            }
        }
        let sent = self.delivery.finish(self.mailbox.is_empty());
        if sent > 0 {
            self.sessions.metrics().sent.inc_by(sent);
        }
    }

    /// Leaves memory, unless somebody has just come. Returns whether it did.
    fn unload(&mut self) -> bool {
        if self.since_snapshot.0 > 0 {
            self.snapshot();
        }
        let unloaded = self.sessions.unload(&self.id, &self.live);
        self.idle_since = Instant::now();
        unloaded
    }

    fn close_all(&mut self, close: Close) {
        // Whoever has asked to come in finds the mailbox closed.
        self.mailbox.close();
        self.delivery.close_all(close);
        self.users().clear();
    }
}

/// Waits until what is being stored is.
async fn saved(saving: &mut Option<(u64, Waiting)>) -> Result<u64, Failure> {
    match saving {
        Some((sequence, waiting)) => {
            stored(waiting.await)?;
            Ok(*sequence)
        }
        None => std::future::pending().await,
    }
}
