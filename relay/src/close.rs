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
    /// The session asks for a password or a token, and none was given in time.
    pub const UNAUTHENTICATED: Close =
        Close { code: 1008, reason: "the session asks for a password or a token, and none was given in time" };
    /// The session has a password, and this is not it.
    pub const WRONG_PASSWORD: Close = Close { code: 1008, reason: "wrong password" };
    /// One comes into the session by invitation alone, whatever the password.
    pub const INVITED_ONLY: Close = Close { code: 1008, reason: "one comes into this session with a token alone" };
    /// The token is none of this session, or its invitation was revoked or has expired.
    pub const WRONG_TOKEN: Close = Close { code: 1008, reason: "the token is not, or no longer, valid here" };
    /// As many users as may have come by the invitation.
    pub const USED_UP: Close = Close { code: 1008, reason: "as many users as may have come by this invitation" };
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
    /// The invitation by which the connection came was revoked.
    pub const REVOKED: Close = Close { code: 4003, reason: "the invitation was revoked" };
    /// The connection took frames more slowly than they came. Reconnect and catch up.
    pub const SLOW: Close = Close { code: 4002, reason: "too slow: reconnect and catch up" };
}
