//! Where a session is: the URL of its WebSocket.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tungstenite::http::Uri;

/// The longest name of a session or user, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// What RFC 3986 leaves as it is in a segment of a path.
const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a text is no address of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the address {url:?} {problem}, expected ws:// or wss://HOST[:PORT]/ws/SESSION/USER")]
pub struct AddressError {
    url: String,
    problem: String,
}

/// The address at which one user joins one session: `ws://HOST:PORT/ws/SESSION/USER`, or `wss://` for TLS.
///
/// Without a port it is 80, or 443 with TLS. Before `/ws/` there may be more of a path, as behind a reverse proxy. Names
/// are percent-encoded in it, and have 1 to [`MAX_NAME_BYTES`] bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    is_secure: bool,
    host: String,
    port: Option<u16>,
    prefix: String,
    session: String,
    user: String,
}

impl Address {
    /// Reads a whole address.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(url: &str) -> Result<Address, AddressError> {
        Address::read(url, None)
    }

    /// Reads the address of a session, `…/ws/SESSION`, and adds the name of the user.
    ///
    /// # Errors
    /// If it is none, or names a user already.
    pub fn of_user(url: &str, user: &str) -> Result<Address, AddressError> {
        Address::read(url, Some(user))
    }

    fn read(url: &str, user: Option<&str>) -> Result<Address, AddressError> {
        let refused = |problem: &str| AddressError { url: url.to_owned(), problem: problem.to_owned() };
        let uri: Uri = url.parse().map_err(|error| refused(&format!("cannot be read ({error})")))?;
        let is_secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            Some(other) => return Err(refused(&format!("has the scheme {other:?}"))),
            None => return Err(refused("has no scheme")),
        };
        let authority = uri.authority().ok_or_else(|| refused("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("names somebody before the host"));
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(refused("has more than a path"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(refused("has no host"));
        }
        let has_port = authority.as_str().len() > authority.host().len();
        let port = authority.port_u16();
        if has_port && port.is_none_or(|port| port == 0) {
            return Err(refused("has a port that is none"));
        }
        let path = uri.path().trim_end_matches('/');
        let mut names = path.rsplitn(if user.is_some() { 2 } else { 3 }, '/').collect::<Vec<_>>();
        let prefix = names.pop().unwrap_or_default();
        let Some(prefix) = prefix.strip_suffix("/ws") else {
            let found = if user.is_some() { "does not end in /ws/SESSION" } else { "does not end in /ws/SESSION/USER" };
            return Err(refused(found));
        };
        let mut names = names.into_iter().rev().map(|name| percent_decode_str(name).decode_utf8());
        let mut name = |what: &str| match names.next() {
            Some(Ok(name)) => Ok(name.into_owned()),
            Some(Err(_)) => Err(refused(&format!("has a name of a {what} that is not UTF-8"))),
            None => Err(refused(&format!("has no {what}"))),
        };
        let session = name("session")?;
        let user = if let Some(user) = user { user.to_owned() } else { name("user")? };
        for (what, name) in [("session", &session), ("user", &user)] {
            if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
                return Err(refused(&format!(
                    "has a {what} of {} bytes, or with control characters; names have 1 to {MAX_NAME_BYTES} bytes",
                    name.len()
                )));
            }
        }
        Ok(Address { is_secure, host, port, prefix: prefix.to_owned(), session, user })
    }

    /// Whether the connection is made by TLS.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The host: a name or an IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.is_secure { 443 } else { 80 })
    }

    /// The name of the session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The name of the user.
    pub fn user(&self) -> &str {
        &self.user
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        let brackets = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{scheme}://{}{}{}", brackets.0, self.host, brackets.1)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        let encoded = |name| utf8_percent_encode(name, &KEPT);
        write!(formatter, "{}/ws/{}/{}", self.prefix, encoded(&self.session), encoded(&self.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_was_read() {
        for url in [
            "ws://localhost:8765/ws/lab/ada",
            "wss://relay.example/ws/lab/ada",
            "ws://[::1]:8765/ws/lab/ada",
            "wss://example.org/optics/relay/ws/a%20lab/J%C3%BCrgen",
            "ws://h/ws/a%2Fb/c%3Fd",
        ] {
            assert_eq!(Address::parse(url).map(|address| address.to_string()), Ok(url.to_owned()));
        }
    }

    #[test]
    fn its_parts() -> Result<(), AddressError> {
        let address = Address::parse("ws://[::1]/ws/a%2Fb/J%C3%BCrgen")?;
        assert_eq!((address.host(), address.port(), address.is_secure()), ("::1", 80, false));
        assert_eq!((address.session(), address.user()), ("a/b", "Jürgen"));
        assert_eq!(Address::parse("wss://h/ws/s/u")?.port(), 443);
        assert_eq!(Address::of_user("ws://h/ws/lab", "a b")?, Address::parse("ws://h/ws/lab/a%20b")?);
        assert_eq!(Address::of_user("ws://h/ws/lab/", "a b")?, Address::parse("ws://h/ws/lab/a%20b")?);
        Ok(())
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let long = format!("ws://h/ws/s/{}", "u".repeat(MAX_NAME_BYTES + 1));
        for (url, problem) in [
            ("", "cannot be read"),
            ("localhost/ws/s/u", "cannot be read"),
            ("/ws/s/u", "has no scheme"),
            ("http://h/ws/s/u", "has the scheme \"http\""),
            ("ws://h:99999/ws/s/u", "has a port that is none"),
            ("ws://h:0/ws/s/u", "has a port that is none"),
            ("ws://ada:secret@h/ws/s/u", "names somebody before the host"),
            ("ws://h/ws/s/u?password=p", "has more than a path"),
            ("ws://h/ws/s/u#f", "has more than a path"),
            ("ws://h/s/u", "does not end in /ws/SESSION/USER"),
            ("ws://h/ws/u", "does not end in /ws/SESSION/USER"),
            ("ws://h/ws//u", "has a session of 0 bytes"),
            ("ws://h/ws/s/%ff", "is not UTF-8"),
            ("ws://h/ws/s/%00", "control characters"),
            (long.as_str(), "has a user of 257 bytes"),
        ] {
            let error = Address::parse(url).map_or_else(|error| error.to_string(), |address| address.to_string());
            assert!(error.contains(problem), "{url}: {error}");
        }
        let named = Address::of_user("ws://h/ws/s/u", "ada");
        assert!(named.is_err_and(|error| error.to_string().contains("does not end in /ws/SESSION,")));
        assert!(Address::parse(&format!("ws://h/ws/s/{}", "u".repeat(MAX_NAME_BYTES))).is_ok());
    }
}
