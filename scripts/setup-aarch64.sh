#!/usr/bin/env bash
# Brings what builds and runs ARMv8 programs on an x86-64 Debian machine (12 or newer), and the parts of a fake phone:
#
#   scripts/setup-aarch64.sh
#
# Into ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/aarch64:
#   rust/     Debian's rustc with the standard library for x86-64 and aarch64, and its source (for checks of other targets)
#   musl/     a C library for static aarch64 programs
#   qemu/     qemu's user emulation, static
#   adbd/     Android's debug daemon for this machine, with its own loader and libraries
#   phone/    for the fake phone, and for any ARMv8 Linux: busybox, the C and C++ libraries and their loader
#   env.sh    the environment that a cross build and the device tests use
# By apt-get, where missing: the aarch64 C compiler, adb, the ssh server.
# By pip: the aarch64 ONNX Runtime (scripts/setup-onnxruntime.sh).
#
# Packages come from the machine's own apt sources, through a private apt configuration: no architecture and no source is
# added to the system, rustup is left alone. Running it again does nothing but print the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup-aarch64: $*" >&2; }
die() {
    say "$*"
    exit 2
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "this is for an x86-64 Linux machine; an ARMv8 machine builds natively"
[ -r /etc/os-release ] || die "this is for Debian 12 or newer"
# shellcheck disable=SC1091
codename=$(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}") || true
[ -n "$codename" ] || die "this is for Debian 12 or newer: elsewhere, install the parts named in this script's first lines by hand"
for tool in apt-get dpkg-deb sha256sum; do
    command -v "$tool" >/dev/null || die "$tool is needed"
done

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
root=$cache/aarch64
# What is unpacked and how; another value makes everything anew.
layout=1
mkdir -p "$root"
root=$(cd "$root" && pwd)

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

# 1. Packages of the system.
missing=()
command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
command -v aarch64-linux-gnu-g++ >/dev/null || missing+=(g++-aarch64-linux-gnu)
command -v adb >/dev/null || missing+=(adb)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
command -v ip >/dev/null || missing+=(iproute2)
command -v unshare >/dev/null || missing+=(util-linux)
if [ ${#missing[@]} -gt 0 ]; then
    say "installing with apt-get: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    # A machine that only cross-builds should not start to serve ssh: the service stays down.
    policy=/usr/sbin/policy-rc.d
    made=
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
        "${as_root[@]}" chmod 755 $policy
        made=1
    fi
    status=0
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 || status=$?
    [ -z "$made" ] || "${as_root[@]}" rm -f $policy
    [ $status -eq 0 ] || die "apt-get could not install ${missing[*]}"
fi

# 2. Packages that are only unpacked, from a private apt for each release: the machine's own for what runs with its C library,
# trixie for the rest (the emulator of bookworm shows the host's /proc/cpuinfo, and ONNX Runtime crashes in it).

# The machine's own Debian sources, with its release's name replaced by another's.
sources() {
    apt-get indextargets --format "\$(REPO_URI) \$(RELEASE) \$(COMPONENT)" "Created-By: Packages" | sort -u |
        while read -r uri release component; do
            case $release in
                "$codename" | "$codename"-updates | "$codename"-security)
                    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $1${release#"$codename"} $component"
                    ;;
            esac
        done
}

# Makes the private configuration for a release, once a run; `apt` is then the option that selects it.
declare -A ready=()
use_release() {
    local private=$root/apt/$1
    apt=(-c "$private/apt.conf")
    [ -z "${ready[$1]:-}" ] || return 0
    rm -rf "$private"
    mkdir -p "$private"/{sources.list.d,preferences.d,state/lists/partial,cache/archives/partial}
    : >"$private/status"
    sources "$1" >"$private/sources.list"
    if [ ! -s "$private/sources.list" ]; then
        # Sources whose lists were never read, or were cleaned away, do not show.
        say "reading this machine's package lists"
        "${as_root[@]}" apt-get update -qq >&2
        sources "$1" >"$private/sources.list"
    fi
    [ -s "$private/sources.list" ] || die "this machine's apt has no Debian sources; see 'apt-get indextargets'"
    # Proxies and credentials of the machine's own configuration stay in force: only folders and architectures change.
    cat >"$private/apt.conf" <<CONF
Dir::Etc::sourcelist "$private/sources.list";
Dir::Etc::sourceparts "$private/sources.list.d";
Dir::Etc::preferences "$private/preferences";
Dir::Etc::preferencesparts "$private/preferences.d";
Dir::State "$private/state";
Dir::State::status "$private/status";
Dir::Cache "$private/cache";
APT::Architecture "amd64";
APT::Architectures { "amd64"; "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
    say "reading the package lists of $1 for amd64 and arm64, in a private configuration"
    apt-get "${apt[@]}" -qq update >&2 || die "the package lists of $1 cannot be read"
    ready[$1]=1
}

# A package and all that it needs at run time.
with_needed() {
    apt-cache "${apt[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
        grep -E '^[a-z0-9]' | grep -vE ':(i386|any)$' | sort -u
}

# present FOLDER WHAT: whether the folder holds that, whole.
present() { [ -f "$root/$1/.unpacked" ] && [ "$(head -n 1 "$root/$1/.unpacked")" = "$layout $2" ]; }

# unpack FOLDER WHAT PACKAGE…: downloads (apt verifies signatures and hashes) and unpacks them; the folder appears whole or not at all.
unpack() {
    local folder=$root/$1 what=$2
    shift 2
    say "unpacking into $folder: $*"
    local work deb
    work=$(mktemp -d "$root/unpack.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    mkdir "$work/deb" "$work/tree"
    (cd "$work/deb" && apt-get "${apt[@]}" -qq download "$@" >&2) || die "apt cannot fetch these packages"
    for deb in "$work"/deb/*.deb; do dpkg-deb -x "$deb" "$work/tree"; done
    {
        echo "$layout $what"
        (cd "$work/deb" && sha256sum ./*.deb)
    } >"$work/tree/.unpacked"
    rm -rf "$folder"
    mv "$work/tree" "$folder"
    rm -rf "$work"
    trap - EXIT
}

if ! present rust "$codename"; then
    use_release "$codename"
    # The compiler is linked with the machine's own C library; of what it needs, only these are not on every machine.
    mapfile -t needed < <(with_needed rustc-web | grep -E '^(libllvm|libz3|libstd-rust-web-[0-9])')
    unpack rust "$codename" rustc-web:amd64 libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64 rust-web-src "${needed[@]/%/:amd64}"
    # rustup's cargo drives it through RUSTC; its own libraries lie beside it.
    cat >"$root/rust/rustc" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH='$root/rust/usr/lib/x86_64-linux-gnu' exec '$root/rust/usr/bin/rustc' "\$@"
WRAPPER
    chmod 755 "$root/rust/rustc"
    # Of the source, only the standard library's is needed.
    find "$root"/rust/usr/src/rustc-*/ -mindepth 1 -maxdepth 1 ! -name library ! -name 'Cargo.*' ! -name vendor -exec rm -rf {} +
fi
if ! present musl "$codename"; then
    use_release "$codename"
    unpack musl "$codename" musl-dev:arm64
fi
# What rustc links a static program from, where it looks for it: the C library, the start of a program, and stack unwinding, which
# is the C compiler's.
contained=$root/rust/usr/lib/rustlib/aarch64-unknown-linux-musl/lib/self-contained
if [ ! -d "$contained" ]; then
    rm -rf "$contained.new"
    mkdir -p "$contained.new"
    cp "$root"/musl/usr/lib/aarch64-linux-musl/{crt1.o,rcrt1.o,Scrt1.o,crti.o,crtn.o,libc.a} "$contained.new"
    for object in crtbegin.o crtbeginS.o crtend.o crtendS.o; do
        cp "$(aarch64-linux-gnu-gcc -print-file-name=$object)" "$contained.new"
    done
    cp "$(aarch64-linux-gnu-gcc -print-file-name=libgcc_eh.a)" "$contained.new/libunwind.a"
    aarch64-linux-gnu-gcc -O2 -c -o "$contained.new/dl_find_object.o" scripts/dl_find_object.c
    aarch64-linux-gnu-ar r "$contained.new/libunwind.a" "$contained.new/dl_find_object.o"
    mv "$contained.new" "$contained"
fi
if ! present qemu trixie; then
    use_release trixie
    unpack qemu trixie qemu-user:amd64
    find "$root/qemu/usr/bin" -type f ! -name qemu-aarch64 -delete
fi
if ! present adbd trixie; then
    use_release trixie
    mapfile -t needed < <(with_needed adbd)
    unpack adbd trixie "${needed[@]/%/:amd64}"
fi
if ! present phone trixie; then
    use_release trixie
    unpack phone trixie busybox-static:arm64 libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64
fi
rm -rf "$root/apt"

# 3. The engine.
engine=$(scripts/setup-onnxruntime.sh aarch64)

"$root/rust/rustc" --version >/dev/null || die "the compiler in $root/rust does not start"
"$root/qemu/usr/bin/qemu-aarch64" --version >/dev/null || die "the emulator in $root/qemu does not start"

cat >"$root/env.sh.new" <<ENV
export BLOCKTIME_AARCH64='$root'
export BLOCKTIME_AARCH64_ENGINE='$engine'
ENV
mv "$root/env.sh.new" "$root/env.sh"
say "done; scripts/build-agent.sh builds for these, scripts/fake-phone.sh runs a phone"
cat "$root/env.sh"
