//! What a client is started with.

use std::fmt;
use std::sync::Arc;

use crate::observed::Observer;

/// Is called, on any thread, after events have come: a bell to ring in the program's own event loop. It must not wait, nor
/// call the client.
pub type Bell = Arc<dyn Fn() + Send + Sync>;

/// What a [`Client`](crate::Client) is started with.
#[derive(Default)]
pub struct ClientOptions {
    /// The session's password, if it has one.
    pub password: Option<String>,
    /// The owner's token or an invitation.
    pub token: Option<String>,
    /// Certificates of further authorities to trust with `wss://`, in PEM; those of the machine are trusted anyway.
    pub root_certificates: Option<Vec<u8>>,
    /// What [`Client::save`](crate::Client::save) wrote: the session goes on from there.
    pub resume: Option<String>,
    /// Follows the scene.
    pub observer: Option<Observer>,
    /// Is called after events have come.
    pub bell: Option<Bell>,
}

impl fmt::Debug for ClientOptions {
    /// Without what is secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |secret: &Option<String>| if secret.is_some() { "given" } else { "none" };
        formatter
            .debug_struct("ClientOptions")
            .field("password", &given(&self.password))
            .field("token", &given(&self.token))
            .field("root_certificates", &self.root_certificates.as_ref().map(Vec::len))
            .field("resume", &self.resume.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

/// Why a client could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A password or token that no header can hold.
    #[error("the {what} holds a character that cannot be sent, expected printable text without line breaks")]
    Secret {
        /// `password` or `token`.
        what: &'static str,
    },
    /// The certificates cannot be used.
    #[error("the root certificates cannot be used: {problem}")]
    RootCertificates {
        /// Why.
        problem: String,
    },
    /// What was saved cannot be read.
    #[error("the text is no saved session: {0}")]
    Resume(#[from] optiverse_core::sync::FrameError),
    /// The host is no name that a certificate can be for, or the address none that can be asked.
    #[error("{address}: {problem}")]
    Address {
        /// The address.
        address: String,
        /// Why.
        problem: String,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Randomness(#[from] getrandom::Error),
    /// The operating system gives no thread or nothing to wait with.
    #[error("the operating system gives no thread: {0}")]
    Thread(#[from] std::io::Error),
}
