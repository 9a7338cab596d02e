//! Tokens: random texts that say who may come in. The relay keeps their hashes only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// This many bytes of the operating system's randomness in URL-safe base64: with 32 of them nobody can guess the text,
/// with 12 no two are ever the same.
pub(crate) fn random_text<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 hash of a token. One round of it is enough where the token cannot be guessed.
///
/// Two are compared in a time that does not tell where they differ.
#[derive(Clone, Copy, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token, which may be any text.
    #[must_use]
    pub fn of(token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token).into())
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &TokenHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Hashes are nobody's business in logs.
impl std::fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        let expected = [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea];
        assert_eq!(TokenHash::of("abc").0[..8], expected);
        assert!(TokenHash::of("abc") == TokenHash::of("abc") && TokenHash::of("abc") != TokenHash::of("abd"));
        assert_eq!(format!("{:?}", TokenHash::of("abc")), "TokenHash(…)");
    }

    #[test]
    fn tokens_differ() {
        let (one, other) = (random_text::<32>().unwrap(), random_text::<32>().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
    }
}
