# For scripts (`. scripts/ccache.sh`) that compile MNN, which takes a quarter of an hour: what was compiled once is taken
# from ccache, whatever profile, folder or copy of the project asks for it. Does nothing if ccache is not installed.
# shellcheck shell=sh
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
    export CCACHE_DIR="${CCACHE_DIR:-${BLOCKTIME_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/blocktime}/ccache}"
    # cargo copies the sources into its target folder: what lies there counts by its place in it.
    CCACHE_BASEDIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
    export CCACHE_BASEDIR
fi
