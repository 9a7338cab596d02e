//! What an edit has changed.

use std::sync::Arc;

use super::super::paths::RayPaths;
use crate::scene::{Edit, EditError};

/// A ray of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RayId {
    /// The source, counted over all sources in the order of the file.
    pub source: usize,
    /// The ray of that source, counted from −size/2 to +size/2.
    pub ray: u64,
}

/// What an edit, or another scene, has changed in the result of a [`Tracer`](super::Tracer).
///
/// A picture follows in two steps: remove what is drawn of [`rays`](Self::rays) (of all rays where the update
/// [`is_whole`](Self::is_whole)), and draw [`paths`](Self::paths).
#[derive(Clone, Debug)]
pub struct Update {
    pub(super) inverse: Option<Edit>,
    pub(super) is_whole: bool,
    pub(super) rays: Vec<RayId>,
    pub(super) paths: Arc<RayPaths>,
    pub(super) indices: Vec<usize>,
    pub(super) traced_rays: u64,
}

impl Update {
    /// The edit that takes this one back; none where the scene was replaced.
    #[must_use]
    pub fn inverse(&self) -> Option<&Edit> {
        self.inverse.as_ref()
    }

    /// Whether all is to be drawn anew: sources have other numbers than before, or the limit on vertices has cut the result, now or before.
    /// [`paths`](Self::paths) then holds all paths.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The rays of which any path is not what it was, to the last bit, or is there no more; in order.
    #[must_use]
    pub fn rays(&self) -> &[RayId] {
        &self.rays
    }

    /// The paths of these rays as they are now, with the power of these rays alone.
    #[must_use]
    pub fn paths(&self) -> &Arc<RayPaths> {
        &self.paths
    }

    /// The place of each of these paths among all paths of [`Tracer::paths`](super::Tracer::paths).
    #[must_use]
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// How many source rays were traced to find out.
    #[must_use]
    pub fn traced_rays(&self) -> u64 {
        self.traced_rays
    }
}

/// Why there is no update. Scene and paths are as they were.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The scene refuses the edit.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// [`TraceControl::cancel`](super::super::TraceControl::cancel) was called.
    #[error("the update was cancelled")]
    Cancelled,
}
