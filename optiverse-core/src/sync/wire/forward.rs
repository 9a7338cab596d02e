//! What new clients say to each other through a server that only forwards: the member `sync` in the envelope of a message
//! that the server passes on, beside what older clients understand.
//!
//! | member | meaning |
//! |---|---|
//! | `protocol`, `replica` | of the sender; always there |
//! | `ops` | operations, in their final form |
//! | `have` | all the operations that the sender has, as a version vector |
//! | `ask` | true: whoever has more is to answer |
//! | `to`, `answer`, `index`, `parts`, `part` | part `index` of `parts` of an answer; `answer` tells the answers of a sender apart |

use crate::sync::limits::{MAX_FRAME_OPERATIONS, MAX_VALUE_NESTING};
use crate::sync::operation::{Operation, check_limit, scan_replica};
use crate::sync::snapshot::{Part, scan_vector, write_vector};
use crate::sync::version::{ReplicaId, VersionVector};
use crate::sync::wire::FrameError;
use crate::sync::wire::message::{PROTOCOL, check_protocol, member};
use crate::sync::wire::scanner::Scanner;

/// What a frame carries for new clients.
#[derive(Debug)]
pub(crate) struct Carried<'t> {
    pub(crate) replica: ReplicaId,
    pub(crate) operations: Vec<Operation<'t>>,
    pub(crate) have: Option<VersionVector>,
    pub(crate) asks: bool,
    pub(crate) part: Option<AnswerPart<'t>>,
}

/// A part of an answer.
#[derive(Debug)]
pub(crate) struct AnswerPart<'t> {
    pub(crate) to: ReplicaId,
    pub(crate) answer: u64,
    pub(crate) index: u64,
    pub(crate) parts: u64,
    pub(crate) part: Part<'t>,
}

impl<'t> Carried<'t> {
    /// Reads the member `sync`.
    pub(crate) fn read(text: &'t str) -> Result<Carried<'t>, FrameError> {
        let (mut protocol, mut replica, mut operations, mut have, mut asks) = (None, None, Vec::new(), None, false);
        let (mut to, mut answer, mut index, mut parts, mut part) = (None, None, None, None, None);
        Scanner::new(text).object(|scanner, key| {
            match key.as_ref() {
                "protocol" => protocol = Some(scanner.unsigned()?),
                "replica" => replica = Some(scan_replica(scanner)?),
                "ops" => scanner.list(|scanner| {
                    operations.push(Operation::scan(scanner)?);
                    check_limit("`ops`", operations.len(), "operations", MAX_FRAME_OPERATIONS)
                })?,
                "have" => have = Some(scan_vector(scanner)?),
                "ask" => asks = scanner.boolean()?,
                "to" => to = Some(scan_replica(scanner)?),
                "answer" => answer = Some(scanner.unsigned()?),
                "index" => index = Some(scanner.unsigned()?),
                "parts" => parts = Some(scanner.unsigned()?),
                "part" => part = Some(Part::scan(scanner)?),
                // A later version may say more.
                _ => drop(scanner.value(MAX_VALUE_NESTING)?),
            }
            Ok(())
        })?;
        let missing = |key| FrameError::Missing { place: "`sync`", key };
        check_protocol(protocol.ok_or(missing("protocol"))?)?;
        let part = match part {
            None => None,
            Some(part) => Some(AnswerPart {
                to: to.ok_or(missing("to"))?,
                answer: answer.ok_or(missing("answer"))?,
                index: index.ok_or(missing("index"))?,
                parts: parts.ok_or(missing("parts"))?,
                part,
            }),
        };
        Ok(Carried { replica: replica.ok_or(missing("replica"))?, operations, have, asks, part })
    }
}

/// Writes the member `sync` with what every one has.
pub(crate) fn write(replica: ReplicaId) -> String {
    format!("{{\"protocol\":{PROTOCOL},\"replica\":\"{replica}\"}}")
}

/// Writes `sync` with operations.
pub(crate) fn write_operations<'o>(
    replica: ReplicaId,
    operations: impl IntoIterator<Item = &'o Operation<'o>>,
) -> String {
    with(replica, |out| {
        out.push_str(",\"ops\":[");
        for (index, operation) in operations.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            operation.write(out);
        }
        out.push(']');
    })
}

/// Writes `sync` with what the sender has, and whether it asks for more.
pub(crate) fn write_have(replica: ReplicaId, have: &VersionVector, asks: bool) -> String {
    with(replica, |out| {
        out.push_str(",\"have\":");
        write_vector(have, out);
        if asks {
            out.push_str(",\"ask\":true");
        }
    })
}

/// Writes `sync` with one part of an answer to another client.
pub(crate) fn write_part(replica: ReplicaId, to: ReplicaId, answer: u64, place: (u64, u64), part: &str) -> String {
    with(replica, |out| {
        out.push_str(&format!(",\"to\":\"{to}\""));
        member("answer", answer, out);
        member("index", place.0, out);
        member("parts", place.1, out);
        out.push_str(",\"part\":");
        out.push_str(part);
    })
}

fn with(replica: ReplicaId, members: impl FnOnce(&mut String)) -> String {
    let mut out = write(replica);
    out.pop();
    members(&mut out);
    out.push('}');
    out
}
