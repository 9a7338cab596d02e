//! Eight pieces of surfaces that a ray is tested against at once.

use glam::DVec2;
use wide::{f32x8, u32x8};

use super::lanes::Lanes;

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
pub(crate) struct CellRay {
    /// Direction.
    pub(super) dx: f32,
    pub(super) dy: f32,
    /// direction × (origin − centre of the cell): how far the ray passes from the centre.
    pub(super) offset: f32,
    /// direction · (origin − centre): where the ray begins, along itself.
    pub(super) start: f32,
}

impl CellRay {
    /// The ray that starts at `place`, seen from the centre of a cell.
    #[inline(always)]
    pub(super) fn new(place: DVec2, direction: DVec2) -> Self {
        let (dx, dy) = (direction.x as f32, direction.y as f32);
        CellRay { dx, dy, offset: direction.perp_dot(place) as f32, start: direction.dot(place) as f32 }
    }
}

/// What of a block is near a ray: a bit for each lane, and one for the link behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Near(u32);

impl Near {
    pub(super) const NOTHING: Near = Near(0);

    /// Nothing, and the cell ends here.
    #[inline(always)]
    pub(super) fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// The only lane, where it is one lane and nothing else.
    #[inline(always)]
    pub(super) fn single(self) -> Option<u32> {
        (self.0 & self.0.wrapping_sub(1) == 0 && self.0 < 1 << LANES).then(|| self.0.trailing_zeros())
    }

    /// The lanes, as bits.
    #[inline(always)]
    pub(super) fn lanes(self) -> u32 {
        self.0 & ((1 << LANES) - 1)
    }
}

/// Pieces of up to eight surfaces, relative to the centre of their cell; the last lane may hold a link instead.
///
/// Single precision is enough: the numbers are as small as the cell, and what is found is only a reason to look at a surface in double
/// precision. The reach of every piece includes the rounding.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Block {
    /// The middle of a piece.
    pub(super) x: f32x8,
    pub(super) y: f32x8,
    /// From there to its end.
    pub(super) half_x: f32x8,
    pub(super) half_y: f32x8,
    /// Negative infinity where there is no piece: nothing is as near as that.
    pub(super) reach: f32x8,
    surface: u32x8,
}

impl Block {
    pub(super) const EMPTY: Block = Block {
        x: f32x8::ZERO,
        y: f32x8::ZERO,
        half_x: f32x8::ZERO,
        half_y: f32x8::ZERO,
        reach: f32x8::new([f32::NEG_INFINITY; LANES]),
        surface: u32x8::new([NONE; LANES]),
    };

    /// What of the block is near the line of the ray: the lanes whose piece it passes within its reach, and the link.
    #[inline(always)]
    pub(super) fn near(&self, lanes: impl Lanes, ray: CellRay) -> Near {
        Near(lanes.near(self, ray) | self.linked())
    }

    /// As [`near`](Self::near), in the cell where the ray begins: without pieces behind the ray and those of the surface `skip`.
    #[inline(always)]
    pub(super) fn near_ahead(&self, lanes: impl Lanes, ray: CellRay, skip: u32) -> Near {
        let others = self.surface.simd_ne(u32x8::splat(skip)).to_bitmask();
        Near(lanes.near(self, ray) & lanes.ahead(self, ray) & others | self.linked())
    }

    /// The bit of [`Near`] behind the lanes, where there is a link.
    #[inline(always)]
    fn linked(&self) -> u32 {
        (self.surface.as_array()[LINK_LANE] & LINK) >> (31 - LANES)
    }

    /// How far along the ray each piece is met at the earliest, from the ray's place nearest the centre of the cell on.
    #[inline(always)]
    pub(super) fn begins(&self, ray: CellRay) -> [f32; LANES] {
        let aside = self.y * ray.dx - self.x * ray.dy - f32x8::splat(ray.offset);
        let half_aside = self.half_y * ray.dx - self.half_x * ray.dy;
        let along = self.x * ray.dx + self.y * ray.dy;
        let half_along = self.half_x * ray.dx + self.half_y * ray.dy;
        // Where the lines cross; a surface that lies off the piece's line is met before or behind by its height over the sine of the angle between the
        // lines, at most. Nothing is known where they are parallel.
        let slope = half_along / half_aside;
        let crossing = along - aside * slope - self.reach * (f32x8::ONE + slope.abs());
        let end = along - half_along.abs() - self.reach;
        crossing.simd_gt(end).bitselect(crossing, end).to_array()
    }

    /// The surface in a lane.
    #[inline(always)]
    pub(super) fn surface(&self, lane: u32) -> u32 {
        self.surface.as_array()[lane as usize % LANES]
    }

    /// Where the cell goes on.
    #[inline(always)]
    pub(super) fn link(&self) -> Option<Link> {
        let at = self.surface.as_array()[LINK_LANE];
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
            (&mut moved.x, &mut self.x),
            (&mut moved.y, &mut self.y),
            (&mut moved.half_x, &mut self.half_x),
            (&mut moved.half_y, &mut self.half_y),
            (&mut moved.reach, &mut self.reach),
        ] {
            to.as_mut_array()[0] = from.as_array()[LINK_LANE];
        }
        moved.surface.as_mut_array()[0] = self.surface.as_array()[LINK_LANE];
        self.clear(LINK_LANE);
        self.surface.as_mut_array()[LINK_LANE] = match link {
            Link::Block(at) => LINK | at,
            Link::Grid(at) => LINK | TO_GRID | at,
        };
        moved
    }

    /// Puts a piece, relative to the centre of the cell, into a free lane; whether there was one.
    pub(super) fn insert(&mut self, surface: u32, piece: &Piece) -> bool {
        let Some(lane) = self.surface.as_array().iter().position(|&s| s == NONE) else { return false };
        let (middle, half) = (0.5 * (piece.a + piece.b), 0.5 * (piece.b - piece.a));
        for (to, value) in [
            (&mut self.x, middle.x),
            (&mut self.y, middle.y),
            (&mut self.half_x, half.x),
            (&mut self.half_y, half.y),
            (&mut self.reach, piece.reach),
        ] {
            to.as_mut_array()[lane] = value as f32;
        }
        self.surface.as_mut_array()[lane] = surface;
        true
    }

    /// Raises the number of a block that it is linked to, or of a grid.
    pub(super) fn relink(&mut self, blocks: u32, grids: u32) {
        let at = &mut self.surface.as_mut_array()[LINK_LANE];
        *at = match (*at & LINK != 0, *at & TO_GRID != 0) {
            (false, _) => *at,
            (true, false) => at.wrapping_add(blocks),
            (true, true) => at.wrapping_add(grids),
        };
    }

    /// The surfaces that have pieces here.
    pub(super) fn surfaces(&self) -> impl Iterator<Item = u32> + '_ {
        self.surface.as_array().iter().copied().filter(|&surface| surface < NONE)
    }

    /// Takes out all pieces of a surface.
    pub(super) fn remove(&mut self, surface: u32) {
        for lane in 0..LANES {
            if self.surface.as_array()[lane] == surface {
                self.clear(lane);
            }
        }
    }

    fn clear(&mut self, lane: usize) {
        self.reach.as_mut_array()[lane] = f32::NEG_INFINITY;
        self.surface.as_mut_array()[lane] = NONE;
    }
}
