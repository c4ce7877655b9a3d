#!/usr/bin/env bash
# Installs MNN's converter, in the version of the engine, into the cache folder and prints the converter's path:
#
#   scripts/setup-mnn.sh            the converter and MNN's Python package, by pip
#   scripts/setup-mnn.sh --build    these, and by apt-get what is needed to compile the engine: cmake, a C++ compiler, libclang, ccache
#
# The folder is ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/mnn/VERSION. It holds `mnnconvert`, and `python`, which is
# this machine's Python with the package in it. Needs python3 with pip. If it is installed, the script only prints the path.
set -euo pipefail

# The engine's: engines/src/mnn/mod.rs.
version=3.6.1

say() { echo "setup-mnn: $*" >&2; }
die() {
    say "$*"
    exit 2
}

case ${1:-} in
    '') ;;
    --build)
        missing=()
        command -v cmake >/dev/null || missing+=(cmake)
        command -v make >/dev/null || missing+=(make)
        command -v c++ >/dev/null || missing+=(g++)
        # libclang-cpp.so is another library, that llvm's own programs bring.
        compgen -G '/usr/lib/llvm-*/lib/libclang[.-][!c]*' >/dev/null || compgen -G '/usr/lib/*/libclang[.-][!c]*' >/dev/null ||
            missing+=(libclang-dev)
        # It takes a quarter of an hour to compile; for another profile or folder it need not be done again.
        command -v ccache >/dev/null || missing+=(ccache)
        if [ ${#missing[@]} -gt 0 ]; then
            command -v apt-get >/dev/null || die "missing: ${missing[*]}; install their equivalents with your package manager"
            say "installing with apt-get: ${missing[*]}"
            as_root=()
            if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
            "${as_root[@]}" apt-get update -qq >&2
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
        fi
        ;;
    *) die "unknown option '$1'; see the first lines of $0" ;;
esac

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
mkdir -p "$cache/mnn"
folder=$(cd "$cache/mnn" && pwd)/$version
if [ -x "$folder/mnnconvert" ]; then
    say "already there"
    echo "$folder/mnnconvert"
    exit 0
fi

command -v python3 >/dev/null || die "python3 is needed"
work=$(mktemp -d "$cache/mnn/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
say "fetching MNN $version with pip"
# A setting, not an option: pip of Ubuntu 22.04 does not know it.
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    --target "$work/packages" "MNN==$version" >&2

python=$(python3 -c 'import sys; print(sys.executable)')
cat >"$work/python" <<SCRIPT
#!/bin/sh
PYTHONPATH='$folder/packages' exec '$python' "\$@"
SCRIPT
# The package's own program of this name also installs and starts one that reports what was converted; this one only converts.
cat >"$work/mnnconvert" <<SCRIPT
#!/bin/sh
exec '$python' -c 'import sys
sys.path[0] = "$folder/packages"
import _tools
_tools.mnnconvert(["mnnconvert"] + sys.argv[1:])' "\$@"
SCRIPT
chmod 755 "$work" "$work/python" "$work/mnnconvert"
# It appears whole or not at all.
rm -rf "$folder"
mv "$work" "$folder"
trap - EXIT
"$folder/mnnconvert" --version | grep -qxF "$version" || die "$folder/mnnconvert is not version $version"
say "done"
echo "$folder/mnnconvert"
