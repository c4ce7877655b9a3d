#!/usr/bin/env bash
# Installs missing system packages that the build and the tests need: compilers of C and C++, pkg-config,
# OpenSSL's headers (for ssh2), Python with pip (for ONNX Runtime). On Debian and Ubuntu; on other systems it lists what is missing.
#
#   scripts/setup-system.sh [mpi]      with mpi: also Open MPI and libclang, for the trainer's feature of that name
set -euo pipefail

missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
# Tests run the kernels for GPUs as C++.
command -v c++ >/dev/null || missing+=(g++)
command -v pkg-config >/dev/null || missing+=(pkg-config)
command -v python3 >/dev/null || missing+=(python3)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if ! pkg-config --exists openssl 2>/dev/null; then missing+=(libssl-dev); fi
if [ "${1:-}" = mpi ]; then
    command -v mpirun >/dev/null || missing+=(openmpi-bin)
    command -v mpicc >/dev/null || missing+=(libopenmpi-dev)
    # mpi-sys reads MPI's headers with it.
    ldconfig -p | grep -q 'libclang[-0-9.]*\.so' || missing+=(libclang-dev)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

echo "missing system packages: ${missing[*]}" >&2
if ! command -v apt-get >/dev/null; then
    echo "install them with your package manager, then run this script again" >&2
    exit 2
fi
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
