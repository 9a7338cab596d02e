//! Where people are and what they have selected. It is no part of the document: it belongs to a connection, the newest
//! state counts, and nothing of it is kept.

use crate::scene::{ItemId, MAX_NESTING};
use crate::sync::operation::{check_limit, check_name};
use crate::sync::wire::FrameError;
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::scanner::{Scanner, write_string};

/// The shortest time between two states of one connection, in milliseconds: 30 a second.
pub const PRESENCE_INTERVAL_MS: u64 = 33;

/// How long others are shown after the connection to the relay was lost, in milliseconds.
pub const PRESENCE_EXPIRY_MS: u64 = 10_000;

/// The most items of one selection that others are told of.
pub const MAX_SELECTION: usize = 1_000;

/// Where one user is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Presence {
    /// The cursor in the scene: x and y in millimetres, both finite.
    pub cursor_mm: Option<(f64, f64)>,
    /// What is selected.
    pub selection: Vec<ItemId>,
    /// The colour in which others are to see the user, such as `#1e90ff`.
    pub color: Option<String>,
}

impl Presence {
    /// Writes the members of a message, each after a comma.
    pub(crate) fn write_members(&self, out: &mut String) {
        if let Some((x, y)) = self.cursor_mm.filter(|(x, y)| x.is_finite() && y.is_finite()) {
            out.push_str(&format!(",\"cursor\":[{x},{y}]"));
        }
        if !self.selection.is_empty() {
            out.push_str(",\"selection\":[");
            for (index, id) in self.selection.iter().take(MAX_SELECTION).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(id, out);
            }
            out.push(']');
        }
        if let Some(color) = &self.color {
            out.push_str(",\"color\":");
            write_string(color, out);
        }
    }

    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Presence, FrameError> {
        let cursor_mm = envelope.optional("cursor", |scanner| {
            scanner.take(b'[', "x and y")?;
            let x = finite(scanner)?;
            scanner.take(b',', "`,`")?;
            Ok((x, finite(scanner)?))
        })?;
        let selection = envelope.optional("selection", |scanner| {
            let mut selection = Vec::new();
            scanner.list(|scanner| {
                let id = scanner.string()?;
                check_name("the id of an item", &id)?;
                selection.push(ItemId::from(&*id));
                check_limit("a selection", selection.len(), "items", MAX_SELECTION)
            })?;
            Ok(selection)
        })?;
        let color = envelope.optional("color", |scanner| {
            let color = scanner.string()?.into_owned();
            check_name("a colour", &color)?;
            Ok(color)
        })?;
        Ok(Presence { cursor_mm, selection: selection.unwrap_or_default(), color })
    }

    /// Reads the cursor of a component client.
    pub(crate) fn from_cursor_move(envelope: &Envelope<'_>) -> Result<Presence, FrameError> {
        let (mut x, mut y) = (None, None);
        envelope.required("data", |scanner| {
            scanner.object(|scanner, key| {
                match key.as_ref() {
                    "x" => x = Some(finite(scanner)?),
                    "y" => y = Some(finite(scanner)?),
                    _ => drop(scanner.value(MAX_NESTING - 2)?),
                }
                Ok(())
            })
        })?;
        let cursor_mm = x.zip(y).ok_or(FrameError::Missing { place: "the cursor", key: "x and y" })?;
        Ok(Presence { cursor_mm: Some(cursor_mm), ..Presence::default() })
    }
}

fn finite(scanner: &mut Scanner<'_>) -> Result<f64, FrameError> {
    let text = scanner.value(0)?;
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| scanner.error("a finite number"))
}

/// `sync:presence` as the relay sends it: of a connection that is there, or that is gone.
pub(crate) fn write_peer(connection: u64, user: &str, presence: Option<&Presence>) -> String {
    let mut out = format!("{{\"type\":\"sync:presence\",\"connection\":{connection},\"user\":");
    write_string(user, &mut out);
    match presence {
        Some(presence) => presence.write_members(&mut out),
        None => out.push_str(",\"gone\":true"),
    }
    out.push('}');
    out
}

/// `cursor:move` as component clients know it.
pub(crate) fn write_cursor_move(user: &str, (x, y): (f64, f64)) -> String {
    let mut out = String::from("{\"type\":\"cursor:move\",\"user_id\":");
    write_string(user, &mut out);
    out.push_str(&format!(",\"data\":{{\"x\":{x},\"y\":{y}}}}}"));
    out
}
