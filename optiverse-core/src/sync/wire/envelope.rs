//! The object that every frame is: a `type`, and members that are read when the type is known.

use std::borrow::Cow;

use crate::scene::MAX_NESTING;
use crate::sync::limits::{MAX_FRAME_BYTES, MAX_FRAME_MEMBERS, MAX_STATE_BYTES};
use crate::sync::operation::check_limit;
use crate::sync::wire::FrameError;
use crate::sync::wire::scanner::Scanner;

/// The one type of message that may be longer than a frame.
pub(crate) const FULL_STATE: &str = "sync:full_state";

/// One frame, taken apart at the top.
#[derive(Debug)]
pub(crate) struct Envelope<'t> {
    pub(crate) kind: Cow<'t, str>,
    members: Vec<(Cow<'t, str>, &'t str)>,
}

impl<'t> Envelope<'t> {
    /// Reads a frame. Members that nobody knows are no error.
    pub(crate) fn read(bytes: &'t [u8]) -> Result<Envelope<'t>, FrameError> {
        check_limit("the frame", bytes.len(), "bytes", MAX_STATE_BYTES)?;
        let text = std::str::from_utf8(bytes).map_err(|error| FrameError::Encoding { offset: error.valid_up_to() })?;
        let mut scanner = Scanner::new(text);
        let mut kind = None;
        let mut members = Vec::new();
        scanner.object(|scanner, key| {
            if key == "type" {
                kind = Some(scanner.string()?);
            } else {
                members.push((key, scanner.value(MAX_NESTING - 1)?));
                check_limit("the frame", members.len(), "members", MAX_FRAME_MEMBERS)?;
            }
            Ok(())
        })?;
        scanner.end()?;
        let kind = kind.ok_or(FrameError::Missing { place: "the frame", key: "type" })?;
        if kind != FULL_STATE {
            check_limit("the frame", bytes.len(), "bytes", MAX_FRAME_BYTES)?;
        }
        Ok(Envelope { kind, members })
    }

    /// The text of a member.
    pub(crate) fn get(&self, key: &str) -> Option<&'t str> {
        self.members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// Reads a member that must be there.
    pub(crate) fn required<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&mut Scanner<'t>) -> Result<T, FrameError>,
    ) -> Result<T, FrameError> {
        self.optional(key, read)?.ok_or(FrameError::Missing { place: "the frame", key })
    }

    /// Reads a member, if it is there and not `null`.
    pub(crate) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&mut Scanner<'t>) -> Result<T, FrameError>,
    ) -> Result<Option<T>, FrameError> {
        match self.get(key) {
            None | Some("null") => Ok(None),
            Some(text) => read(&mut Scanner::new(text)).map(Some),
        }
    }
}
