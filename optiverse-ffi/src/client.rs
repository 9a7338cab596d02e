//! Clients: sessions with a thread and a socket of their own.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use optiverse_client::{Address, ClientError, Event as ClientEvent, StartError};

use crate::border;
use crate::edit::Edit;
use crate::event::{DisconnectedEvent, Event, EventBody, EventKind, Presence, PresenceEvent, Told};
use crate::handle::{self, lock, object};
use crate::result::{Failure, ResultCode};
use crate::scene::Scene;
use crate::session::{SessionInfo, UndoStep, read_presence};
use crate::text::Text;
use crate::users::Users;

/// A session that connects, sends, receives and tries again by itself, on a thread of its own.
///
/// An edit shows in the scene at once, connected or not. `optiverse_client_wait_event` tells what others do and how the
/// connection stands. A client that has nothing to do uses no processor time.
pub struct Client {
    client: optiverse_client::Client,
    bell: Arc<Bell>,
    // What the last event showed.
    told: Mutex<Told>,
}

object!(Client, "optiverse_client", 11);

/// Those of the others in a session who have shown where they are, as they were when the list was made.
pub struct Peers {
    // Keeps alive what the views point to.
    _told: Told,
    views: Vec<PresenceEvent>,
}

object!(Peers, "optiverse_peers", 12);

// SAFETY: its pointers lead into memory that it owns itself, and that is read in C alone.
unsafe impl Send for Peers {}
// SAFETY: nothing in it is changed after it was made.
unsafe impl Sync for Peers {}

/// Is called after events have come, on the client's thread or on one that is calling it: to wake the program's own loop, by
/// writing into a pipe, say. It must not wait, nor leave by `longjmp` or an exception; functions of clients that it calls
/// are refused.
pub type WakeCallback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What a client is started with. Fill it by `optiverse_client_options_init`, then set what is needed; null is none. Texts end
/// with a NUL and are read during the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// The size of this structure; tells one that was not initialised.
    pub size: usize,
    /// The user's name, if the address does not end in it.
    pub user: *const c_char,
    /// The session's password.
    pub password: *const c_char,
    /// The owner's token or an invitation.
    pub token: *const c_char,
    /// Certificates, in PEM, of further authorities to trust with `wss://`; those of the machine are trusted anyway.
    pub root_certificates: *const c_char,
    /// What `optiverse_client_save` or `optiverse_session_save` wrote: the session goes on from there. One text must not be
    /// resumed by two.
    pub saved: *const c_char,
    /// Is called after events have come.
    pub on_events: WakeCallback,
    /// Handed to `on_events`; must be there until the client is freed.
    pub user_data: *mut c_void,
}

/// What wakes the host. It falls silent when the client is freed: `user_data` may be gone then.
struct Bell {
    host: RwLock<Option<Host>>,
}

struct Host {
    wake: unsafe extern "C" fn(user_data: *mut c_void),
    user_data: *mut c_void,
}

// SAFETY: the pointer is handed back and never followed; the header says that the callback is called on any thread.
unsafe impl Send for Host {}
// SAFETY: as for `Send`.
unsafe impl Sync for Host {}

thread_local! {
    /// Whether this thread is in a callback.
    static IS_RINGING: Cell<bool> = const { Cell::new(false) };
}

impl Bell {
    fn ring(&self) {
        // What is guarded is replaced whole, so a panic leaves nothing half done.
        let host = self.host.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Host { wake, user_data }) = &*host {
            IS_RINGING.set(true);
            // SAFETY: the caller of `optiverse_client_connect` gave a function that may be called with this until the client
            // is freed, which waits for this lock.
            unsafe { wake(*user_data) };
            IS_RINGING.set(false);
        }
    }

    fn silence(&self) {
        *self.host.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match error {
            ClientError::Edit(error) => error.into(),
            // The client adds variants with new codes only.
            other => Failure::new(ResultCode::Closed, other.to_string()),
        }
    }
}

