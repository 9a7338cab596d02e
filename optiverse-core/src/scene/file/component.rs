//! One record of a component library: `component.json`.

use serde_json::Value;

use crate::scene::Properties;
use crate::scene::error::{SceneError, SceneWarning};
use crate::scene::file;
use crate::scene::item::{Item, ItemError, Section};
use crate::scene::property;

/// The height of a component that does not state it, in millimetres: that of one-inch optics.
const DEFAULT_HEIGHT_MM: f64 = 25.4;

/// The app scales every component picture to this height.
const PICTURE_HEIGHT_PIXELS: f64 = 1000.0;

/// A component as a library describes it, without a place in a scene.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentRecord {
    slug: String,
    properties: Properties,
    warnings: Vec<SceneWarning>,
}

impl ComponentRecord {
    /// Reads the text of a `component.json`. The slug is the name of its folder.
    ///
    /// # Errors
    /// If the text is not JSON, nested too deep, or not an object.
    pub fn from_json(slug: impl Into<String>, text: &str) -> Result<ComponentRecord, SceneError> {
        let document = file::read(text)?;
        let warnings = document.repeated_keys.iter().map(SceneWarning::from).collect();
        match document.value {
            Value::Object(properties) => Ok(ComponentRecord { slug: slug.into(), properties, warnings }),
            other => Err(SceneError::form("the component", &other, "an object")),
        }
    }

    /// The record as text, with the same keys in the same order and numbers as they were written.
    pub fn to_json(&self) -> String {
        file::write(&self.properties)
    }

    /// The name of the folder, by which scenes refer to the component's picture.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The name shown to the user, if it is a text.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The category, if it is a text.
    pub fn category(&self) -> Option<&str> {
        self.text("category")
    }

    /// Every property, in the order of the file.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// What was odd about the text.
    pub fn warnings(&self) -> &[SceneWarning] {
        &self.warnings
    }

    /// Whether it has no effect on light: it has no interfaces, or its category is `background` in any letter case.
    pub fn is_decoration(&self) -> bool {
        let no_interfaces = match self.properties.get("interfaces") {
            None | Some(Value::Null) => true,
            Some(Value::Array(interfaces)) => interfaces.is_empty(),
            // Not a list: for the reader of the component to report.
            Some(_) => false,
        };
        no_interfaces || self.is_background()
    }

    /// A scene component made from the record: at a position in millimetres, turned clockwise by `angle_deg`.
    ///
    /// It has every property of the record. The angle replaces that of the record; the scale of the picture is added; a
    /// background component loses its interfaces, as in the app; and the path of a picture in the component's own folder
    /// becomes `@component/<slug>/…`, by which the app finds it from any scene.
    ///
    /// # Errors
    /// If `id` is empty.
    pub fn place(&self, x_mm: f64, y_mm: f64, angle_deg: f64, id: &str) -> Result<Item, ItemError> {
        let mut properties = self.properties.clone();
        let mut set = |key: &str, value: Value| properties.insert(key.to_owned(), value);
        set("_type", Value::from("component"));
        set("item_uuid", Value::from(id));
        set("x_mm", property::from_f64(x_mm));
        set("y_mm", property::from_f64(y_mm));
        set("angle_deg", property::from_f64(angle_deg));
        let height = match self.properties.get("object_height_mm") {
            None => {
                set("object_height_mm", property::from_f64(DEFAULT_HEIGHT_MM));
                Some(DEFAULT_HEIGHT_MM)
            }
            Some(height) => property::to_f64(height),
        };
        if let (None, Some(height)) = (self.properties.get("mm_per_pixel"), height) {
            set("mm_per_pixel", property::from_f64(height / PICTURE_HEIGHT_PIXELS));
        }
        if self.is_background() {
            set("interfaces", Value::Array(Vec::new()));
        }
        if let Some(picture) = self.text("image_path").filter(|path| is_in_folder(path)) {
            set("image_path", Value::from(format!("@component/{}/{picture}", self.slug)));
        }
        Item::new(Section::Items, properties)
    }

    fn is_background(&self) -> bool {
        self.category().is_some_and(|category| category.eq_ignore_ascii_case("background"))
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.properties.get(key).and_then(Value::as_str)
    }
}

/// Whether the path of a picture starts at the component's own folder.
fn is_in_folder(path: &str) -> bool {
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    !path.is_empty() && !path.starts_with(['@', '/', '\\']) && !has_drive
}
