//! A component library: records by the names of their folders.

use indexmap::IndexMap;

use crate::scene::file::ComponentRecord;

/// The components of one library, in the order of their slugs when read from a folder.
#[derive(Debug, Clone, Default)]
pub struct Library {
    records: IndexMap<String, ComponentRecord>,
}

impl Library {
    /// A library without components.
    pub fn new() -> Library {
        Library::default()
    }

    /// Adds a record and returns the one it replaces, if the slug was taken.
    pub fn insert(&mut self, record: ComponentRecord) -> Option<ComponentRecord> {
        self.records.insert(record.slug().to_owned(), record)
    }

    /// The record of this slug, in constant time.
    pub fn get(&self, slug: &str) -> Option<&ComponentRecord> {
        self.records.get(slug)
    }

    /// Every record, in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &ComponentRecord> {
        self.records.values()
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(feature = "fs")]
pub use folder::LibraryProblem;

#[cfg(feature = "fs")]
mod folder {
    use std::fs;
    use std::io;
    use std::path::{Path, PathBuf};

    use super::Library;
    use crate::scene::error::SceneError;
    use crate::scene::file::ComponentRecord;

    /// A component that a folder should hold and that could not be read.
    #[derive(Debug, thiserror::Error)]
    #[non_exhaustive]
    pub enum LibraryProblem {
        /// The file or folder cannot be read.
        #[error("{} cannot be read: {error}", path.display())]
        Unreadable {
            /// The file or folder.
            path: PathBuf,
            /// Why.
            #[source]
            error: io::Error,
        },
        /// The file is no component record.
        #[error("{} is not a component: {error}", path.display())]
        NotAComponent {
            /// The file.
            path: PathBuf,
            /// Why.
            #[source]
            error: SceneError,
        },
        /// The name of the folder is not Unicode text.
        #[error("the folder name of {} is not Unicode text", path.display())]
        FolderName {
            /// The file.
            path: PathBuf,
        },
    }

    impl Library {
        /// Reads `<folder>/<slug>/component.json` for each folder that holds one, in the order of the slugs.
        ///
        /// A component that cannot be read does not keep the others from being read; it is named in the second list.
        ///
        /// # Errors
        /// If the folder itself cannot be read.
        pub fn read_folder(folder: &Path) -> Result<(Library, Vec<LibraryProblem>), LibraryProblem> {
            let unreadable = |path: &Path, error| LibraryProblem::Unreadable { path: path.to_owned(), error };
            let mut library = Library::new();
            let mut problems = Vec::new();
            let mut folders = Vec::new();
            for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
                folders.push(entry.map_err(|error| unreadable(folder, error))?.path());
            }
            folders.sort();
            for path in folders.iter().map(|folder| folder.join("component.json")) {
                let text = match fs::read_to_string(&path) {
                    Ok(text) => text,
                    // Loose files and folders of other things are no components.
                    Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                        continue;
                    }
                    Err(error) => {
                        problems.push(unreadable(&path, error));
                        continue;
                    }
                };
                let slug = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
                match slug.map(|slug| ComponentRecord::from_json(slug, &text)) {
                    Some(Ok(record)) => {
                        library.insert(record);
                    }
                    Some(Err(error)) => problems.push(LibraryProblem::NotAComponent { path, error }),
                    None => problems.push(LibraryProblem::FolderName { path }),
                }
            }
            Ok((library, problems))
        }
    }
}
