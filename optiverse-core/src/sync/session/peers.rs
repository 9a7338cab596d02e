//! Who the others are and where, and telling them where this user is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::scene::MAX_NESTING;
use crate::sync::presence::{PRESENCE_EXPIRY_MS, PRESENCE_INTERVAL_MS, Presence};
use crate::sync::session::{Event, Session};
use crate::sync::wire::FrameError;
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::message::check_user_name;

/// The most others that are shown, and the most that are listed; further ones are left out.
pub const MAX_PEERS: usize = 4_096;

/// One of the others. Two connections of one user are two.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// The name.
    pub user: String,
    /// Where they are.
    pub presence: Presence,
}

#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// The names of the other connections, in the order they came.
    users: Vec<String>,
    peers: BTreeMap<u64, Peer>,
    /// When the others vanish, after the connection was lost.
    vanish_ms: Option<u64>,
    own: Option<Presence>,
    own_sent_ms: u64,
    own_is_due: bool,
}

impl Peers {
    /// The host's clock was set back.
    pub(crate) fn set_back(&mut self, by_ms: u64) {
        self.own_sent_ms = self.own_sent_ms.saturating_sub(by_ms);
        if let Some(vanish_ms) = &mut self.vanish_ms {
            *vanish_ms = vanish_ms.saturating_sub(by_ms);
        }
    }
}

impl Session {
    /// Who else is in the session: the names of the other connections, one for each, in the order they came. Two
    /// connections of one name are two.
    ///
    /// It is empty while there is no connection. The server's greeting fills it, of which the event that tells is
    /// [`Event::Status`] with whatever follows [`Status::CatchingUp`](crate::sync::session::Status::CatchingUp); from
    /// then on it changes with [`Event::UserJoined`] and [`Event::UserLeft`]. Which of two of one name has left is not
    /// known: the one that came first is taken from the list.
    ///
    /// At most [`MAX_PEERS`] are listed, and none whose name is longer than
    /// [`MAX_NAME_BYTES`](crate::sync::limits::MAX_NAME_BYTES).
    pub fn users(&self) -> &[String] {
        &self.peers.users
    }

    /// Those of the others who have shown where they are, by connection.
    pub fn peers(&self) -> &BTreeMap<u64, Peer> {
        &self.peers.peers
    }

    /// Tells the others where this user is; of states that follow each other quickly the newest.
    pub fn set_presence(&mut self, presence: Presence, now_ms: u64) {
        self.note_time(now_ms);
        self.peers.own = Some(presence);
        self.peers.own_is_due = true;
        self.send_presence(now_ms);
    }

    pub(crate) fn presence_deadline(&self) -> Option<u64> {
        let own = (self.peers.own_is_due && self.is_live())
            .then(|| self.peers.own_sent_ms.saturating_add(PRESENCE_INTERVAL_MS));
        [own, self.peers.vanish_ms].into_iter().flatten().min()
    }

    pub(crate) fn presence_timeout(&mut self, now_ms: u64) {
        self.send_presence(now_ms);
        if self.peers.vanish_ms.is_some_and(|vanish| vanish <= now_ms) {
            self.forget_peers();
        }
    }

    pub(crate) fn peers_disconnected(&mut self, now_ms: u64) {
        self.forget_users();
        if !self.peers.peers.is_empty() {
            self.peers.vanish_ms.get_or_insert(now_ms.saturating_add(PRESENCE_EXPIRY_MS));
        }
        self.peers.own_is_due = self.peers.own.is_some();
    }

    /// The server has greeted, and named these.
    pub(crate) fn set_users(&mut self, names: Vec<Cow<'_, str>>) {
        let listed = names.into_iter().filter(|name| is_listed(name)).take(MAX_PEERS);
        self.peers.users = listed.map(Cow::into_owned).collect();
    }

    pub(crate) fn forget_users(&mut self) {
        self.peers.users.clear();
    }

    pub(crate) fn user_joined(&mut self, user: String) {
        if self.peers.users.len() < MAX_PEERS && is_listed(&user) {
            self.peers.users.push(user.clone());
        }
        self.events.push_back(Event::UserJoined { user });
    }

    pub(crate) fn user_left(&mut self, user: String) {
        if let Some(place) = self.peers.users.iter().position(|other| *other == user) {
            self.peers.users.remove(place);
        }
        self.events.push_back(Event::UserLeft { user });
    }

    /// The relay tells of everybody anew.
    pub(crate) fn forget_peers(&mut self) {
        self.peers.vanish_ms = None;
        for (connection, _) in std::mem::take(&mut self.peers.peers) {
            self.events.push_back(Event::Presence { connection, peer: None });
        }
    }

    pub(crate) fn take_peer(&mut self, envelope: &Envelope<'_>) -> Result<(), FrameError> {
        let connection = envelope.required("connection", |scanner| scanner.unsigned())?;
        let peer = if envelope.get("gone").is_some() {
            self.peers.peers.remove(&connection);
            None
        } else {
            let user = envelope.required("user", |scanner| scanner.string())?.into_owned();
            let peer = Peer { user, presence: Presence::read(envelope)? };
            if self.peers.peers.len() >= MAX_PEERS && !self.peers.peers.contains_key(&connection) {
                return Ok(());
            }
            self.peers.peers.insert(connection, peer.clone());
            Some(peer)
        };
        self.events.push_back(Event::Presence { connection, peer });
        Ok(())
    }

    fn send_presence(&mut self, now_ms: u64) {
        let is_time = now_ms >= self.peers.own_sent_ms.saturating_add(PRESENCE_INTERVAL_MS);
        if !self.peers.own_is_due || !is_time || !self.is_live() {
            return;
        }
        let Some(presence) = &self.peers.own else { return };
        let mut frame = String::from("{\"type\":\"sync:presence\"");
        presence.write_members(&mut frame);
        frame.push('}');
        self.transmits.push_back(frame);
        self.peers.own_sent_ms = now_ms;
        self.peers.own_is_due = false;
    }
}

/// Relays let nobody in with a longer name; other servers may.
fn is_listed(name: &str) -> bool {
    check_user_name(name).is_ok()
}

/// Whom a greeting names, without the connection that it greets.
pub(crate) fn read_users<'t>(greeting: &Envelope<'t>) -> Result<Vec<Cow<'t, str>>, FrameError> {
    let own = greeting.optional("user_id", |scanner| scanner.string())?;
    let mut users = Vec::new();
    greeting.optional("users", |scanner| {
        scanner.list(|scanner| {
            let mut name = None;
            scanner.object(|scanner, key| {
                if key == "user_id" {
                    name = Some(scanner.string()?);
                    return Ok(());
                }
                scanner.value(MAX_NESTING).map(|_| ())
            })?;
            users.push(name.ok_or(FrameError::Missing { place: "an entry of `users`", key: "user_id" })?);
            Ok(())
        })
    })?;
    // Whoever is greeted came last.
    if let Some(place) = users.iter().rposition(|user| Some(user) == own.as_ref()) {
        users.remove(place);
    }
    Ok(users)
}
