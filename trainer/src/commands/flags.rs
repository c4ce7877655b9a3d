//! Settings that are flags of a command, and how they are typed.

use std::ffi::OsString;
use std::path::PathBuf;

/// Flags that the command gives itself.
const OWN: [&str; 8] = ["out", "seed", "supernet", "arch", "resume", "overwrite", "json", "threads"];

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The text of the file.
    #[error("{} does not contain the settings of a comparison:\n{source}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// There is no seed.
    #[error("seeds must name at least one seed, as in seeds = [0, 1, 2]")]
    NoSeeds,
    /// A flag that the command gives itself.
    #[error("[{section}] {flag}: `trainer compare` sets this itself; remove it")]
    Own {
        /// The section of the file.
        section: &'static str,
        /// The flag.
        flag: String,
    },
    /// A value that no flag takes.
    #[error("[{section}] {flag}: the value of an option must be a string, a number, true, false, or a list of these")]
    Value {
        /// The section of the file.
        section: &'static str,
        /// The flag.
        flag: String,
    },
    /// Flags that the command does not take.
    #[error("[{section}] {reason}")]
    Flags {
        /// The section of the file.
        section: &'static str,
        /// Which, and why not.
        reason: String,
    },
}

/// A setting as it is typed: `--flag=value`, several times for a list; `--flag` alone for `true`, nothing for `false`.
pub fn words_of(section: &'static str, flag: &str, value: &toml::Value) -> Result<Vec<OsString>, SettingsError> {
    if OWN.contains(&flag) {
        return Err(SettingsError::Own { section, flag: flag.to_string() });
    }
    let one = |value: &toml::Value| -> Result<Option<OsString>, SettingsError> {
        Ok(match value {
            toml::Value::String(text) => Some(format!("--{flag}={text}").into()),
            toml::Value::Integer(number) => Some(format!("--{flag}={number}").into()),
            toml::Value::Float(number) => Some(format!("--{flag}={number}").into()),
            toml::Value::Boolean(given) => given.then(|| format!("--{flag}").into()),
            _ => return Err(SettingsError::Value { section, flag: flag.to_string() }),
        })
    };
    match value {
        toml::Value::Array(values) => values.iter().filter_map(|value| one(value).transpose()).collect(),
        value => Ok(one(value)?.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<OsString>, SettingsError> {
        let table: toml::Table = toml::from_str(text).unwrap();
        let (flag, value) = table.iter().next().unwrap();
        words_of("search", flag, value)
    }

    #[test]
    fn settings_are_flags_as_they_are_typed() {
        assert_eq!(words("lut = ['a.csv', 'b.csv']").unwrap(), ["--lut=a.csv", "--lut=b.csv"]);
        assert_eq!(words("base-lr = 1e-3").unwrap(), ["--base-lr=0.001"]);
        assert_eq!(words("batch = 32").unwrap(), ["--batch=32"]);
        assert_eq!(words("reference = true").unwrap(), ["--reference"]);
        assert_eq!(words("reference = false").unwrap(), Vec::<OsString>::new());
        assert!(matches!(words("seed = 1"), Err(SettingsError::Own { flag, .. }) if flag == "seed"));
        assert!(matches!(words("beta = { a = 1 }"), Err(SettingsError::Value { flag, .. }) if flag == "beta"));
    }
}
