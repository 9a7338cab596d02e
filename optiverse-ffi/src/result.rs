//! The codes that functions return, and what can be learnt about the last error.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_char;

use optiverse_core::optics::CompileError;
use optiverse_core::scene::{EditError, ItemError, LinkError, LoadError, SceneError};
use optiverse_core::sync::FrameError;
use optiverse_core::sync::session::LocalEditError;
use optiverse_core::trace::{TraceError, UpdateError};

use crate::border;
use crate::text::{Str, Text};

/// What a function returns. The numbers are stable: none changes its meaning, and one that is retired is not used again.
///
/// `optiverse_last_error` tells more.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultCode {
    /// Done. All outputs are written; with any other code none is.
    Ok = 0,
    /// A pointer that is needed is null.
    NullParameter = 1,
    /// A handle was freed, was never given out, or belongs to another type.
    InvalidHandle = 2,
    /// A text is not UTF-8.
    InvalidUtf8 = 3,
    /// A number, a size or the alignment of a pointer is none that can be used.
    InvalidArgument = 4,
    /// There are too many handles of one type.
    TooManyHandles = 5,
    /// A defect in the library; the call was broken off. A handle that was being changed can only be freed.
    Panic = 6,
    /// The system gives no thread, or a client nothing to wait with, or no random numbers.
    NoThread = 7,
    /// The file is not there.
    FileNotFound = 20,
    /// The file cannot be read or written.
    FileError = 21,
    /// The text is not JSON; the message says where.
    JsonSyntax = 30,
    /// The text is JSON, but not of the form that is needed.
    SceneForm = 31,
    /// Lists and objects are nested too deep.
    Nesting = 32,
    /// Linked assemblies form a cycle.
    LinkCycle = 33,
    /// Linked assemblies are too many, too large or nested too deep.
    LinkLimit = 34,
    /// There is no such item.
    UnknownItem = 40,
    /// There is an item of that id already.
    RepeatedId = 41,
    /// The item belongs to a linked assembly and can only be changed there.
    LinkedItem = 42,
    /// The key is the id of an item, or a list of items, and cannot be set.
    FixedKey = 43,
    /// The position lies behind the end of the list.
    Position = 44,
    /// The item has no position that can be changed.
    NotMovable = 45,
    /// The properties of a new item do not name it.
    ItemId = 46,
    /// The item or the document has no such property, or it is not a number where one is asked for.
    NoProperty = 47,
    /// An item cannot be traced, in strict compiling.
    SceneRefused = 60,
    /// An option cannot be used.
    InvalidOption = 70,
    /// The trace was cancelled.
    Cancelled = 71,
    /// What an edit makes is larger than can be shared in a session.
    EditLimit = 80,
    /// An edit of the document's own properties, such as the layer tree, which are not shared in a session.
    NotShared = 81,
    /// The user may look at the session but not edit it.
    ReadOnly = 82,
    /// The relay has not answered for too long; connect before editing on.
    TooManyPending = 83,
    /// The text is not what `optiverse_session_save` or `optiverse_client_save` wrote.
    SavedWork = 84,
    /// The text is not the address of a session.
    Address = 85,
    /// The client is closed; what was pending can still be saved.
    Closed = 86,
}

