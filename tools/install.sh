#!/usr/bin/env bash
# Builds liboptiverse in release and installs it under a prefix: headers, shared and static library, and what pkg-config
# and CMake look for. Takes the prefix; with DESTDIR, files go below that, as packagers want it.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: tools/install.sh PREFIX}
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
root=${DESTDIR:-}$prefix

cargo build --release --locked --quiet -p optiverse-ffi --lib
target=${CARGO_TARGET_DIR:-target}/release
version=$(cargo pkgid --locked -p optiverse-ffi)
version=${version##*[@#]}
IFS=. read -r major minor _ <<<"$version"
# As optiverse-ffi/build.rs names it.
if [ "$major" = 0 ]; then soname=liboptiverse.so.$major.$minor; else soname=liboptiverse.so.$major; fi
# What Rust's standard library needs of the system, for programs that link the static library.
static_libs="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

install -d "$root/include" "$root/lib/pkgconfig" "$root/lib/cmake/optiverse"
install -m 644 include/optiverse.h include/optiverse.hpp "$root/include"
install -m 755 --strip "$target/liboptiverse.so" "$root/lib/liboptiverse.so.$version"
ln -sf "liboptiverse.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/liboptiverse.so"
install -m 644 "$target/liboptiverse.a" "$root/lib"
strip --strip-debug "$root/lib/liboptiverse.a"

fill() {
  sed -e "s|@PREFIX@|$prefix|; s|@VERSION@|$version|; s|@MAJOR@|$major|; s|@MINOR@|$minor|; s|@SONAME@|$soname|" \
    -e "s|@STATIC_LIBS@|$static_libs|" "optiverse-ffi/package/$1.in" >"$root/lib/$2/$1"
}
fill optiverse.pc pkgconfig
fill optiverse-config.cmake cmake/optiverse
fill optiverse-config-version.cmake cmake/optiverse
