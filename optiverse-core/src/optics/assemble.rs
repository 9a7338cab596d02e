//! What each item contributes to a system, and the system made of these parts.

use std::collections::HashSet;

use super::compile::{Compiled, read_component, read_source};
use super::element::Element;
use super::material::Material;
use super::read::{ItemReports, Reader};
use super::report::{Report, Severity};
use super::{OpticalSystem, Source, Surface};
use crate::scene::{Item, ItemId, ItemKind, Scene};

/// What one item contributes. It depends on the item alone; numbers and visibility are given when parts are put together.
#[derive(Clone, Debug)]
pub(super) struct Part {
    light: Light,
    reports: Vec<Report>,
}

/// How an item takes part.
#[derive(Clone, Debug)]
enum Light {
    /// Not at all: annotations.
    None,
    /// A source; none where it cannot be used.
    Source(Option<Box<Source>>),
    /// Surfaces; none for decoration, and where any cannot be used.
    Surfaces(Vec<Surface>),
}

impl Part {
    pub(super) fn of(item: &Item) -> Part {
        let mut reports = ItemReports::new(item);
        let light = match item.kind() {
            ItemKind::Source => Light::Source(read_source(item, &mut reports).map(Box::new)),
            ItemKind::Ruler | ItemKind::Text | ItemKind::Rectangle | ItemKind::PathMeasure => Light::None,
            ItemKind::Other => {
                Reader::new(item.properties(), String::new(), &mut reports)
                    .refuse("_type", "\"source\" or \"component\"");
                Light::None
            }
            _ => Light::Surfaces(read_component(item, &mut reports).unwrap_or_default()),
        };
        Part { light, reports: reports.finish() }
    }

    /// Its surfaces, where it has some and nothing is to be reported about it.
    pub(super) fn clean_surfaces(&self) -> Option<&[Surface]> {
        match &self.light {
            Light::Surfaces(surfaces) if !surfaces.is_empty() && self.reports.is_empty() => Some(surfaces),
            _ => None,
        }
    }

    /// Whether a system is the same with it and without it.
    pub(super) fn is_nothing(&self) -> bool {
        let no_light = match &self.light {
            Light::None => true,
            Light::Surfaces(surfaces) => surfaces.is_empty(),
            Light::Source(_) => false,
        };
        no_light && self.reports.is_empty()
    }
}

/// The system of these items, in their order, without those that cannot be traced.
pub(super) fn assemble<'a>(
    scene: &Scene,
    hidden: &HashSet<ItemId>,
    parts: impl Iterator<Item = (&'a ItemId, &'a Part)>,
) -> Compiled {
    let mut reports = Vec::new();
    let (mut surfaces, mut sources) = (Vec::new(), Vec::new());
    let (mut items, mut source_items) = (Vec::new(), Vec::new());
    for (id, part) in parts {
        let is_hidden = hidden.contains(id);
        match &part.light {
            Light::None => {}
            Light::Source(source) => {
                // Cannot be cut off in a scene that fits into memory.
                let index = source_items.len() as u32;
                if let Some(mut source) = source.as_deref().cloned() {
                    (source.hidden, source.index) = (is_hidden, index);
                    sources.push(source);
                }
                source_items.push(id.clone());
            }
            Light::Surfaces(found) if found.is_empty() => {}
            Light::Surfaces(found) => {
                let item = items.len() as u32;
                surfaces.extend(found.iter().map(|surface| Surface { hidden: is_hidden, item, ..surface.clone() }));
                items.push(id.clone());
            }
        }
        reports.extend_from_slice(&part.reports);
    }
    leave_out_dark_materials(scene, &sources, &mut surfaces, &items, &mut reports);
    Compiled { system: OpticalSystem::of_checked(surfaces, sources, items, source_items), reports }
}

/// Leaves out items with a material that has no index at the wavelength of some source.
fn leave_out_dark_materials(
    scene: &Scene,
    sources: &[Source],
    surfaces: &mut Vec<Surface>,
    items: &[ItemId],
    reports: &mut Vec<Report>,
) {
    let mut dark = HashSet::new();
    for surface in surfaces.iter() {
        let Element::RefractiveInterface(interface) = &surface.element else { continue };
        for (key, medium) in [("n1_material", interface.first()), ("n2_material", interface.second())] {
            let Err(error) = medium.serves(sources) else { continue };
            let Some(item) = items.get(surface.item as usize).and_then(|id| scene.get(id.as_ref())) else { continue };
            let mut item_reports = ItemReports::new(item);
            let key = format!("interfaces[{}].{key}", surface.interface);
            let name = medium.material().map_or("", Material::name);
            item_reports.push(
                Severity::Error,
                key,
                format!("\"{name}\""),
                &format!("a material for every source: {error}"),
            );
            reports.append(&mut item_reports.finish());
            dark.insert(surface.item);
        }
    }
    surfaces.retain(|surface| !dark.contains(&surface.item));
}
