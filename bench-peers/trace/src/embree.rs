//! The bridge to Embree.

use std::ffi::c_int;

/// A straight wall, as the bridge has it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub p1: [f64; 2],
    pub p2: [f64; 2],
    /// Centre of the circle it is a chord of.
    pub centre: [f64; 2],
    /// Indices outside and inside of the circle; 0 for a mirror.
    pub outer: f64,
    pub inner: f64,
}

#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn peer_embree_build(segments: *const Segment, count: usize) -> *mut Opaque;
    fn peer_embree_free(scene: *mut Opaque);
    fn peer_embree_trace(
        scene: *const Opaque,
        starts: *const f64,
        rays: usize,
        events: usize,
        width: c_int,
        vertices: *mut f64,
    ) -> usize;
}

/// A scene in Embree.
pub struct Scene(*mut Opaque);

impl Scene {
    pub fn new(segments: &[Segment]) -> Self {
        // SAFETY: the bridge copies `count` segments of the layout above.
        Scene(unsafe { peer_embree_build(segments.as_ptr(), segments.len()) })
    }

    /// Traces rays `[x, y, dx, dy]`; the number of hits, whose positions go into `vertices`.
    pub fn trace(&self, starts: &[[f64; 4]], events: usize, width: c_int, vertices: &mut [[f64; 2]]) -> usize {
        assert!(vertices.len() >= starts.len() * events);
        // SAFETY: as many starts as are said, and room for as many vertices as there can be.
        unsafe {
            let out = vertices.as_mut_ptr().cast();
            peer_embree_trace(self.0, starts.as_ptr().cast(), starts.len(), events, width, out)
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // SAFETY: made by `peer_embree_build`, and freed once.
        unsafe { peer_embree_free(self.0) }
    }
}
