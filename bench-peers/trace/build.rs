//! Compiles the bridge to Embree where the system has it: `apt-get install libembree-dev`.

fn main() {
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rustc-check-cfg=cfg(embree)");
    cc::Build::new().file("src/clock.c").compile("peer_clock");
    if std::path::Path::new("/usr/include/embree3/rtcore.h").exists() {
        cc::Build::new()
            .cpp(true)
            .std("c++17")
            .opt_level(3)
            .flag("-march=native")
            .file("src/embree.cpp")
            .compile("embree_bridge");
        println!("cargo:rustc-link-lib=embree3");
        println!("cargo:rustc-cfg=embree");
    }
}
