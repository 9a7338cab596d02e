//! The messages of the app 0.3.4 and of clients of component messages, as the relay reads and writes them.

use std::borrow::Cow;

use crate::scene::{MAX_NESTING, Section};
use crate::sync::limits::MAX_STATE_ITEM_BYTES;
use crate::sync::operation::{GroupChange, GroupsReader, check_limit, check_name, write_member};
use crate::sync::replica::ItemState;
use crate::sync::role::Role;
use crate::sync::wire::FrameError;
use crate::sync::wire::envelope::{Envelope, FULL_STATE};
use crate::sync::wire::message::{PROTOCOL, member};
use crate::sync::wire::scanner::{Scanner, write_padded, write_string};

/// What a command has beside the texts of its item, about.
const COMMAND_BYTES: usize = 320;

/// Room in a state for what stands around its items.
const STATE_MARGIN: usize = 1_024;

/// What a legacy client says about items.
#[derive(Debug)]
pub(crate) enum LegacyMessage<'t> {
    /// A new item; from a component client also one of those that it had on connecting.
    Add(LegacyItem<'t>),
    /// New properties of an item: all of them, or some.
    Update(LegacyItem<'t>),
    Remove(String),
    /// All items of a host, each as a text that [`read_state_item`] reads.
    State(Vec<&'t str>),
    /// Asks for all items.
    Request,
    /// Nothing that concerns the document.
    Other,
}

/// Properties of an item as a legacy client sent them.
#[derive(Debug)]
pub(crate) struct LegacyItem<'t> {
    pub(crate) id: String,
    /// The list in which it belongs if it is new.
    pub(crate) section: Section,
    pub(crate) groups: Vec<GroupChange<'t>>,
}

/// Reads a message of the app.
pub(crate) fn read<'t>(envelope: &Envelope<'t>) -> Result<LegacyMessage<'t>, FrameError> {
    match envelope.kind.as_ref() {
        "command" => envelope.required("command", read_command),
        FULL_STATE | "sync:update" | "sync:state" => {
            let items = state_items(envelope)?;
            // The whole message is refused before anything of it takes effect. The items are not kept: they would take
            // many times the memory of their text.
            items.iter().try_for_each(|item| read_state_item(item).map(drop))?;
            Ok(LegacyMessage::State(items))
        }
        "sync:request" => Ok(LegacyMessage::Request),
        _ => Ok(LegacyMessage::Other),
    }
}

/// The texts of the items in `state`.
fn state_items<'t>(envelope: &Envelope<'t>) -> Result<Vec<&'t str>, FrameError> {
    let mut items = Vec::new();
    envelope.required("state", |scanner| {
        scanner.object(|scanner, key| {
            if key != "items" {
                return scanner.value(MAX_NESTING - 2).map(drop);
            }
            items.clear();
            scanner.list(|scanner| {
                let item = scanner.value(MAX_NESTING - 3)?;
                items.push(item);
                check_limit("an item", item.len(), "bytes", MAX_STATE_ITEM_BYTES)
            })
        })
    })?;
    Ok(items)
}

/// Reads an item of a state.
pub(crate) fn read_state_item(item: &str) -> Result<LegacyItem<'_>, FrameError> {
    let groups = read_groups(&mut Scanner::new(item))?;
    let id = text(&groups, "uuid").or_else(|| text(&groups, "item_uuid")).map(Cow::into_owned);
    let kind = text(&groups, "item_type").unwrap_or_default().into_owned();
    app_item(id, &kind, groups)
}

/// Reads an object as the groups of an item.
pub(crate) fn read_groups<'t>(scanner: &mut Scanner<'t>) -> Result<Vec<GroupChange<'t>>, FrameError> {
    let mut groups = GroupsReader::default();
    scanner.object(|scanner, key| groups.member(scanner, key))?;
    groups.finish()
}

