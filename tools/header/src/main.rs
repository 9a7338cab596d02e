//! Writes `include/optiverse.h` from the source of `optiverse-ffi`; with `--check` says instead what is wrong with the
//! committed one: that it differs, or that something in it has no comment.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("include/optiverse.h");
    let header = generate(&root.join("optiverse-ffi"))?;
    let mut problems: Vec<String> = undocumented(&header).map(|line| format!("no comment before: {line}")).collect();
    if std::env::args().any(|argument| argument == "--check") {
        if std::fs::read_to_string(&path)? != header {
            problems.push("not what the source gives: run `make header`".to_owned());
        }
    } else {
        std::fs::write(&path, header)?;
    }
    for problem in &problems {
        report(problem);
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stderr, reason = "a command says what is wrong")]
fn report(problem: &str) {
    eprintln!("include/optiverse.h: {problem}");
}

fn generate(ffi: &Path) -> Result<String, Box<dyn Error>> {
    let config = cbindgen::Config::from_file(ffi.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new().with_config(config).with_src(ffi.join("src/lib.rs")).generate()?;
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    let generated = String::from_utf8(generated)?;
    let guard = "#define OPTIVERSE_H\n";
    let (before, after) = generated.split_once(guard).ok_or("cbindgen writes no include guard")?;
    let before = before.trim_start();
    let after = joined(after.trim_start());
    Ok(format!("{}\n{before}{guard}\n{}\n{after}", include_str!("preamble.h"), constants()?))
}

/// One condition around declarations that follow each other, where cbindgen writes one around each.
fn joined(declarations: &str) -> String {
    declarations.replace(&format!("#endif\n\n{IF_CLIENT}"), "\n")
}

/// What stands around what only a library with clients has.
const IF_CLIENT: &str = "#if defined(OPTIVERSE_CLIENT)\n";

/// What the preprocessor is told and cbindgen cannot know.
fn constants() -> Result<String, std::fmt::Error> {
    // The version of the whole workspace.
    let version = env!("CARGO_PKG_VERSION");
    let mut out = String::from("#include <stddef.h>\n#include <stdint.h>\n\n");
    writeln!(out, "// The version of this header; `optiverse_version` tells that of the library.")?;
    writeln!(out, "#define OPTIVERSE_VERSION \"{version}\"")?;
    for (part, number) in ["MAJOR", "MINOR", "PATCH"].into_iter().zip(version.split(['.', '-', '+'])) {
        writeln!(out, "#define OPTIVERSE_VERSION_{part} {number}")?;
    }
    writeln!(out, "\n// For `optiverse_edit_add`: the item goes to the end of its list.")?;
    writeln!(out, "#define OPTIVERSE_AT_END SIZE_MAX")?;
    writeln!(
        out,
        "\n// The library of this header has clients. One that is installed without them has a header without this line."
    )?;
    writeln!(out, "#define OPTIVERSE_CLIENT")?;
    Ok(out)
}

/// The declarations, members and values that have no comment above them.
fn undocumented(header: &str) -> impl Iterator<Item = &str> {
    let lines = header.lines().zip(header.lines().skip(1));
    lines.filter(|(above, line)| is_declaration(line) && !above.trim_start().starts_with("//")).map(|(_, line)| line)
}

/// Whether a line begins something that a reader wants explained. Enums have their comment above the `enum`, and name
/// themselves again in typedefs that need none.
fn is_declaration(line: &str) -> bool {
    let code = line.trim_start();
    let starts_word = code.starts_with(|first: char| first.is_ascii_alphabetic());
    match line.len() - code.len() {
        0 => {
            let is_alias = code.starts_with("typedef uint") || code.starts_with("typedef enum");
            starts_word && !is_alias && !code.starts_with("extern")
        }
        // Members and values; arguments on lines of their own stand further right.
        2 => starts_word,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_stands_around_neighbours() {
        let each = format!(
            "{IF_CLIENT}// A.\nint a(void);\n#endif\n\n{IF_CLIENT}// B.\nint b(void);\n#endif\n\nint c(void);\n"
        );
        let one = format!("{IF_CLIENT}// A.\nint a(void);\n\n// B.\nint b(void);\n#endif\n\nint c(void);\n");
        assert_eq!(joined(&each), one);
    }

    #[test]
    fn what_has_no_comment_is_found() {
        let header = "// A.\ntypedef struct {\n  // B.\n  int b;\n  int c;\n} a;\n\n// D.\nint d(int e,\n      int f);\nint g(void);\n";
        assert_eq!(undocumented(header).collect::<Vec<_>>(), ["  int c;", "int g(void);"]);
        assert_eq!(
            undocumented("// E.\nenum e {\n  // F.\n  F = 0,\n  G = 1,\n};\n").collect::<Vec<_>>(),
            ["  G = 1,"]
        );
    }
}
