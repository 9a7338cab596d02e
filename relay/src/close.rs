//! The codes with which the relay closes a WebSocket connection.

/// A close code (RFC 6455, section 7.4) with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// The code.
    pub code: u16,
    /// The reason, for a person.
    pub reason: &'static str,
}

impl Close {
    /// The relay is being stopped. Reconnect and catch up.
    pub const GOING_AWAY: Close = Close { code: 1001, reason: "the relay is being stopped" };
    /// What arrived is no WebSocket frame.
    pub const PROTOCOL: Close = Close { code: 1002, reason: "not a WebSocket frame" };
    /// A text frame is not UTF-8.
    pub const ENCODING: Close = Close { code: 1007, reason: "the text is not UTF-8" };
    /// The name of the session or the user cannot be used.
    pub const NAMES: Close =
        Close { code: 1008, reason: "the path must be /ws/SESSION/USER, with names of 1 to 256 bytes" };
    /// Nobody created this session, and the relay wants that.
    pub const UNKNOWN_SESSION: Close = Close { code: 1008, reason: "there is no session of this name" };
    /// The session has a password, and this is not it, or none was given in time.
    pub const WRONG_PASSWORD: Close = Close { code: 1008, reason: "wrong password" };
    /// Passwords were tried faster than the address may make requests.
    pub const TOO_MANY_TRIES: Close = Close { code: 1013, reason: "too many passwords tried, try again later" };
    /// The message is longer than any that could be answered.
    pub const TOO_LARGE: Close = Close { code: 1009, reason: "the message is longer than 8388608 bytes" };
    /// The session could not be read or stored. Reconnect and catch up.
    pub const STORE: Close = Close { code: 1011, reason: "the session could not be read or stored" };
    /// The session has as many connections as it may have.
    pub const SESSION_FULL: Close = Close { code: 1013, reason: "the session is full, try again later" };
    /// The relay has as many sessions as it may have.
    pub const RELAY_FULL: Close = Close { code: 1013, reason: "the relay has too many sessions, try again later" };
    /// The connection took frames more slowly than they came. Reconnect and catch up.
    pub const SLOW: Close = Close { code: 4002, reason: "too slow: reconnect and catch up" };
}
