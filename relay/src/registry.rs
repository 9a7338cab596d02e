//! All sessions: which there are, which are in memory, and how long they are kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use optiverse_core::sync::Role;
use optiverse_core::sync::authority::RestoreError;

use crate::clock::Clock;
use crate::close::Close;
use crate::config::{Config, Limits};
use crate::invitation::Guest;
use crate::metrics::Metrics;
use crate::session::{self, Lease, Live};
use crate::store::{Change, SessionInfo, Storage, StoreError, TokenHash};

/// The longest name of a session, in bytes.
pub(crate) const MAX_SESSION_NAME_BYTES: usize = 256;

/// Why a session could not be brought into memory or stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Store(Arc<StoreError>),
    #[error("the storage has ended")]
    Closed,
    #[error("the session is not stored any more")]
    Missing,
    #[error("{0}")]
    Restore(#[from] RestoreError),
    #[error("the operating system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("there are as many sessions as there may be")]
    Full,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(Arc::new(error))
    }
}

/// What the registry has of a session.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) info: SessionInfo,
    live: Option<Arc<Live>>,
    /// The connections that came by an invitation.
    pub(crate) guests: Vec<Guest>,
}

impl Entry {
    fn new(info: SessionInfo, live: Option<Arc<Live>>) -> Entry {
        Entry { info, live, guests: Vec::new() }
    }
}

/// Who may come into a session that is made.
#[derive(Debug)]
pub(crate) struct Terms {
    /// The hash of its password, if it has one.
    pub(crate) password: Option<String>,
    /// What those may do who come without a token; none: nobody comes without one.
    pub(crate) default_role: Option<Role>,
    /// The hash of the owner's token, if there is an owner.
    pub(crate) owner: Option<TokenHash>,
}

impl Terms {
    /// Of a session that exists because somebody connects to it.
    const OPEN: Terms = Terms { password: None, default_role: Some(Role::Editor), owner: None };
}

/// All sessions of a relay.
#[derive(Debug)]
pub(crate) struct Sessions {
    entries: Mutex<HashMap<String, Entry>>,
    storage: Storage,
    clock: Clock,
    limits: Limits,
    require_created: bool,
    metrics: Metrics,
}

/// What is told of a session.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) created_ms: u64,
    pub(crate) users: Vec<String>,
}

/// How much is going on.
#[derive(Debug)]
pub(crate) struct Count {
    /// Sessions that exist.
    pub(crate) sessions: usize,
    /// Sessions with users.
    pub(crate) used: usize,
    /// Connections to sessions.
    pub(crate) users: usize,
}

