//! The client: a session with a thread and a socket of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::{Poll, Waker};
use optiverse_core::scene::{Edit, Scene};
use optiverse_core::sync::session::{LocalEditError, Peer, Status, UndoStep};
use optiverse_core::sync::{Presence, Role, Session};
use rustls::pki_types::ServerName;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderName, HeaderValue, Request};

use crate::address::Address;
use crate::connecting::Target;
use crate::event::Event;
use crate::observed::ObservedSession;
use crate::options::{ClientOptions, StartError};
use crate::shared::{Shared, State};
use crate::tls;
use crate::worker::{WAKER, Worker};

/// How long a server may take to answer when the connection is closed.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The edit is refused; nothing has changed.
    #[error(transparent)]
    Edit(#[from] LocalEditError),
    /// The client is closed. What was pending can still be saved.
    #[error("the session is closed")]
    Closed,
}

/// A session that connects, sends, receives and tries again by itself, on a thread of its own.
///
/// An edit shows in the scene at once, connected or not. Events tell what others do and how the connection stands: take them
/// by [`Client::poll_event`], wait for them by [`Client::wait_event`], or have a bell rung. All methods may be called from any
/// thread. A client that has nothing to do uses no processor time.
///
/// Dropping a client ends its thread and closes its connection without waiting for the server; [`Client::close`] first waits
/// for the relay to acknowledge what was edited.
pub struct Client {
    address: Address,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Client {
    /// Starts a client. It returns at once; whether and when it is connected is told by events.
    ///
    /// # Errors
    /// If an option cannot be used, or the system gives no thread.
    pub fn connect(address: Address, options: ClientOptions) -> Result<Client, StartError> {
        let target = Target {
            request: request(&address, options.password.as_deref(), options.token.as_deref())?,
            tls: tls_for(&address, options.root_certificates.as_deref())?,
            address: address.clone(),
        };
        let key = crate::random_key()?;
        let session = match &options.resume {
            None => Session::new(key),
            Some(text) => Session::resume(key, text)?,
        };
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let session = ObservedSession::new(session, options.observer);
        let shared = Arc::new(Shared::new(session, options.bell, Arc::clone(&waker)));
        let worker = Worker::new(Arc::clone(&shared), target, poll, waker);
        let thread = std::thread::Builder::new().name("optiverse-client".to_owned()).spawn(|| worker.run())?;
        Ok(Client { address, shared, thread: Mutex::new(Some(thread)) })
    }

    /// Where it connects to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Makes an edit: the scene shows it at once, and the relay is told.
    ///
    /// # Errors
    /// If the edit is refused or the client is closed; nothing has changed then.
    pub fn edit(&self, edit: &Edit, step: UndoStep) -> Result<(), ClientError> {
        self.change(|session, now| session.edit(edit, step, now))
    }

    /// Adds all items of a scene to the session, as one step.
    ///
    /// # Errors
    /// As for [`Client::edit`], so also if an item of one of these ids is there already.
    pub fn share(&self, scene: &Scene) -> Result<(), ClientError> {
        self.change(|session, now| session.share(scene, now))
    }

    /// Takes back the user's last step, as far as nobody has changed it since. Returns whether there was one.
    ///
    /// # Errors
    /// If the edit is refused, where the step is gone, or the client is closed.
    pub fn undo(&self) -> Result<bool, ClientError> {
        self.change(ObservedSession::undo)
    }

    /// Makes the step again that was undone last, by the same rule. Returns whether there was one.
    ///
    /// # Errors
    /// As for [`Client::undo`].
    pub fn redo(&self) -> Result<bool, ClientError> {
        self.change(ObservedSession::redo)
    }

    /// Tells the others where this user is; of states that follow each other quickly the newest.
    pub fn set_presence(&self, presence: Presence) {
        self.shared.act_and_wake(|state| state.session.set_presence(presence, crate::now_ms()));
    }

    /// Tries to connect at once, where it waits to try again or has stopped because the server refused it.
    ///
    /// # Errors
    /// If the client is closed.
    pub fn retry(&self) -> Result<(), ClientError> {
        self.shared.act_and_wake(|state| {
            if state.is_ending() {
                return Err(ClientError::Closed);
            }
            state.is_given_up = false;
            state.session.start();
            Ok(())
        })
    }

    /// The next event.
    pub fn poll_event(&self) -> Option<Event> {
        self.shared.lock().pop()
    }

    /// The next event; waits for it until the time is up or the client is closed.
    pub fn wait_event(&self, timeout: Duration) -> Option<Event> {
        self.shared.wait(timeout, |state| state.pop())
    }

    /// Waits until the relay has acknowledged every edit and everything that it has was received. Returns whether that is so;
    /// otherwise the time is up, or the client is closed.
    pub fn wait_synchronised(&self, timeout: Duration) -> bool {
        let is_synchronised = |status| (status == Status::Synchronised).then_some(());
        self.shared.wait(timeout, |state| is_synchronised(state.session.session().status())).is_some()
    }

    /// Waits until the relay has decided about every edit, or will not: it has refused this client, or the client is closed.
    /// Returns whether that is so; otherwise the time is up.
    pub fn wait_decided(&self, timeout: Duration) -> bool {
        let is_decided = |state: &mut State| {
            (state.session.session().pending() == 0 || state.is_given_up || state.is_ending()).then_some(())
        };
        self.shared.wait(timeout, is_decided).is_some()
    }

    /// A copy of the scene as the user is to see it.
    pub fn scene(&self) -> Scene {
        self.look(|session| session.scene().clone())
    }

    /// Looks at the session without copying anything. Meanwhile the thread waits; `look` must not call the client.
    pub fn look<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        look(self.shared.lock().session.session())
    }

