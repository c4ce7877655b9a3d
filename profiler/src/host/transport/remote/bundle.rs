//! What goes onto a device: the agent built for it, and the engine's library for it.

use std::path::{Path, PathBuf};

use engines::EngineKind;

use super::elf::Elf;
use super::{Probe, RemoteError, vendor};

/// Names an agent: a program, or a folder with the program `profiler`, its loader and its libraries.
const AGENT_VARIABLE: &str = "BLOCKTIME_AGENT";
/// The agent's file name in such a folder.
const PROGRAM: &str = "profiler";

/// An agent and what it brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its files.
    pub files: Vec<BundleFile>,
    /// The name of its loader, where it brings one.
    pub loader: Option<String>,
}

/// A file of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// On the host.
    pub from: PathBuf,
    /// On the device.
    pub name: String,
    /// Whether it is run.
    pub executable: bool,
}

impl Bundle {
    /// The agent that runs that engine on a device: the one named by `BLOCKTIME_AGENT`, else the one in the cache folder.
    ///
    /// # Errors
    /// [`RemoteError::NoAgent`], [`RemoteError::WrongFile`], [`RemoteError::File`].
    pub fn find(device: &str, probe: &Probe, engine: EngineKind) -> Result<Self, RemoteError> {
        let named = std::env::var_os(AGENT_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self::find_in(device, probe, engine, named, engines::library::cache_folder())
    }

    fn find_in(
        device: &str,
        probe: &Probe,
        engine: EngineKind,
        named: Option<PathBuf>,
        cache: Option<PathBuf>,
    ) -> Result<Self, RemoteError> {
        let mut tried = Vec::new();
        let places = match named {
            Some(path) => vec![path],
            None => {
                tried.push(format!("${AGENT_VARIABLE}: not set"));
                let kinds: &[&str] = match engine {
                    // The gnu one brings its own C library and runs on any kernel of that architecture.
                    EngineKind::OnnxRuntime if probe.android => &["linux-android", "linux-gnu"],
                    EngineKind::OnnxRuntime => &["linux-gnu"],
                    // A single static program that runs on any kernel; the others are built without tract.
                    EngineKind::Tract => &["linux-musl"],
                };
                let agents = cache.map(|cache| cache.join("agents"));
                agents.iter().flat_map(|a| kinds.iter().map(|kind| a.join(format!("{}-{kind}", probe.arch)))).collect()
            }
        };
        for place in places {
            if place.exists() {
                return Self::read(device, probe, &place);
            }
            tried.push(place.display().to_string());
        }
        let advice = match engine {
            EngineKind::OnnxRuntime => {
                "build one: scripts/build-agent.sh makes it for ARMv8 Linux and Android alike; see android/README.md"
            }
            EngineKind::Tract => {
                "build one with tract: scripts/build-agent.sh musl makes it for ARMv8 Linux and Android alike; see android/README.md"
            }
        };
        Err(RemoteError::NoAgent { device: device.to_string(), abi: probe.abi(), tried, advice })
    }

    /// Reads a folder or a single program, and checks that the device can run it.
    fn read(device: &str, probe: &Probe, place: &Path) -> Result<Self, RemoteError> {
        let mut files = Vec::new();
        if place.is_dir() {
            let entries = std::fs::read_dir(place).map_err(RemoteError::file("read", place))?;
            for entry in entries {
                let from = entry.map_err(RemoteError::file("read", place))?.path();
                let name = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if from.is_file() && !name.starts_with('.') {
                    files.push(BundleFile { executable: name == PROGRAM || is_loader(&name), from, name });
                }
            }
            files.sort_by(|a, b| a.name.cmp(&b.name));
        } else {
            files.push(BundleFile { from: place.to_path_buf(), name: PROGRAM.to_string(), executable: true });
        }
        let wrong =
            |path: &Path, reason: String| RemoteError::WrongFile { path: path.to_path_buf(), device: device.to_string(), reason };
        let Some(program) = files.iter().find(|file| file.name == PROGRAM) else {
            return Err(wrong(place, format!("it holds no '{PROGRAM}'")));
        };
        let elf = Elf::read(&program.from).map_err(|reason| wrong(&program.from, reason))?;
        if elf.arch != probe.arch {
            return Err(wrong(&program.from, format!("it is built for {}, the device is {}", elf.arch, probe.arch)));
        }
        let loader = files.iter().map(|file| &file.name).find(|name| is_loader(name)).cloned();
        if let (true, None, Some(needed)) = (probe.android, &loader, &elf.loader)
            && !needed.starts_with("/system/")
        {
            let reason = format!("it needs {needed}, which Android does not have; name the folder that holds its loader too");
            return Err(wrong(&program.from, reason));
        }
        Ok(Self { files, loader })
    }
}

fn is_loader(name: &str) -> bool {
    name.starts_with("ld-linux-") || name.starts_with("ld-musl-")
}

/// The ONNX Runtime for a device: the one given, else the newest for its architecture in the cache folder.
///
/// # Errors
/// [`RemoteError::NoEngine`], [`RemoteError::WrongFile`].
pub fn engine(device: &str, probe: &Probe, given: Option<&Path>) -> Result<PathBuf, RemoteError> {
    engine_in(device, probe, given, engines::library::cache_folder())
}

fn engine_in(device: &str, probe: &Probe, given: Option<&Path>, cache: Option<PathBuf>) -> Result<PathBuf, RemoteError> {
    let check = |path: &Path| {
        let wrong = |reason: String| RemoteError::WrongFile { path: path.to_path_buf(), device: device.to_string(), reason };
        let elf = Elf::read(path).map_err(wrong)?;
        if elf.arch != probe.arch {
            return Err(wrong(format!("it is built for {}, the device is {}", elf.arch, probe.arch)));
        }
        Ok(())
    };
    let no_engine = |tried: Vec<String>| RemoteError::NoEngine { device: device.to_string(), abi: probe.abi(), tried };
    if let Some(given) = given {
        if !given.is_file() {
            return Err(no_engine(vec![format!("{}: not a file", given.display())]));
        }
        return vendor::library(device, &probe.arch, given, cache.as_deref(), check);
    }
    let folder = cache.map(|cache| cache.join("onnxruntime"));
    let found = folder.as_deref().map(|folder| newest(folder, &probe.arch)).unwrap_or_default();
    match found {
        Some(found) => check(&found).map(|()| found),
        None => {
            let tried = folder.map(|f| f.join(format!("*-{}", probe.arch)).join("libonnxruntime.so*").display().to_string());
            Err(no_engine(tried.into_iter().collect()))
        }
    }
}

/// The library in `folder/VERSION-ARCH/` with the highest version.
fn newest(folder: &Path, arch: &str) -> Option<PathBuf> {
    let version = |name: &str| -> Option<Vec<u32>> {
        let numbers = name.strip_suffix(arch)?.strip_suffix('-')?;
        numbers.split('.').map(|n| n.parse().ok()).collect()
    };
    let folders = std::fs::read_dir(folder).ok()?.flatten();
    let mut versions: Vec<_> =
        folders.filter_map(|entry| Some((version(&entry.file_name().to_string_lossy())?, entry.path()))).collect();
    versions.sort();
    let library = |folder: &Path| {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries
            .filter(|path| path.is_file())
            .find(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libonnxruntime.so")))
    };
    versions.iter().rev().find_map(|(_, folder)| library(folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn probe(android: bool) -> Probe {
        Probe { folder: "/x".to_string(), arch: "aarch64".to_string(), android, hashes: true }
    }

    /// The first 64 bytes of a static program.
    fn elf(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0u8; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18] = machine;
        bytes
    }

    #[test]
    fn an_agent_comes_with_its_loader() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("agents/aarch64-linux-gnu");
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in
            [("profiler", elf(183)), ("ld-linux-aarch64.so.1", elf(183)), ("libc.so.6", elf(183)), (".note", vec![])]
        {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let bundle = Bundle::find_in("d", &probe(true), EngineKind::OnnxRuntime, None, Some(cache.path().to_path_buf())).unwrap();
        assert_eq!(bundle.loader.as_deref(), Some("ld-linux-aarch64.so.1"));
        let names: Vec<_> = bundle.files.iter().map(|f| (f.name.as_str(), f.executable)).collect();
        assert_eq!(names, [("ld-linux-aarch64.so.1", true), ("libc.so.6", false), ("profiler", true)]);
    }

    #[test]
    fn an_agent_for_tract_is_one_static_program() {
        let cache = tempfile::tempdir().unwrap();
        let find = || Bundle::find_in("d", &probe(true), EngineKind::Tract, None, Some(cache.path().to_path_buf()));
        let add = |kind: &str| {
            let folder = cache.path().join("agents").join(kind);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("profiler"), elf(183)).unwrap();
        };
        add("aarch64-linux-gnu");
        let error = find().unwrap_err().to_string();
        assert!(error.contains("aarch64-linux-musl") && error.contains("scripts/build-agent.sh musl"), "{error}");
        add("aarch64-linux-musl");
        let bundle = find().unwrap();
        assert_eq!((bundle.files.len(), bundle.loader), (1, None));
        assert!(bundle.files[0].from.ends_with("agents/aarch64-linux-musl/profiler"), "{:?}", bundle.files);
    }

    #[test]
    fn an_agent_of_another_architecture_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("profiler");
        fs::write(&program, elf(62)).unwrap();
        let error = Bundle::find_in("d", &probe(false), EngineKind::OnnxRuntime, Some(program), None).unwrap_err();
        assert!(error.to_string().contains("built for x86_64"), "{error}");
        let error =
            Bundle::find_in("d", &probe(false), EngineKind::OnnxRuntime, None, Some(folder.path().to_path_buf())).unwrap_err();
        assert!(matches!(&error, RemoteError::NoAgent { tried, .. } if tried.len() == 2), "{error}");
    }

    #[test]
    fn the_newest_engine_of_the_right_architecture() {
        let cache = tempfile::tempdir().unwrap();
        for (folder, machine) in [("1.9.0-aarch64", 183), ("1.20.1-aarch64", 183), ("1.32.0-x86_64", 62)] {
            let folder = cache.path().join("onnxruntime").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("libonnxruntime.so.1"), elf(machine)).unwrap();
        }
        let cached = Some(cache.path().to_path_buf());
        let found = engine_in("d", &probe(true), None, cached.clone()).unwrap();
        assert!(found.to_string_lossy().contains("1.20.1"), "{}", found.display());
        let wrong = cache.path().join("onnxruntime/1.32.0-x86_64/libonnxruntime.so.1");
        assert!(matches!(engine_in("d", &probe(true), Some(&wrong), cached.clone()), Err(RemoteError::WrongFile { .. })));
        let missing = cache.path().join("none.so");
        assert!(matches!(engine_in("d", &probe(true), Some(&missing), cached), Err(RemoteError::NoEngine { .. })));
        assert!(matches!(engine_in("d", &probe(true), None, None), Err(RemoteError::NoEngine { .. })));
    }
}