impl ResultCode {
    const ALL: [(ResultCode, &'static std::ffi::CStr); 33] = [
        (ResultCode::Ok, c"OPTIVERSE_RESULT_OK"),
        (ResultCode::NullParameter, c"OPTIVERSE_RESULT_NULL_PARAMETER"),
        (ResultCode::InvalidHandle, c"OPTIVERSE_RESULT_INVALID_HANDLE"),
        (ResultCode::InvalidUtf8, c"OPTIVERSE_RESULT_INVALID_UTF8"),
        (ResultCode::InvalidArgument, c"OPTIVERSE_RESULT_INVALID_ARGUMENT"),
        (ResultCode::TooManyHandles, c"OPTIVERSE_RESULT_TOO_MANY_HANDLES"),
        (ResultCode::Panic, c"OPTIVERSE_RESULT_PANIC"),
        (ResultCode::NoThread, c"OPTIVERSE_RESULT_NO_THREAD"),
        (ResultCode::FileNotFound, c"OPTIVERSE_RESULT_FILE_NOT_FOUND"),
        (ResultCode::FileError, c"OPTIVERSE_RESULT_FILE_ERROR"),
        (ResultCode::JsonSyntax, c"OPTIVERSE_RESULT_JSON_SYNTAX"),
        (ResultCode::SceneForm, c"OPTIVERSE_RESULT_SCENE_FORM"),
        (ResultCode::Nesting, c"OPTIVERSE_RESULT_NESTING"),
        (ResultCode::LinkCycle, c"OPTIVERSE_RESULT_LINK_CYCLE"),
        (ResultCode::LinkLimit, c"OPTIVERSE_RESULT_LINK_LIMIT"),
        (ResultCode::UnknownItem, c"OPTIVERSE_RESULT_UNKNOWN_ITEM"),
        (ResultCode::RepeatedId, c"OPTIVERSE_RESULT_REPEATED_ID"),
        (ResultCode::LinkedItem, c"OPTIVERSE_RESULT_LINKED_ITEM"),
        (ResultCode::FixedKey, c"OPTIVERSE_RESULT_FIXED_KEY"),
        (ResultCode::Position, c"OPTIVERSE_RESULT_POSITION"),
        (ResultCode::NotMovable, c"OPTIVERSE_RESULT_NOT_MOVABLE"),
        (ResultCode::ItemId, c"OPTIVERSE_RESULT_ITEM_ID"),
        (ResultCode::NoProperty, c"OPTIVERSE_RESULT_NO_PROPERTY"),
        (ResultCode::SceneRefused, c"OPTIVERSE_RESULT_SCENE_REFUSED"),
        (ResultCode::InvalidOption, c"OPTIVERSE_RESULT_INVALID_OPTION"),
        (ResultCode::Cancelled, c"OPTIVERSE_RESULT_CANCELLED"),
        (ResultCode::EditLimit, c"OPTIVERSE_RESULT_EDIT_LIMIT"),
        (ResultCode::NotShared, c"OPTIVERSE_RESULT_NOT_SHARED"),
        (ResultCode::ReadOnly, c"OPTIVERSE_RESULT_READ_ONLY"),
        (ResultCode::TooManyPending, c"OPTIVERSE_RESULT_TOO_MANY_PENDING"),
        (ResultCode::SavedWork, c"OPTIVERSE_RESULT_SAVED_WORK"),
        (ResultCode::Address, c"OPTIVERSE_RESULT_ADDRESS"),
        (ResultCode::Closed, c"OPTIVERSE_RESULT_CLOSED"),
    ];
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: ResultCode,
    message: String,
    item: String,
    key: String,
    value: String,
}

impl Failure {
    pub(crate) fn new(code: ResultCode, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), item: String::new(), key: String::new(), value: String::new() }
    }

    pub(crate) fn code(&self) -> ResultCode {
        self.code
    }

    /// Names the item at fault.
    pub(crate) fn of_item(self, item: &str) -> Failure {
        Failure { item: item.to_owned(), ..self }
    }

    /// Names the key, option or parameter at fault.
    pub(crate) fn at_key(self, key: &str) -> Failure {
        Failure { key: key.to_owned(), ..self }
    }

    /// Names the key, option or parameter at fault, and its value.
    pub(crate) fn about(self, key: &str, value: impl Into<String>) -> Failure {
        Failure { key: key.to_owned(), value: value.into(), ..self }
    }

    /// Puts the file before the message.
    pub(crate) fn within(self, file: &str) -> Failure {
        Failure { message: format!("{file}: {}", self.message), ..self }
    }

    pub(crate) fn null(parameter: &'static str) -> Failure {
        Failure::new(ResultCode::NullParameter, format!("`{parameter}` is null")).at_key(parameter)
    }

    /// A parameter that cannot be used.
    pub(crate) fn argument(parameter: &'static str, value: impl Into<String>, expected: &str) -> Failure {
        Failure::refused(ResultCode::InvalidArgument, parameter, value, expected)
    }

    /// An option that cannot be used.
    pub(crate) fn option(option: &'static str, value: impl Into<String>, expected: &str) -> Failure {
        Failure::refused(ResultCode::InvalidOption, option, value, expected)
    }

    fn refused(code: ResultCode, key: &str, value: impl Into<String>, expected: &str) -> Failure {
        let value = value.into();
        Failure::new(code, format!("`{key}` is {value}, expected {expected}")).about(key, value)
    }

    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Failure {
        let said = payload.downcast_ref::<&str>().copied();
        let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message");
        Failure::new(ResultCode::Panic, format!("the library has a defect, please report it: {said}"))
    }
}

