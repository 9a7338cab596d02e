//! Reading scenes and writing them so that a crash leaves either the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use optiverse_core::scene::{AssemblyFiles, FileError, LinkError, LocalFiles, Scene, SceneError};
use pyo3::prelude::*;

use crate::error;

/// Why a file gave no scene.
pub(crate) enum LoadError {
    Io(io::Error),
    Utf8 { position: usize },
    Scene(SceneError),
    Link(LinkError),
}

impl LoadError {
    pub(crate) fn into_exception(self, py: Python<'_>, path: &Path) -> PyErr {
        match self {
            LoadError::Io(io) => error::file_error(py, &io, path),
            LoadError::Utf8 { position } => error::not_utf8(path, position),
            LoadError::Scene(scene) => error::scene_error(py, &scene),
            LoadError::Link(link) => error::link_error(py, &link),
        }
    }
}

/// Reads a scene and what it links to; also what was odd about them.
pub(crate) fn load(path: &Path) -> Result<(Scene, Vec<String>), LoadError> {
    let bytes = fs::read(path).map_err(LoadError::Io)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| LoadError::Utf8 { position: error.valid_up_to() })?;
    parse(text, Some(path))
}

/// Reads a scene from text. Links are followed from `path`; without one they fall back on the copies in the text.
pub(crate) fn parse(text: &str, path: Option<&Path>) -> Result<(Scene, Vec<String>), LoadError> {
    let mut scene = Scene::from_json(text).map_err(LoadError::Scene)?;
    let files: &dyn AssemblyFiles = if path.is_some() { &LocalFiles } else { &NoFiles };
    let own_path = path.and_then(Path::to_str);
    let link_warnings = scene.resolve_links(files, own_path).map_err(LoadError::Link)?;
    let warnings = scene.warnings().iter().chain(&link_warnings).map(ToString::to_string).collect();
    Ok((scene, warnings))
}

/// For a scene that is no file: text from elsewhere must not make us read files.
struct NoFiles;

impl AssemblyFiles for NoFiles {
    fn read(&self, _path: &str) -> Result<String, FileError> {
        Err(FileError::new("no files are read for a scene that was given as text without a path"))
    }
}

/// Writes a file whole or not at all: into a new file beside it, which then takes its name.
///
/// Permissions of a file that is there are kept; where it is a symbolic link, the file it leads to is written.
pub(crate) fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (temporary, mut file) = create_beside(&target)?;
    let written = write_and_rename(&mut file, contents, &temporary, &target);
    if written.is_err() {
        // What is reported is why the file was not written, not that the rest of it could not be removed.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_and_rename(file: &mut File, contents: &[u8], temporary: &Path, target: &Path) -> io::Result<()> {
    file.write_all(contents)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()?;
    fs::rename(temporary, target)
}

fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    loop {
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{}.tmp", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
        let temporary = target.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Left over from a process of the same number: take the next name.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
