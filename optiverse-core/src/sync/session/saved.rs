//! Work that survives the end of the program.

use crate::sync::key::ReplicaKey;
use crate::sync::limits::MAX_VALUE_NESTING;
use crate::sync::operation::Operation;
use crate::sync::replica::{RemovedItems, Replica};
use crate::sync::role::Role;
use crate::sync::session::forward::Forward;
use crate::sync::session::{Event, Session};
use crate::sync::snapshot::Part;
use crate::sync::version::OperationId;
use crate::sync::wire::FrameError;
use crate::sync::wire::message::member;
use crate::sync::wire::scanner::Scanner;

impl Session {
    /// What is confirmed and what is pending, as text. [`Session::resume`] goes on from it.
    ///
    /// If edits are pending, the key under which they were made is in the text: it is for this user alone.
    pub fn save(&self) -> String {
        let mut out = format!("{{\"number\":{}", self.number);
        if !self.pending.is_empty() {
            out.push_str(",\"key\":\"");
            self.key.write(&mut out);
            out.push('"');
        }
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
    /// If edits are pending, the session goes on as the replica that made them, whose key the text holds: one text must not
    /// be resumed by two processes. `key`, new as for [`Session::new`], is used otherwise. The history of undo starts anew.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn resume(key: ReplicaKey, text: &str) -> Result<Session, FrameError> {
        let mut session = Session::new(key);
        let (mut saved_key, mut number, mut epoch, mut have) = (None, 0, None, None);
        let (mut is_forwarded, mut document) = (false, None);
        let mut scanner = Scanner::new(text);
        scanner.object(|scanner, key| {
            match key.as_ref() {
                "number" => number = scanner.unsigned()?,
                "key" => saved_key = Some(ReplicaKey::scan(scanner)?),
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
        let missing = |key| FrameError::Missing { place: "the saved work", key };
        session.confirmed.merge_part(&document.ok_or(missing("document"))?)?;
        if !session.pending.is_empty() {
            session.key = saved_key.ok_or(missing("key"))?;
            session.replica = session.key.replica();
            session.number = number;
        }
        let fits = |id: OperationId| id.replica == session.replica && id.number <= number;
        if !session.pending.values().all(|operation| fits(operation.id)) {
            let found = "one of another replica, or past `number`".to_owned();
            let expected = "operations of the replica of `key`, up to `number`";
            return Err(FrameError::Value { key: "ops", found, expected });
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