    /// How things stand with the relay.
    pub fn status(&self) -> Status {
        self.look(Session::status)
    }

    /// What the user may do, as the relay last said.
    pub fn role(&self) -> Option<Role> {
        self.look(Session::role)
    }

    /// The number of edits that the relay has not yet decided about.
    pub fn pending(&self) -> usize {
        self.look(Session::pending)
    }

    /// Who else is in the session, connection by connection: [`Session::users`].
    pub fn users(&self) -> Vec<String> {
        self.look(|session| session.users().to_vec())
    }

    /// Those of the others who have shown where they are, by connection.
    pub fn peers(&self) -> BTreeMap<u64, Peer> {
        self.look(|session| session.peers().clone())
    }

    /// What is confirmed and what is pending, as text for [`ClientOptions::resume`]. It may be asked of a closed client too. The
    /// text is for this user alone: who has it can go on as this client.
    pub fn save(&self) -> String {
        self.look(Session::save)
    }

    /// Whether the client is closed.
    pub fn is_closed(&self) -> bool {
        self.shared.lock().is_ending()
    }

    /// Waits until the relay has decided about every edit, or the time is up; then closes the connection and ends the
    /// thread. Returns the number of edits that are still undecided: only what was saved holds them.
    ///
    /// It does not wait where the server has refused this client. A second call does nothing.
    pub fn close(&self, timeout: Duration) -> usize {
        self.wait_decided(timeout);
        self.end(CLOSE_TIMEOUT);
        self.pending()
    }

    /// Ends the thread and closes the connection at once, as dropping the client does; for one that several threads hold.
    pub fn abandon(&self) {
        self.end(Duration::ZERO);
    }

    fn end(&self, timeout: Duration) {
        self.shared.act_and_wake(|state| {
            state.closing.get_or_insert(Instant::now() + timeout);
        });
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && let Err(panic) = thread.join()
        {
            std::panic::resume_unwind(panic);
        }
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut ObservedSession, u64) -> Result<T, LocalEditError>,
    ) -> Result<T, ClientError> {
        self.shared.act_and_wake(|state| {
            if state.is_ending() {
                return Err(ClientError::Closed);
            }
            Ok(change(&mut state.session, crate::now_ms())?)
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Client")
            .field("address", &self.address)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

fn request(address: &Address, password: Option<&str>, token: Option<&str>) -> Result<Request<()>, StartError> {
    // An address is always a URL that a request can be made of.
    let unusable =
        |error: tungstenite::Error| StartError::Address { address: address.to_string(), problem: error.to_string() };
    let mut request = address.to_string().into_client_request().map_err(unusable)?;
    let mut add = |what, name: &'static str, value: String| {
        let mut value = HeaderValue::try_from(value).map_err(|_| StartError::Secret { what })?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(name), value);
        Ok::<(), StartError>(())
    };
    if let Some(password) = password {
        add("password", "x-session-password", password.to_owned())?;
    }
    if let Some(token) = token {
        add("token", "authorization", format!("Bearer {token}"))?;
    }
    Ok(request)
}

type Tls = (Arc<rustls::ClientConfig>, ServerName<'static>);

fn tls_for(address: &Address, added: Option<&[u8]>) -> Result<Option<Tls>, StartError> {
    if !address.is_secure() {
        return Ok(None);
    }
    let name = ServerName::try_from(address.host().to_owned());
    let name =
        name.map_err(|error| StartError::Address { address: address.to_string(), problem: error.to_string() })?;
    Ok(Some((tls::config(added)?, name)))
}
