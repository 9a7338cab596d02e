//! The books of a trace: where the power of the sources went.

/// Where the power went, in units of one source ray (every ray and every Gaussian beam starts with 1).
///
/// `emitted` equals the sum of all others, by exact physics to rounding. By the rules of Optiverse 0.3.4 light is lost
/// unseen (children that are not followed) or made (a custom Jones vector that is not of length one).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PowerBalance {
    /// Sent out by the sources.
    pub emitted: f64,
    /// At the end of paths that left.
    pub left: f64,
    /// In elements: mirrors below 100 %, polarisers, beam splitters with T + R below 100 %.
    pub absorbed: f64,
    /// In beam blocks and lens mounts.
    pub blocked: f64,
    /// Cut off from Gaussian beams at apertures.
    pub clipped: f64,
    /// In light too weak to be followed.
    pub too_weak: f64,
    /// In paths with too many events.
    pub too_many_events: f64,
    /// In paths whose length was used up before the next surface.
    pub too_long: f64,
    /// In paths that the limit on vertices cut or left out.
    pub limit: f64,
}

impl PowerBalance {
    /// The sum of everything but `emitted`.
    #[must_use]
    pub fn accounted(&self) -> f64 {
        self.left
            + self.absorbed
            + self.blocked
            + self.clipped
            + self.too_weak
            + self.too_many_events
            + self.too_long
            + self.limit
    }

    pub(super) fn add(&mut self, other: &PowerBalance) {
        self.emitted += other.emitted;
        self.left += other.left;
        self.absorbed += other.absorbed;
        self.blocked += other.blocked;
        self.clipped += other.clipped;
        self.too_weak += other.too_weak;
        self.too_many_events += other.too_many_events;
        self.too_long += other.too_long;
        self.limit += other.limit;
    }
    /// Books source rays that the limit on vertices left out.
    pub(super) fn book_untraced(&mut self, rays: u64) {
        self.emitted += rays as f64;
        self.limit += rays as f64;
    }
}
