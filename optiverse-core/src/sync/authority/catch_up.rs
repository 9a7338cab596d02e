//! Bringing a client up to date: all the operations that it misses, or the whole document, never a part.

use std::sync::Arc;

use crate::sync::authority::{Authority, ConnectionId};
use crate::sync::limits::MAX_FRAME_BYTES;
use crate::sync::version::VersionVector;
use crate::sync::wire::message::{Welcome, write_operations, write_part};

/// Room in a frame for what stands around operations and parts.
const FRAME_MARGIN: usize = 4_096;

impl Authority {
    /// Sends what is missing after `have`, an epoch and a sequence number.
    pub(crate) fn catch_up(&mut self, connection: ConnectionId, have: Option<(u64, u64)>) {
        let (epoch, sequence) = (self.config.epoch, self.sequence);
        let oldest = sequence - self.log.len() as u64;
        match have {
            Some((theirs, have)) if theirs == epoch && (oldest..=sequence).contains(&have) => {
                self.send(connection, Welcome { epoch, sequence, parts: 0 }.write());
                for frame in self.operations_after(have) {
                    self.send(connection, frame);
                }
            }
            _ => {
                for frame in self.whole_document() {
                    self.send(connection, frame);
                }
            }
        }
    }

    /// The welcome and the parts of the whole document. They are kept until the next operation: after a failure of the network
    /// all come back at once.
    fn whole_document(&mut self) -> Vec<Arc<str>> {
        let (epoch, sequence) = (self.config.epoch, self.sequence);
        if let Some((of, frames)) = &self.whole
            && *of == sequence
        {
            return frames.clone();
        }
        let parts = self.replica.parts_since(&VersionVector::new(), MAX_FRAME_BYTES / 2);
        let welcome = Welcome { epoch, sequence, parts: parts.len() as u64 }.write();
        let parts = parts.iter().enumerate().map(|(index, part)| write_part(index, part));
        let frames: Vec<Arc<str>> = std::iter::once(welcome).chain(parts).map(Arc::from).collect();
        self.whole = Some((sequence, frames.clone()));
        frames
    }

    /// Frames with the operations after `have`, which are all in the log.
    pub(crate) fn operations_after(&self, have: u64) -> Vec<String> {
        let oldest = self.sequence - self.log.len() as u64;
        let skipped = usize::try_from(have - oldest).unwrap_or(usize::MAX);
        let mut frames = Vec::new();
        let mut texts: Vec<&str> = Vec::new();
        let (mut first, mut bytes) = (have + 1, 0);
        for entry in self.log.iter().skip(skipped) {
            if !texts.is_empty() && bytes + entry.text.len() > MAX_FRAME_BYTES - FRAME_MARGIN {
                let count = texts.len() as u64;
                frames.push(write_operations(Some(first), texts.drain(..)));
                first += count;
                bytes = 0;
            }
            bytes += entry.text.len() + 1;
            texts.push(&entry.text);
        }
        if !texts.is_empty() {
            frames.push(write_operations(Some(first), texts));
        }
        frames
    }
}
