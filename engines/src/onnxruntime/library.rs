//! Its names, and where its library is.

use crate::library::Library;

/// Its name in tables and messages.
pub const NAME: &str = "onnxruntime";

/// The environment variable that names its library.
pub const VARIABLE: &str = "ORT_DYLIB_PATH";

/// Its library.
pub static LIBRARY: Library = Library {
    title: "ONNX Runtime",
    file: "libonnxruntime.so",
    variable: VARIABLE,
    folder: "onnxruntime",
    setup: "profiler setup ort",
    for_linux: "take it from `pip download --no-deps onnxruntime` (unzip, onnxruntime/capi/libonnxruntime.so.*) and name it with \
                --engine-lib",
    for_android: "take the .aar of onnxruntime-android that your app's build fetches, or libonnxruntime.so out of it, and name it with \
                  --engine-lib (docs/src/engines.md)",
    in_apps: "the .aar of onnxruntime-android",
    in_aar: &[("aarch64", "jni/arm64-v8a/libonnxruntime.so"), ("x86_64", "jni/x86_64/libonnxruntime.so")],
};
