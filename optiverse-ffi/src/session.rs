//! A client's side of a shared session: a state machine without sockets, threads or clock.

use std::ffi::c_char;
use std::sync::Mutex;

use optiverse_core::scene::ItemId;
use optiverse_core::sync::{self, MAX_SELECTION};

use crate::border;
use crate::edit::Edit;
use crate::event::{Event, Presence, Role, StatusEvent, Told};
use crate::handle::{self, lock, object};
use crate::result::{Failure, ResultCode};
use crate::scene::Scene;
use crate::text::Text;
use crate::users::Users;

/// A user's copy of a session.
///
/// Tell it what happens by the functions that take the time, `now_ms`: milliseconds since the Unix epoch. After each of
/// them poll until there is nothing more: `optiverse_session_poll_event` for what to show or do,
/// `optiverse_session_poll_transmit` for frames to send; then `optiverse_session_poll_timeout` for when to call
/// `optiverse_session_handle_timeout`.
pub struct Session {
    state: Mutex<State>,
}

struct State {
    session: sync::Session,
    // What the last polls showed.
    told: Told,
    frame: String,
}

object!(Session, "optiverse_session", 8);

/// The secret from which the library makes the id by which others know a session's copy of the document: nobody can speak to
/// a relay as that copy without it. Fill it from the system's source of randomness, such as `getrandom`, anew for each
/// session, and keep it to yourself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ReplicaKey {
    /// Random bytes.
    pub bytes: [u8; 16],
}

/// Where an edit belongs in the user's history.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum UndoStep {
    /// It begins a step of its own.
    New = 0,
    /// It continues the step before, as the moves of one drag do.
    Continue = 1,
}

/// Bytes that belong to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The first byte; null if there is nothing.
    pub data: *const u8,
    /// Their number.
    pub length: usize,
}

/// How things stand in a session, or with a client.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SessionInfo {
    /// Between this copy and the relay's: an `optiverse_status`.
    pub status: u32,
    /// While connecting: which attempt since the last success, counted from 1; otherwise 0.
    pub attempt: u32,
    /// What the user may do, as the relay last said: an `optiverse_role`.
    pub role: u32,
    /// 1 if there is a step to undo; otherwise 0.
    pub can_undo: u8,
    /// 1 if there is a step to redo; otherwise 0.
    pub can_redo: u8,
    /// The number of edits that the relay has not yet decided about.
    pub pending: usize,
}

impl SessionInfo {
    pub(crate) fn of(session: &sync::Session) -> SessionInfo {
        let StatusEvent { status, attempt } = session.status().into();
        SessionInfo {
            status,
            attempt,
            role: Role::from(session.role()) as u32,
            can_undo: u8::from(session.can_undo()),
            can_redo: u8::from(session.can_redo()),
            pending: session.pending(),
        }
    }
}

impl UndoStep {
    /// The step of this number.
    pub(crate) fn read(step: u32) -> Result<sync::session::UndoStep, Failure> {
        match step {
            0 => Ok(sync::session::UndoStep::New),
            1 => Ok(sync::session::UndoStep::Continue),
            other => {
                let expected = "OPTIVERSE_UNDO_STEP_NEW or OPTIVERSE_UNDO_STEP_CONTINUE";
                Err(Failure::argument("step", other.to_string(), expected))
            }
        }
    }
}

impl Session {
    fn new(session: sync::Session) -> Session {
        Session { state: Mutex::new(State { session, told: Told::default(), frame: String::new() }) }
    }
}

/// Calls the state machine behind a handle.
fn with<T>(session: *const Session, call: impl FnOnce(&mut State) -> Result<T, Failure>) -> Result<T, Failure> {
    call(&mut *lock(&handle::get(session, "session")?.state)?)
}

/// The key that C gives.
///
/// # Safety
/// As for [`border::read`].
unsafe fn read_key(key: *const ReplicaKey) -> Result<sync::ReplicaKey, Failure> {
    let ReplicaKey { bytes } = border::read(key, "key")?;
    if bytes.iter().all(|&byte| byte == 0) {
        // Random bytes are that once in 2¹²⁸ times; memory that nobody has filled is it often.
        return Err(Failure::argument("key", "all zero", "16 random bytes"));
    }
    Ok(sync::ReplicaKey::new(bytes))
}

/// Makes a session without items, not connected; the first event asks for a connection.
///
/// `key` is all the randomness that the session needs.
///
/// Codes: `INVALID_ARGUMENT` (the key is all zero).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_new(key: *const ReplicaKey, session: *mut *mut Session) -> ResultCode {
    border::call(|| {
        let out = border::output(session, "session")?;
        let key = read_key(key)?;
        border::give(out, Session::new(sync::Session::new(key)))
    })
}

