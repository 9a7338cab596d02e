//! A relay and one client of it, without a network between.

use optiverse_core::sync::Session;
use optiverse_core::sync::authority::{Authority, ConnectionId, Payload};

/// Hands frames to and fro until both are quiet, and stores what the relay wants stored. `tell` is told all that the relay sends, to whomever.
pub(crate) fn exchange(
    relay: &mut Authority,
    (client, connection): (&mut Session, ConnectionId),
    now_ms: u64,
    mut tell: impl FnMut(ConnectionId, &Payload),
) {
    let mut is_quiet = false;
    while !is_quiet {
        is_quiet = true;
        while let Some(frame) = client.poll_transmit() {
            is_quiet = false;
            relay.handle_frame(connection, frame.as_bytes(), now_ms);
        }
        while let Some(record) = relay.poll_record() {
            relay.handle_stored(record.sequence);
        }
        while let Some(transmit) = relay.poll_transmit() {
            is_quiet = false;
            tell(transmit.connection, &transmit.payload);
            if let (Payload::Frame(frame), true) = (&transmit.payload, transmit.connection == connection) {
                client.handle_frame(frame.as_bytes(), now_ms);
            }
        }
    }
}
