#!/usr/bin/env bash
# Builds what runs on a device:
#
#   scripts/build-agent.sh                   the agent for ARMv8 Linux and Android, which loads ONNX Runtime
#   scripts/build-agent.sh musl              the agent with the engine tract inside: one static file that needs nothing else
#   scripts/build-agent.sh mnn               the agent with the engine MNN inside: one static file, too
#   scripts/build-agent.sh android-check     checks that the code compiles for aarch64-linux-android (there is no NDK to link with)
#
# The first one brings its own loader and C and C++ libraries, and so runs on any ARMv8 kernel, on phones too. Agents are put into
# ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/agents/, in folders aarch64-linux-gnu, -musl and -gnu-mnn, where
# `profiler --device adb` and `--device ssh://…` find them; the folder's path is printed. An agent that was built from the same files is not
# built again. Needs scripts/setup-aarch64.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "build-agent: $*" >&2; }
die() {
    say "$*"
    exit 2
}

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
parts=${BLOCKTIME_AARCH64:-$cache/aarch64}
[ -e "$parts/rust/rustc" ] || die "$parts/rust/rustc is missing: run scripts/setup-aarch64.sh"

# Another compiler than the host's: what the two build must not be mixed.
export RUSTC=$parts/rust/rustc
export CARGO_TARGET_DIR=${BLOCKTIME_CROSS_TARGET:-$cache/cross-target}
# A compiler wrapper of the host's would start the wrong one.
unset RUSTC_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET

# Debian's compiler has the standard library of aarch64-unknown-linux-gnu only. Of other targets it has the source, and compiles it by way of
# nightly features of cargo; the code uses none. rustup's has them compiled.
libraries() { "$RUSTC" --print target-libdir --target "$target"; }
std() {
    if compgen -G "$(libraries)/libstd-*.rlib" >/dev/null; then return; fi
    [ -d "$("$RUSTC" --print sysroot)/lib/rustlib/src/rust/library/std" ] ||
        die "the compiler has no standard library for $target: rustup target add $target"
    options+=("-Zbuild-std=std,panic_unwind")
    export RUSTC_BOOTSTRAP=1
}

kind=
options=()
case ${1:-linux-gnu} in
    android-check)
        target=aarch64-linux-android
        std
        say "checking for $target${options[*]:+, with the standard library from source}"
        # As `cross build --target aarch64-linux-android` from the root would build it.
        cargo check --quiet --locked --target $target "${options[@]}"
        say "compiles for $target"
        exit 0
        ;;
    linux-gnu)
        target=aarch64-unknown-linux-gnu
        options=(--features agent)
        limit=$((5 * 1000 * 1000))
        ;;
    musl)
        target=aarch64-unknown-linux-musl
        options=(--features "agent,tract")
        std
        [ -e "$(libraries)/self-contained/libc.a" ] || die "$(libraries)/self-contained/libc.a is missing: run scripts/setup-aarch64.sh"
        # tract is large: optimised crate by crate, which is cargo's own default, it takes minutes.
        export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
        limit=$((30 * 1000 * 1000))
        ;;
    mnn)
        target=aarch64-unknown-linux-gnu
        options=(--features "agent,mnn")
        # Static, C and C++ libraries and all: nothing else to send, and it runs on any kernel.
        export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static"
        export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
        scripts/setup-mnn.sh --build >/dev/null
        # shellcheck disable=SC1091
        . scripts/ccache.sh
        kind=-mnn
        limit=$((10 * 1000 * 1000))
        ;;
    *) die "unknown target '$1'; known are linux-gnu (the default), musl, mnn and android-check" ;;
esac

folder=$cache/agents/${target/-unknown/}$kind
# shellcheck disable=SC1091
. scripts/unless-passed.sh
hash=$(inputs_hash engines/Cargo.toml engines/src profiler/Cargo.toml profiler/src)
if [ "$(cat "$folder/.inputs" 2>/dev/null)" = "$hash" ]; then
    say "unchanged since it was built: $folder"
    echo "$folder"
    exit 0
fi

# Of what the C compiler is asked to compile for musl (tract's kernels), nothing depends on which C library it is.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc
export CARGO_PROFILE_RELEASE_STRIP=debuginfo
# An agent travels to the device: with link-time optimisation it is smaller.
export CARGO_PROFILE_RELEASE_LTO=${CARGO_PROFILE_RELEASE_LTO:-thin}
say "building for $target"
cargo build --quiet --locked --release --package profiler --no-default-features "${options[@]}" --target $target
program=$CARGO_TARGET_DIR/$target/release/profiler

mkdir -p "$cache/agents"
work=$(mktemp -d "$cache/agents/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
# What tells functions by name is not sent to devices; a simulated device's reports are read with it.
aarch64-linux-gnu-strip -o "$work/profiler" "$program"
aarch64-linux-gnu-objcopy --only-keep-debug "$program" "$work/.symbols"
if [ "${1:-linux-gnu}" = linux-gnu ]; then
    for library in ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libgcc_s.so.1 libstdc++.so.6; do
        # Debian's of the fake phone, or the ones that the C compiler links with.
        from=$parts/phone/usr/lib/aarch64-linux-gnu/$library
        [ -e "$from" ] || from=$(aarch64-linux-gnu-gcc -print-file-name="$library")
        cp -L "$from" "$work/$library"
    done
fi
size=$(stat -c %s "$work/profiler")
[ "$size" -lt "$limit" ] || die "the agent has $size bytes; the limit is $limit, so that it is sent quickly"
echo "$hash" >"$work/.inputs"
chmod 755 "$work"
rm -rf "$folder"
mv "$work" "$folder"
trap - EXIT
say "the agent has $size bytes"
echo "$folder"
