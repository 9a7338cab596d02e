//! Registers as text: whole snapshots, and what a peer of a known version misses.
//!
//! A text is a list of parts, each short enough for a frame:
//! `{"replicas":["1z14…",…],"items":[["lens-1",[0,1,1763700000000,0,"items"],{"angle_deg":[0,2,1763700000000,1,45.0]}],…]}`.
//! A register is `[replica, number, milliseconds, counter, value]`, the replica as its place in `replicas`; one without
//! a value is a removed one. `[null, value]` was written with the register before the properties, as those of an item are
//! that nobody has changed since it was added. The last part also has `vector`, what the sender has, and `since`, what it left out because
//! the receiver has it; both as `[[replica, up to, single …],…]`.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::scene::Section;
use crate::sync::limits::{MAX_DOCUMENT_BYTES, MAX_NAME_BYTES, MAX_VALUE_NESTING, REGISTER_BYTES};
use crate::sync::operation::{
    POSITION, check_limit, check_name, position_members, scan_replica, scan_section, scan_time, write_time,
};
use crate::sync::replica::{Register, RemovedItems, Replica, Writer};
use crate::sync::version::{OperationId, ReplicaId, VersionVector};
use crate::sync::wire::FrameError;
use crate::sync::wire::scanner::{Scanner, write_string, write_unsigned};

/// The registers of one item in a part.
#[derive(Debug)]
struct ItemPart<'t> {
    id: Cow<'t, str>,
    present: Option<Register<Option<Section>>>,
    groups: Vec<(Cow<'t, str>, Writer, Option<Cow<'t, str>>)>,
}

/// One part that was read and not yet merged.
#[derive(Debug)]
pub(crate) struct Part<'t> {
    items: Vec<ItemPart<'t>>,
    vector: Option<VersionVector>,
    since: VersionVector,
}

/// Whether merging a difference brought everything that its sender has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Everything.
    Complete,
    /// It was made for a peer that has more; ask for a difference to one's own version vector.
    Gap,
}

impl Replica {
    /// The whole document as one text; [`Replica::from_snapshot`] reads it.
    pub fn to_snapshot(&self) -> String {
        let mut parts = self.parts_since(&VersionVector::new(), usize::MAX);
        parts.pop().unwrap_or_default()
    }

    /// What a peer that has `since` misses, as one text; [`Replica::merge`] reads it.
    pub fn difference(&self, since: &VersionVector) -> String {
        let mut parts = self.parts_since(since, usize::MAX);
        parts.pop().unwrap_or_default()
    }

    /// Reads a document that [`Replica::to_snapshot`] wrote.
    ///
    /// # Errors
    /// If the text is something else or exceeds a limit.
    pub fn from_snapshot(text: &str, removed: RemovedItems) -> Result<Replica, FrameError> {
        let mut replica = Replica::new(removed);
        replica.merge(text)?;
        Ok(replica)
    }

    /// Merges what [`Replica::difference`] of another document wrote. The order of merges does not matter, nor how often
    /// the same text is merged.
    ///
    /// # Errors
    /// If the text is something else, or takes more than [`MAX_DOCUMENT_BYTES`] together with the document; nothing is
    /// changed then.
    pub fn merge(&mut self, text: &str) -> Result<Completeness, FrameError> {
        let part = Part::read(text)?;
        self.merge_part(&part)
    }

    /// What a peer that has `since` misses, in texts of about `budget` bytes; a single register may exceed it.
    pub(crate) fn parts_since(&self, since: &VersionVector, budget: usize) -> Vec<String> {
        let mut writer = PartWriter::new(budget);
        let mut items: Vec<_> = self.items.iter().collect();
        // A document always gives the same text.
        items.sort_unstable_by_key(|(id, _)| *id);
        for (id, state) in items {
            let present = state.present.as_ref().filter(|register| !since.contains(register.writer.id));
            writer.begin_item(id, present);
            for group in state.groups.iter().filter(|group| !since.contains(group.register.writer.id)) {
                writer.group(id, &group.name, group.register.writer, group.register.value.as_deref());
            }
            writer.end_item();
        }
        writer.finish(&self.vector, since)
    }

