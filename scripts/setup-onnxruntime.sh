#!/bin/sh
# Fetches the pinned ONNX Runtime library from PyPI into the cache folder and prints its path.
#
#   scripts/setup-onnxruntime.sh [x86_64|aarch64]     (or BLOCKTIME_ORT_ARCH; default: this machine)
#
# The folder is ${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-~/.cache}/blocktime}/onnxruntime/VERSION-ARCH. Needs python3 with pip.
# If the library is there, the script only prints the path.
set -eu

version=1.32.0
arch=${1:-${BLOCKTIME_ORT_ARCH:-$(uname -m)}}
case $arch in
    x86_64 | aarch64) ;;
    *)
        echo "setup-onnxruntime: there is no library for '$arch'; give x86_64 or aarch64" >&2
        exit 2
        ;;
esac

cache=${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}
folder=$cache/onnxruntime/$version-$arch
library=$folder/libonnxruntime.so.$version
if [ -s "$library" ]; then
    echo "setup-onnxruntime: already there" >&2
    echo "$library"
    exit 0
fi

command -v python3 >/dev/null || {
    echo "setup-onnxruntime: python3 is needed" >&2
    exit 2
}
mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

echo "setup-onnxruntime: fetching onnxruntime $version for $arch with pip" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --platform "manylinux_2_28_$arch" --dest "$work" "onnxruntime==$version" >&2

# The library is written under another name first, so that a broken run leaves no half file behind.
python3 - "$work" "$work/library" <<'PYTHON'
import glob, re, shutil, sys, zipfile

work, target = sys.argv[1:]
(wheel,) = glob.glob(work + "/*.whl")
with zipfile.ZipFile(wheel) as archive:
    (name,) = [n for n in archive.namelist() if re.fullmatch(r"onnxruntime/capi/libonnxruntime\.so\.[0-9.]+", n)]
    with archive.open(name) as source, open(target, "wb") as out:
        shutil.copyfileobj(source, out)
PYTHON
mv "$work/library" "$library"
echo "setup-onnxruntime: done" >&2
echo "$library"
