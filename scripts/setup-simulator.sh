#!/usr/bin/env bash
# Installs what simulated devices need: an emulator that takes plugins, and the plugin that computes time.
#
#   scripts/setup-simulator.sh                  both; prints their folder
#   scripts/setup-simulator.sh --emulator       the emulator only (a plugin is inside an installed `profiler`)
#
# The folder is ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/simulator:
#
#   qemu/                 a link to the emulator in use, which is in a folder qemu-VERSION-HASH beside it
#   qemu/qemu-aarch64     starts it; takes the arguments of QEMU's program of this name
#   qemu/identity         one line for the tables: QEMU's version in its own words and, last, `sha256:` and 64 digits
#   plugin/libsimulator_plugin.so
#
# The emulator is qemu-aarch64 of QEMU 7.2: other versions have another plugin interface and behave differently. If one that was built with
# plugins is on the PATH, it is used: qemu/qemu-aarch64 starts it, and the hash is that of its file. Otherwise the script takes Debian 12's,
# with its own loader and libraries (21 MB of packages), which runs on any x86-64 Linux and in an empty environment; the hash is
# that of the hashes of all packages. On Debian, the packages come from the machine's own apt sources, through a private configuration;
# elsewhere from the mirror that BLOCKTIME_DEBIAN_MIRROR names (scripts/private-apt.sh). Nothing is added to the system
# (except Debian's keys, debian-archive-keyring, if they are missing).
#
# If everything is installed, the script only compiles the plugin again if it has changed. Needs cargo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup-simulator: $*" >&2; }
die() {
    say "$*"
    exit 2
}

plugin=1
case ${1:-} in
    '') ;;
    --emulator) plugin= ;;
    *) die "unknown option '$1'; see the first lines of $0" ;;
esac
[ "$(uname -s)" = Linux ] || die "this script is for Linux only"

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
root=$cache/simulator
# What is unpacked and how; another value makes it again.
layout=1
mkdir -p "$root"
root=$(cd "$root" && pwd -P)
# shellcheck disable=SC1091
. scripts/private-apt.sh
trap 'rm -rf "${work:-}" "$root/apt" "$root/plugin/new.so"' EXIT
trap 'exit 130' INT TERM

# Debian 12's emulator and what it is linked with.
packages=(qemu-user libcapstone4 libnuma1 liburing2 libglib2.0-0 libgnutls30 zlib1g libgcc-s1 libc6 libpcre2-8-0 libp11-kit0
    libidn2-0 libunistring2 libtasn1-6 libnettle8 libhogweed6 libgmp10 libffi8)

# What an emulator says of its version, without its own name.
version() { "$1" --version 2>/dev/null | sed -n 's/^qemu-aarch64 version //p'; }

# Why an emulator cannot be used; nothing if it can.
unfit() {
    local is
    is=$(version "$1") || true
    case $is in
        7.2 | 7.2[.\ ]*) ;;
        *)
            echo "it is version ${is:-unknown}, not 7.2"
            return
            ;;
    esac
    # Plugins are loaded before the program.
    case $("$1" -plugin /nonexistent/plugin.so /nonexistent/program 2>&1 || true) in
        *'Could not load plugin'*) ;;
        *) echo "it was built without plugins" ;;
    esac
}