fn read_command<'t>(scanner: &mut Scanner<'t>) -> Result<LegacyMessage<'t>, FrameError> {
    let (mut action, mut id, mut kind, mut data) = (None, None, None, None);
    scanner.object(|scanner, key| {
        let value = scanner.value(MAX_NESTING - 2)?;
        match key.as_ref() {
            "action" => action = Scanner::new(value).string().ok(),
            "item_id" => id = Scanner::new(value).string().ok().map(Cow::into_owned),
            "item_type" => kind = Scanner::new(value).string().ok(),
            "data" => data = Some(value),
            _ => {}
        }
        Ok(())
    })?;
    let item = |id| match data {
        Some(data) if data.starts_with('{') => {
            app_item(id, &kind.unwrap_or_default(), read_groups(&mut Scanner::new(data))?)
        }
        _ => Err(wrong("data", "missing or no object", "an item")),
    };
    match action.as_deref() {
        Some("add_item") => Ok(LegacyMessage::Add(item(id)?)),
        Some("move_item" | "update_item") => Ok(LegacyMessage::Update(item(id)?)),
        Some("remove_item") => {
            let id = id.ok_or(FrameError::Missing { place: "the command", key: "item_id" })?;
            Ok(LegacyMessage::Remove(id))
        }
        _ => Ok(LegacyMessage::Other),
    }
}

fn app_item<'t>(
    id: Option<String>,
    kind: &str,
    mut groups: Vec<GroupChange<'t>>,
) -> Result<LegacyItem<'t>, FrameError> {
    // The app's own additions for the way; what it does not know it keeps and would send again, stale.
    groups.retain(|change| !matches!(change.group.as_ref(), "uuid" | "item_type"));
    let written = text(&groups, "item_uuid");
    let is_other = |id: &String| written.as_ref().is_some_and(|written| *written != *id);
    if id.as_ref().is_some_and(is_other) {
        return Err(wrong("item_uuid", "another id than `item_id`", "the same id"));
    }
    let is_named = written.is_some();
    let id = match (id, written) {
        (Some(id), _) => id,
        (None, Some(written)) => written.into_owned(),
        (None, None) => return Err(FrameError::Missing { place: "the item", key: "item_uuid" }),
    };
    check_name("the id of an item", &id)?;
    let section = match kind {
        "ruler" => Section::Rulers,
        "text" => Section::Texts,
        "rectangle" => Section::Rectangles,
        "path_measure" => Section::PathMeasures,
        _ => Section::Items,
    };
    if section == Section::Items && !kind.is_empty() && !groups.iter().any(|change| change.group == "_type") {
        groups.push(text_change("_type", kind));
    }
    if !is_named {
        groups.retain(|change| change.group != "item_uuid");
        groups.push(text_change("item_uuid", &id));
    }
    Ok(LegacyItem { id, section, groups })
}

fn text_change(group: &'static str, text: &str) -> GroupChange<'static> {
    let mut value = String::with_capacity(text.len() + 2);
    write_string(text, &mut value);
    GroupChange { group: Cow::Borrowed(group), value: Some(Cow::Owned(value)) }
}

/// What the app calls an item of this list, or none if it would not understand it.
pub(crate) fn app_kind(section: Section, state: &ItemState) -> Option<Cow<'_, str>> {
    let kind = match section {
        Section::Rulers => "ruler",
        Section::Texts => "text",
        Section::Rectangles => "rectangle",
        Section::PathMeasures => "path_measure",
        Section::Items => return Some(state_text(state, "_type").unwrap_or(Cow::Borrowed("component"))),
        _ => return None,
    };
    Some(Cow::Borrowed(kind))
}

/// Whether the app understands an item.
pub(crate) fn is_for_app(state: &ItemState) -> bool {
    state.section().is_some_and(|section| app_kind(section, state).is_some())
}

/// A property of an item that is a text.
pub(crate) fn state_text<'s>(state: &'s ItemState, key: &str) -> Option<Cow<'s, str>> {
    Scanner::new(state.group(key)?.register.value.as_deref()?).string().ok()
}

