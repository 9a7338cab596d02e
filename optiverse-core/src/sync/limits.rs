//! The limits of the protocol. Each is the same for every replica, so that all accept the same operations.

use crate::scene::MAX_NESTING;

/// The longest frame that is sent or accepted, in bytes, with one exception: [`MAX_STATE_BYTES`].
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// The longest `sync:full_state`, in bytes: the app and older clients send and expect their whole scene as one message.
pub const MAX_STATE_BYTES: usize = 8 << 20;

/// The longest text of one item within `sync:full_state`, in bytes: white space and escapes included, which
/// [`MAX_ITEM_BYTES`] does not count.
pub const MAX_STATE_ITEM_BYTES: usize = 2 * MAX_ITEM_BYTES;

/// The most members of a frame, beside its type.
pub const MAX_FRAME_MEMBERS: usize = 64;

/// The most operations in one frame.
pub const MAX_FRAME_OPERATIONS: usize = 4_096;

/// The longest text of one item's properties, in bytes, so that an operation with a whole item fits in a frame.
pub const MAX_ITEM_BYTES: usize = 256 << 10;

/// The most properties of one item.
pub const MAX_ITEM_KEYS: usize = 512;

/// The longest id of an item or key of a property, in bytes.
pub const MAX_NAME_BYTES: usize = 256;

/// The deepest nesting of a property's value: what a document may have, less the levels around the value.
pub const MAX_VALUE_NESTING: usize = MAX_NESTING - 3;

/// The most a document may take, in bytes: the texts of ids, keys and values, and [`REGISTER_BYTES`] for each register.
/// Removed items count as long as they are remembered.
pub const MAX_DOCUMENT_BYTES: usize = 64 << 20;

/// What a register counts for in [`MAX_DOCUMENT_BYTES`] beside its key and value.
pub const REGISTER_BYTES: usize = 64;
