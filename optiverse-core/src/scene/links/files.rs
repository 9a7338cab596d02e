//! How linked files are named and read. The core reads none by itself.

/// What a host offers to read linked assemblies with.
///
/// The path asked for is made from the path written in the link, without touching a disk:
/// - `@assembly/…` starts at the folder of the file that holds the link and may not leave it; a `..` that would is
///   treated like a file that cannot be read.
/// - A relative path starts at the same folder and may leave it, as in the app.
/// - An absolute path (from `/` or `\`, or with a drive such as `C:`) is taken as it is.
///
/// Which files a scene may reach is for the host to decide in [`AssemblyFiles::read`]: a scene from a stranger can name
/// any path.
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
        FileError { message: message.into() }
    }
}

/// No files at all: for a scene that is given as text, which must not make the host read files. Links then show the copies
/// in the text.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl AssemblyFiles for NoFiles {
    fn read(&self, _path: &str) -> Result<String, FileError> {
        Err(FileError::new("no files are read for a scene that was given as text without a path"))
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
        let canonical = std::fs::canonicalize(path).ok();
        match canonical.as_ref().and_then(|path| path.to_str()) {
            Some(path) => without_verbatim_prefix(path),
            None => normalise(path),
        }
    }
}

/// A canonical Windows path without the prefix under which `/` and `..` would mean nothing.
#[cfg(any(feature = "fs", test))]
fn without_verbatim_prefix(path: &str) -> String {
    match (path.strip_prefix(r"\\?\UNC\"), path.strip_prefix(r"\\?\")) {
        (Some(share), _) => format!(r"\\{share}"),
        (None, plain) => plain.unwrap_or(path).to_owned(),
    }
}

/// The path of a linked file, from the path written in the file `named_by`; see [`AssemblyFiles`].
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
            return Err(FileError::new(format!("the path {source_path} leads out of the folder of the assembly")));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn resolves(source_path: &str, named_by: &str, expected: &str) {
        assert_eq!(resolve(source_path, Some(named_by)).as_deref(), Ok(expected));
    }

    #[test]
    fn paths_start_at_the_folder_of_the_file_that_names_them() {
        resolves("part.json", "/lab/main.json", "/lab/part.json");
        resolves("sub//./part.json", "/lab/main.json", "/lab/sub/part.json");
        resolves("../part.json", "/lab/sub/main.json", "/lab/part.json");
        resolves("@assembly/sub/part.json", "/lab/main.json", "/lab/sub/part.json");
        resolves("@assembly/sub/../part.json", "/lab/main.json", "/lab/part.json");
        resolves("part.json", "main.json", "part.json");
        resolves("../part.json", "main.json", "../part.json");
        resolves("../../part.json", "../main.json", "../../../part.json");
        resolves("sub\\part.json", "C:\\lab\\main.json", "C:/lab/sub/part.json");
    }

    #[test]
    fn absolute_paths_are_taken_as_they_are() {
        resolves("/other/part.json", "/lab/main.json", "/other/part.json");
        resolves("D:\\part.json", "C:\\lab\\main.json", "D:/part.json");
        resolves("\\\\server\\share\\part.json", "/lab/main.json", "//server/share/part.json");
    }

    #[test]
    fn verbatim_prefixes_of_windows_are_removed() {
        assert_eq!(without_verbatim_prefix(r"\\?\C:\lab\main.json"), r"C:\lab\main.json");
        assert_eq!(without_verbatim_prefix(r"\\?\UNC\server\share\main.json"), r"\\server\share\main.json");
        assert_eq!(without_verbatim_prefix("/lab/main.json"), "/lab/main.json");
    }

    #[test]
    fn nothing_is_above_the_root() {
        resolves("../../../part.json", "/lab/main.json", "/part.json");
        resolves("..\\..\\part.json", "C:\\main.json", "C:/part.json");
    }

    #[test]
    fn an_assembly_path_stays_in_its_folder() {
        for path in [
            "@assembly/../part.json",
            "@assembly/a/../../part.json",
            "@assembly/..",
            "@assembly//etc/part.json",
            "@assembly/C:/part.json",
            "@assembly/a\\..\\..\\part.json",
        ] {
            let refused = resolve(path, Some("/lab/main.json")).map_err(|error| error.to_string());
            assert_eq!(refused, Err(format!("the path {path} leads out of the folder of the assembly")));
        }
    }
}
