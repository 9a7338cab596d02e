//! Component messages: flat items named by `id` and `kind`.

use crate::scene::{Section, Value};
use crate::sync::operation::{POSITION, check_name, write_member};
use crate::sync::replica::{Group, ItemState};
use crate::sync::wire::FrameError;
use crate::sync::wire::app::{LegacyItem, LegacyMessage, read_groups, state_text, text, write_members, wrong};
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::scanner::write_string;

/// Reads a component message.
pub(crate) fn read<'t>(envelope: &Envelope<'t>) -> Result<LegacyMessage<'t>, FrameError> {
    let read_item = || {
        let groups = envelope.required("data", read_groups)?;
        let id = text(&groups, "id").ok_or(FrameError::Missing { place: "the component", key: "id" })?.into_owned();
        check_name("the id of an item", &id)?;
        if text(&groups, "item_uuid").is_some_and(|written| written != id) {
            return Err(wrong("item_uuid", "another id than `id`", "the same id"));
        }
        Ok(LegacyItem { id, section: Section::Components, groups })
    };
    match envelope.kind.as_ref() {
        "component:add" => Ok(LegacyMessage::Add(read_item()?)),
        "component:move" | "component:rotate" | "component:edit" => Ok(LegacyMessage::Update(read_item()?)),
        "component:delete" => Ok(LegacyMessage::Remove(read_item()?.id)),
        _ => Ok(LegacyMessage::Other),
    }
}

/// Whether [`add`] puts this group in for an item of another list.
pub(crate) fn is_addition(group: &str) -> bool {
    matches!(group, "id" | "kind")
}

/// `component:add` with the whole item; none if it has no place in such a client.
pub(crate) fn add(id: &str, state: &ItemState) -> Option<String> {
    let mut out = String::from("{\"type\":\"component:add\",\"data\":{");
    let mut separator = "";
    if state.section()? != Section::Components {
        out.push_str("\"id\":");
        write_string(id, &mut out);
        out.push_str(",\"kind\":");
        write_string(kind(state)?, &mut out);
        separator = ",";
    }
    write_members(state, &mut separator, &mut out);
    out.push_str("}}");
    Some(out)
}

/// The message that tells of changed groups: a move, a rotation, or an edit.
pub(crate) fn change(id: &str, state: &ItemState, changed: &[String]) -> String {
    let kind = match changed {
        [only] if only == POSITION => "component:move",
        [only] if only == "angle_deg" => "component:rotate",
        _ => "component:edit",
    };
    let mut out = format!("{{\"type\":\"{kind}\",\"data\":{{\"id\":");
    write_string(id, &mut out);
    let is_sent = |group: &&Group| &*group.name != "id" && changed.iter().any(|name| **name == *group.name);
    for group in state.groups.iter().filter(is_sent) {
        if let Some(value) = &group.register.value {
            out.push(',');
            write_member(&group.name, value, &mut out);
        }
    }
    out.push_str("}}");
    out
}

pub(crate) fn delete(id: &str) -> String {
    let mut out = String::from("{\"type\":\"component:delete\",\"data\":{\"id\":");
    write_string(id, &mut out);
    out.push_str("}}");
    out
}

/// Whether such a client has a place for the item.
pub(crate) fn understands(state: &ItemState) -> bool {
    state.section() == Some(Section::Components) || (state.section().is_some() && kind(state).is_some())
}

/// The kind of an item of the "2.0" format: its own, or that of its first interface.
fn kind(state: &ItemState) -> Option<&'static str> {
    if state.section()? != Section::Items {
        return None;
    }
    if state_text(state, "_type").as_deref() == Some("source") {
        return Some("source");
    }
    let interfaces = state.group("interfaces")?.register.value.as_deref()?;
    let interfaces: Value = serde_json::from_str(interfaces).ok()?;
    match interfaces.get(0)?.get("element_type")?.as_str()? {
        "lens" => Some("lens"),
        "mirror" => Some("mirror"),
        "beam_splitter" | "beamsplitter" => Some("beamsplitter"),
        _ => None,
    }
}
