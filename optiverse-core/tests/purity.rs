//! The core does no input or output, starts no thread outside the tracer, and asks for no time: hosts of every kind rely on
//! that. What it depends on is held to a list, and its source to words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that is linked into the core: data structures, numbers, texts, hashes. `libc` is there for `cpufeatures`, which asks what the
/// processor can do, on platforms where only the system tells.
const PURE: [&str; 40] = [
    "bitflags",
    "block-buffer",
    "bytemuck",
    "cfg-if",
    "cpufeatures",
    "crypto-common",
    "csscolorparser",
    "digest",
    "equivalent",
    "foldhash",
    "glam",
    "hashbrown",
    "hybrid-array",
    "indexmap",
    "itoa",
    "libc",
    "libm",
    "memchr",
    "num-complex",
    "num-traits",
    "optiverse-core",
    "phf",
    "phf_shared",
    "pulp",
    "pulp-wasm-simd-flag",
    "raw-cpuid",
    "reborrow",
    "safe_arch",
    "serde",
    "serde_core",
    "serde_json",
    "sha1_smol",
    "sha2",
    "siphasher",
    "thiserror",
    "typenum",
    "uncased",
    "uuid",
    "wide",
    "zmij",
];

fn linked_packages() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "optiverse-core", "--edges", "no-dev,no-build,no-proc-macro", "--all-features"])
        .args(["--target", "all", "--prefix", "none", "--format", "{p}", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_core_is_linked_to_pure_packages_only() {
    let linked = linked_packages();
    let pure: BTreeSet<String> = PURE.iter().map(|name| (*name).to_owned()).collect();
    let surprises: Vec<&String> = linked.difference(&pure).collect();
    assert!(surprises.is_empty(), "new, and to be judged: {surprises:?}");
    let gone: Vec<&String> = pure.difference(&linked).collect();
    assert!(gone.is_empty(), "listed and no longer linked: {gone:?}");
}

/// Words by which the standard library does what a state machine must not.
const IMPURE: [&str; 12] = [
    "std::net",
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "SystemTime",
    "Instant",
    "Mutex",
    "RandomState",
    "getrandom",
];

fn impurities(source: &str) -> Vec<(usize, &'static str)> {
    let lines = source.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|(at, line)| IMPURE.into_iter().filter(|word| line.contains(word)).map(move |word| (at + 1, word)))
        .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn synchronisation_is_pure() {
    assert_eq!(impurities("// std::net\nlet a = std::time::Instant::now();"), [(2, "std::time"), (2, "Instant")]);
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sync"), &mut files);
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let found = impurities(&std::fs::read_to_string(&file).unwrap());
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}
