#!/usr/bin/env bash
# Installs what builds and runs ARMv8 programs on an x86-64 machine with Debian (12 or newer) or Ubuntu (22.04 or newer), and the parts of an
# emulated phone for tests:
#
#   scripts/setup-aarch64.sh
#
# Into ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/aarch64:
#   rust/rustc   a Rust compiler with the standard library for ARMv8 (below)
#   qemu/        qemu's user emulation, static
#   adbd/        Android's debug daemon for this machine, with its own loader and libraries
#   phone/       for the emulated phone, and for any ARMv8 Linux: busybox, the C and C++ libraries and their loader
#   env.sh       the environment that a cross build and the device tests use
# By apt-get, where missing: the distribution's aarch64 C and C++ compilers, adb, the ssh server.
# By pip: the aarch64 ONNX Runtime (scripts/setup-onnxruntime.sh).
#
# The Rust compiler is rustup's, if rustup is installed and has, or can fetch, the standard library for ARMv8 (`rustup target add`). Otherwise
# it is Debian's rustc, unpacked beside the wrapper, with its source (for targets whose standard library is compiled) and, in musl/,
# a C library for static programs. A later run keeps the choice; to change it, set BLOCKTIME_AARCH64_RUST=rustup or =debian.
#
# On Debian, the packages come from the machine's own apt sources, through a private apt configuration: no architecture and no source is
# added to the system. Ubuntu does not have the packages of qemu/, adbd/ and phone/. There they come from the Debian mirror that
# BLOCKTIME_DEBIAN_MIRROR names (scripts/private-apt.sh). Without a mirror they are left out, with a message: agents are still built, but
# tests on emulated phones and boards are skipped. If everything is installed, the script only prints the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup-aarch64: $*" >&2; }
die() {
    say "$*"
    exit 2
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "this script is for x86-64 Linux; an ARMv8 machine needs no cross compiler"

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
root=$cache/aarch64
# What is unpacked and how; another value makes everything again.
layout=1
mkdir -p "$root"
root=$(cd "$root" && pwd)
# shellcheck disable=SC1091
. scripts/private-apt.sh
case $distribution in
    debian | ubuntu) ;;
    *) die "$system is neither Debian 12 or newer nor Ubuntu: install the parts named in this script's first lines by hand" ;;
esac
for tool in apt-get dpkg-deb sha256sum; do
    command -v "$tool" >/dev/null || die "$tool is needed"
done

# 1. Packages of the system.

# Whether apt-get could install them.
install_packages() {
    say "installing with apt-get: $*"
    "${as_root[@]}" apt-get update -qq
    # A machine that only cross-builds should not start to serve ssh: the service stays down.
    local policy=/usr/sbin/policy-rc.d made='' status=0
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
        "${as_root[@]}" chmod 755 $policy
        made=1
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 || status=$?
    [ -z "$made" ] || "${as_root[@]}" rm -f $policy
    return $status
}

missing=()
command -v aarch64-linux-gnu-gcc >/dev/null || missing+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
command -v aarch64-linux-gnu-g++ >/dev/null || missing+=(g++-aarch64-linux-gnu)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}" || die "apt-get could not install ${missing[*]}"
fi
# What only phones, boards and their tests need.
missing=()
command -v adb >/dev/null || missing+=(adb)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
command -v ip >/dev/null || missing+=(iproute2)
command -v unshare >/dev/null || missing+=(util-linux)
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}" || say "apt-get could not install ${missing[*]}: measurements over adb or ssh, or tests on emulated devices, may need them"
fi

# 2. Packages that are only unpacked: for the compiler from the machine's own release, for the rest from trixie (the emulator of
# bookworm shows the host's /proc/cpuinfo, and ONNX Runtime crashes in it).

# present FOLDER WHAT: whether the folder holds that, whole.
present() { [ -f "$root/$1/.unpacked" ] && [ "$(head -n 1 "$root/$1/.unpacked")" = "$layout $2" ]; }

