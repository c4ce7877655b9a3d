//! Where downloads are kept.

use std::path::PathBuf;

/// Where downloads of this project are kept: `$BLOCKTIME_CACHE`, `$XDG_CACHE_HOME/blocktime` or `~/.cache/blocktime`; `None` where none of
/// these variables is set.
pub fn cache_folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    variable("BLOCKTIME_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("blocktime")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/blocktime")))
}
