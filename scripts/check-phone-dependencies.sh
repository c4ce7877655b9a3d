#!/usr/bin/env bash
# Fails if a build for a phone would compile crates that do not belong there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tree=$(cargo tree -e normal,build --target aarch64-linux-android --prefix none)
if found=$(grep -E '^(candle-[a-z]+|image|ssh2|libssh2-sys|tiny-skia|skrifa|openssl|openssl-sys|mnn|mnn-sys|cmake|bindgen|tract-[a-z]+) v' <<<"$tree"); then
    echo "a build for aarch64-linux-android would contain:" >&2
    echo "$found" >&2
    exit 1
fi
echo "a build for aarch64-linux-android contains no candle, image, tiny-skia, ssh2 or OpenSSL, and no engine"
