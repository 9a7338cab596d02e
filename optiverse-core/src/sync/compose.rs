//! Operations made from items and property values.

use std::borrow::Cow;

use crate::scene::{Item, Properties, Value};
use crate::sync::clock::Timestamp;
use crate::sync::limits::MAX_VALUE_NESTING;
use crate::sync::operation::{
    Body, GroupChange, GroupsReader, Operation, POSITION, check_name, group_of, position_members,
};
use crate::sync::replica::Replica;
use crate::sync::version::OperationId;
use crate::sync::wire::FrameError;
use crate::sync::wire::scanner::Scanner;

impl Operation<'static> {
    /// Adds an item with all of its properties.
    ///
    /// # Errors
    /// If the item exceeds a limit of [`crate::sync::limits`].
    pub fn add(id: OperationId, time: Timestamp, item: &Item) -> Result<Operation<'static>, FrameError> {
        let groups = groups_of(item.properties())?;
        Operation::new(id, time, item.id(), Body::Add { section: item.section(), groups })
    }

    /// Writes properties of an item; a key without a value is removed.
    ///
    /// `x_mm` and `y_mm` are written together (S4): name both, for one that is not named is removed with the other.
    ///
    /// # Errors
    /// If nothing is named, or a limit of [`crate::sync::limits`] is exceeded.
    pub fn set<'k>(
        id: OperationId,
        time: Timestamp,
        item: &str,
        changes: impl IntoIterator<Item = (&'k str, Option<&'k Value>)>,
    ) -> Result<Operation<'static>, FrameError> {
        let mut position = None;
        let mut reader = GroupsReader::default();
        for (key, value) in changes {
            let value = value.map(value_text).transpose()?;
            if group_of(key) == POSITION {
                let (x_mm, y_mm) = position.get_or_insert((None, None));
                *(if key == POSITION { x_mm } else { y_mm }) = value;
            } else {
                reader.push(Cow::Owned(key.to_owned()), value.map(Cow::Owned))?;
            }
        }
        if let Some((x_mm, y_mm)) = position {
            let members = position_members(x_mm.as_deref(), y_mm.as_deref());
            let value = if members.is_empty() { None } else { Some(Cow::Owned(members)) };
            reader.push(Cow::Borrowed(POSITION), value)?;
        }
        let groups = reader.finish()?;
        if groups.is_empty() {
            return Err(FrameError::Missing { place: "a change of properties", key: "set" });
        }
        Operation::new(id, time, item, Body::Set { groups })
    }

    /// Removes an item.
    ///
    /// # Errors
    /// If the id is empty or too long.
    pub fn remove(id: OperationId, time: Timestamp, item: &str) -> Result<Operation<'static>, FrameError> {
        Operation::new(id, time, item, Body::Remove)
    }

    fn new(
        id: OperationId,
        time: Timestamp,
        item: &str,
        body: Body<'static>,
    ) -> Result<Operation<'static>, FrameError> {
        check_name("the id of an item", item)?;
        Ok(Operation { id, time, item: Cow::Owned(item.to_owned()), body })
    }

    /// Lets an added item replace what the document remembers of an earlier one of its id: properties that it has not are
    /// removed. Other operations stay as they are.
    #[must_use]
    pub fn replacing_in(mut self, document: &Replica) -> Operation<'static> {
        if let (Body::Add { groups, .. }, Some(earlier)) = (&mut self.body, document.items.get(&*self.item)) {
            for group in earlier.groups.iter().filter(|group| group.register.value.is_some()) {
                if !groups.iter().any(|change| change.group == *group.name) {
                    groups.push(GroupChange { group: Cow::Owned(group.name.to_string()), value: None });
                }
            }
        }
        self
    }
}

/// The groups of an item's properties.
fn groups_of(properties: &Properties) -> Result<Vec<GroupChange<'static>>, FrameError> {
    let text = |key: &str| properties.get(key).map(value_text).transpose();
    let mut reader = GroupsReader::default();
    let mut has_position = false;
    for (key, value) in properties {
        if group_of(key) != POSITION {
            reader.push(Cow::Owned(key.clone()), Some(Cow::Owned(value_text(value)?)))?;
        } else if !has_position {
            has_position = true;
            let members = position_members(text("x_mm")?.as_deref(), text("y_mm")?.as_deref());
            reader.push(Cow::Borrowed(POSITION), Some(Cow::Owned(members)))?;
        }
    }
    reader.finish()
}

/// A value as text, held to what any replica accepts: a number made by hand may be anything.
fn value_text(value: &Value) -> Result<String, FrameError> {
    let text = value.to_string();
    let mut scanner = Scanner::new(&text);
    scanner.value(MAX_VALUE_NESTING)?;
    scanner.end()?;
    Ok(text)
}