impl Failure {
    fn start(error: StartError, url: &str) -> Failure {
        let message = error.to_string();
        match error {
            // The value is a secret.
            StartError::Secret { what } => Failure::new(ResultCode::InvalidOption, message).at_key(what),
            StartError::RootCertificates { .. } => {
                Failure::new(ResultCode::InvalidOption, message).at_key("root_certificates")
            }
            StartError::Resume(_) => Failure::new(ResultCode::SavedWork, message),
            StartError::Address { .. } => Failure::new(ResultCode::Address, message).about("url", url),
            // What the system has not: threads, something to wait with, random numbers.
            other => Failure::new(ResultCode::NoThread, other.to_string()),
        }
    }
}

/// The client behind a handle.
fn get(client: *const Client) -> Result<Arc<Client>, Failure> {
    refuse_while_ringing()?;
    handle::get(client, "client")
}

/// A callback that called a client could wait for itself.
fn refuse_while_ringing() -> Result<(), Failure> {
    if IS_RINGING.get() {
        return Err(Failure::argument("client", "called from `on_events`", "a call after the callback has returned"));
    }
    Ok(())
}

/// The options that C gives, or the defaults for a null pointer, and the user's name.
///
/// # Safety
/// As for [`border::read_sized`] and [`border::c_text`].
unsafe fn read_options(
    options: *const ClientOptions,
) -> Result<(optiverse_client::ClientOptions, Option<String>, Option<Host>), Failure> {
    if options.is_null() {
        return Ok((optiverse_client::ClientOptions::default(), None, None));
    }
    let given = border::read_sized(options, "options", "optiverse_client_options_init")?;
    let text = |text: *const c_char, option| {
        if text.is_null() { Ok(None) } else { border::c_text(text, option).map(|text| Some(text.to_owned())) }
    };
    let options = optiverse_client::ClientOptions {
        password: text(given.password, "password")?,
        token: text(given.token, "token")?,
        root_certificates: text(given.root_certificates, "root_certificates")?.map(String::into_bytes),
        resume: text(given.saved, "saved")?,
        ..Default::default()
    };
    let host = given.on_events.map(|wake| Host { wake, user_data: given.user_data });
    Ok((options, text(given.user, "user")?, host))
}

/// Fills in the defaults: no user, no secret, nothing saved, no callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_options_init(options: *mut ClientOptions) -> ResultCode {
    border::call(|| {
        let options = border::output(options, "options")?;
        let none = std::ptr::null();
        let defaults = ClientOptions {
            size: size_of::<ClientOptions>(),
            user: none,
            password: none,
            token: none,
            root_certificates: none,
            saved: none,
            on_events: None,
            user_data: std::ptr::null_mut(),
        };
        border::write(options, defaults);
        Ok(())
    })
}

/// Starts a client. It returns at once; events tell whether and when it is connected.
///
/// `url` is `ws://HOST:PORT/ws/SESSION/USER`, or `wss://` for TLS; without a port it is 80, or 443. With `user` in the options
/// it ends in SESSION. Names are percent-encoded in it, and have 1 to 256 bytes without control characters. `options` may
/// be null for the defaults. Connecting is tried for ever, after 0.5 s to 30 s, except where the server refuses the client.
///
/// Codes: `ADDRESS`, `INVALID_OPTION`, `SAVED_WORK`, `NO_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_connect(
    url: *const c_char,
    options: *const ClientOptions,
    client: *mut *mut Client,
) -> ResultCode {
    border::call(|| {
        let out = border::output(client, "client")?;
        refuse_while_ringing()?;
        let url = border::c_text(url, "url")?;
        let (mut options, user, host) = read_options(options)?;
        let address = match &user {
            None => Address::parse(url),
            Some(user) => Address::of_user(url, user),
        };
        let refused = |error: optiverse_client::AddressError| {
            Failure::new(ResultCode::Address, error.to_string()).about("url", url)
        };
        let address = address.map_err(refused)?;
        let reserved = handle::reserve()?;
        let bell = Arc::new(Bell { host: RwLock::new(host) });
        let ringing = Arc::clone(&bell);
        options.bell = Some(Arc::new(move || ringing.ring()));
        let client = optiverse_client::Client::connect(address, options);
        let client = client.map_err(|error| Failure::start(error, url))?;
        border::write(out, reserved.fill(Client { client, bell, told: Mutex::default() }));
        Ok(())
    })
}

