//! What a session or a client tells its host, as a tagged structure.

use optiverse_core::sync::RefusalReason;
use optiverse_core::sync::session::{self, Peer, SceneChange};

use crate::edit::Edit;
use crate::text::{Str, Text};

/// How things stand between a user's copy and the relay's.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Status {
    /// Waiting to try again, or stopped.
    Offline = 0,
    /// A connection was asked for.
    Connecting = 1,
    /// Connected, and receiving what was missed.
    CatchingUp = 2,
    /// Connected; some edits are not yet acknowledged.
    Sending = 3,
    /// Connected to a server that only forwards, and not all others have said that they have the same.
    Unconfirmed = 4,
    /// The view is what the relay has, up to what is still under way from it.
    Synchronised = 5,
}

/// What a user may do in a session.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// No relay has said so yet.
    Unknown = 0,
    /// Everything.
    Owner = 1,
    /// Edit.
    Editor = 2,
    /// Look, and show where one is.
    Viewer = 3,
}

/// Why a relay refused an edit.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Refusal {
    /// Something that this version does not know.
    Other = 0,
    /// The user may look, but not edit.
    Role = 1,
    /// The item is not there; somebody removed it.
    Removed = 2,
    /// There is an item of this id already.
    Exists = 3,
    /// The id of an item cannot be changed.
    Id = 4,
    /// The item would be too large.
    ItemSize = 5,
    /// The document would be too large.
    DocumentFull = 6,
    /// Later edits of the same user had been decided.
    Late = 7,
}

/// What an event is about.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum EventKind {
    /// There is nothing more to tell.
    None = 0,
    /// Of a session: open a connection, then call `optiverse_session_handle_connected`, or `_handle_disconnected` if that
    /// fails. `attempt`.
    Connect = 1,
    /// Of a session: close the connection, then call `optiverse_session_handle_disconnected`. `text`: why.
    Disconnect = 2,
    /// The status has changed. `status`.
    Status = 3,
    /// What the user may do is not what was known before. `role`.
    Role = 4,
    /// The scene has changed, not by the host itself. `changed`; of a session, `optiverse_session_changed_edit` gives it as an
    /// edit.
    Changed = 5,
    /// The relay refused an edit; it is undone in the scene. `refused`.
    Refused = 6,
    /// Somebody joined. `text`: the name, which several connections may have.
    UserJoined = 7,
    /// Somebody left. `text`: the name, which other connections may still have.
    UserLeft = 8,
    /// Somebody has moved, has come, or is gone. `presence`.
    Presence = 9,
    /// The server only forwards messages: it neither keeps nor confirms edits, and passes on no presence. Said once.
    ForwardOnly = 10,
    /// The server is of another kind than the one on which the session began; the session has stopped.
    ServerChanged = 11,
    /// Another client's clock is more than a minute ahead. `ahead_ms`.
    ClockSkew = 12,
    /// Somebody edits by messages without stamps, so that clients may come to differ. `text`: the name.
    LegacyWriter = 13,
    /// A frame could not be read and was ignored. `text`: why.
    FrameIgnored = 14,
    /// The relay could not read a frame of ours and ignored it. `text`: in its words.
    RelayComplained = 15,
    /// Something that this version of the interface has no structure for. `text`: for a log.
    Other = 16,
    /// Of a client: a connection was not made, or has ended. `disconnected`.
    Disconnected = 17,
    /// Of a client: events that nobody took were dropped; look at scene, state and peers anew. `missed`: how many.
    Missed = 18,
}

/// A status, in an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StatusEvent {
    /// An `optiverse_status`.
    pub status: u32,
    /// While connecting: which attempt since the last success, counted from 1; otherwise 0.
    pub attempt: u32,
}

/// An item that changed, in an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ItemChange {
    /// Its id.
    pub item: Str,
    /// The first of the keys of its properties that did.
    pub keys: *const Str,
    /// Their number.
    pub key_count: usize,
}

/// A change of the scene, in an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ChangedEvent {
    /// The first id of the items that are new.
    pub added: *const Str,
    /// Their number.
    pub added_count: usize,
    /// The first of the items that changed.
    pub changed: *const ItemChange,
    /// Their number.
    pub changed_count: usize,
    /// The first id of the items that are gone.
    pub removed: *const Str,
    /// Their number.
    pub removed_count: usize,
}

/// An edit that was refused, in an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RefusedEvent {
    /// The item that was edited.
    pub item: Str,
    /// Why, as a sentence.
    pub message: Str,
    /// Why: an `optiverse_refusal`.
    pub reason: u32,
}

