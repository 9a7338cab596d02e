//! The messages between new clients and the relay, `sync:*` within the app's envelope.
//!
//! | from the client | members |
//! |---|---|
//! | `sync:hello` | `protocol`, `replica`, its `key`, `settled`; to catch up by difference also `epoch`, `have` |
//! | `sync:ops` | `ops`: operations, numbered without gaps |
//!
//! | from the relay | members |
//! |---|---|
//! | `sync:welcome` | `epoch`, `sequence` of the newest operation, `snapshot`: how many parts follow; 0: operations do |
//! | `sync:part` | `index` from 0, `part` as in a snapshot |
//! | `sync:ops` | `sequence` of the first one, `ops` |
//! | `sync:ack` | `number`, and the `sequence` and `time` it got; without them: it had been accepted before |
//! | `sync:refused` | `number`, `reason`, `message` |
//! | `sync:gap` | `expected`: the number from which to send again |
//! | `sync:error` | `message`: why a frame was ignored |

use crate::sync::clock::Timestamp;
use crate::sync::key::ReplicaKey;
use crate::sync::limits::{MAX_FRAME_OPERATIONS, MAX_NAME_BYTES, MAX_VALUE_NESTING};
use crate::sync::operation::{Operation, check_limit, scan_replica, scan_time, write_time};
use crate::sync::role::Role;
use crate::sync::version::ReplicaId;
use crate::sync::wire::FrameError;
use crate::sync::wire::envelope::Envelope;
use crate::sync::wire::scanner::{Scanner, write_string, write_unsigned};

/// The version of the protocol.
pub const PROTOCOL: u64 = 1;

/// Why a relay refused an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The user may look, but not edit.
    Role,
    /// The item is not there; somebody removed it.
    Removed,
    /// There is an item of this id already.
    Exists,
    /// The operation changes the id of an item, or gives an added item another one.
    Id,
    /// The item would exceed [`crate::sync::limits::MAX_ITEM_BYTES`] or [`crate::sync::limits::MAX_ITEM_KEYS`].
    ItemSize,
    /// The document would exceed [`crate::sync::limits::MAX_DOCUMENT_BYTES`].
    DocumentFull,
    /// Later operations of the same replica have been decided; taking this one now would let it win over them.
    Late,
    /// Something that this version does not know.
    Other,
}

impl RefusalReason {
    const ALL: [RefusalReason; 8] = [
        RefusalReason::Role,
        RefusalReason::Removed,
        RefusalReason::Exists,
        RefusalReason::Id,
        RefusalReason::ItemSize,
        RefusalReason::DocumentFull,
        RefusalReason::Late,
        RefusalReason::Other,
    ];

    /// The word in the message.
    pub fn code(self) -> &'static str {
        match self {
            RefusalReason::Role => "role",
            RefusalReason::Removed => "removed",
            RefusalReason::Exists => "exists",
            RefusalReason::Id => "id",
            RefusalReason::ItemSize => "item-size",
            RefusalReason::DocumentFull => "document-full",
            RefusalReason::Late => "late",
            RefusalReason::Other => "other",
        }
    }

    /// A sentence for a person.
    pub fn message(self) -> &'static str {
        match self {
            RefusalReason::Role => "this user may look at the session but not edit it",
            RefusalReason::Removed => "the item was removed by somebody else",
            RefusalReason::Exists => "there is an item of this id already",
            RefusalReason::Id => "the id of an item cannot be changed",
            RefusalReason::ItemSize => "the item is too large",
            RefusalReason::DocumentFull => "the session is full",
            RefusalReason::Late => "the edit came too late; later edits of the same user had been decided",
            RefusalReason::Other => "the relay refused the edit",
        }
    }

    fn from_code(code: &str) -> RefusalReason {
        RefusalReason::ALL.into_iter().find(|reason| reason.code() == code).unwrap_or(RefusalReason::Other)
    }
}

/// What a client says when it was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) replica: ReplicaId,
    /// What shows that the replica is the sender's: not yet compared with it.
    pub(crate) key: ReplicaKey,
    /// All of its operations up to this one have been decided, as far as it knows.
    pub(crate) settled: u64,
    /// The epoch of the relay and the sequence number up to which it has everything.
    pub(crate) have: Option<(u64, u64)>,
}

impl Hello {
    pub(crate) fn write(&self) -> String {
        let mut out = format!("{{\"type\":\"sync:hello\",\"protocol\":{PROTOCOL},\"replica\":\"{}\"", self.replica);
        out.push_str(",\"key\":\"");
        self.key.write(&mut out);
        out.push('"');
        member("settled", self.settled, &mut out);
        if let Some((epoch, have)) = self.have {
            out.push_str(&format!(",\"epoch\":\"{epoch:016x}\""));
            member("have", have, &mut out);
        }
        out.push('}');
        out
    }

    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Hello, FrameError> {
        check_protocol(envelope.required("protocol", |scanner| scanner.unsigned())?)?;
        let replica = envelope.required("replica", scan_replica)?;
        let key = envelope.required("key", ReplicaKey::scan)?;
        let settled = envelope.required("settled", |scanner| scanner.unsigned())?;
        let epoch = read_epoch(envelope)?;
        let have = envelope.optional("have", |scanner| scanner.unsigned())?;
        Ok(Hello { replica, key, settled, have: epoch.zip(have) })
    }
}

pub(crate) fn check_protocol(protocol: u64) -> Result<(), FrameError> {
    if protocol == PROTOCOL {
        return Ok(());
    }
    Err(FrameError::Value { key: "protocol", found: protocol.to_string(), expected: "1" })
}

