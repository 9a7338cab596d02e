//! Properties as Python values, and Python values as properties.

use optiverse_core::scene::{Properties, Value, property};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::error;

/// The deepest nesting of a value that is looked at; the core then allows a few levels less.
const MAX_NESTING: usize = 128;

const EXPECTED: &str = "None, a bool, int, float, str, list, tuple or mapping, or a numpy scalar or array";

/// A property as plain Python: whole numbers are `int`, all others `float`, those beyond its range infinite.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(number) => number_to_python(py, value, number.as_str())?,
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(entries) => {
            let entries = entries.iter().map(|entry| to_python(py, entry)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, entries)?.into_any()
        }
        Value::Object(properties) => {
            let dict = PyDict::new(py);
            for (key, value) in properties {
                dict.set_item(key, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

fn number_to_python<'py>(py: Python<'py>, value: &Value, text: &str) -> PyResult<Bound<'py, PyAny>> {
    if let Some(whole) = value.as_i64() {
        return Ok(whole.into_pyobject(py)?.into_any());
    }
    // Python reads no more digits than this by default.
    const MOST_DIGITS: usize = 4300;
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_whole && text.len() <= MOST_DIGITS {
        return py.get_type::<PyInt>().call1((text,));
    }
    // Every number of a scene has a value in double precision, if only infinity or NaN.
    let number = property::to_f64(value).unwrap_or(f64::NAN);
    Ok(PyFloat::new(py, number).into_any())
}

/// The properties in a mapping and in keyword arguments; the latter win.
pub(crate) fn properties(mapping: Option<&Bound<'_, PyAny>>, more: Option<&Bound<'_, PyDict>>) -> PyResult<Properties> {
    let mut properties = Properties::new();
    if let Some(mapping) = mapping {
        let py = mapping.py();
        let Ok(mapping) = mapping.cast::<PyMapping>() else {
            return Err(error::property_type(py, "the first argument", &type_of(mapping)?, "a mapping of properties"));
        };
        read_mapping(mapping, "", 0, &mut properties)?;
    }
    if let Some(more) = more {
        read_mapping(more.as_mapping(), "", 0, &mut properties)?;
    }
    Ok(properties)
}

fn read_mapping(mapping: &Bound<'_, PyMapping>, place: &str, depth: usize, into: &mut Properties) -> PyResult<()> {
    let py = mapping.py();
    for pair in mapping.items()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        let Ok(key) = key.cast::<PyString>() else {
            let owner = if place.is_empty() { "the properties" } else { place };
            let place = format!("a key of {owner}");
            return Err(error::property_type(py, &place, &type_of(&key)?, "a str"));
        };
        let key = read_text(key, "a key")?;
        let inner = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let value = from_python(&value, &inner, depth + 1)?;
        into.insert(key, value);
    }
    Ok(())
}

/// A Python value as a property; `place` names it in errors.
fn from_python(value: &Bound<'_, PyAny>, place: &str, depth: usize) -> PyResult<Value> {
    let py = value.py();
    if depth > MAX_NESTING {
        let key = place.split(['.', '[']).next().unwrap_or(place);
        return Err(error::edit_refused(py, format!("`{key}` is nested more than {MAX_NESTING} levels deep"), key));
    }
    if value.is_none() {
        return Ok(Value::Null);
    }
    // A bool is an int in Python: it comes first.
    if let Ok(value) = value.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(value) = value.cast::<PyInt>() {
        return read_int(value);
    }
    if let Ok(value) = value.cast::<PyFloat>() {
        return Ok(property::from_f64(value.value()));
    }
    if let Ok(value) = value.cast::<PyString>() {
        return Ok(Value::String(read_text(value, place)?));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let mut entries = Vec::new();
        for (index, entry) in value.try_iter()?.enumerate() {
            entries.push(from_python(&entry?, &format!("{place}[{index}]"), depth + 1)?);
        }
        return Ok(Value::Array(entries));
    }
    if let Ok(mapping) = value.cast::<PyMapping>() {
        let mut properties = Properties::new();
        read_mapping(mapping, place, depth, &mut properties)?;
        return Ok(Value::Object(properties));
    }
    let numpy = py.import("numpy")?;
    let of_numpy = PyTuple::new(py, [numpy.getattr("generic")?, numpy.getattr("ndarray")?])?;
    if value.is_instance(&of_numpy)? {
        return from_python(&value.call_method0("tolist")?, place, depth + 1);
    }
    Err(error::property_type(py, place, &type_of(value)?, EXPECTED))
}

fn read_int(value: &Bound<'_, PyInt>) -> PyResult<Value> {
    if let Ok(small) = value.extract::<i64>() {
        return Ok(Value::from(small));
    }
    // The digits, whatever a subclass shows itself as.
    let digits: String = value.py().get_type::<PyInt>().call_method1("__repr__", (value,))?.extract()?;
    // Digits of any number are a JSON number, which is kept as it is written.
    Ok(digits.parse::<serde_json::Number>().map_or(Value::Null, Value::Number))
}

fn read_text(text: &Bound<'_, PyString>, place: &str) -> PyResult<String> {
    let py = text.py();
    let refused =
        |_| error::edit_refused(py, format!("{place} holds half of a surrogate pair, expected Unicode text"), place);
    Ok(text.to_cow().map_err(refused)?.into_owned())
}

fn type_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(format!("a value of type {}", value.get_type().fully_qualified_name()?))
}