/// Where a user is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    /// 1 if there is a cursor; 0 if not, and `x_mm` and `y_mm` mean nothing.
    pub has_cursor: u8,
    /// The cursor in the scene, in mm.
    pub x_mm: f64,
    /// The cursor in the scene, in mm, up.
    pub y_mm: f64,
    /// The first id of what is selected; may be null if there is none.
    pub selection: *const Str,
    /// Their number, at most 1,000.
    pub selection_count: usize,
    /// The colour in which others are to see the user, such as "#1e90ff"; empty for none.
    pub color: Str,
}

/// Where another user is.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PresenceEvent {
    /// Which connection; two of one user are two.
    pub connection: u64,
    /// 1 if the connection is gone, and the rest means nothing; otherwise 0.
    pub is_gone: u8,
    /// The name.
    pub user: Str,
    /// Where.
    pub presence: Presence,
}

/// A connection that was not made, or has ended, in an event.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DisconnectedEvent {
    /// Why, as a sentence with the address.
    pub message: Str,
    /// The code with which the server closed it; 0 if it did not.
    pub code: u32,
    /// 1 if the server refuses this client, so that there is no other attempt before `optiverse_client_retry`; 0 if the
    /// client tries again by itself.
    pub is_final: u8,
}

/// What belongs to an event, by its kind.
#[repr(C)]
#[derive(Clone, Copy)]
pub union EventBody {
    /// `CONNECT`: which attempt since the last success, counted from 1.
    pub attempt: u32,
    /// `DISCONNECT`, `USER_JOINED`, `USER_LEFT`, `LEGACY_WRITER`, `FRAME_IGNORED`, `RELAY_COMPLAINED`, `OTHER`.
    pub text: Str,
    /// `STATUS`.
    pub status: StatusEvent,
    /// `ROLE`: an `optiverse_role`.
    pub role: u32,
    /// `CHANGED`.
    pub changed: ChangedEvent,
    /// `REFUSED`.
    pub refused: RefusedEvent,
    /// `PRESENCE`.
    pub presence: PresenceEvent,
    /// `CLOCK_SKEW`: in milliseconds.
    pub ahead_ms: u64,
    /// `DISCONNECTED`.
    pub disconnected: DisconnectedEvent,
    /// `MISSED`: how many.
    pub missed: u64,
}

/// What a session or a client tells its host.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    /// What it is about: an `optiverse_event_kind`. It says which member of `body` there is; if none is named, none is.
    pub kind: u32,
    /// What belongs to it.
    pub body: EventBody,
}

impl Event {
    pub(crate) const NONE: Event = Event::new(EventKind::None, EventBody { text: Str::EMPTY });

    pub(crate) const fn new(kind: EventKind, body: EventBody) -> Event {
        Event { kind: kind as u32, body }
    }
}

impl From<session::Status> for StatusEvent {
    fn from(status: session::Status) -> StatusEvent {
        let (status, attempt) = match status {
            session::Status::Offline => (Status::Offline, 0),
            session::Status::Connecting { attempt } => (Status::Connecting, attempt),
            session::Status::CatchingUp => (Status::CatchingUp, 0),
            session::Status::Sending => (Status::Sending, 0),
            session::Status::Unconfirmed => (Status::Unconfirmed, 0),
            session::Status::Synchronised => (Status::Synchronised, 0),
        };
        StatusEvent { status: status as u32, attempt }
    }
}