# The first emulator on the PATH that can be used, not our own; others are told of.
on_path() {
    local program why
    while read -r program; do
        program=$(realpath "$program")
        case $program in "$root"/*) continue ;; esac
        why=$(unfit "$program")
        if [ -z "$why" ]; then
            echo "$program"
            return
        fi
        say "$program is not used: $why"
    done < <(type -ap qemu-aarch64)
}

# made FROM: whether the emulator in use came from there.
made() { [ "$(cat "$root/qemu/.made" 2>/dev/null)" = "$layout $1" ] && [ -s "$root/qemu/identity" ] && [ -x "$root/qemu/qemu-aarch64" ]; }

# use FOLDER FROM HASH: the folder, with a launcher in it, becomes the emulator in use, whole or not at all.
use() {
    local folder=$1 is name
    chmod 755 "$folder" "$folder/qemu-aarch64"
    is=$(unfit "$folder/qemu-aarch64")
    [ -z "$is" ] || die "the emulator from $2 cannot be used: $is"
    is=$(env -i "$folder/qemu-aarch64" --version | sed -n 's/^qemu-aarch64 version //p') || true
    [ -n "$is" ] || die "the emulator from $2 does not start in an empty environment"
    echo "$is sha256:$3" >"$folder/identity"
    echo "$layout $2" >"$folder/.made"
    name=qemu-${is%% *}-${3:0:12}
    rm -rf "${root:?}/$name"
    mv "$folder" "$root/$name"
    ln -sfn "$name" "$root/qemu.new"
    mv -T "$root/qemu.new" "$root/qemu"
    # Of one that was in use before, nothing stays.
    find "$root" -mindepth 1 -maxdepth 1 -type d -name 'qemu-*' ! -name "$name" -exec rm -rf {} +
}

own=$(on_path)
if [ -n "$own" ]; then
    hash=$(sha256sum "$own" | cut -d' ' -f1)
    if ! made "$own $hash"; then
        work=$(mktemp -d "$root/unpack.XXXXXX")
        mkdir "$work/new"
        printf '#!/bin/sh\nexec %q "$@"\n' "$own" >"$work/new/qemu-aarch64"
        use "$work/new" "$own $hash" "$hash"
        rm -rf "$work"
    fi
    say "the emulator is $own"
elif made debian; then
    say "the emulator is already there"
else
    [ "$(uname -m)" = x86_64 ] || die "on $(uname -m), QEMU 7.2's qemu-aarch64 with plugins is needed on the PATH"
    has_debian || die "QEMU 7.2's qemu-aarch64 with plugins is needed, but it is not on the PATH, and Debian 12's is not in the package sources of $system.
Either $no_debian
or build it from QEMU 7.2's source, with ./configure --target-list=aarch64-linux-user --enable-plugins, put it on the PATH and run this again.
(Ubuntu's own is another version: 22.04 has 6.2, 24.04 has 8.2.)"
    use_release bookworm
    say "unpacking ${#packages[@]} packages: ${packages[*]}"
    work=$(mktemp -d "$root/unpack.XXXXXX")
    fetch "$work" "${packages[@]/%/:amd64}"
    new=$work/new
    mkdir -p "$new/bin" "$new/lib"
    cp "$work/tree/usr/bin/qemu-aarch64" "$new/bin"
    find "$work"/tree/lib/x86_64-linux-gnu "$work"/tree/usr/lib/x86_64-linux-gnu -maxdepth 1 -name '*.so*' -exec cp -a -t "$new/lib" {} +
    # A library that the packages lack would be taken from this machine, if it had it.
    strange=$("$new/lib/ld-linux-x86-64.so.2" --library-path "$new/lib" --list "$new/bin/qemu-aarch64" | grep -vF -e "$new/lib/" -e linux-vdso) || true
    [ -z "$strange" ] || die "the packages lack what the emulator needs: $strange"
    cat >"$new/qemu-aarch64" <<'LAUNCHER'
#!/bin/sh
here=${0%/*}
exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" "$here/bin/qemu-aarch64" "$@"
LAUNCHER
    use "$new" debian "$(cut -d' ' -f1 "$work/hashes" | LC_ALL=C sort | sha256sum | cut -d' ' -f1)"
    rm -rf "$work"
fi

if [ -n "$plugin" ]; then
    command -v cargo >/dev/null || die "cargo is needed, to compile the plugin"
    say "compiling the plugin"
    env -u CARGO_BUILD_TARGET cargo build --quiet --locked --release --package simulator-plugin
    built=${CARGO_TARGET_DIR:-target}/release/libsimulator_plugin.so
    library=$root/plugin/libsimulator_plugin.so
    fresh=$root/plugin/new.so
    if ! cmp -s "$built" "$library"; then
        mkdir -p "$root/plugin"
        cp "$built" "$fresh"
        # The emulator has a C library of its own, which may be older than the one that the plugin was linked with.
        case $("$root/qemu/qemu-aarch64" -plugin "$fresh" /nonexistent/program 2>&1 || true) in
            *'qemu_plugin_install returned'*) ;;
            *'Could not load plugin'*)
                "$root/qemu/qemu-aarch64" -plugin "$fresh" /nonexistent/program >&2 || true
                die "the emulator cannot load the plugin"
                ;;
        esac
        mv "$fresh" "$library"
    fi
    say "the plugin is $library"
fi
say "done: $(cat "$root/qemu/identity")"
echo "$root"