/// Frees a client; ends its thread, and closes its connection without waiting for the server. Edits that are undecided and
/// were not saved are lost: `optiverse_client_close` waits for them. Afterwards the callback is not called any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_free(client: *mut Client) -> ResultCode {
    border::call(|| {
        refuse_while_ringing()?;
        let Some(client) = handle::take(client, "client")? else { return Ok(()) };
        client.bell.silence();
        // Whoever waits with it on another thread stops waiting.
        client.client.abandon();
        Ok(())
    })
}

/// Waits until the relay has decided about every edit, or the time is up; then closes the connection, for which the server
/// has a second more, and ends the thread. `undecided` gets the number of edits that only `optiverse_client_save` still
/// holds. It does not wait where the server has refused the client. A second call does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_close(
    client: *mut Client,
    timeout_ms: u64,
    undecided: *mut usize,
) -> ResultCode {
    border::call(|| {
        let out = border::output(undecided, "undecided")?;
        border::write(out, get(client)?.client.close(Duration::from_millis(timeout_ms)));
        Ok(())
    })
}

/// Gives the next event, and waits for it until the time is up or the client is closed; with 0 it does not wait, with
/// `UINT64_MAX` the time is never up. Without an event its kind is `OPTIVERSE_EVENT_KIND_NONE`. What it points to is good until
/// the next call of this function with this client. Of events that nobody takes, the newest 65,536 are kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_wait_event(
    client: *mut Client,
    timeout_ms: u64,
    event: *mut Event,
) -> ResultCode {
    border::call(|| {
        let out = border::output(event, "event")?;
        let client = get(client)?;
        // The event before must not be looked at any more.
        *lock(&client.told)? = Told::default();
        let event = client.client.wait_event(Duration::from_millis(timeout_ms));
        let mut told = lock(&client.told)?;
        let event = event.map_or(Event::NONE, |event| tell(&mut told, event));
        border::write(out, event);
        Ok(())
    })
}

fn tell(told: &mut Told, event: ClientEvent) -> Event {
    match event {
        ClientEvent::Session(event) => told.tell(event),
        ClientEvent::Disconnected { code, message, retries } => {
            let message = told.view(&message);
            let disconnected =
                DisconnectedEvent { message, code: code.map_or(0, u32::from), is_final: u8::from(!retries) };
            Event::new(EventKind::Disconnected, EventBody { disconnected })
        }
        ClientEvent::Missed { count } => Event::new(EventKind::Missed, EventBody { missed: count }),
        other => Event::new(EventKind::Other, told.text(&format!("{other:?}"))),
    }
}

/// Waits until the relay has acknowledged every edit and everything that it has was received: `is_synchronised` gets 1, or 0
/// if the time is up or the client is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_wait_synchronised(
    client: *const Client,
    timeout_ms: u64,
    is_synchronised: *mut u8,
) -> ResultCode {
    border::call(|| {
        let out = border::output(is_synchronised, "is_synchronised")?;
        let is_so = get(client)?.client.wait_synchronised(Duration::from_millis(timeout_ms));
        border::write(out, u8::from(is_so));
        Ok(())
    })
}

/// Tries to connect at once, where the client waits to try again or has stopped because the server refused it.
///
/// Codes: `CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_retry(client: *mut Client) -> ResultCode {
    border::call(|| Ok(get(client)?.client.retry()?))
}

/// Tells how things stand.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_state(client: *const Client, state: *mut SessionInfo) -> ResultCode {
    border::call(|| {
        let out = border::output(state, "state")?;
        border::write(out, get(client)?.client.look(SessionInfo::of));
        Ok(())
    })
}

