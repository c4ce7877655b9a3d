#!/bin/sh
# cmake, as build scripts call it (.cargo/config.toml): where MNN is configured, with the options in scripts/mnn.cmake.
case " $* " in
    *' --build '*) ;;
    *' -DMNN_'*) set -- "$@" "-DCMAKE_PROJECT_MNN_INCLUDE=$(cd "$(dirname "$0")" && pwd)/mnn.cmake" ;;
esac
exec cmake "$@"