/// The value of a group that is a text.
pub(crate) fn text<'g>(groups: &'g [GroupChange<'_>], group: &str) -> Option<Cow<'g, str>> {
    groups.iter().find(|change| change.group == group)?.text()
}

pub(crate) fn wrong(key: &'static str, found: &str, expected: &'static str) -> FrameError {
    FrameError::Value { key, found: found.to_owned(), expected }
}

/// Writes the members of an item, after those in `out`.
pub(crate) fn write_members(state: &ItemState, separator: &mut &'static str, out: &mut String) {
    for group in &state.groups {
        if let Some(value) = &group.register.value {
            out.push_str(separator);
            write_member(&group.name, value, out);
            *separator = ",";
        }
    }
}

/// `add_item` or `update_item`, with the whole item; none if the app would not understand it.
pub(crate) fn command(action: &str, id: &str, state: &ItemState, sender: &str, now_ms: u64) -> Option<String> {
    let kind = app_kind(state.section()?, state)?;
    let mut out = String::with_capacity(COMMAND_BYTES + state.content_bytes());
    out.push_str("{\"type\":\"command\",\"command\":{\"action\":\"");
    out.push_str(action);
    out.push_str("\",\"item_type\":");
    write_string(&kind, &mut out);
    out.push_str(",\"item_id\":");
    write_string(id, &mut out);
    out.push_str(",\"data\":{");
    let mut separator = "";
    if state_text(state, "item_uuid").is_none() {
        out.push_str("\"item_uuid\":");
        write_string(id, &mut out);
        separator = ",";
    }
    write_members(state, &mut separator, &mut out);
    out.push_str("}}");
    end_command(sender, now_ms, &mut out);
    Some(out)
}

pub(crate) fn remove_command(id: &str, sender: &str, now_ms: u64) -> String {
    let mut out =
        String::from("{\"type\":\"command\",\"command\":{\"action\":\"remove_item\",\"item_type\":\"\",\"item_id\":");
    write_string(id, &mut out);
    out.push_str(",\"data\":{}}");
    end_command(sender, now_ms, &mut out);
    out
}

/// A command in which the app finds nothing to do.
pub(crate) fn no_command(sender: &str, now_ms: u64) -> String {
    let mut out = String::from("{\"type\":\"command\",\"command\":{\"action\":\"sync\"}");
    end_command(sender, now_ms, &mut out);
    out
}

fn end_command(sender: &str, now_ms: u64, out: &mut String) {
    out.push_str(",\"user_id\":");
    write_string(sender, out);
    timestamp(now_ms, out);
    out.push('}');
}

/// Adds a member to a frame.
pub(crate) fn add_member(key: &str, value: &str, frame: &mut String) {
    frame.pop();
    frame.push_str(",\"");
    frame.push_str(key);
    frame.push_str("\":");
    frame.push_str(value);
    frame.push('}');
}

/// `sync:full_state` of at most `limit` bytes, with as many items as fit. Returns the frame and how many of `items` are in it.
pub(crate) fn full_state<'i>(
    items: impl Iterator<Item = (&'i str, &'i ItemState)>,
    version: u64,
    limit: usize,
    now_ms: u64,
) -> (String, usize) {
    let mut out = String::from("{\"type\":\"sync:full_state\",\"state\":{\"items\":[");
    let mut count = 0;
    let mut separator = "";
    for (id, state) in items {
        let start = out.len();
        if let Some(kind) = state.section().and_then(|section| app_kind(section, state)) {
            out.push_str(separator);
            out.push_str("{\"uuid\":");
            write_string(id, &mut out);
            out.push_str(",\"item_type\":");
            write_string(&kind, &mut out);
            write_members(state, &mut ",", &mut out);
            out.push('}');
        }
        if out.len() > limit - STATE_MARGIN {
            out.truncate(start);
            break;
        }
        if out.len() > start {
            separator = ",";
        }
        count += 1;
    }
    out.push(']');
    member("version", version, &mut out);
    timestamp(now_ms, &mut out);
    out.push_str("}}");
    (out, count)
}