/// Goes on from what `optiverse_session_save` wrote, in a new process. One text must not be resumed by two. `key` is a new
/// one; where edits are pending, the session goes on with the key under which they were made, which the text holds.
///
/// Codes: `SAVED_WORK`, `INVALID_ARGUMENT` (the key is all zero).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_resume(
    key: *const ReplicaKey,
    text: *const c_char,
    length: usize,
    session: *mut *mut Session,
) -> ResultCode {
    border::call(|| {
        let out = border::output(session, "session")?;
        let key = read_key(key)?;
        let text = border::text(text, length, "text")?;
        let refused = |error: sync::FrameError| Failure::new(ResultCode::SavedWork, error.to_string());
        let resumed = sync::Session::resume(key, text).map_err(refused)?;
        border::give(out, Session::new(resumed))
    })
}

/// Gives what is confirmed and what is pending as text. The text is the caller's to free, and for this user alone: who has it
/// can go on as this session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_save(session: *const Session, text: *mut *mut Text) -> ResultCode {
    border::call(|| {
        let out = border::output(text, "text")?;
        let saved = with(session, |state| Ok(state.session.save()))?;
        border::give(out, Text::from(saved))
    })
}

/// Frees a session. Edits that are pending and were not saved are lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_free(session: *mut Session) -> ResultCode {
    border::call(|| handle::free(session, "session"))
}

/// The connection that was asked for is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_handle_connected(session: *mut Session, now_ms: u64) -> ResultCode {
    border::call(|| {
        with(session, |state| {
            state.session.handle_connected(now_ms);
            Ok(())
        })
    })
}

/// The connection has ended, or could not be opened. Another attempt follows by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_handle_disconnected(session: *mut Session, now_ms: u64) -> ResultCode {
    border::call(|| {
        with(session, |state| {
            state.session.handle_disconnected(now_ms);
            Ok(())
        })
    })
}

/// A text frame has arrived, whole. One that cannot be read changes nothing, and an event says so: it is no error here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_handle_frame(
    session: *mut Session,
    frame: *const u8,
    length: usize,
    now_ms: u64,
) -> ResultCode {
    border::call(|| {
        let frame = border::bytes(frame, length, "frame")?;
        with(session, |state| {
            state.session.handle_frame(frame, now_ms);
            Ok(())
        })
    })
}

/// The time that `optiverse_session_poll_timeout` asked for has come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_handle_timeout(session: *mut Session, now_ms: u64) -> ResultCode {
    border::call(|| {
        with(session, |state| {
            state.session.handle_timeout(now_ms);
            Ok(())
        })
    })
}

/// Tries to connect, at once, after `optiverse_session_stop` or while waiting to try again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_start(session: *mut Session) -> ResultCode {
    border::call(|| {
        with(session, |state| {
            state.session.start();
            Ok(())
        })
    })
}

/// Tries no more until `optiverse_session_start`; edits are kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_stop(session: *mut Session) -> ResultCode {
    border::call(|| {
        with(session, |state| {
            state.session.stop();
            Ok(())
        })
    })
}

/// Gives the next thing to show or do; its kind is `OPTIVERSE_EVENT_KIND_NONE` if there is none. What it points to is good
/// until the next call of this function with this session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_poll_event(session: *mut Session, event: *mut Event) -> ResultCode {
    border::call(|| {
        let out = border::output(event, "event")?;
        let event = with(session, |state| {
            // All at once: the event before must not be looked at any more.
            state.told = Told::default();
            Ok(state.session.poll_event().map_or(Event::NONE, |event| state.told.tell(event)))
        })?;
        border::write(out, event);
        Ok(())
    })
}

/// Gives the next text frame to send, in order; its `data` is null if there is none. The bytes are good until the next call
/// of this function with this session. The first one to a relay holds the key: frames do not belong in logs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_poll_transmit(session: *mut Session, frame: *mut Bytes) -> ResultCode {
    border::call(|| {
        let out = border::output(frame, "frame")?;
        let frame = with(session, |state| {
            let Some(frame) = state.session.poll_transmit() else {
                state.frame = String::new();
                return Ok(Bytes { data: std::ptr::null(), length: 0 });
            };
            state.frame = frame;
            Ok(Bytes { data: state.frame.as_ptr(), length: state.frame.len() })
        })?;
        border::write(out, frame);
        Ok(())
    })
}

/// Gives when to call `optiverse_session_handle_timeout`, in milliseconds since the Unix epoch; `UINT64_MAX` for never.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_poll_timeout(session: *const Session, at_ms: *mut u64) -> ResultCode {
    border::call(|| {
        let out = border::output(at_ms, "at_ms")?;
        border::write(out, with(session, |state| Ok(state.session.poll_timeout().unwrap_or(u64::MAX)))?);
        Ok(())
    })
}

/// Tells how things stand.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_state(session: *const Session, state: *mut SessionInfo) -> ResultCode {
    border::call(|| {
        let out = border::output(state, "state")?;
        let info = with(session, |state| Ok(SessionInfo::of(&state.session)))?;
        border::write(out, info);
        Ok(())
    })
}

/// Gives a copy of the scene as the user sees it: what is confirmed, and pending edits on top of it. The scene is the
/// caller's to free, and does not follow the session; a host that keeps one applies its own edits and those of
/// `optiverse_session_changed_edit` to it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_scene(session: *const Session, scene: *mut *mut Scene) -> ResultCode {
    border::call(|| {
        let out = border::output(scene, "scene")?;
        let scene = with(session, |state| Ok(state.session.scene().clone()))?;
        border::give(out, Scene::new(scene, &[]))
    })
}