/// Gives a copy of the scene as the user sees it: what is confirmed, and undecided edits on top of it. The scene is the
/// caller's to free, and does not follow the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_scene(client: *const Client, scene: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        border::give(out, Scene::new(get(client)?.client.scene(), &[]))
    })
}

/// Gives what is confirmed and what is undecided as text, of a closed client too. The text is the caller's to free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_save(client: *const Client, text: *mut *mut Text) -> ResultCode {
    border::call(|| {
        let out = border::output(text, "text")?;
        border::give(out, Text::from(get(client)?.client.save()))
    })
}

/// Makes an edit: the scene shows it at once, and the relay is told. `step` is an `optiverse_undo_step`.
///
/// Codes: those of `optiverse_session_edit`, `CLOSED`. Nothing has changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_edit(client: *mut Client, edit: *const Edit, step: u32) -> ResultCode {
    border::call(|| {
        let step = UndoStep::read(step)?;
        let client = get(client)?;
        handle::get(edit, "edit")?.with(|edit| Ok(client.client.edit(edit, step)?))
    })
}

/// Adds all items of a scene to the session, as one step.
///
/// Codes: as for `optiverse_client_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_share(client: *mut Client, scene: *const Scene) -> ResultCode {
    border::call(|| {
        let client = get(client)?;
        handle::get(scene, "scene")?.with(|scene| Ok(client.client.share(scene)?))
    })
}

/// Takes the user's last step back, as far as nobody else has written there since. `is_done` gets 1, or 0 if there is no
/// step.
///
/// Codes: as for `optiverse_client_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_undo(client: *mut Client, is_done: *mut u8) -> ResultCode {
    border::call(|| {
        let out = border::output(is_done, "is_done")?;
        border::write(out, u8::from(get(client)?.client.undo()?));
        Ok(())
    })
}

/// Makes the step again that was undone last. `is_done` gets 1, or 0 if there is none.
///
/// Codes: as for `optiverse_client_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_redo(client: *mut Client, is_done: *mut u8) -> ResultCode {
    border::call(|| {
        let out = border::output(is_done, "is_done")?;
        border::write(out, u8::from(get(client)?.client.redo()?));
        Ok(())
    })
}

/// Tells the others where this user is; of states that follow each other quickly they get the newest.
///
/// Codes: those of `optiverse_session_set_presence`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_set_presence(client: *mut Client, presence: *const Presence) -> ResultCode {
    border::call(|| {
        let presence = read_presence(presence)?;
        get(client)?.client.set_presence(presence);
        Ok(())
    })
}

/// Lists who else is in the session, as `optiverse_session_users` does. The list is the caller's to free, and does not follow
/// the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_users(client: *const Client, users: *mut *mut Users) -> ResultCode {
    border::call(|| {
        let out = border::output(users, "users")?;
        border::give(out, Users::of(&get(client)?.client.users()))
    })
}

/// Lists those of the others who have shown where they are, by connection. The list is the caller's to free, and does not follow the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_client_peers(client: *const Client, peers: *mut *mut Peers) -> ResultCode {
    border::call(|| {
        let out = border::output(peers, "peers")?;
        let mut told = Told::default();
        let views = get(client)?.client.peers().into_iter();
        let views = views.map(|(connection, peer)| told.presence(connection, Some(peer))).collect();
        border::give(out, Peers { _told: told, views })
    })
}

/// Looks at a list of others: `first` gets the address of the first of `count`. They are good until the list is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_peers_view(
    peers: *const Peers,
    first: *mut *const PresenceEvent,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, peers, "peers", |peers| &peers.views)
}

/// Frees a list of others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_peers_free(peers: *mut Peers) -> ResultCode {
    border::call(|| handle::free(peers, "peers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_were_dropped_are_told_with_their_number() {
        let told = tell(&mut Told::default(), ClientEvent::Missed { count: 7 });
        assert_eq!(told.kind, EventKind::Missed as u32);
        // SAFETY: the member of this kind.
        assert_eq!(unsafe { told.body.missed }, 7);
    }
}