/// What a connection is told first.
pub(crate) struct Greeting<'a> {
    pub(crate) user: &'a str,
    pub(crate) users: &'a [&'a str],
    pub(crate) is_host: bool,
    pub(crate) role: Role,
    pub(crate) epoch: u64,
}

impl Greeting<'_> {
    /// `connection:ack`; what new clients read of it is in `sync`.
    pub(crate) fn write(&self, session_id: &str, now_ms: u64) -> String {
        let mut out = String::from("{\"type\":\"connection:ack\",\"session_id\":");
        write_string(session_id, &mut out);
        out.push_str(",\"user_id\":");
        write_string(self.user, &mut out);
        out.push_str(&format!(",\"is_host\":{},\"users\":[", self.is_host));
        for (index, user) in self.users.iter().enumerate() {
            out.push_str(if index == 0 { "{\"user_id\":" } else { ",{\"user_id\":" });
            write_string(user, &mut out);
            out.push('}');
        }
        out.push(']');
        timestamp(now_ms, &mut out);
        let (epoch, role) = (self.epoch, self.role.code());
        out.push_str(&format!(
            ",\"sync\":{{\"protocol\":{PROTOCOL},\"epoch\":\"{epoch:016x}\",\"role\":\"{role}\"}}}}"
        ));
        out
    }
}

pub(crate) fn user_joined(user: &str) -> String {
    about_user("user:joined", user)
}

pub(crate) fn user_left(user: &str) -> String {
    about_user("user:left", user)
}

fn about_user(kind: &str, user: &str) -> String {
    let mut out = format!("{{\"type\":\"{kind}\",\"user_id\":");
    write_string(user, &mut out);
    out.push('}');
    out
}

pub(crate) fn pong(now_ms: u64) -> String {
    let mut out = String::from("{\"type\":\"pong\"");
    timestamp(now_ms, &mut out);
    out.push('}');
    out
}

/// Appends `timestamp`, in UTC and without a zone, as the app writes it.
fn timestamp(now_ms: u64, out: &mut String) {
    let seconds = now_ms / 1_000;
    let (year, month, day) = civil_date(seconds / 86_400);
    out.push_str(",\"timestamp\":\"");
    for (number, digits, separator) in [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (seconds / 3_600 % 24, 2, ':'),
        (seconds / 60 % 60, 2, ':'),
        (seconds % 60, 2, '.'),
        (now_ms % 1_000, 3, '"'),
    ] {
        write_padded(number, digits, out);
        out.push(separator);
    }
}

/// Year, month and day of a day counted from 1 January 1970.
///
/// Source: E. G. Richards, "Mapping Time", 1998, algorithm for the Gregorian calendar, in the form that counts years
/// from March so that the leap day comes last.
fn civil_date(day: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_OF_YEAR_0: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let day = day + DAYS_FROM_MARCH_OF_YEAR_0;
    let era = day / DAYS_IN_400_YEARS;
    let of_era = day % DAYS_IN_400_YEARS;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_the_app_writes_it() {
        for (now_ms, expected) in [
            (0, ",\"timestamp\":\"1970-01-01T00:00:00.000\""),
            (951_782_400_000, ",\"timestamp\":\"2000-02-29T00:00:00.000\""),
            (1_763_700_000_123, ",\"timestamp\":\"2025-11-21T04:40:00.123\""),
        ] {
            let mut out = String::new();
            timestamp(now_ms, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn an_item_of_another_id_is_refused() {
        let frame = br#"{"type":"command","command":{"action":"add_item","item_type":"ruler","item_id":"a","data":{"item_uuid":"b"}}}"#;
        let error = read(&Envelope::read(frame).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "`item_uuid` is another id than `item_id`, expected the same id");
    }
}