/// The role in `sync` of `connection:ack`; none if the relay does not say, or says a word of a later version.
pub(crate) fn read_role(offer: &str) -> Result<Option<Role>, FrameError> {
    let mut role = None;
    Scanner::new(offer).object(|scanner, key| {
        if key == "role" {
            role = Role::from_code(&scanner.string()?);
        } else {
            scanner.value(MAX_VALUE_NESTING)?;
        }
        Ok(())
    })?;
    Ok(role)
}

pub(crate) fn read_epoch(envelope: &Envelope<'_>) -> Result<Option<u64>, FrameError> {
    envelope.optional("epoch", |scanner| {
        let epoch = u64::from_str_radix(&scanner.string()?, 16).ok();
        epoch.ok_or_else(|| scanner.error("an epoch of 16 hexadecimal digits"))
    })
}

/// Reads the operations of `sync:ops`, with the sequence number of the first where a relay sends them.
pub(crate) fn read_operations<'t>(envelope: &Envelope<'t>) -> Result<(Option<u64>, Vec<Operation<'t>>), FrameError> {
    let sequence = envelope.optional("sequence", |scanner| scanner.unsigned())?;
    let operations = envelope.required("ops", |scanner| {
        let mut operations = Vec::new();
        scanner.list(|scanner| {
            operations.push(Operation::scan(scanner)?);
            check_limit("`ops`", operations.len(), "operations", MAX_FRAME_OPERATIONS)
        })?;
        Ok(operations)
    })?;
    Ok((sequence, operations))
}

/// Writes `sync:ops` from the texts of operations.
pub(crate) fn write_operations<'o>(sequence: Option<u64>, operations: impl IntoIterator<Item = &'o str>) -> String {
    let mut out = String::from("{\"type\":\"sync:ops\"");
    if let Some(sequence) = sequence {
        member("sequence", sequence, &mut out);
    }
    out.push_str(",\"ops\":[");
    for (index, operation) in operations.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(operation);
    }
    out.push_str("]}");
    out
}

/// What the relay says to a client that it catches up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    /// The number of parts that follow; 0 if the missing operations follow instead.
    pub(crate) parts: u64,
}

impl Welcome {
    pub(crate) fn write(self) -> String {
        let mut out = format!("{{\"type\":\"sync:welcome\",\"epoch\":\"{:016x}\"", self.epoch);
        member("sequence", self.sequence, &mut out);
        member("snapshot", self.parts, &mut out);
        out.push('}');
        out
    }

    pub(crate) fn read(envelope: &Envelope<'_>) -> Result<Welcome, FrameError> {
        let epoch = read_epoch(envelope)?.ok_or(FrameError::Missing { place: "the frame", key: "epoch" })?;
        let sequence = envelope.required("sequence", |scanner| scanner.unsigned())?;
        let parts = envelope.required("snapshot", |scanner| scanner.unsigned())?;
        Ok(Welcome { epoch, sequence, parts })
    }
}

pub(crate) fn write_part(index: usize, part: &str) -> String {
    format!("{{\"type\":\"sync:part\",\"index\":{index},\"part\":{part}}}")
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Accepted, with its place in the sequence and its final stamp; without, if that was told before.
    Accepted(Option<(u64, Timestamp)>),
    Refused(RefusalReason),
}

pub(crate) fn write_decision(number: u64, decision: Decision) -> String {
    let mut out = String::from("{\"type\":\"sync:");
    match decision {
        Decision::Accepted(place) => {
            out.push_str("ack\"");
            member("number", number, &mut out);
            if let Some((sequence, time)) = place {
                member("sequence", sequence, &mut out);
                out.push_str(",\"time\":[");
                write_time(time, &mut out);
                out.push(']');
            }
        }
        Decision::Refused(reason) => {
            out.push_str("refused\"");
            member("number", number, &mut out);
            out.push_str(&format!(",\"reason\":\"{}\",\"message\":", reason.code()));
            write_string(reason.message(), &mut out);
        }
    }
    out.push('}');
    out
}

pub(crate) fn read_decision(envelope: &Envelope<'_>) -> Result<(u64, Decision), FrameError> {
    let number = envelope.required("number", |scanner| scanner.unsigned())?;
    if envelope.kind == "sync:refused" {
        let reason = envelope.required("reason", |scanner| scanner.string())?;
        return Ok((number, Decision::Refused(RefusalReason::from_code(&reason))));
    }
    let sequence = envelope.optional("sequence", |scanner| scanner.unsigned())?;
    let time = envelope.optional("time", |scanner| {
        scanner.take(b'[', "milliseconds and a counter")?;
        scan_time(scanner)
    })?;
    Ok((number, Decision::Accepted(sequence.zip(time))))
}

pub(crate) fn write_gap(expected: u64) -> String {
    format!("{{\"type\":\"sync:gap\",\"expected\":{expected}}}")
}

pub(crate) fn write_error(message: &str) -> String {
    let mut out = String::from("{\"type\":\"sync:error\",\"message\":");
    write_string(message, &mut out);
    out.push('}');
    out
}

/// Appends a member with a number.
pub(crate) fn member(key: &str, number: u64, out: &mut String) {
    out.push_str(",\"");
    out.push_str(key);
    out.push_str("\":");
    write_unsigned(number, out);
}

/// Holds a name that a user chose to the limit of names.
pub(crate) fn check_user_name(name: &str) -> Result<(), FrameError> {
    check_limit("the name of a user", name.len(), "bytes", MAX_NAME_BYTES)
}