impl Sessions {
    pub(crate) fn new(storage: Storage, stored: Vec<SessionInfo>, config: &Config) -> Sessions {
        let entries = stored.into_iter().map(|info| (info.id.clone(), Entry::new(info, None))).collect();
        Sessions {
            entries: Mutex::new(entries),
            storage,
            clock: Clock::new(),
            limits: config.limits.clone(),
            require_created: config.require_created_sessions,
            metrics: Metrics::new(),
        }
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn expiry(&self) -> Duration {
        Duration::from_secs(self.limits.session_expiry_s)
    }

    /// What is done under this lock is done in one step, so a panic elsewhere leaves nothing half done.
    pub(crate) fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_info(&self, id: &str, terms: Terms) -> Result<SessionInfo, Failure> {
        let now_ms = self.clock.now_ms();
        Ok(SessionInfo {
            id: id.to_owned(),
            epoch: getrandom::u64()?,
            created_ms: now_ms,
            active_ms: now_ms,
            password: terms.password,
            default_role: terms.default_role,
            owner: terms.owner,
            invitations: Vec::new(),
        })
    }

    /// Waits until a change is stored.
    pub(crate) async fn store(&self, change: Change) -> Result<(), Failure> {
        let answer = self.storage.commit(change).await;
        answer.map_err(|_| Failure::Closed)?.map_err(Failure::Store)
    }

    /// Makes a session with a name that nobody can guess. When it returns, the session is stored.
    pub(crate) async fn create(&self, id: &str, terms: Terms) -> Result<(), Failure> {
        let info = self.new_info(id, terms)?;
        {
            let mut entries = self.entries();
            if entries.len() >= self.limits.sessions {
                return Err(Failure::Full);
            }
            entries.insert(id.to_owned(), Entry::new(info.clone(), None));
        }
        let stored = self.store(Change::Create(info)).await;
        if stored.is_err() {
            self.entries().remove(id);
        }
        stored
    }

    /// Who may come into a session, whether it exists or will when somebody connects to it.
    pub(crate) fn terms(&self, id: &str) -> Terms {
        match self.entries().get(id) {
            Some(Entry { info, .. }) => {
                Terms { password: info.password.clone(), default_role: info.default_role, owner: info.owner }
            }
            None => Terms::OPEN,
        }
    }

    /// Holds on to a session, which is brought into memory, and made if it may be.
    pub(crate) fn join(self: &Arc<Self>, id: &str) -> Result<Lease, Close> {
        let mut entries = self.entries();
        let known = entries.len();
        let entry = match entries.get_mut(id) {
            Some(entry) => entry,
            None if self.require_created => return Err(Close::UNKNOWN_SESSION),
            None if known >= self.limits.sessions => return Err(Close::RELAY_FULL),
            None => {
                let info = self.new_info(id, Terms::OPEN).map_err(|_| Close::STORE)?;
                let live = session::start(Arc::clone(self), info.clone(), true);
                entries.entry(id.to_owned()).or_insert(Entry::new(info, Some(live)))
            }
        };
        let live = match &entry.live {
            Some(live) if live.is_running() => live,
            _ => entry.live.insert(session::start(Arc::clone(self), entry.info.clone(), false)),
        };
        Ok(Lease::new(live))
    }

    /// Lets a session leave memory, unless somebody holds on to it.
    pub(crate) fn unload(&self, id: &str, live: &Arc<Live>) -> bool {
        let mut entries = self.entries();
        if live.is_leased() {
            return false;
        }
        if let Some(entry) = entries.get_mut(id)
            && entry.live.as_ref().is_some_and(|present| Arc::ptr_eq(present, live))
        {
            let now_ms = self.clock.now_ms();
            entry.live = None;
            entry.info.active_ms = now_ms;
            // If it is lost, the session is kept as long as after its last edit.
            drop(self.storage.commit(Change::Touch { session: id.to_owned(), now_ms }));
        }
        true
    }

    /// A session could not be brought into memory or stored; one that was never stored does not exist.
    pub(crate) fn failed(&self, id: &str, live: &Arc<Live>, never_stored: bool) {
        self.metrics.store_failures.inc();
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(id) else { return };
        if entry.live.as_ref().is_some_and(|present| Arc::ptr_eq(present, live)) {
            entry.live = None;
            if never_stored {
                entries.remove(id);
            }
        }
    }

    pub(crate) fn describe(&self, id: &str) -> Option<Description> {
        let entries = self.entries();
        let entry = entries.get(id)?;
        let users = entry.live.as_ref().map(|live| live.users()).unwrap_or_default();
        Some(Description { created_ms: entry.info.created_ms, users })
    }

    pub(crate) fn count(&self) -> Count {
        let entries = self.entries();
        let users = entries.values().filter_map(|entry| entry.live.as_ref()).map(|live| live.user_count());
        let (used, users) = users.filter(|count| *count > 0).fold((0, 0), |(used, all), count| (used + 1, all + count));
        Count { sessions: entries.len(), used, users }
    }

    /// Forgets the sessions that nobody has used for too long, and invitations that have expired.
    pub(crate) fn expire(&self) {
        let now_ms = self.clock.now_ms();
        let expiry_ms = self.limits.session_expiry_s.saturating_mul(1_000);
        self.entries().retain(|id, entry| {
            let is_old = entry.live.is_none() && entry.info.active_ms.saturating_add(expiry_ms) <= now_ms;
            if !is_old {
                self.forget_expired(entry, now_ms);
            } else {
                // If it is lost, the next start finds the session, and it expires again.
                drop(self.storage.commit(Change::Delete { session: id.clone() }));
                tracing::info!(session = id, "expired");
            }
            !is_old
        });
    }

    /// Stores everything, closes all connections, and waits for it.
    pub(crate) async fn stop(&self) {
        let live: Vec<Arc<Live>> = self.entries().values().filter_map(|entry| entry.live.clone()).collect();
        live.iter().for_each(|live| live.stop());
        for live in live {
            live.ended().await;
        }
    }
}
