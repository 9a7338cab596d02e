//! Systems: scenes compiled for tracing, and what was said about them.

use std::sync::Arc;

use optiverse_core::optics::{self, Compiled, OpticalSystem, Severity, Strictness};

use crate::border;
use crate::handle::{self, object};
use crate::result::{Failure, ResultCode};
use crate::scene::Scene;
use crate::text::{Str, Text};

/// What is done about items that cannot be traced.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum CompileMode {
    /// The item is left out, and reported.
    Lenient = 0,
    /// The scene is refused.
    Strict = 1,
}

/// How grave a report is.
#[repr(u32)]
#[derive(Clone, Copy, Debug)]
pub enum ReportSeverity {
    /// The item is left out.
    Error = 0,
    /// The item is traced; something about it is not as written.
    Warning = 1,
}

/// One value of one item that cannot be used as it stands.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How grave it is: an `optiverse_report_severity`.
    pub severity: u32,
    /// The id of the item.
    pub item: Str,
    /// The item's name; empty where it has none.
    pub name: Str,
    /// Where in the item, such as `interfaces[1].n2`.
    pub key: Str,
    /// The value as it stands in the file, cut to 80 characters; "missing" where there is none.
    pub value: Str,
    /// What can be used.
    pub expected: Str,
    /// All of it as a sentence.
    pub message: Str,
}

/// Surfaces and sources, checked and ready to be traced. It does not follow later changes of the scene.
pub struct System {
    compiled: Arc<Compiled>,
    // Keeps alive what the reports point to.
    _texts: Vec<Text>,
    reports: Vec<Report>,
}

object!(System, "optiverse_system", 5);

impl System {
    pub(crate) fn new(compiled: Arc<Compiled>) -> System {
        let mut texts = Vec::new();
        let mut view = |text: String| {
            let text = Text::from(text);
            let view = text.view();
            texts.push(text);
            view
        };
        let mut view_all = |report: &optics::Report| Report {
            severity: match report.severity {
                Severity::Error => ReportSeverity::Error,
                Severity::Warning => ReportSeverity::Warning,
            } as u32,
            item: view(report.item.to_string()),
            name: view(report.name.clone()),
            key: view(report.key.clone()),
            value: view(report.value.clone()),
            expected: view(report.expected.clone()),
            message: view(report.to_string()),
        };
        let reports = compiled.reports.iter().map(&mut view_all).collect();
        System { compiled, _texts: texts, reports }
    }

    pub(crate) fn system(&self) -> &OpticalSystem {
        &self.compiled.system
    }
}

/// Compiles a scene as it is now: its own items and those that links bring in. `mode` is an `optiverse_compile_mode`.
///
/// Codes: `SCENE_REFUSED` in strict mode, with the first item that cannot be traced; compile leniently to see all
/// reports. `INVALID_ARGUMENT` for a mode that is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_system_new(scene: *const Scene, mode: u32, system: *mut *mut System) -> ResultCode {
    border::call(|| {
        let out = border::output(system, "system")?;
        let strictness = match mode {
            0 => Strictness::Lenient,
            1 => Strictness::Strict,
            other => {
                let expected = "OPTIVERSE_COMPILE_MODE_LENIENT or OPTIVERSE_COMPILE_MODE_STRICT";
                return Err(Failure::argument("mode", other.to_string(), expected));
            }
        };
        let scene = handle::get(scene, "scene")?;
        let compiled = scene.with(|scene| Ok(OpticalSystem::compile(scene, strictness)?))?;
        border::give(out, System::new(Arc::new(compiled)))
    })
}

/// Frees a system. Results that were traced through it are not touched.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_system_free(system: *mut System) -> ResultCode {
    border::call(|| handle::free(system, "system"))
}

/// Looks at the reports: `first` gets the address of the first of `count`; none for a clean scene. They are good until the
/// system is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn optiverse_system_reports(
    system: *const System,
    first: *mut *const Report,
    count: *mut usize,
) -> ResultCode {
    border::show(first, count, system, "system", |system| &system.reports)
}
