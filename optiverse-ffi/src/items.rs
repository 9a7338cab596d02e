//! The list of what is in a scene.

use optiverse_core::scene::{self, ItemKind, Section};

use crate::border;
use crate::handle::{self, object};
use crate::result::ResultCode;
use crate::scene::Scene;
use crate::text::{Str, Text};

/// What an item is.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Something this version does not know; it is kept as it is.
    Other = 0,
    /// A light source.
    Source = 1,
    /// A component made of interfaces.
    Component = 2,
    /// A thin lens without interfaces (older and flat formats).
    Lens = 3,
    /// A mirror without interfaces (older and flat formats).
    Mirror = 4,
    /// A beam splitter without interfaces (older and flat formats).
    BeamSplitter = 5,
    /// A dichroic mirror without interfaces (older and flat formats).
    Dichroic = 6,
    /// A waveplate without interfaces (older and flat formats).
    Waveplate = 7,
    /// A spatial light modulator without interfaces (older and flat formats).
    Slm = 8,
    /// A ruler.
    Ruler = 9,
    /// A text note.
    Text = 10,
    /// A rectangle that is drawn and has no effect on light.
    Rectangle = 11,
    /// A measure along a ray.
    PathMeasure = 12,
}

impl From<ItemKind> for Kind {
    fn from(kind: ItemKind) -> Kind {
        match kind {
            ItemKind::Source => Kind::Source,
            ItemKind::Component => Kind::Component,
            ItemKind::Lens => Kind::Lens,
            ItemKind::Mirror => Kind::Mirror,
            ItemKind::BeamSplitter => Kind::BeamSplitter,
            ItemKind::Dichroic => Kind::Dichroic,
            ItemKind::Waveplate => Kind::Waveplate,
            ItemKind::Slm => Kind::Slm,
            ItemKind::Ruler => Kind::Ruler,
            ItemKind::Text => Kind::Text,
            ItemKind::Rectangle => Kind::Rectangle,
            ItemKind::PathMeasure => Kind::PathMeasure,
            ItemKind::Other => Kind::Other,
        }
    }
}

/// One item of a scene.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its id.
    pub id: Str,
    /// The list of the document in which it stands, such as "items".
    pub section: Str,
    /// What it is: an `optiverse_kind`.
    pub kind: u32,
    /// 1 if a linked assembly brings it in, so that it cannot be changed here; otherwise 0.
    pub is_linked: u8,
    /// 1 if it is hidden, by its own layer or by any group above it; otherwise 0.
    pub is_hidden: u8,
}

/// The items of a scene as they were when the list was made.
pub struct Items {
    // Keeps alive what the views point to.
    _texts: Vec<Text>,
    views: Vec<Item>,
}

object!(Items, "optiverse_items", 3);

impl Items {
    fn of(scene: &scene::Scene) -> Items {
        let hidden = scene.hidden_items();
        let sections: Vec<Text> = Section::ALL.iter().map(|section| section.key().into()).collect();
        let section_view = |section| Section::ALL.iter().position(|known| *known == section);
        let own = scene.items().map(|item| (item, 0));
        let linked = scene.linked_items().map(|item| (item, 1));
        let (mut texts, mut views) = (Vec::new(), Vec::new());
        for (item, is_linked) in own.chain(linked) {
            let id = Text::from(item.id().as_str());
            views.push(Item {
                id: id.view(),
                section: section_view(item.section()).map_or(Str::EMPTY, |index| sections[index].view()),
                kind: Kind::from(item.kind()) as u32,
                is_linked,
                is_hidden: u8::from(hidden.contains(item.id())),
            });
            texts.push(id);
        }
        texts.extend(sections);
        Items { _texts: texts, views }
    }
}

/// Lists the items of a scene, in the order of the file, then those that links bring in. The list is the caller's to free,
/// and does not follow later changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_scene_items(scene: *const Scene, items: *mut *mut Items) -> ResultCode {
    border::call(|| {
        let out = border::output(items, "items")?;
        let listed = handle::get(scene, "scene")?.with(|scene| Ok(Items::of(scene)))?;
        border::give(out, listed)
    })
}

/// Looks at a list of items: `first` gets the address of the first of `count`. They are good until the list is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_items_view(
    items: *const Items,
    first: *mut *const Item,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, items, "items", |items| &items.views)
}

/// Frees a list of items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_items_free(items: *mut Items) -> ResultCode {
    border::call(|| handle::free(items, "items"))
}
