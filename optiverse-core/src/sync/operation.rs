//! Operations: the changes of a document, each with an id and a stamp.
//!
//! An operation is written as `[replica, number, milliseconds, counter, item, body]`, for example
//! `["1z141z4000000",7,1763700000000,0,"lens-1",{"set":{"angle_deg":45.0}}]`. The body is one of
//! - `{"add":"items","set":{…}}`: the item in the list `items`, with all of its properties,
//! - `{"set":{…},"unset":["key",…]}`: properties written and properties removed,
//! - `{"remove":true}`.
//!
//! `x_mm` and `y_mm` form one group (S4): where `set` names one of them only, the other one is removed.

use std::borrow::Cow;

use crate::scene::Section;
use crate::sync::clock::Timestamp;
use crate::sync::limits::{MAX_ITEM_BYTES, MAX_ITEM_KEYS, MAX_NAME_BYTES, MAX_VALUE_NESTING};
use crate::sync::version::{OperationId, ReplicaId};
use crate::sync::wire::FrameError;
use crate::sync::wire::scanner::{Scanner, string_bytes, write_string, write_unsigned};

/// The name of the group that holds `x_mm` and `y_mm`.
pub(crate) const POSITION: &str = "x_mm";
const SECOND_OF_POSITION: &str = "y_mm";

/// The group to which a property belongs.
pub(crate) fn group_of(key: &str) -> &str {
    if key == SECOND_OF_POSITION { POSITION } else { key }
}

/// A change of one group: its name and its new value, or none if it is removed.
///
/// The value is JSON text. That of the position group is the text of its members, `"x_mm":1.0,"y_mm":2.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupChange<'a> {
    pub(crate) group: Cow<'a, str>,
    pub(crate) value: Option<Cow<'a, str>>,
}

impl GroupChange<'_> {
    /// The value, if it is a text.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        Scanner::new(self.value.as_deref()?).string().ok()
    }

    /// The same change, as long as this one lives.
    pub(crate) fn borrowed(&self) -> GroupChange<'_> {
        GroupChange { group: Cow::Borrowed(&self.group), value: self.value.as_deref().map(Cow::Borrowed) }
    }

    fn into_owned(self) -> GroupChange<'static> {
        GroupChange {
            group: Cow::Owned(self.group.into_owned()),
            value: self.value.map(|value| Cow::Owned(value.into_owned())),
        }
    }
}

/// What an operation does to its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    /// Adds it. Groups of an earlier life of the item that the new one has not are removed.
    Add { section: Section, groups: Vec<GroupChange<'a>> },
    /// Changes groups.
    Set { groups: Vec<GroupChange<'a>> },
    /// Removes it.
    Remove,
}

impl<'a> Body<'a> {
    pub(crate) fn groups(&self) -> &[GroupChange<'a>] {
        match self {
            Body::Add { groups, .. } | Body::Set { groups } => groups,
            Body::Remove => &[],
        }
    }
}

/// A change of one item, with the id by which it is recognised and the stamp by which it wins or loses.
///
/// It borrows from the text it was read from; [`Operation::into_owned`] makes it independent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    pub(crate) id: OperationId,
    pub(crate) time: Timestamp,
    pub(crate) item: Cow<'a, str>,
    pub(crate) body: Body<'a>,
}

impl<'a> Operation<'a> {
    /// Reads an operation.
    ///
    /// # Errors
    /// If the text is not an operation, or exceeds a limit of [`crate::sync::limits`].
    pub fn from_json(text: &'a str) -> Result<Operation<'a>, FrameError> {
        let mut scanner = Scanner::new(text);
        let operation = Operation::scan(&mut scanner)?;
        scanner.end()?;
        Ok(operation)
    }

    /// The operation as text.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(160);
        self.write(&mut out);
        out
    }

    /// The id.
    pub fn id(&self) -> OperationId {
        self.id
    }