# unpack FOLDER WHAT PACKAGE…: the folder appears whole or not at all.
unpack() {
    local folder=$root/$1 what=$2
    shift 2
    say "unpacking into $folder: $*"
    local work
    work=$(mktemp -d "$root/unpack.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    fetch "$work" "$@"
    {
        echo "$layout $what"
        cat "$work/hashes"
    } >"$work/tree/.unpacked"
    rm -rf "$folder"
    mv "$work/tree" "$folder"
    rm -rf "$work"
    trap - EXIT
}

# has_std COMPILER TARGET: whether the compiler has the standard library of the target, compiled.
has_std() { compgen -G "$("$1" --print target-libdir --target "$2" 2>/dev/null)/libstd-*.rlib" >/dev/null; }

# Puts rustup's compiler of this folder into rust/, if rustup has, or can have, what agents need.
rustup_rust() {
    local compiler target wanted=()
    command -v rustup >/dev/null || return 1
    compiler=$(rustup which rustc 2>/dev/null) || return 1
    for target in aarch64-unknown-linux-gnu aarch64-unknown-linux-musl; do
        has_std "$compiler" $target || wanted+=("$target")
    done
    if [ ${#wanted[@]} -gt 0 ]; then
        say "asking rustup for ${wanted[*]}"
        timeout 300 rustup target add "${wanted[@]}" >&2 || return 1
        for target in "${wanted[@]}"; do has_std "$compiler" "$target" || return 1; done
    fi
    # Of use only for the check that the code compiles for Android.
    has_std "$compiler" aarch64-linux-android || timeout 300 rustup target add aarch64-linux-android >&2 ||
        say "rustup has no aarch64-linux-android: 'scripts/build-agent.sh android-check' cannot be run here"
    rm -rf "$root/rust" "$root/musl"
    mkdir "$root/rust"
    printf '#!/bin/sh\nexec %q "$@"\n' "$compiler" >"$root/rust/rustc"
    chmod 755 "$root/rust/rustc"
    echo "$layout rustup" >"$root/rust/.unpacked"
}

# Unpacks Debian's compiler into rust/ and a C library into musl/.
debian_rust() {
    local release=$1 needed object contained
    if ! present rust "$release"; then
        use_release "$release"
        # The compiler is linked with the machine's own C library; of what it needs, only these are not on every machine.
        mapfile -t needed < <(with_needed rustc-web | grep -E '^(libllvm|libz3|libstd-rust-web-[0-9]|libxml2|libicu|libedit|libbsd|libmd0)')
        unpack rust "$release" rustc-web:amd64 libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64 rust-web-src "${needed[@]/%/:amd64}"
        # rustup's cargo drives it through RUSTC; its own libraries lie beside it.
        cat >"$root/rust/rustc" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH='$root/rust/usr/lib/x86_64-linux-gnu' exec '$root/rust/usr/bin/rustc' "\$@"
WRAPPER
        chmod 755 "$root/rust/rustc"
        # Of the source, only the standard library's is needed.
        find "$root"/rust/usr/src/rustc-*/ -mindepth 1 -maxdepth 1 ! -name library ! -name 'Cargo.*' ! -name vendor -exec rm -rf {} +
    fi
    if ! present musl "$release"; then
        use_release "$release"
        unpack musl "$release" musl-dev:arm64
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
}

# Debian's compiler is of the machine's own release, or of bookworm, which runs with any newer C library.
release=${codename:-bookworm}
choice=${BLOCKTIME_AARCH64_RUST:-}
case $choice in
    '') if present rust "$release"; then choice=debian; fi ;;
    rustup | debian) ;;
    *) die "BLOCKTIME_AARCH64_RUST is '$choice'; known are rustup and debian" ;;
esac
if [ "$choice" != debian ]; then
    if present rust rustup && has_std "$root/rust/rustc" aarch64-unknown-linux-musl && has_std "$root/rust/rustc" aarch64-unknown-linux-gnu; then
        choice=rustup
    elif rustup_rust; then
        choice=rustup
    elif [ "$choice" = rustup ]; then
        die "rustup has no standard library for ARMv8"
    else
        choice=debian
    fi
fi
if [ "$choice" = debian ]; then
    { present rust "$release" && present musl "$release"; } || has_debian ||
        die "rustup has no standard library for ARMv8, and Debian's compiler is not in the package sources of $system. \
Install rustup and let it fetch aarch64-unknown-linux-gnu and aarch64-unknown-linux-musl, or $no_debian"
    debian_rust "$release"
fi
"$root/rust/rustc" --version >/dev/null || die "the compiler in $root/rust does not start"

if has_debian || { present qemu trixie && present adbd trixie && present phone trixie; }; then
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
    "$root/qemu/usr/bin/qemu-aarch64" --version >/dev/null || die "the emulator in $root/qemu does not start"
    runs=", tests/device/fake-phone.sh runs a phone"
else
    say "left out: the parts of a fake phone, which only tests need; they are Debian's, and not in the package sources of $system. \
To have them, $no_debian"
    runs=
fi
rm -rf "$root/apt"

# 3. The engine.
engine=$(scripts/setup-onnxruntime.sh aarch64)

cat >"$root/env.sh.new" <<ENV
export BLOCKTIME_AARCH64='$root'
export BLOCKTIME_AARCH64_ENGINE='$engine'
ENV
mv "$root/env.sh.new" "$root/env.sh"
say "done; in a clone of the project, scripts/build-agent.sh builds for these$runs"
cat "$root/env.sh"
