#!/usr/bin/env bash
# Builds liboptiverse in release and installs it under a prefix: headers, shared and static library, and what pkg-config
# and CMake look for. Takes the prefix, and `no` for a library without clients; with DESTDIR, files go below that, as
# packagers want it.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: tools/install.sh PREFIX [yes|no]}
client=${2:-yes}
case $client in
  yes) features=() ;;
  no) features=(--no-default-features) ;;
  *) echo "CLIENT is $client, expected yes or no" >&2; exit 2 ;;
esac
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
root=${DESTDIR:-}$prefix

version=$(cargo pkgid --locked -p optiverse-ffi)
version=${version##*[@#]}
IFS=. read -r major minor _ <<<"$version"
# By the versions that can stand in for each other: while the first number is 0, a program built with 0.1.0 runs with 0.1.1
# and not with 0.2.0.
if [ "$major" = 0 ]; then soname=liboptiverse.so.$major.$minor; else soname=liboptiverse.so.$major; fi
cargo rustc --release --locked --quiet -p optiverse-ffi --lib "${features[@]}" --crate-type cdylib,staticlib \
  -- -C link-arg=-Wl,-soname,"$soname"
target=${CARGO_TARGET_DIR:-target}/release
# What Rust's standard library needs of the system, for programs that link the static library.
static_libs="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

install -d "$root/include" "$root/lib/pkgconfig" "$root/lib/cmake/optiverse"
install -m 644 include/optiverse.h include/optiverse.hpp "$root/include"
# The header says what the library has.
if [ "$client" = no ]; then sed -i '/^#define OPTIVERSE_CLIENT$/d' "$root/include/optiverse.h"; fi
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
