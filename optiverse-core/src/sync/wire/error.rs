//! What can be wrong with a frame.

/// Why a frame, a snapshot or an operation was not read. Nothing of it has taken effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The text is not JSON, or a part of it is not what belongs there.
    #[error("at byte {offset}: expected {expected}")]
    Syntax {
        /// Where, in bytes from the start.
        offset: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// Lists and objects are nested too deep.
    #[error("at byte {offset}: lists and objects are nested too deep")]
    Nesting {
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the frame is not UTF-8 at byte {offset}")]
    Encoding {
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// A part is missing.
    #[error("`{key}` is missing in {place}")]
    Missing {
        /// The object or message.
        place: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A number or text is well-formed, but out of its range.
    #[error("`{key}` is {found}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A limit is exceeded.
    #[error("{what} is {size} {unit} long, the limit is {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// `bytes`, `keys` …
        unit: &'static str,
        /// How large it may be.
        limit: usize,
    },
}
