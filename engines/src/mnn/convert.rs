//! ONNX files made into MNN's, by MNN's own converter, a program on the host.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use files::cache_folder;

use super::version::{VERSION, folder};
use crate::convert::{ConvertError, Converter, OwnFormat};

/// Environment variable that names the converter.
pub const VARIABLE: &str = "BLOCKTIME_MNNCONVERT";
/// What it prints behind a conversion that worked; its exit code says nothing.
const DONE: &str = "Converted Success!";
/// The name of the caller, which the converter requires.
const CALLER: &str = "blocktime";

/// MNN's own format.
pub static FORMAT: OwnFormat = OwnFormat {
    title: "MNN",
    ending: "mnn",
    version: VERSION,
    setup: "profiler setup mnn",
    find: || Ok(Box::new(MnnConverter::find()?)),
};

/// MNN's converter.
#[derive(Debug)]
struct MnnConverter {
    program: PathBuf,
}

impl MnnConverter {
    /// Finds it, the one that [`VARIABLE`] names or the one that `scripts/setup-mnn.sh` has brought, and makes sure that it is of
    /// the engine's [version](VERSION).
    ///
    /// # Errors
    /// [`ConvertError::Missing`], [`ConvertError::Start`], [`ConvertError::Version`].
    fn find() -> Result<Self, ConvertError> {
        Self::find_in(std::env::var_os(VARIABLE).filter(|v| !v.is_empty()), cache_folder())
    }

    fn find_in(named: Option<OsString>, cache: Option<PathBuf>) -> Result<Self, ConvertError> {
        let mut tried = Vec::new();
        let place = match named {
            Some(path) => Some(PathBuf::from(path)),
            None => {
                tried.push(format!("${VARIABLE}: not set"));
                cache.map(|cache| folder(&cache).join("mnnconvert"))
            }
        };
        let program = place.filter(|path| {
            tried.push(path.display().to_string());
            path.is_file()
        });
        let program = program.ok_or(ConvertError::Missing { format: &FORMAT, tried })?;
        // It is started in other folders.
        let converter = Self { program: std::path::absolute(&program).unwrap_or(program) };
        let said = converter.run(&["--version".into()], Path::new("."))?;
        // Other lines tell what the processor can do.
        if said.lines().any(|line| line.trim() == VERSION) {
            return Ok(converter);
        }
        let found = said.lines().last().unwrap_or_default().trim().to_string();
        Err(ConvertError::Version { format: &FORMAT, program: converter.program, found })
    }

    /// All that it says. In the folder it keeps large weights meanwhile, in a file of always the same name: two conversions in one folder
    /// would give each other's weights.
    fn run(&self, arguments: &[OsString], folder: &Path) -> Result<String, ConvertError> {
        let done = Command::new(&self.program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
        let done = done.map_err(|source| ConvertError::Start { format: &FORMAT, program: self.program.clone(), source })?;
        Ok([done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat())
    }
}

impl Converter for MnnConverter {
    fn convert(&self, onnx: &Path, mnn: &Path) -> Result<(), ConvertError> {
        let name = mnn.file_name().unwrap_or_default().to_string_lossy();
        let folder = mnn.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let write = |source| ConvertError::Write { path: mnn.to_path_buf(), source };
        let [whole, folder] = [onnx, &folder].map(std::path::absolute);
        let (whole, folder) = (whole.map_err(write)?, folder.map_err(write)?);
        let half = folder.join("half");
        let arguments: [OsString; 8] = [
            "-f".into(),
            "ONNX".into(),
            "--modelFile".into(),
            whole.into(),
            "--MNNModel".into(),
            half.clone().into(),
            "--bizCode".into(),
            CALLER.into(),
        ];
        std::fs::create_dir_all(&folder).map_err(write)?;
        let converted = self.run(&arguments, &folder).and_then(|said| {
            if !said.contains(DONE) {
                let lines: Vec<_> = said.lines().collect();
                let said = lines[lines.len().saturating_sub(8)..].join("\n");
                return Err(ConvertError::Refused { format: &FORMAT, path: onnx.to_path_buf(), said });
            }
            std::fs::rename(&half, mnn).map_err(write)
        });
        // The first error is reported; that the folder could not be removed adds nothing.
        let _ = std::fs::remove_dir_all(&folder);
        converted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that does what the lines of shell say.
    fn converter(folder: &Path, lines: &str) -> OsString {
        let (text, path) = (folder.join("text"), folder.join("mnnconvert"));
        std::fs::write(&text, format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'The device supports: nothing' && {lines}\n"))
            .unwrap();
        // By another process: were the program open for writing here, one that another test's thread starts just then would have it
        // open too, and it could not be run ("text file busy").
        assert!(Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap().success());
        std::fs::remove_file(text).unwrap();
        path.into()
    }

    #[test]
    fn what_is_wrong_with_a_converter_is_said_with_what_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            |named: Option<OsString>| MnnConverter::find_in(named, Some(folder.path().to_path_buf())).err().unwrap().to_string();
        let missing = error(None);
        assert!(
            missing.contains(VARIABLE) && missing.contains("mnn/3.6.1/mnnconvert") && missing.contains("profiler setup mnn"),
            "{missing}"
        );
        assert!(error(Some("/nowhere/mnnconvert".into())).contains("/nowhere/mnnconvert"));
        let other = error(Some(converter(folder.path(), "echo 3.5.0")));
        assert!(other.contains("'3.5.0'") && other.contains("profiler setup mnn"), "{other}");
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "no program").unwrap();
        assert!(matches!(MnnConverter::find_in(Some(plain.into()), None), Err(ConvertError::Start { .. })));
    }

    #[test]
    fn a_conversion_leaves_a_whole_file_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let of = |lines: &str| {
            MnnConverter::find_in(Some(converter(folder.path(), &format!("echo {VERSION} && exit; {lines}"))), None).unwrap()
        };
        let (onnx, mnn) = (folder.path().join("a.onnx"), folder.path().join("a.mnn"));
        // Half a file, and exit code 0 as always.
        let refused = of("echo half >\"$6\"; echo 'no such operator'").convert(&onnx, &mnn).err().unwrap().to_string();
        assert!(refused.contains("a.onnx") && refused.contains("no such operator"), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the converter is left");
        of("echo whole >\"$6\"; echo 'Converted Success!'").convert(&onnx, &mnn).unwrap();
        assert_eq!(std::fs::read_to_string(&mnn).unwrap(), "whole\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn conversions_at_once_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        // It keeps the model in a file of its own for a while.
        let lines = format!("echo {VERSION} && exit; cp \"$4\" kept; sleep 0.2; cp kept \"$6\"; echo 'Converted Success!'");
        let converter = MnnConverter::find_in(Some(converter(folder.path(), &lines)), None).unwrap();
        let file = |i: usize, ending: &str| folder.path().join(format!("{i}.{ending}"));
        (0..4).for_each(|i| std::fs::write(file(i, "onnx"), i.to_string()).unwrap());
        std::thread::scope(|scope| {
            for i in 0..4 {
                let (converter, file) = (&converter, &file);
                scope.spawn(move || converter.convert(&file(i, "onnx"), &file(i, "mnn")).unwrap());
            }
        });
        assert!((0..4).all(|i| std::fs::read_to_string(file(i, "mnn")).unwrap() == i.to_string()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 9, "nothing else is left");
    }
}
