//! Passwords of sessions: kept as Argon2id hashes, and tried no faster than an address may ask.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::close::Close;
use crate::limit::Addresses;

/// The longest password, in bytes.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1_024;

/// Passwords that are hashed at one time: each takes 19 MiB and a core for some 20 ms.
const MAX_AT_ONCE: usize = 2;

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

    /// Lets pass who knows the password. Each try counts as a request of its address.
    pub(crate) async fn check(&self, hash: String, password: String, address: IpAddr) -> Result<(), Close> {
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