    pub(crate) fn merge_part(&mut self, part: &Part<'_>) -> Result<Completeness, FrameError> {
        let size = self.bytes() + part.bytes();
        check_limit("the document", size, "bytes", MAX_DOCUMENT_BYTES)?;
        self.items.reserve(part.items.len().saturating_sub(self.items.len()));
        for item in &part.items {
            let groups = item.groups.iter().map(|(name, writer, value)| (&**name, *writer, value.as_deref()));
            self.merge_item(&item.id, item.present.clone(), groups);
        }
        match &part.vector {
            None => Ok(Completeness::Complete),
            Some(theirs) if self.vector.covers(&part.since) => {
                self.vector.join(theirs);
                Ok(Completeness::Complete)
            }
            Some(_) => Ok(Completeness::Gap),
        }
    }
}

/// Writes registers into parts.
struct PartWriter {
    budget: usize,
    parts: Vec<String>,
    items: String,
    replicas: HashMap<ReplicaId, usize>,
    replica_list: Vec<ReplicaId>,
    /// Who wrote the presence of the item begun last, if that is in this part.
    present: Option<Writer>,
    /// Where the item begun last starts; it is taken back if nothing of it is written.
    start: usize,
    is_empty: bool,
    separator: &'static str,
}

impl PartWriter {
    fn new(budget: usize) -> PartWriter {
        PartWriter {
            budget,
            parts: Vec::new(),
            items: String::new(),
            replicas: HashMap::new(),
            replica_list: Vec::new(),
            present: None,
            start: 0,
            is_empty: true,
            separator: "",
        }
    }

    fn begin_item(&mut self, id: &str, present: Option<&Register<Option<Section>>>) {
        self.start = self.items.len();
        self.is_empty = present.is_none();
        self.present = present.map(|register| register.writer);
        if !self.items.is_empty() {
            self.items.push(',');
        }
        self.items.push('[');
        write_string(id, &mut self.items);
        self.items.push(',');
        match present {
            None => self.items.push_str("null"),
            Some(register) => {
                self.writer(register.writer);
                if let Some(section) = register.value {
                    self.items.push_str(",\"");
                    self.items.push_str(section.key());
                    self.items.push('"');
                }
                self.items.push(']');
            }
        }
        self.items.push_str(",{");
        self.separator = "";
    }

    fn group(&mut self, id: &str, name: &str, writer: Writer, value: Option<&str>) {
        let size = 2 * name.len() + value.map_or(0, str::len) + 100;
        if self.items.len() + self.replica_list.len() * 16 + size > self.budget && !(self.is_empty && self.start == 0) {
            self.end_item();
            self.end_part();
            self.begin_item(id, None);
        }
        self.is_empty = false;
        self.items.push_str(self.separator);
        self.separator = ",";
        write_string(name, &mut self.items);
        self.items.push(':');
        if self.present == Some(writer) {
            self.items.push_str("[null");
        } else {
            self.writer(writer);
        }
        if let Some(value) = value {
            self.items.push(',');
            if name == POSITION {
                self.items.push('{');
                self.items.push_str(value);
                self.items.push('}');
            } else {
                self.items.push_str(value);
            }
        }
        self.items.push(']');
    }

    fn end_item(&mut self) {
        if self.is_empty {
            self.items.truncate(self.start);
            return;
        }
        self.items.push_str("}]");
        if self.items.len() > self.budget {
            self.end_part();
        }
    }

    /// Writes the start of a register.
    fn writer(&mut self, writer: Writer) {
        let next = self.replica_list.len();
        let place = *self.replicas.entry(writer.id.replica).or_insert(next);
        if place == next {
            self.replica_list.push(writer.id.replica);
        }
        self.items.push('[');
        write_unsigned(place as u64, &mut self.items);
        self.items.push(',');
        write_unsigned(writer.id.number, &mut self.items);
        self.items.push(',');
        write_time(writer.time, &mut self.items);
    }