impl From<SceneError> for Failure {
    fn from(error: SceneError) -> Failure {
        let message = error.to_string();
        match error {
            SceneError::Syntax { .. } => Failure::new(ResultCode::JsonSyntax, message),
            SceneError::Nesting { place, .. } => Failure::new(ResultCode::Nesting, message).at_key(place),
            SceneError::Form { place, found, .. } => Failure::new(ResultCode::SceneForm, message).about(&place, found),
            _ => Failure::new(ResultCode::SceneForm, message),
        }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        let code = match &error {
            LinkError::Cycle { .. } => ResultCode::LinkCycle,
            _ => ResultCode::LinkLimit,
        };
        Failure::new(code, error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ResultCode::FileNotFound,
            _ => ResultCode::FileError,
        };
        Failure::new(code, error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        match error {
            LoadError::Io(error) => error.into(),
            LoadError::Scene(error) => error.into(),
            LoadError::Link(error) => error.into(),
            LoadError::Utf8 { position } => {
                Failure::new(ResultCode::InvalidUtf8, error.to_string()).about("position", position.to_string())
            }
            other => Failure::new(ResultCode::FileError, other.to_string()),
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Failure {
        let message = error.to_string();
        let failure = |code| Failure::new(code, message);
        match &error {
            EditError::UnknownItem { item } => failure(ResultCode::UnknownItem).of_item(item),
            EditError::RepeatedId { item } => failure(ResultCode::RepeatedId).of_item(item),
            EditError::LinkedItem { item } => failure(ResultCode::LinkedItem).of_item(item),
            EditError::IdKey { item, key } => failure(ResultCode::FixedKey).of_item(item).at_key(key),
            EditError::ListKey { key } => failure(ResultCode::FixedKey).at_key(key),
            EditError::Position { item, position, .. } => {
                failure(ResultCode::Position).of_item(item).about("position", position.to_string())
            }
            EditError::Nesting { key, .. } => failure(ResultCode::Nesting).at_key(key),
            EditError::Points { item, key, found, .. } => {
                failure(ResultCode::NotMovable).of_item(item).about(key, found)
            }
            EditError::NotMovable { item } => failure(ResultCode::NotMovable).of_item(item),
            _ => failure(ResultCode::Nesting),
        }
    }
}

impl From<ItemError> for Failure {
    fn from(error: ItemError) -> Failure {
        let failure = Failure::new(ResultCode::ItemId, error.to_string());
        match error {
            ItemError::NoId { key, .. } => failure.at_key(key),
            ItemError::BadId { key, found, .. } => failure.about(key, found),
            _ => failure,
        }
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Failure {
        use optiverse_core::optics::Severity;
        let failure = Failure::new(ResultCode::SceneRefused, error.to_string());
        match error.reports().iter().find(|report| report.severity == Severity::Error) {
            Some(report) => failure.of_item(&report.item).about(&report.key, &*report.value),
            None => failure,
        }
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Failure {
        match error {
            TraceError::InvalidOption { option, value, expected } => {
                Failure::option(option, value.to_string(), expected)
            }
            TraceError::Cancelled => Failure::new(ResultCode::Cancelled, error.to_string()),
            // The core adds variants with new codes only.
            other => Failure::new(ResultCode::InvalidOption, other.to_string()),
        }
    }
}

impl From<LocalEditError> for Failure {
    fn from(error: LocalEditError) -> Failure {
        let message = error.to_string();
        match error {
            LocalEditError::Edit(error) => error.into(),
            LocalEditError::Limit(limit) => {
                let failure = Failure::new(ResultCode::EditLimit, message);
                match limit {
                    FrameError::Limit { what, size, .. } => failure.about(what, size.to_string()),
                    _ => failure,
                }
            }
            LocalEditError::Document => Failure::new(ResultCode::NotShared, message),
            LocalEditError::Role => Failure::new(ResultCode::ReadOnly, message),
            // The core adds variants with new codes only.
            _ => Failure::new(ResultCode::TooManyPending, message),
        }
    }
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Failure {
        match error {
            UpdateError::Edit(error) => error.into(),
            other => Failure::new(ResultCode::Cancelled, other.to_string()),
        }
    }
}

/// What went wrong in the last call on this thread that failed. A text that does not apply is empty, never null.
///
/// The texts belong to the library and are good until another call on this thread fails.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ErrorInfo {
    /// The code that the call returned; `OPTIVERSE_RESULT_OK` if none has failed yet.
    pub code: u32,
    /// A sentence for people, with all that follows.
    pub message: Str,
    /// The id of the item at fault.
    pub item: Str,
    /// The key, option or parameter at fault.
    pub key: Str,
    /// Its value.
    pub value: Str,
}

struct LastError {
    code: ResultCode,
    message: Text,
    item: Text,
    key: Text,
    value: Text,
}

thread_local! {
    static LAST: RefCell<Option<LastError>> = const { RefCell::new(None) };
}

/// Remembers why a call failed.
pub(crate) fn remember(failure: Failure) {
    let Failure { code, message, item, key, value } = failure;
    let last = LastError { code, message: message.into(), item: item.into(), key: key.into(), value: value.into() };
    // A thread that is ending has no last error any more.
    let _ = LAST.try_with(|place| place.replace(Some(last)));
}

/// Tells what went wrong in the last call on this thread that failed. Like `errno` it belongs to the thread: it is there
/// also where a call got no handle, and no other thread changes it. A call that succeeds leaves it as it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_last_error(error: *mut ErrorInfo) -> ResultCode {
    border::call(|| {
        let error = border::output(error, "error")?;
        let none = ErrorInfo {
            code: ResultCode::Ok as u32,
            message: Str::EMPTY,
            item: Str::EMPTY,
            key: Str::EMPTY,
            value: Str::EMPTY,
        };
        let info = LAST.try_with(|last| match &*last.borrow() {
            None => none,
            Some(last) => ErrorInfo {
                code: last.code as u32,
                message: last.message.view(),
                item: last.item.view(),
                key: last.key.view(),
                value: last.value.view(),
            },
        });
        border::write(error, info.unwrap_or(none));
        Ok(())
    })
}

/// The name of a code, such as "OPTIVERSE_RESULT_OK", as C text that is always there; "unknown" for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn optiverse_result_name(code: u32) -> *const c_char {
    let known = ResultCode::ALL.iter().find(|(known, _)| *known as u32 == code);
    known.map_or(c"unknown", |(_, name)| name).as_ptr()
}
