//! What an engine was built from, read from Cargo's and CMake's own notes.

/// Name, version and checksum of those packages of a `Cargo.lock`, a line each.
pub fn of(lock: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let packages = lock.split("[[package]]").filter(|package| value(package, "name").is_some_and(&is_wanted));
    packages.map(|package| ["name", "version", "checksum"].map(|key| value(package, key).unwrap_or("-")).join(" ") + "\n").collect()
}

/// The string that a line `key = "…"` gives.
fn value<'a>(package: &'a str, key: &str) -> Option<&'a str> {
    package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

/// What decides on MNN's code, of a `CMakeCache.txt`: its own options, the kind of build, the compiler's flags; a line each, in order.
/// Paths are left out: they differ from machine to machine.
pub fn options(cache: &str) -> String {
    let is_wanted = |line: &&str| {
        let Some((name, kind)) = line.split_once('=').and_then(|(entry, _)| entry.split_once(':')) else { return false };
        let flags = ["CMAKE_BUILD_TYPE", "CMAKE_C_FLAGS", "CMAKE_CXX_FLAGS", "CMAKE_C_FLAGS_RELEASE", "CMAKE_CXX_FLAGS_RELEASE"];
        matches!(kind, "BOOL" | "STRING" | "UNINITIALIZED") && (name.starts_with("MNN_") || flags.contains(&name))
    };
    let mut lines: Vec<&str> = cache.lines().filter(is_wanted).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// The C++ compiler's kind and version, of a `CMakeCXXCompiler.cmake`.
pub fn compiler(notes: &str) -> String {
    let set = |name: &str| {
        let start = format!("set({name} \"");
        notes.lines().find_map(|line| line.strip_prefix(start.as_str())?.strip_suffix("\")")).unwrap_or("unknown").to_string()
    };
    format!("{} {}", set("CMAKE_CXX_COMPILER_ID"), set("CMAKE_CXX_COMPILER_VERSION"))
}