impl From<Option<optiverse_core::sync::Role>> for Role {
    fn from(role: Option<optiverse_core::sync::Role>) -> Role {
        use optiverse_core::sync::Role as Core;
        match role {
            None => Role::Unknown,
            Some(Core::Owner) => Role::Owner,
            Some(Core::Editor) => Role::Editor,
            Some(Core::Viewer) => Role::Viewer,
        }
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Refusal {
        match reason {
            RefusalReason::Role => Refusal::Role,
            RefusalReason::Removed => Refusal::Removed,
            RefusalReason::Exists => Refusal::Exists,
            RefusalReason::Id => Refusal::Id,
            RefusalReason::ItemSize => Refusal::ItemSize,
            RefusalReason::DocumentFull => Refusal::DocumentFull,
            RefusalReason::Late => Refusal::Late,
            _ => Refusal::Other,
        }
    }
}

/// The event that the host was told last, with everything it points to.
#[derive(Default)]
pub(crate) struct Told {
    texts: Vec<Text>,
    lists: Vec<Box<[Str]>>,
    changes: Box<[ItemChange]>,
    edit: Option<optiverse_core::scene::Edit>,
}

// SAFETY: its pointers lead into memory that it owns itself, and that is read in C alone.
unsafe impl Send for Told {}

impl Told {
    /// The event as C sees it; what it points to stays until this is dropped.
    pub(crate) fn tell(&mut self, event: session::Event) -> Event {
        use EventKind as Kind;
        use session::Event as Core;
        match event {
            Core::Connect { attempt } => Event::new(Kind::Connect, EventBody { attempt }),
            Core::Disconnect { reason } => Event::new(Kind::Disconnect, self.text(reason)),
            Core::Status(status) => Event::new(Kind::Status, EventBody { status: status.into() }),
            Core::Role(role) => Event::new(Kind::Role, EventBody { role: Role::from(Some(role)) as u32 }),
            Core::Changed(change) => Event::new(Kind::Changed, EventBody { changed: self.changed(change) }),
            Core::Refused { item, reason } => {
                let (item, message) = (self.view(item.as_str()), self.view(reason.message()));
                let refused = RefusedEvent { item, message, reason: Refusal::from(reason) as u32 };
                Event::new(Kind::Refused, EventBody { refused })
            }
            Core::UserJoined { user } => Event::new(Kind::UserJoined, self.text(&user)),
            Core::UserLeft { user } => Event::new(Kind::UserLeft, self.text(&user)),
            Core::Presence { connection, peer } => {
                Event::new(Kind::Presence, EventBody { presence: self.presence(connection, peer) })
            }
            Core::ForwardOnly => Event::new(Kind::ForwardOnly, EventBody { text: Str::EMPTY }),
            Core::ServerChanged => Event::new(Kind::ServerChanged, EventBody { text: Str::EMPTY }),
            Core::ClockSkew { ahead_ms } => Event::new(Kind::ClockSkew, EventBody { ahead_ms }),
            Core::LegacyWriter { user } => Event::new(Kind::LegacyWriter, self.text(&user)),
            Core::FrameIgnored(error) => Event::new(Kind::FrameIgnored, self.text(&error.to_string())),
            Core::RelayComplained { message } => Event::new(Kind::RelayComplained, self.text(&message)),
            other => Event::new(Kind::Other, self.text(&format!("{other:?}"))),
        }
    }

    /// The change that was told, as an edit.
    pub(crate) fn edit(&self) -> Option<Edit> {
        self.edit.clone().map(Edit::from)
    }

    pub(crate) fn view(&mut self, text: &str) -> Str {
        let text = Text::from(text);
        let view = text.view();
        self.texts.push(text);
        view
    }

    pub(crate) fn text(&mut self, text: &str) -> EventBody {
        EventBody { text: self.view(text) }
    }

    fn list<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> (*const Str, usize) {
        let views: Box<[Str]> = texts.into_iter().map(|text| self.view(text)).collect();
        let list = (views.as_ptr(), views.len());
        self.lists.push(views);
        list
    }

    fn changed(&mut self, change: SceneChange) -> ChangedEvent {
        let (added, added_count) = self.list(change.added.iter().map(|id| id.as_str()));
        let (removed, removed_count) = self.list(change.removed.iter().map(|id| id.as_str()));
        let mut changes = Vec::with_capacity(change.changed.len());
        for (item, keys) in &change.changed {
            let (keys, key_count) = self.list(keys.iter().map(String::as_str));
            changes.push(ItemChange { item: self.view(item), keys, key_count });
        }
        self.changes = changes.into_boxed_slice();
        self.edit = Some(change.edit);
        let (changed, changed_count) = (self.changes.as_ptr(), self.changes.len());
        ChangedEvent { added, added_count, changed, changed_count, removed, removed_count }
    }

    pub(crate) fn presence(&mut self, connection: u64, peer: Option<Peer>) -> PresenceEvent {
        let is_gone = u8::from(peer.is_none());
        let Peer { user, presence } = peer.unwrap_or(Peer { user: String::new(), presence: Default::default() });
        let (selection, selection_count) = self.list(presence.selection.iter().map(|id| id.as_str()));
        let (x_mm, y_mm) = presence.cursor_mm.unwrap_or_default();
        let presence = Presence {
            has_cursor: u8::from(presence.cursor_mm.is_some()),
            x_mm,
            y_mm,
            selection,
            selection_count,
            color: self.view(presence.color.as_deref().unwrap_or_default()),
        };
        PresenceEvent { connection, is_gone, user: self.view(&user), presence }
    }
}
