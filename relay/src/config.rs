//! What an operator can set.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::HeaderValue;
use serde::Deserialize;

/// The default configuration as a file with comments.
pub const DEFAULT_FILE: &str = include_str!("../relay.toml");

/// The configuration of a relay. [`DEFAULT_FILE`] describes each value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where sessions are kept.
    pub store: StoreChoice,
    /// Whether a session exists only once `POST /api/sessions` has made it.
    pub require_created_sessions: bool,
    /// Origins that web pages may come from.
    pub allowed_origins: Vec<Origin>,
    /// The limits.
    pub limits: Limits,
}

/// The origin of a web page: scheme, host, and port if it is not the scheme's own, such as `https://example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(pub(crate) HeaderValue);

impl TryFrom<String> for Origin {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', ' ']));
        let value = is_origin.then(|| HeaderValue::from_str(&text).ok()).flatten();
        let expected = "an origin such as \"https://example.org\", with no path";
        value.map(Origin).ok_or_else(|| ConfigError::Value {
            key: "allowed_origins",
            found: format!("{text:?}"),
            expected,
        })
    }
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum StoreChoice {
    /// `memory`
    Memory,
    /// `sqlite:PATH`
    Sqlite(PathBuf),
}

/// The limits of a relay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions that exist at one time.
    pub sessions: usize,
    /// Connections to one session at one time.
    pub users_per_session: usize,
    /// Connections to the relay at one time.
    pub connections: usize,
    /// Invitations to one session at one time.
    pub invitations_per_session: usize,
    /// Seconds for which a session that nobody uses is kept.
    pub session_expiry_s: u64,
    /// HTTP requests per second from one address, and as many at once.
    pub http_requests_per_second: u32,
    /// Seconds that the head of an HTTP request may take to arrive.
    pub http_head_s: u32,
    /// Seconds that an HTTP request may take to arrive whole and be answered.
    pub http_request_s: u32,
    /// Seconds that a WebSocket connection may take to show a password or a token, where one is asked for.
    pub auth_s: u32,
    /// Messages per second from one connection.
    pub messages_per_second: u32,
    /// Messages at once from one connection.
    pub message_burst: u32,
    /// Bytes per second from one connection.
    pub bytes_per_second: u32,
    /// Bytes at once from one connection.
    pub byte_burst: u32,
    /// Bytes that may wait for a connection to take them, beside a copy of the document.
    pub queue_bytes: usize,
    /// Vertices in the answer to a ray-trace request.
    pub raytrace_vertices: usize,
    /// Seconds that a ray-trace request may take.
    pub raytrace_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([0, 0, 0, 0], 8765)),
            store: StoreChoice::Memory,
            require_created_sessions: false,
            allowed_origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            sessions: 10_000,
            users_per_session: 256,
            connections: 10_000,
            invitations_per_session: 256,
            session_expiry_s: 86_400,
            http_requests_per_second: 10,
            http_head_s: 10,
            http_request_s: 30,
            auth_s: 10,
            messages_per_second: 2_000,
            message_burst: 20_000,
            bytes_per_second: 8 << 20,
            byte_burst: 64 << 20,
            queue_bytes: 16 << 20,
            raytrace_vertices: 1_000_000,
            raytrace_s: 10,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not TOML, or a key or value is not what belongs there; the message says which and where.
    #[error("{0}")]
    Syntax(String),
    /// A number is out of its range.
    #[error("`{key}` is {found}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        found: String,
        /// What can be used.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// If it is not TOML, has a key that nobody knows, or a value that cannot be used.
    pub fn from_toml(text: &str) -> Result<Config, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| ConfigError::Syntax(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// Holds the values to their ranges.
    ///
    /// # Errors
    /// If one is outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let at_least_one = [
            ("limits.sessions", limits.sessions as u64),
            ("limits.users_per_session", limits.users_per_session as u64),
            ("limits.connections", limits.connections as u64),
            ("limits.invitations_per_session", limits.invitations_per_session as u64),
            ("limits.session_expiry_s", limits.session_expiry_s),
            ("limits.http_requests_per_second", limits.http_requests_per_second.into()),
            ("limits.http_head_s", limits.http_head_s.into()),
            ("limits.http_request_s", limits.http_request_s.into()),
            ("limits.auth_s", limits.auth_s.into()),
            ("limits.messages_per_second", limits.messages_per_second.into()),
            ("limits.message_burst", limits.message_burst.into()),
            ("limits.bytes_per_second", limits.bytes_per_second.into()),
            ("limits.byte_burst", limits.byte_burst.into()),
            ("limits.queue_bytes", limits.queue_bytes as u64),
            ("limits.raytrace_vertices", limits.raytrace_vertices as u64),
            ("limits.raytrace_s", limits.raytrace_s),
        ];
        if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::Value { key, found: "0".to_owned(), expected: "1 or more" });
        }
        // What the semaphore that counts them can count.
        if limits.connections > tokio::sync::Semaphore::MAX_PERMITS {
            let found = limits.connections.to_string();
            return Err(ConfigError::Value { key: "limits.connections", found, expected: "2^61 - 1 or less" });
        }
        Ok(())
    }
}

/// As it is written in the configuration.
impl fmt::Display for StoreChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreChoice::Memory => formatter.write_str("memory"),
            StoreChoice::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
        }
    }
}

impl FromStr for StoreChoice {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "memory" => Ok(StoreChoice::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(StoreChoice::Sqlite(path.into())),
            _ => Err(ConfigError::Value {
                key: "store",
                found: format!("{text:?}"),
                expected: "\"memory\" or \"sqlite:PATH\"",
            }),
        }
    }
}

impl TryFrom<String> for StoreChoice {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        assert_eq!(Config::from_toml(DEFAULT_FILE).unwrap(), Config::default());
        assert_eq!(Config::from_toml("").unwrap(), Config::default());
    }

    #[test]
    fn every_value_is_documented() {
        // A file with each line of values removed in turn still reads, so each key is named in the file or has none.
        let keys = DEFAULT_FILE.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count();
        assert_eq!(keys, 4 + 16, "a key of `Config` or `Limits` is missing in relay.toml");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = |text: &str| Config::from_toml(text).unwrap_err().to_string();
        assert!(error("lisen = \"x\"").contains("lisen"));
        assert!(error("listen = \"nowhere\"").contains("listen"));
        assert_eq!(error("[limits]\nsessions = 0"), "`limits.sessions` is 0, expected 1 or more");
        assert!(Config::from_toml("[limits]\nsessions = 1").is_ok());
        assert!(error("store = \"sqlite:\"").contains("expected \"memory\" or \"sqlite:PATH\""));
        assert!(error("allowed_origins = [\"https://a.org/\"]").contains("with no path"));
        assert!(error("allowed_origins = [\"*\"]").contains("`allowed_origins` is \"*\""));
        assert!(Config::from_toml("allowed_origins = [\"https://a.org:8080\"]").is_ok());
        assert!(error("[limits]\nsessions = -1").contains("sessions"));
    }
}
