//! The Python package `optiverse_engine`: its native module, one file a class.
//!
//! The classes hold no state of their own beyond what the core gives them. Everything that takes long runs without the GIL.

mod array;
mod edit;
mod error;
mod item;
mod journal;
mod layer;
mod partial_trace;
mod picture;
mod power_balance;
mod ray_path;
mod ray_paths;
mod relay;
mod report;
mod scene;
mod snapshot;
mod surface;
mod sync;
mod trace;
mod tracer;
mod value;
mod views;

use optiverse_core::trace::{Ending, Physics, TraceOptions};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// The engine: scenes, traces and their results.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("DEFAULT_MAX_VERTICES", TraceOptions::DEFAULT_MAX_VERTICES)?;
    module.add("ENDINGS", PyTuple::new(py, Ending::ALL.map(Ending::name))?)?;
    module.add("PHYSICS", PyTuple::new(py, Physics::PRESETS.map(|(name, _)| name))?)?;
    module.add_class::<scene::Scene>()?;
    module.add_class::<item::Item>()?;
    module.add_class::<edit::Edit>()?;
    module.add_class::<layer::Layer>()?;
    module.add_class::<report::Report>()?;
    module.add_class::<surface::Surface>()?;
    module.add_class::<ray_paths::RayPaths>()?;
    module.add_class::<ray_path::RayPath>()?;
    module.add_class::<ray_path::Hit>()?;
    module.add_class::<partial_trace::PartialTrace>()?;
    module.add_class::<tracer::Tracer>()?;
    module.add_class::<tracer::Update>()?;
    module.add_class::<power_balance::PowerBalance>()?;
    module.add_class::<sync::Client>()?;
    module.add_class::<sync::Engine>()?;
    module.add_function(wrap_pyfunction!(relay::run_relay, module)?)?;
    views::register_mapping::<item::Item>(py)?;
    views::register_mapping::<scene::Scene>(py)
}
