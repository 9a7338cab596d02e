//! Names the shared library by the versions that can stand in for each other: while the first number is 0, a program
//! built with 0.1.0 runs with 0.1.1 and not with 0.2.0.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let part = |name| std::env::var(name).unwrap_or_default();
    if part("CARGO_CFG_TARGET_OS") == "linux" {
        let (major, minor) = (part("CARGO_PKG_VERSION_MAJOR"), part("CARGO_PKG_VERSION_MINOR"));
        let compatible = if major == "0" { format!("{major}.{minor}") } else { major };
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,liboptiverse.so.{compatible}");
    }
}
