//! Who may come into a session: whoever has a token, knows the password, or needs neither.
//!
//! Passwords are kept as Argon2id hashes, and tried no faster than an address may ask. Tokens need no such limit: nobody
//! guesses them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tungstenite::protocol::Message;

use crate::close::Close;
use crate::invitation::Pass;
use crate::limit::Addresses;
use crate::outbox::Outbox;
use crate::registry::Sessions;
use crate::websocket::WebSocket;

/// The longest password, in bytes.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1_024;

/// Passwords that are hashed at one time: each takes 19 MiB and a core for some 20 ms.
const MAX_AT_ONCE: usize = 2;

/// The header of a WebSocket request that may hold the password of the session.
const PASSWORD_HEADER: &str = "x-session-password";

/// The longest first message that is read, in bytes; a password of the greatest length fits, however it is written.
const MAX_FIRST_MESSAGE_BYTES: usize = 16 << 10;

/// What shows that a visitor may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    Token(String),
    Password(String),
}

impl Credential {
    /// What came with the request: a header before the query, a token before a password.
    pub(crate) fn of_request(headers: &HeaderMap, query: &HashMap<String, String>) -> Option<Credential> {
        let password = || Some(String::from_utf8_lossy(headers.get(PASSWORD_HEADER)?.as_bytes()).into_owned());
        None.or_else(|| bearer(headers).map(|token| Credential::Token(token.to_owned())))
            .or_else(|| password().map(Credential::Password))
            .or_else(|| query.get("token").cloned().map(Credential::Token))
            .or_else(|| query.get("password").cloned().map(Credential::Password))
    }

    /// What stands in a first message.
    fn of_message(text: &str) -> Option<Credential> {
        if text.len() > MAX_FIRST_MESSAGE_BYTES {
            return None;
        }
        let message: Value = serde_json::from_str(text).ok()?;
        if message["type"] != "auth" {
            return None;
        }
        let text = |key| message.get(key).and_then(Value::as_str).map(str::to_owned);
        text("token").map(Credential::Token).or_else(|| text("password").map(Credential::Password))
    }
}

/// The token in `Authorization: Bearer TOKEN`. Other schemes are for those who stand before the relay.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Who wants to come in.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) session: String,
    pub(crate) user: String,
    /// What came with the request.
    pub(crate) credential: Option<Credential>,
    /// Whether the request said that the first message holds it.
    pub(crate) is_announced: bool,
    pub(crate) address: IpAddr,
}

/// Why a password could not be hashed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    #[error("`password` must be a text of 1 to {MAX_PASSWORD_BYTES} bytes")]
    Length,
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Whether a text may be a password.
fn is_usable(password: &str) -> bool {
    (1..=MAX_PASSWORD_BYTES).contains(&password.len())
}

/// Makes and checks hashes of passwords, off the threads that serve connections.
#[derive(Debug)]
pub(crate) struct Access {
    places: Semaphore,
    addresses: Arc<Addresses>,
}

impl Access {
    pub(crate) fn new(addresses: Arc<Addresses>) -> Access {
        Access { places: Semaphore::new(MAX_AT_ONCE), addresses }
    }

    /// The hash of a password in the PHC string format.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        if !is_usable(&password) {
            return Err(PasswordError::Length);
        }
        let failed = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
        let _place = self.places.acquire().await.map_err(|error| failed(&error))?;
        let hashing = tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
        });
        hashing.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }

    /// Lets a visitor come in, or says why not.
    pub(crate) async fn admit(
        &self,
        socket: &mut WebSocket,
        sessions: &Arc<Sessions>,
        visitor: &Visitor,
        outbox: &Outbox,
    ) -> Result<Pass, Close> {
        let Visitor { session, user, credential, is_announced, address } = visitor;
        let terms = sessions.terms(session);
        let is_asked = *is_announced || terms.password.is_some() || terms.default_role.is_none();
        let credential = match credential {
            None if is_asked => {
                let longest = Duration::from_secs(sessions.limits().auth_s.into());
                Some(timeout(longest, first_message(socket)).await.unwrap_or(Err(Close::UNAUTHENTICATED))?)
            }
            given => given.clone(),
        };
        let password = match credential {
            Some(Credential::Token(token)) => return sessions.pass(session, user, &token, outbox).await,
            Some(Credential::Password(password)) => password,
            None => String::new(),
        };
        let role = terms.default_role.ok_or(Close::INVITED_ONLY)?;
        if let Some(hash) = terms.password {
            self.check(hash, password, *address).await?;
        }
        Ok(Pass::without_token(role))
    }

    /// Lets pass who knows the password. Each try counts as a request of its address.
    async fn check(&self, hash: String, password: String, address: IpAddr) -> Result<(), Close> {
        if !self.addresses.allow(address, Instant::now()) {
            return Err(Close::TOO_MANY_TRIES);
        }
        if !is_usable(&password) {
            return Err(Close::WRONG_PASSWORD);
        }
        let _place = self.places.acquire().await.map_err(|_| Close::STORE)?;
        let checking = tokio::task::spawn_blocking(move || match PasswordHash::new(&hash) {
            Ok(hash) if Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() => Ok(()),
            Ok(_) => Err(Close::WRONG_PASSWORD),
            // What is stored is damaged: nobody comes in.
            Err(_) => Err(Close::STORE),
        });
        checking.await.unwrap_or(Err(Close::STORE))
    }
}

/// What the first message shows.
async fn first_message(socket: &mut WebSocket) -> Result<Credential, Close> {
    loop {
        return match socket.receive().await {
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Ok(Message::Text(text)) => Credential::of_message(&text).ok_or(Close::UNAUTHENTICATED),
            _ => Err(Close::UNAUTHENTICATED),
        };
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_header_counts_before_the_query_and_a_token_before_a_password() {
        let token = |text: &str| Some(Credential::Token(text.to_owned()));
        let password = |text: &str| Some(Credential::Password(text.to_owned()));
        let mut headers = HeaderMap::new();
        let mut query = HashMap::new();
        let mut found = None;
        assert_eq!(Credential::of_request(&headers, &query), found);
        query.insert("password".to_owned(), "a".to_owned());
        assert_eq!(Credential::of_request(&headers, &query), password("a"));
        query.insert("token".to_owned(), "b".to_owned());
        assert_eq!(Credential::of_request(&headers, &query), token("b"));
        headers.insert(PASSWORD_HEADER, HeaderValue::from_static("c"));
        assert_eq!(Credential::of_request(&headers, &query), password("c"));
        for (header, expected) in [("Basic x", password("c")), ("Bearer", token("")), ("bearer  d ", token("d"))] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(header));
            found = Credential::of_request(&headers, &query);
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn a_first_message_has_a_limit() {
        let message = |bytes: usize| {
            let empty = r#"{"type":"auth","token":""}"#.len();
            format!(r#"{{"type":"auth","token":"{}"}}"#, "x".repeat(bytes - empty))
        };
        assert!(Credential::of_message(&message(MAX_FIRST_MESSAGE_BYTES)).is_some());
        assert_eq!(Credential::of_message(&message(MAX_FIRST_MESSAGE_BYTES + 1)), None);
        let both = r#"{"type": "auth", "password": "a", "token": "b"}"#;
        assert_eq!(Credential::of_message(both), Some(Credential::Token("b".to_owned())));
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"type": "auth"}"#,
            r#"{"type": "ping", "token": "b"}"#,
            r#"{"type": "auth", "token": 7}"#,
        ] {
            assert_eq!(Credential::of_message(bad), None, "{bad}");
        }
    }
}