    fn end_part(&mut self) {
        let mut part = String::with_capacity(self.items.len() + self.replica_list.len() * 16 + 40);
        part.push_str("{\"replicas\":[");
        for (index, replica) in self.replica_list.iter().enumerate() {
            part.push_str(if index == 0 { "\"" } else { ",\"" });
            replica.write(&mut part);
            part.push('"');
        }
        part.push_str("],\"items\":[");
        part.push_str(&self.items);
        part.push_str("]}");
        self.parts.push(part);
        self.items.clear();
        self.start = 0;
        self.replicas.clear();
        self.replica_list.clear();
    }

    fn finish(mut self, vector: &VersionVector, since: &VersionVector) -> Vec<String> {
        if !self.items.is_empty() || self.parts.is_empty() {
            self.end_part();
        }
        if let Some(last) = self.parts.last_mut() {
            last.pop();
            last.push_str(",\"vector\":");
            write_vector(vector, last);
            last.push_str(",\"since\":");
            write_vector(since, last);
            last.push('}');
        }
        self.parts
    }
}

/// Writes a version vector as `[[replica, up to, single …],…]`, in the order of the replicas.
pub(crate) fn write_vector(vector: &VersionVector, out: &mut String) {
    let mut entries: Vec<_> = vector.entries().collect();
    entries.sort_unstable_by_key(|(replica, ..)| *replica);
    out.push('[');
    for (index, (replica, up_to, ahead)) in entries.into_iter().enumerate() {
        out.push_str(if index == 0 { "[\"" } else { ",[\"" });
        replica.write(out);
        out.push_str("\",");
        write_unsigned(up_to, out);
        for &number in ahead {
            out.push(',');
            write_unsigned(number, out);
        }
        out.push(']');
    }
    out.push(']');
}

pub(crate) fn scan_vector(scanner: &mut Scanner<'_>) -> Result<VersionVector, FrameError> {
    let mut vector = VersionVector::new();
    scanner.list(|scanner| {
        scanner.take(b'[', "a replica and its numbers")?;
        let replica = scan_replica(scanner)?;
        scanner.take(b',', "`,`")?;
        vector.insert_up_to(replica, scanner.unsigned()?);
        while scanner.another() {
            let number = scanner.unsigned()?;
            vector.insert(OperationId { replica, number });
        }
        scanner.take(b']', "`]`")
    })?;
    Ok(vector)
}

