//! Lossless scene.