    /// The stamp.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The id of the item that it changes.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// The same operation, independent of the text it was read from.
    pub fn into_owned(self) -> Operation<'static> {
        let owned = |groups: Vec<GroupChange<'a>>| groups.into_iter().map(GroupChange::into_owned).collect();
        let body = match self.body {
            Body::Add { section, groups } => Body::Add { section, groups: owned(groups) },
            Body::Set { groups } => Body::Set { groups: owned(groups) },
            Body::Remove => Body::Remove,
        };
        Operation { id: self.id, time: self.time, item: Cow::Owned(self.item.into_owned()), body }
    }

    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Operation<'a>, FrameError> {
        scanner.take(b'[', "an operation")?;
        let replica = scan_replica(scanner)?;
        scanner.take(b',', "`,`")?;
        let number = scanner.unsigned()?;
        if number == 0 {
            return Err(scanner.error("a number of an operation, counted from 1"));
        }
        scanner.take(b',', "`,`")?;
        let time = scan_time(scanner)?;
        scanner.take(b',', "`,`")?;
        let item = scanner.string()?;
        check_name("the id of an item", &item)?;
        scanner.take(b',', "`,`")?;
        let body = scan_body(scanner)?;
        scanner.take(b']', "`]`")?;
        Ok(Operation { id: OperationId { replica, number }, time, item, body })
    }

    pub(crate) fn write(&self, out: &mut String) {
        out.push_str("[\"");
        self.id.replica.write(out);
        out.push_str("\",");
        write_unsigned(self.id.number, out);
        out.push(',');
        write_time(self.time, out);
        out.push(',');
        write_string(&self.item, out);
        out.push(',');
        match &self.body {
            Body::Remove => out.push_str("{\"remove\":true}"),
            Body::Set { groups } => {
                out.push('{');
                write_groups(groups, out);
            }
            Body::Add { section, groups } => {
                out.push_str("{\"add\":\"");
                out.push_str(section.key());
                out.push_str("\",");
                write_groups(groups, out);
            }
        }
        out.push(']');
    }
}

/// Writes the groups and the end of the body.
fn write_groups(groups: &[GroupChange<'_>], out: &mut String) {
    out.push_str("\"set\":{");
    let mut separator = "";
    let mut removes = false;
    for change in groups {
        match &change.value {
            Some(value) => {
                out.push_str(separator);
                write_member(&change.group, value, out);
                separator = ",";
            }
            None => removes = true,
        }
    }
    out.push('}');
    if removes {
        out.push_str(",\"unset\":[");
        separator = "";
        for change in groups.iter().filter(|change| change.value.is_none()) {
            out.push_str(separator);
            write_string(&change.group, out);
            separator = ",";
        }
        out.push(']');
    }
    out.push('}');
}

/// Writes a group as members of an object.
pub(crate) fn write_member(group: &str, value: &str, out: &mut String) {
    if group != POSITION {
        write_string(group, out);
        out.push(':');
    }
    out.push_str(value);
}

pub(crate) fn write_time(time: Timestamp, out: &mut String) {
    write_unsigned(time.milliseconds(), out);
    out.push(',');
    write_unsigned(u64::from(time.counter()), out);
}

/// Reads milliseconds and counter, which are entries of a list.
pub(crate) fn scan_time(scanner: &mut Scanner<'_>) -> Result<Timestamp, FrameError> {
    let milliseconds = scanner.unsigned()?;
    scanner.take(b',', "`,`")?;
    let counter = u16::try_from(scanner.unsigned()?).ok();
    let time = counter.and_then(|counter| Timestamp::new(milliseconds, counter));
    time.ok_or_else(|| scanner.error("a time before the year 6429 and a counter of 16 bits"))
}

pub(crate) fn scan_replica(scanner: &mut Scanner<'_>) -> Result<ReplicaId, FrameError> {
    let replica = ReplicaId::from_text(&scanner.string()?);
    replica.ok_or_else(|| scanner.error("a replica id of 13 digits and lower-case letters"))
}

pub(crate) fn scan_section(scanner: &mut Scanner<'_>) -> Result<Section, FrameError> {
    let section = Section::from_key(&scanner.string()?);
    section.ok_or_else(|| scanner.error("the key of a list of items"))
}

pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), FrameError> {
    if name.is_empty() {
        return Err(FrameError::Value { key: "id", found: "empty".to_owned(), expected: "a text that is not empty" });
    }
    check_limit(what, name.len(), "bytes", MAX_NAME_BYTES)
}

pub(crate) fn check_limit(what: &'static str, size: usize, unit: &'static str, limit: usize) -> Result<(), FrameError> {
    if size > limit { Err(FrameError::Limit { what, size, unit, limit }) } else { Ok(()) }
}

fn scan_body<'t>(scanner: &mut Scanner<'t>) -> Result<Body<'t>, FrameError> {
    let mut add = None;
    let mut remove = false;
    let mut groups = GroupsReader::default();
    scanner.object(|scanner, key| {
        match key.as_ref() {
            "set" => scanner.object(|scanner, key| groups.member(scanner, key))?,
            "unset" => scanner.list(|scanner| {
                let key = scanner.string()?;
                groups.push(key, None)
            })?,
            "add" => add = Some(scan_section(scanner)?),
            "remove" => remove = scanner.boolean()?,
            // A later version may say more about an operation.
            _ => drop(scanner.value(MAX_VALUE_NESTING)?),
        }
        Ok(())
    })?;
    let groups = groups.finish()?;
    match (add, remove) {
        (None, true) if groups.is_empty() => Ok(Body::Remove),
        (Some(section), false) => Ok(Body::Add { section, groups }),
        (None, false) if !groups.is_empty() => Ok(Body::Set { groups }),
        _ => Err(scanner.error("one of `add`, `set` and `remove`")),
    }
}

