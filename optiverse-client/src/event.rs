//! What a client tells its program.

use optiverse_core::sync::session;

/// Events that wait to be taken, at most; beyond them the oldest are dropped, and [`Event::Missed`] says how many.
pub const MAX_EVENTS: usize = 65_536;

/// What a client tells its program.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// What the session tells, except that it wants to be connected or disconnected, which is the client's work.
    Session(session::Event),
    /// A connection was not made, or has ended.
    Disconnected {
        /// The code with which the server closed it, if it did.
        code: Option<u16>,
        /// A sentence for a person, with the address.
        message: String,
        /// Whether another attempt follows. If not, there is no use in one: the server refuses this client.
        retries: bool,
    },
    /// Nobody took the events for so long that these many were dropped; look at the scene, the status and the peers anew.
    Missed {
        /// How many.
        count: u64,
    },
}
