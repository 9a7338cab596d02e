//! Scenes on the local disk: read with what they link to, and written so that a crash leaves the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::scene::{AssemblyFiles, LinkError, LocalFiles, NoFiles, Scene, SceneError, SceneWarning};

/// Why a file gave no scene.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are not UTF-8 text.
    #[error("the file is not UTF-8 text: byte {position} is none of any character")]
    Utf8 {
        /// The first such byte, counted from 0.
        position: usize,
    },
    /// The text is not a scene.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// Its links cannot be followed.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl Scene {
    /// Reads a scene and the assemblies it links to, whose paths are relative to the file; as
    /// [`Scene::from_json_with_links`].
    ///
    /// # Errors
    /// If the file cannot be read, is no scene, or its links form a cycle or exceed the limits.
    pub fn load(path: &Path) -> Result<(Scene, Vec<SceneWarning>), LoadError> {
        let bytes = fs::read(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| LoadError::Utf8 { position: error.valid_up_to() })?;
        Scene::from_json_with_links(text, Some(path))
    }

    /// Reads a scene from text, and the assemblies it links to. Their paths are relative to the folder of `path`, where the
    /// text comes from; without a path no file is read, and links show the copies in the text.
    ///
    /// Beside it stands what was odd but readable, about the text and about the links.
    ///
    /// # Errors
    /// If the text is no scene, or its links form a cycle or exceed the limits.
    pub fn from_json_with_links(text: &str, path: Option<&Path>) -> Result<(Scene, Vec<SceneWarning>), LoadError> {
        let mut scene = Scene::from_json(text)?;
        let files: &dyn AssemblyFiles = if path.is_some() { &LocalFiles } else { &NoFiles };
        let of_links = scene.resolve_links(files, path.and_then(Path::to_str))?;
        let warnings = scene.warnings().iter().cloned().chain(of_links).collect();
        Ok((scene, warnings))
    }

    /// Writes the scene to a file, whole or not at all: into a new file beside it, which then takes its name.
    ///
    /// Permissions of a file that is there are kept; where it is a symbolic link, the file it leads to is written. Items
    /// of linked assemblies are not part of it.
    ///
    /// # Errors
    /// If the file cannot be written; it is then as it was.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        write_whole(path, self.to_json().as_bytes())
    }
}

fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scene_is_written_whole_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scene.json");
        let scene = Scene::from_json(r#"{"items": [{"_type": "source", "item_uuid": "laser", "x_mm": 1e1}]}"#).unwrap();
        scene.save(&path).unwrap();
        scene.save(&path).unwrap();
        let (read, warnings) = Scene::load(&path).unwrap();
        assert_eq!((read.to_json(), warnings), (scene.to_json(), Vec::new()));
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["scene.json"]);
    }

    #[test]
    fn what_cannot_be_read_or_written_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no such folder").join("scene.json");
        assert!(matches!(Scene::load(&missing), Err(LoadError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
        assert_eq!(Scene::new().save(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
        let path = folder.path().join("latin-1.json");
        fs::write(&path, b"{\"a\": \"\xe9\"}").unwrap();
        assert!(matches!(Scene::load(&path), Err(LoadError::Utf8 { position: 7 })));
    }
}
