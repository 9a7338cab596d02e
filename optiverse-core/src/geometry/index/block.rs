//! Eight pieces of surfaces that a ray is tested against at once.

use glam::DVec2;

/// Pieces tested at once: one register of eight single-precision numbers with AVX2, two with SSE2 and Neon.
pub(super) const LANES: usize = 8;

/// The lane that holds a link in a block that has one.
const LINK_LANE: usize = LANES - 1;

/// The number of no surface.
pub(super) const NONE: u32 = 0x3fff_ffff;

const LINK: u32 = 0x8000_0000;
const TO_GRID: u32 = 0x4000_0000;

/// Where the content of a cell goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// In another block.
    Block(u32),
    /// In a finer grid over the cell.
    Grid(u32),
}

/// A straight piece of a surface, known to hold it within `reach` to either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) a: DVec2,
    pub(super) b: DVec2,
    /// In mm.
    pub(super) reach: f64,
}

/// A ray in the frame of a cell, in single precision.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellRay {
    /// Direction.
    pub(super) dx: f32,
    pub(super) dy: f32,
    /// direction × (origin − centre of the cell): how far the ray passes from the centre.
    pub(super) offset: f32,
    /// direction · (origin − centre): where the ray begins, along itself.
    pub(super) start: f32,
}

/// Pieces of up to eight surfaces, relative to the centre of their cell; the last lane may hold a link instead.
///
/// Single precision is enough: the numbers are as small as the cell, and what is found is only a reason to look at a surface in double
/// precision. The reach of every piece includes the rounding.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Block {
    ax: [f32; LANES],
    ay: [f32; LANES],
    bx: [f32; LANES],
    by: [f32; LANES],
    /// Negative infinity where there is no piece: nothing is as near as that.
    reach: [f32; LANES],
    surface: [u32; LANES],
}

impl Block {
    pub(super) const EMPTY: Block = Block {
        ax: [0.0; LANES],
        ay: [0.0; LANES],
        bx: [0.0; LANES],
        by: [0.0; LANES],
        reach: [f32::NEG_INFINITY; LANES],
        surface: [NONE; LANES],
    };

    /// The lanes, as bits, whose piece the ray passes within its reach and not behind its start; those of `skip` left out.
    #[inline(always)]
    pub(super) fn near(&self, ray: CellRay, skip: u32) -> u32 {
        let CellRay { dx, dy, offset, start } = ray;
        let mut found = [0_u32; LANES];
        for i in 0..LANES {
            let (ax, ay, bx, by, reach) = (self.ax[i], self.ay[i], self.bx[i], self.by[i], self.reach[i]);
            // On which side of the ray the ends lie, and how far along it.
            let side_a = dx * ay - dy * ax - offset;
            let side_b = dx * by - dy * bx - offset;
            let (low, high) = if side_a < side_b { (side_a, side_b) } else { (side_b, side_a) };
            let along_a = dx * ax + dy * ay;
            let along_b = dx * bx + dy * by;
            let along = if along_a > along_b { along_a } else { along_b };
            let met = (low <= reach) & (high >= -reach) & (along >= start - reach) & (self.surface[i] != skip);
            found[i] = u32::from(met) << i;
        }
        found.iter().fold(0, |bits, bit| bits | bit)
    }

    /// The surface in a lane.
    #[inline(always)]
    pub(super) fn surface(&self, lane: u32) -> u32 {
        self.surface[lane as usize % LANES]
    }

    /// Where the cell goes on.
    #[inline(always)]
    pub(super) fn link(&self) -> Option<Link> {
        let at = self.surface[LINK_LANE];
        match (at & LINK != 0, at & TO_GRID != 0) {
            (false, _) => None,
            (true, false) => Some(Link::Block(at & NONE)),
            (true, true) => Some(Link::Grid(at & NONE)),
        }
    }

    /// Sets the link, and returns what the lane held as a block of its own.
    pub(super) fn set_link(&mut self, link: Link) -> Block {
        let mut moved = Block::EMPTY;
        for (to, from) in [
            (&mut moved.ax, &mut self.ax),
            (&mut moved.ay, &mut self.ay),
            (&mut moved.bx, &mut self.bx),
            (&mut moved.by, &mut self.by),
            (&mut moved.reach, &mut self.reach),
        ] {
            to[0] = from[LINK_LANE];
        }
        moved.surface[0] = self.surface[LINK_LANE];
        self.clear(LINK_LANE);
        self.surface[LINK_LANE] = match link {
            Link::Block(at) => LINK | at,
            Link::Grid(at) => LINK | TO_GRID | at,
        };
        moved
    }

    /// Puts a piece, relative to the centre of the cell, into a free lane; whether there was one.
    pub(super) fn insert(&mut self, surface: u32, piece: &Piece) -> bool {
        let Some(lane) = self.surface.iter().position(|&s| s == NONE) else { return false };
        (self.ax[lane], self.ay[lane]) = (piece.a.x as f32, piece.a.y as f32);
        (self.bx[lane], self.by[lane]) = (piece.b.x as f32, piece.b.y as f32);
        self.reach[lane] = piece.reach as f32;
        self.surface[lane] = surface;
        true
    }

    /// The same block where blocks and grids are numbered from these on.
    pub(super) fn relinked(mut self, blocks: u32, grids: u32) -> Block {
        let at = &mut self.surface[LINK_LANE];
        *at = match (*at & LINK != 0, *at & TO_GRID != 0) {
            (false, _) => *at,
            (true, false) => at.wrapping_add(blocks),
            (true, true) => at.wrapping_add(grids),
        };
        self
    }

    /// The surfaces that have pieces here.
    pub(super) fn surfaces(&self) -> impl Iterator<Item = u32> + '_ {
        self.surface.iter().copied().filter(|&surface| surface < NONE)
    }

    /// Takes out all pieces of a surface.
    pub(super) fn remove(&mut self, surface: u32) {
        for lane in 0..LANES {
            if self.surface[lane] == surface {
                self.clear(lane);
            }
        }
    }

    fn clear(&mut self, lane: usize) {
        self.reach[lane] = f32::NEG_INFINITY;
        self.surface[lane] = NONE;
    }
}
