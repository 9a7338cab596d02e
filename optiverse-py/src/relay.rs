//! The relay, as a function.

use pyo3::prelude::*;

/// Runs the command `optiverse-relay` with these arguments, its name first, until the process gets SIGINT or SIGTERM.
///
/// Returns its exit code: 0; 1 where it could not be started; 2 where an option or the configuration cannot be used.
#[pyfunction]
#[pyo3(name = "_run_relay", signature = (arguments, /))]
pub(crate) fn run_relay(py: Python<'_>, arguments: Vec<String>) -> u8 {
    py.detach(|| optiverse_relay::command::run(arguments))
}
