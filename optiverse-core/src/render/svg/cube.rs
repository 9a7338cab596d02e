//! The cube that is drawn around a beam splitter's surface.

use glam::DVec2;

use crate::optics::Surface;
use crate::optics::element::Element;

/// The corners in mm of the square whose diagonal is surface number `number`, where that is the only surface of its item and
/// splits beams; a splitter with more surfaces shows its own faces.
pub(super) fn cube_corners(surfaces: &[Surface], number: usize) -> Option<[DVec2; 4]> {
    let surface = surfaces.get(number)?;
    let splits = matches!(surface.element(), Element::BeamSplitter(_) | Element::PolarisingBeamSplitter(_));
    let same_item = |other: Option<&Surface>| other.is_some_and(|other| other.item() == surface.item());
    // The surfaces of an item stand together.
    let before = number.checked_sub(1).and_then(|before| surfaces.get(before));
    if !splits || same_item(before) || same_item(surfaces.get(number + 1)) {
        return None;
    }
    let chord = surface.shape().chord();
    let across = chord.normal() * chord.half_length();
    Some([chord.p1(), chord.middle() + across, chord.p2(), chord.middle() - across])
}
