//! How linked files are named and read. The core reads none by itself.

/// What a host offers to read linked assemblies with.
pub trait AssemblyFiles {
    /// The text of the file, or why there is none.
    ///
    /// # Errors
    /// If the file cannot be read. The reason is shown to the user.
    fn read(&self, path: &str) -> Result<String, FileError>;

    /// The name by which a file is recognised when it is met again, and by which it is read.
    ///
    /// The default takes `.` and `..` out of the path without looking at any disk. A host whose files have several names
    /// (symbolic links, letter case) returns the one that is canonical; otherwise a cycle through the other
    /// names is found only by the limit on depth.
    fn identify(&self, path: &str) -> String {
        normalise(path)
    }
}

/// Why a linked file has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FileError {
    message: String,
}

impl FileError {
    /// An error of this reason.
    pub fn new(message: impl Into<String>) -> FileError {
        FileError {
            message: message.into(),
        }
    }
}

/// Files of the local disk.
#[cfg(feature = "fs")]
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFiles;

#[cfg(feature = "fs")]
impl AssemblyFiles for LocalFiles {
    fn read(&self, path: &str) -> Result<String, FileError> {
        std::fs::read_to_string(path).map_err(|error| FileError::new(error.to_string()))
    }

    /// The canonical path; for a file that is not there the path itself, which reading it then reports.
    fn identify(&self, path: &str) -> String {
        let canonical = std::fs::canonicalize(path)
            .ok()
            .and_then(|path| path.to_str().map(str::to_owned));
        canonical.unwrap_or_else(|| normalise(path))
    }
}

/// The path of a linked file, from the path written in the file `named_by`.
///
/// - `@assembly/…` starts at the folder of `named_by` and may not leave it: a `..` that would is an error.
/// - A relative path starts at the same folder and may leave it, as in the app.
/// - An absolute path (from `/` or `\`, or with a drive such as `C:`) is taken as it is.
///
/// Nothing here touches a disk: which files a scene may reach is for the host to decide in [`AssemblyFiles::read`].
pub(super) fn resolve(source_path: &str, named_by: Option<&str>) -> Result<String, FileError> {
    let folder = |kind: &str| match named_by {
        Some(path) => Ok(path.rfind(['/', '\\']).map_or("", |end| &path[..=end])),
        None => Err(FileError::new(format!(
            "the {kind} path {source_path} cannot be followed, since the file it stands in has no path"
        ))),
    };
    if let Some(inner) = source_path.strip_prefix("@assembly/") {
        let inner_normal = normalise(inner);
        if is_absolute(inner) || inner_normal == ".." || inner_normal.starts_with("../") {
            return Err(FileError::new(format!(
                "the path {source_path} leads out of the folder of the assembly"
            )));
        }
        return Ok(normalise(&format!("{}{inner}", folder("`@assembly`")?)));
    }
    if is_absolute(source_path) {
        return Ok(normalise(source_path));
    }
    Ok(normalise(&format!("{}{source_path}", folder("relative")?)))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || has_drive(path)
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// The path with `/` between its parts and without `.` and `..`, except for a leading `..` of a relative path.
fn normalise(path: &str) -> String {
    let separators = |character| matches!(character, '/' | '\\');
    // A share on a Windows server begins with two separators.
    let root = match path.len() - path.trim_start_matches(separators).len() {
        0 => "",
        2 if path.starts_with("\\\\") => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(separators) {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." && !has_drive(last) => {
                    parts.pop();
                }
                Some(&last) if has_drive(last) => {}
                // Above the root there is nothing.
                None if !root.is_empty() => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    format!("{root}{}", parts.join("/"))
}
