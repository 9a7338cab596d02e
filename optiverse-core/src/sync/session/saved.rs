//! Work that survives the end of the program.

use crate::sync::limits::MAX_VALUE_NESTING;
use crate::sync::operation::{Operation, scan_replica};
use crate::sync::replica::{RemovedItems, Replica};
use crate::sync::role::Role;
use crate::sync::session::forward::Forward;
use crate::sync::session::{Event, Session, SessionConfig};
use crate::sync::snapshot::Part;
use crate::sync::wire::FrameError;
use crate::sync::wire::message::member;
use crate::sync::wire::scanner::Scanner;

impl Session {
    /// What is confirmed and what is pending, as text. [`Session::resume`] goes on from it.
    pub fn save(&self) -> String {
        let mut out = format!("{{\"replica\":\"{}\"", self.replica);
        member("number", self.number, &mut out);
        if let Some((epoch, have)) = self.have {
            out.push_str(&format!(",\"epoch\":\"{epoch:016x}\""));
            member("have", have, &mut out);
        }
        if let Some(role) = self.role {
            out.push_str(&format!(",\"role\":\"{}\"", role.code()));
        }
        if self.forward.is_some() {
            out.push_str(",\"forward\":true");
        }
        out.push_str(",\"ops\":[");
        for (index, operation) in self.pending.values().enumerate() {
            if index > 0 {
                out.push(',');
            }
            operation.write(&mut out);
        }
        out.push_str("],\"document\":");
        out.push_str(&self.confirmed.to_snapshot());
        out.push('}');
        out
    }

    /// Goes on from what [`Session::save`] wrote, in a new process. Edits that the relay has decided about in the meantime
    /// are recognised by their ids.
    ///
    /// If edits are pending, the session goes on under the replica id under which they were made: one text must not be
    /// resumed by two processes. The id of `config` is used otherwise. The history of undo starts anew.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn resume(config: SessionConfig, text: &str) -> Result<Session, FrameError> {
        let mut session = Session::new(config);
        let (mut replica, mut number, mut epoch, mut have) = (None, 0, None, None);
        let (mut is_forwarded, mut document) = (false, None);
        let mut scanner = Scanner::new(text);
        scanner.object(|scanner, key| {
            match key.as_ref() {
                "replica" => replica = Some(scan_replica(scanner)?),
                "number" => number = scanner.unsigned()?,
                "epoch" => epoch = u64::from_str_radix(&scanner.string()?, 16).ok(),
                "have" => have = Some(scanner.unsigned()?),
                "role" => session.role = Role::from_code(&scanner.string()?),
                "ops" => scanner.list(|scanner| {
                    let operation = Operation::scan(scanner)?.into_owned();
                    session.push_pending(operation);
                    Ok(())
                })?,
                "forward" => is_forwarded = scanner.boolean()?,
                "document" => document = Some(Part::scan(scanner)?),
                _ => drop(scanner.value(MAX_VALUE_NESTING)?),
            }
            Ok(())
        })?;
        scanner.end()?;
        if is_forwarded {
            session.confirmed = Replica::new(RemovedItems::Keep);
            session.forward = Some(Forward::default());
        }
        if let Some(document) = document {
            session.confirmed.merge_part(&document)?;
        }
        let replica = replica.ok_or(FrameError::Missing { place: "the saved work", key: "replica" })?;
        let fits = |operation: &Operation<'_>| operation.id.replica == replica && operation.id.number <= number;
        if !session.pending.values().all(fits) {
            let found = "one of another replica, or past `number`".to_owned();
            return Err(FrameError::Value { key: "ops", found, expected: "operations of `replica` up to `number`" });
        }
        if !session.pending.is_empty() {
            session.replica = replica;
            session.number = number;
        }
        session.have = epoch.zip(have);
        let newest = session.pending.values().map(|operation| operation.time).max().unwrap_or_default();
        for time in [newest, session.confirmed.newest()] {
            let _ = session.clock.observe(time, time.milliseconds());
        }
        session.refresh_all();
        session.events.retain(|event| !matches!(event, Event::Changed(_)));
        Ok(session)
    }
}
