//! The tests of a block, for the instructions of one kind of processor or another. Which lanes pass does not depend on them: every
//! number is rounded alike.

use wide::f32x8;

use super::block::{Block, CellRay};

/// Something to do with such instructions.
pub(crate) trait Job<L: Lanes> {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self, lanes: L) -> Self::Output;
}

/// Eight lanes at a time.
pub(crate) trait Lanes: Copy {
    /// Runs a job that is compiled for these instructions, with all that stands in line in it.
    fn run<J: Job<Self>>(self, job: J) -> J::Output;

    /// The lanes, as bits, whose piece the line of the ray passes within its reach.
    fn near(self, block: &Block, ray: CellRay) -> u32;

    /// The lanes, as bits, whose piece does not lie behind the ray.
    fn ahead(self, block: &Block, ray: CellRay) -> u32;
}

/// What every processor of the platform has: SSE2, Neon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline;

impl Lanes for Baseline {
    #[inline(always)]
    fn run<J: Job<Self>>(self, job: J) -> J::Output {
        job.run(self)
    }

    #[inline(always)]
    fn near(self, block: &Block, ray: CellRay) -> u32 {
        let aside = block.y * ray.dx - block.x * ray.dy - f32x8::splat(ray.offset);
        let half = block.half_y * ray.dx - block.half_x * ray.dy;
        aside.abs().simd_le(half.abs() + block.reach).to_bitmask()
    }

    #[inline(always)]
    fn ahead(self, block: &Block, ray: CellRay) -> u32 {
        let along = block.x * ray.dx + block.y * ray.dy - f32x8::splat(ray.start);
        let half = block.half_x * ray.dx + block.half_y * ray.dy;
        (along + half.abs() + block.reach).simd_ge(f32x8::ZERO).to_bitmask()
    }
}

/// AVX2 and what comes with it.
#[cfg(target_arch = "x86_64")]
pub(crate) use pulp::x86::V3 as Avx2;

/// No processor of this platform has it.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Avx2 {}

#[cfg(not(target_arch = "x86_64"))]
impl Avx2 {
    pub(crate) fn try_new() -> Option<Self> {
        None
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Avx2 {
    #[inline(always)]
    fn run<J: Job<Self>>(self, job: J) -> J::Output {
        self.vectorize(InLine(self, job))
    }

    #[inline(always)]
    fn near(self, block: &Block, ray: CellRay) -> u32 {
        let (dx, dy) = (self.splat_f32x8(ray.dx), self.splat_f32x8(ray.dy));
        let aside = self.sub_f32x8(cross(self, block.x, block.y, dx, dy), self.splat_f32x8(ray.offset));
        let half = cross(self, block.half_x, block.half_y, dx, dy);
        let reach = self.add_f32x8(self.abs_f32x8(half), eight(block.reach));
        bits(self, self.cmp_le_f32x8(self.abs_f32x8(aside), reach))
    }

    #[inline(always)]
    fn ahead(self, block: &Block, ray: CellRay) -> u32 {
        let (dx, dy) = (self.splat_f32x8(ray.dx), self.splat_f32x8(ray.dy));
        let along = self.sub_f32x8(dot(self, block.x, block.y, dx, dy), self.splat_f32x8(ray.start));
        let half = dot(self, block.half_x, block.half_y, dx, dy);
        let end = self.add_f32x8(self.add_f32x8(along, self.abs_f32x8(half)), eight(block.reach));
        bits(self, self.cmp_ge_f32x8(end, self.splat_f32x8(0.0)))
    }
}

/// A job as the library wants it.
#[cfg(target_arch = "x86_64")]
struct InLine<J>(Avx2, J);

#[cfg(target_arch = "x86_64")]
impl<J: Job<Avx2>> pulp::NullaryFnOnce for InLine<J> {
    type Output = J::Output;

    #[inline(always)]
    fn call(self) -> J::Output {
        self.1.run(self.0)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn eight(values: f32x8) -> pulp::f32x8 {
    pulp::cast(values.to_array())
}

/// y·dx − x·dy.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn cross(avx: Avx2, x: f32x8, y: f32x8, dx: pulp::f32x8, dy: pulp::f32x8) -> pulp::f32x8 {
    avx.sub_f32x8(avx.mul_f32x8(eight(y), dx), avx.mul_f32x8(eight(x), dy))
}

/// x·dx + y·dy.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn dot(avx: Avx2, x: f32x8, y: f32x8, dx: pulp::f32x8, dy: pulp::f32x8) -> pulp::f32x8 {
    avx.add_f32x8(avx.mul_f32x8(eight(x), dx), avx.mul_f32x8(eight(y), dy))
}

/// A mask as bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn bits(avx: Avx2, mask: pulp::m32x8) -> u32 {
    // Eight bits.
    avx.avx._mm256_movemask_ps(pulp::cast(mask)) as u32
}