impl<'t> Part<'t> {
    /// Reads a part.
    pub(crate) fn read(text: &'t str) -> Result<Part<'t>, FrameError> {
        let mut scanner = Scanner::new(text);
        let part = Part::scan(&mut scanner)?;
        scanner.end()?;
        Ok(part)
    }

    pub(crate) fn scan(scanner: &mut Scanner<'t>) -> Result<Part<'t>, FrameError> {
        let mut part = Part { items: Vec::new(), vector: None, since: VersionVector::new() };
        let mut replicas = Vec::new();
        scanner.object(|scanner, key| {
            match key.as_ref() {
                "replicas" => scanner.list(|scanner| {
                    replicas.push(scan_replica(scanner)?);
                    Ok(())
                })?,
                "items" => scanner.list(|scanner| {
                    part.items.push(scan_item(scanner, &replicas)?);
                    Ok(())
                })?,
                "vector" => part.vector = Some(scan_vector(scanner)?),
                "since" => part.since = scan_vector(scanner)?,
                // A later version may say more.
                _ => drop(scanner.value(MAX_VALUE_NESTING)?),
            }
            Ok(())
        })?;
        Ok(part)
    }

    /// The ids of the items in it.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|item| &*item.id)
    }

    /// What its sender has; none if it is not the last part.
    pub(crate) fn vector(&self) -> Option<&VersionVector> {
        self.vector.as_ref()
    }

    /// Makes it say nothing about what is missing.
    pub(crate) fn forget_vector(&mut self) {
        self.vector = None;
    }

    fn bytes(&self) -> usize {
        let group = |(name, _, value): &(Cow<'_, str>, Writer, Option<Cow<'_, str>>)| {
            REGISTER_BYTES + name.len() + value.as_ref().map_or(0, |value| value.len())
        };
        let item = |item: &ItemPart<'_>| REGISTER_BYTES + item.id.len() + item.groups.iter().map(group).sum::<usize>();
        self.items.iter().map(item).sum()
    }
}

fn scan_item<'t>(scanner: &mut Scanner<'t>, replicas: &[ReplicaId]) -> Result<ItemPart<'t>, FrameError> {
    scanner.take(b'[', "an item")?;
    let id = scanner.string()?;
    check_name("the id of an item", &id)?;
    scanner.take(b',', "`,`")?;
    let present = if scanner.null()? {
        None
    } else {
        let writer = scan_writer(scanner, replicas)?;
        let value = if scanner.another() { Some(scan_section(scanner)?) } else { None };
        scanner.take(b']', "`]`")?;
        Some(Register { writer, value })
    };
    scanner.take(b',', "`,`")?;
    let mut groups = Vec::new();
    scanner.object(|scanner, name| {
        check_limit("a key", name.len(), "bytes", MAX_NAME_BYTES)?;
        let writer = scan_writer_of_group(scanner, replicas, present.as_ref().map(|register| register.writer))?;
        let value = match scanner.another() {
            false => None,
            true if name == POSITION => Some(Cow::Owned(scan_position(scanner)?)),
            true => Some(Cow::Borrowed(scanner.value(MAX_VALUE_NESTING)?)),
        };
        scanner.take(b']', "`]`")?;
        groups.push((name, writer, value));
        Ok(())
    })?;
    scanner.take(b']', "`]`")?;
    Ok(ItemPart { id, present, groups })
}

fn scan_position(scanner: &mut Scanner<'_>) -> Result<String, FrameError> {
    let (mut x_mm, mut y_mm) = (None, None);
    scanner.object(|scanner, key| {
        let value = scanner.value(MAX_VALUE_NESTING)?;
        match key.as_ref() {
            "x_mm" => x_mm = Some(value),
            "y_mm" => y_mm = Some(value),
            _ => return Err(scanner.error("`x_mm` and `y_mm` and nothing else")),
        }
        Ok(())
    })?;
    if x_mm.is_none() && y_mm.is_none() {
        return Err(scanner.error("`x_mm`, `y_mm` or both"));
    }
    Ok(position_members(x_mm, y_mm))
}

/// Reads the start of a register.
fn scan_writer(scanner: &mut Scanner<'_>, replicas: &[ReplicaId]) -> Result<Writer, FrameError> {
    scanner.take(b'[', "a register")?;
    scan_writer_in(scanner, replicas)
}

/// Reads the start of a group's register, which may name the writer of its item's presence.
fn scan_writer_of_group(
    scanner: &mut Scanner<'_>,
    replicas: &[ReplicaId],
    present: Option<Writer>,
) -> Result<Writer, FrameError> {
    scanner.take(b'[', "a register")?;
    if scanner.null()? {
        return present.ok_or_else(|| scanner.error("a writer, as there is none before the properties"));
    }
    scan_writer_in(scanner, replicas)
}

fn scan_writer_in(scanner: &mut Scanner<'_>, replicas: &[ReplicaId]) -> Result<Writer, FrameError> {
    let place = usize::try_from(scanner.unsigned()?).ok();
    let replica = place.and_then(|place| replicas.get(place)).copied();
    let replica = replica.ok_or_else(|| scanner.error("a place in the list of replicas before it"))?;
    scanner.take(b',', "`,`")?;
    let number = scanner.unsigned()?;
    scanner.take(b',', "`,`")?;
    let time = scan_time(scanner)?;
    Ok(Writer { time, id: OperationId { replica, number } })
}