/// Lists who else is in the session: the names of the other connections, one for each, in the order they came. It is empty
/// while there is no connection, and whole once the status is sending, unconfirmed or synchronised. The list is the
/// caller's to free, and does not follow the session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_users(session: *const Session, users: *mut *mut Users) -> ResultCode {
    border::call(|| {
        let out = border::output(users, "users")?;
        let users = with(session, |state| Ok(Users::of(state.session.users())))?;
        border::give(out, users)
    })
}

/// Gives the change that was polled last, an event of the kind `CHANGED`, as an edit, the caller's to free. A host that
/// follows the session by edits polls all events before it makes one of its own, so that it applies them in their order.
///
/// Codes: `INVALID_ARGUMENT` (what was polled last is something else).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_changed_edit(session: *const Session, edit: *mut *mut Edit) -> ResultCode {
    border::call(|| {
        let out = border::output(edit, "edit")?;
        let edit = with(session, |state| {
            let expected = "one whose last event was OPTIVERSE_EVENT_KIND_CHANGED";
            state.told.edit().ok_or_else(|| Failure::argument("session", "another", expected))
        })?;
        border::give(out, edit)
    })
}

/// Makes an edit: the scene shows it at once, and the relay is told. `step` is an `optiverse_undo_step`.
///
/// Codes: those of `optiverse_scene_apply`, `EDIT_LIMIT`, `NOT_SHARED`, `READ_ONLY`, `TOO_MANY_PENDING`. Nothing has changed
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_edit(
    session: *mut Session,
    edit: *const Edit,
    step: u32,
    now_ms: u64,
) -> ResultCode {
    border::call(|| {
        let step = UndoStep::read(step)?;
        let session = handle::get(session, "session")?;
        let edit = handle::get(edit, "edit")?;
        edit.with(|edit| Ok(lock(&session.state)?.session.edit(edit, step, now_ms)?))
    })
}

/// Adds all items of a scene to the session, as one step.
///
/// Codes: as for `optiverse_session_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_share(
    session: *mut Session,
    scene: *const Scene,
    now_ms: u64,
) -> ResultCode {
    border::call(|| {
        let session = handle::get(session, "session")?;
        let scene = handle::get(scene, "scene")?;
        scene.with(|scene| Ok(lock(&session.state)?.session.share(scene, now_ms)?))
    })
}

/// Takes the user's last step back, as far as nobody else has written there since. `is_done` gets 1, or 0 if there is no
/// step.
///
/// Codes: as for `optiverse_session_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_undo(session: *mut Session, now_ms: u64, is_done: *mut u8) -> ResultCode {
    border::call(|| {
        let out = border::output(is_done, "is_done")?;
        border::write(out, u8::from(with(session, |state| Ok(state.session.undo(now_ms)?))?));
        Ok(())
    })
}

/// Makes the step again that was undone last. `is_done` gets 1, or 0 if there is none.
///
/// Codes: as for `optiverse_session_edit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_redo(session: *mut Session, now_ms: u64, is_done: *mut u8) -> ResultCode {
    border::call(|| {
        let out = border::output(is_done, "is_done")?;
        border::write(out, u8::from(with(session, |state| Ok(state.session.redo(now_ms)?))?));
        Ok(())
    })
}

/// Tells the others where this user is; of states that follow each other quickly they get the newest.
///
/// Codes: `INVALID_ARGUMENT` (a cursor that is not finite, or more than 1,000 items selected).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_session_set_presence(
    session: *mut Session,
    presence: *const Presence,
    now_ms: u64,
) -> ResultCode {
    border::call(|| {
        let presence = read_presence(presence)?;
        with(session, |state| {
            state.session.set_presence(presence, now_ms);
            Ok(())
        })
    })
}

/// Where a user is, as C says it.
///
/// # Safety
/// As for [`border::read`] and [`border::list`].
pub(crate) unsafe fn read_presence(presence: *const Presence) -> Result<sync::Presence, Failure> {
    let given = border::read(presence, "presence")?;
    let cursor = (given.x_mm, given.y_mm);
    let cursor_mm = match given.has_cursor {
        0 => None,
        1 if cursor.0.is_finite() && cursor.1.is_finite() => Some(cursor),
        1 => return Err(Failure::argument("cursor", format!("{cursor:?}"), "finite numbers")),
        other => return Err(Failure::argument("has_cursor", other.to_string(), "0 or 1")),
    };
    if given.selection_count > MAX_SELECTION {
        let expected = format!("at most {MAX_SELECTION}");
        return Err(Failure::argument("selection_count", given.selection_count.to_string(), &expected));
    }
    let mut selection = Vec::new();
    for id in border::list(given.selection, given.selection_count, "selection")? {
        selection.push(ItemId::from(border::text(id.data, id.length, "selection")?));
    }
    let color = border::text(given.color.data, given.color.length, "color")?;
    let color = (!color.is_empty()).then(|| color.to_owned());
    Ok(sync::Presence { cursor_mm, selection, color })
}