/// Gathers the members of `set` into groups and holds them to the limits.
#[derive(Default)]
pub(crate) struct GroupsReader<'t> {
    groups: Vec<GroupChange<'t>>,
    x_mm: Option<&'t str>,
    y_mm: Option<&'t str>,
    /// Where the position comes among the groups: where its first member was.
    position_place: Option<usize>,
    bytes: usize,
}

impl<'t> GroupsReader<'t> {
    pub(crate) fn member(&mut self, scanner: &mut Scanner<'t>, key: Cow<'t, str>) -> Result<(), FrameError> {
        let value = scanner.value(MAX_VALUE_NESTING)?;
        let coordinate = match key.as_ref() {
            POSITION => &mut self.x_mm,
            SECOND_OF_POSITION => &mut self.y_mm,
            _ => return self.push(key, Some(Cow::Borrowed(value))),
        };
        *coordinate = Some(value);
        self.position_place.get_or_insert(self.groups.len());
        Ok(())
    }

    pub(crate) fn push(&mut self, key: Cow<'t, str>, value: Option<Cow<'t, str>>) -> Result<(), FrameError> {
        check_limit("a key", key.len(), "bytes", MAX_NAME_BYTES)?;
        check_limit("an item", self.groups.len() + 1, "keys", MAX_ITEM_KEYS)?;
        self.bytes += string_bytes(&key) + value.as_deref().map_or(0, str::len);
        let group = if key == SECOND_OF_POSITION { Cow::Borrowed(POSITION) } else { key };
        self.groups.push(GroupChange { group, value });
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<GroupChange<'t>>, FrameError> {
        if let Some(place) = self.position_place {
            let members = position_members(self.x_mm, self.y_mm);
            self.bytes += members.len();
            let group = Cow::Borrowed(POSITION);
            self.groups.insert(place, GroupChange { group, value: Some(Cow::Owned(members)) });
            check_limit("an item", self.groups.len(), "keys", MAX_ITEM_KEYS)?;
        }
        check_limit("an item", self.bytes, "bytes", MAX_ITEM_BYTES)?;
        if self.groups.len() > 1 {
            self.check_names_differ()?;
        }
        Ok(self.groups)
    }

    fn check_names_differ(&self) -> Result<(), FrameError> {
        let mut names: Vec<&str> = self.groups.iter().map(|change| change.group.as_ref()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let found = format!("named twice: {:?}", pair[0]);
            return Err(FrameError::Value { key: "set", found, expected: "each key once" });
        }
        Ok(())
    }
}

/// Gives the position group the coordinate that it lacks, if there is one in `present`: a client may name one of them only.
pub(crate) fn complete_position(groups: &mut [GroupChange<'_>], present: Option<&str>) {
    let position = groups.iter_mut().find(|change| change.group == POSITION).and_then(|change| change.value.as_mut());
    let (Some(position), Some(present)) = (position, present) else { return };
    let (x_mm, y_mm) = coordinates(position);
    if x_mm.is_none() || y_mm.is_none() {
        let (present_x_mm, present_y_mm) = coordinates(present);
        *position = Cow::Owned(position_members(x_mm.or(present_x_mm), y_mm.or(present_y_mm)));
    }
}

/// The texts of `x_mm` and `y_mm` in the value of the position group, as [`position_members`] puts them together.
pub(crate) fn coordinates(members: &str) -> (Option<&str>, Option<&str>) {
    let Some(after) = members.strip_prefix("\"x_mm\":") else { return (None, members.strip_prefix("\"y_mm\":")) };
    // What is in a group was read before, so it ends where no member follows.
    let x_mm = Scanner::new(after).value(MAX_VALUE_NESTING).unwrap_or(after);
    (Some(x_mm), after[x_mm.len()..].strip_prefix(",\"y_mm\":"))
}

/// The value of the position group.
pub(crate) fn position_members(x_mm: Option<&str>, y_mm: Option<&str>) -> String {
    match (x_mm, y_mm) {
        (Some(x), Some(y)) => {
            let mut members = String::with_capacity(x.len() + y.len() + 15);
            members.push_str("\"x_mm\":");
            members.push_str(x);
            members.push_str(",\"y_mm\":");
            members.push_str(y);
            members
        }
        (Some(x), None) => format!("\"x_mm\":{x}"),
        (None, Some(y)) => format!("\"y_mm\":{y}"),
        (None, None) => String::new(),
    }
}
