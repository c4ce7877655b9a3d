//! The agent that runs on a device.

use std::path::{Path, PathBuf};

use engines::elf::{Elf, System};
use engines::{Delivery, EngineKind};
use files::FileError;

use super::error::DeliveryError;
use super::target::Target;

/// Names an agent: a program, or a folder with the program `profiler`, its loader and its libraries.
const AGENT_VARIABLE: &str = "BLOCKTIME_AGENT";
/// The agent's file name in such a folder.
const PROGRAM: &str = "profiler";
/// What cross builds into, below the target folder of this machine's own programs: `--target-dir target/cross`.
const CROSS: &str = "cross";

/// An agent and what it brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its files.
    pub files: Vec<BundleFile>,
    /// The name of its loader, where it brings one.
    pub loader: Option<String>,
    /// The system that its program is made for; unknown of a static one.
    pub system: Option<System>,
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
    /// The agent that runs that engine on a device: the one named by `BLOCKTIME_AGENT`, else the first in the cache folder and among
    /// what cross has built that is of the kind of the engine's library.
    ///
    /// # Errors
    /// [`DeliveryError::NoAgent`], [`DeliveryError::Kinds`], [`DeliveryError::WrongFile`], [`DeliveryError::File`].
    pub fn find(device: &str, target: &Target, engine: EngineKind, library: Option<&Path>) -> Result<Self, DeliveryError> {
        let named = std::env::var_os(AGENT_VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from);
        let mut places = Places { cache: files::cache_folder(), cross: None };
        // This program is TARGET-FOLDER/release/profiler.
        let own = std::env::current_exe().ok();
        places.cross = own.as_deref().and_then(Path::parent).and_then(Path::parent).map(|folder| folder.join(CROSS));
        Self::find_in(device, target, engine, library, named, &places)
    }

    fn find_in(
        device: &str,
        target: &Target,
        engine: EngineKind,
        library: Option<&Path>,
        named: Option<PathBuf>,
        places: &Places,
    ) -> Result<Self, DeliveryError> {
        let mut tried = Vec::new();
        let places = match named {
            Some(path) => vec![path],
            None => {
                tried.push(format!("${AGENT_VARIABLE}: not set"));
                places.of(target, engine)
            }
        };
        let mut other_kind = None;
        for place in places {
            if !place.exists() {
                tried.push(place.display().to_string());
                continue;
            }
            let bundle = Self::read(device, target, &place)?;
            match library.and_then(|library| bundle.unlike(engine, library, &place)) {
                None => return Ok(bundle),
                Some(unlike) => other_kind.get_or_insert(unlike),
            };
        }
        if let Some(unlike) = other_kind {
            return Err(unlike);
        }
        let advice = engine.entry().agents.advice;
        Err(DeliveryError::NoAgent { device: device.to_string(), abi: target.abi(), tried, advice })
    }

    /// Reads a folder or a single program, and checks that the device can run it.
    fn read(device: &str, target: &Target, place: &Path) -> Result<Self, DeliveryError> {
        let mut files = Vec::new();
        if place.is_dir() {
            let entries = std::fs::read_dir(place).map_err(FileError::new("cannot read", place))?;
            for entry in entries {
                let from = entry.map_err(FileError::new("cannot read", place))?.path();
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
            |path: &Path, reason: String| DeliveryError::WrongFile { path: path.to_path_buf(), device: device.to_string(), reason };
        let Some(program) = files.iter().find(|file| file.name == PROGRAM) else {
            return Err(wrong(place, format!("it does not contain '{PROGRAM}'")));
        };
        let elf = target.elf(device, &program.from)?;
        let loader = files.iter().map(|file| &file.name).find(|name| is_loader(name)).cloned();
        if let (true, None, Some(needed)) = (target.android, &loader, &elf.loader)
            && !needed.starts_with("/system/")
        {
            let reason = format!("it needs {needed}, which Android does not have; name the folder that holds its loader too");
            return Err(wrong(&program.from, reason));
        }
        let system = loader.as_deref().or(elf.loader.as_deref()).map(System::of_loader);
        Ok(Self { files, loader, system })
    }

    /// The agent with that engine for a simulated device: a static program for ARMv8 Linux.
    ///
    /// # Errors
    /// [`DeliveryError::NoAgent`], [`DeliveryError::WrongFile`].
    pub fn simulated(device: &str, engine: EngineKind) -> Result<PathBuf, DeliveryError> {
        let target = Target { arch: "aarch64".to_string(), android: false };
        Self::find(device, &target, engine, None)?.program(device, engine)
    }

    /// Its program, where it is a static one.
    ///
    /// # Errors
    /// [`DeliveryError::WrongFile`] where it needs a loader.
    fn program(&self, device: &str, engine: EngineKind) -> Result<PathBuf, DeliveryError> {
        let program = self.files.iter().find(|file| file.name == PROGRAM).map(|file| file.from.clone()).unwrap_or_default();
        match self.system {
            None => Ok(program),
            Some(_) => {
                let advice = engine.entry().agents.advice;
                let reason = format!("it needs a loader, but a simulated device takes a static program; {advice}");
                Err(DeliveryError::WrongFile { path: program, device: device.to_string(), reason })
            }
        }
    }

    /// The error, where the library is made for another system than this agent.
    fn unlike(&self, engine: EngineKind, library: &Path, place: &Path) -> Option<DeliveryError> {
        let Delivery::Library(needed) = engine.entry().delivery else { return None };
        // One that cannot be read has been refused before.
        let library_system = Elf::read(library).ok()?.system?;
        let agent_system = self.system?;
        (library_system != agent_system).then(|| DeliveryError::Kinds {
            needed,
            library: library.to_path_buf(),
            library_system,
            agent: place.to_path_buf(),
            agent_system,
        })
    }
}

/// Where agents are that no one has named.
struct Places {
    /// The cache folder, which `scripts/build-agent.sh` fills.
    cache: Option<PathBuf>,
    /// The target folder of `cross build --target-dir target/cross`, beside this program's.
    cross: Option<PathBuf>,
}

impl Places {
    /// The places of agents with that engine for that device, the best first.
    fn of(&self, target: &Target, engine: EngineKind) -> Vec<PathBuf> {
        let agents = &engine.entry().agents;
        let (cached, crossed) = (agents.prepared.of(target.android), agents.crossed.of(target.android));
        let cached =
            self.cache.iter().flat_map(|cache| cached.iter().map(|k| cache.join("agents").join(format!("{}-{k}", target.arch))));
        let crossed = self
            .cross
            .iter()
            .flat_map(|cross| crossed.iter().map(|k| cross.join(format!("{}-{k}", target.arch)).join("release").join(PROGRAM)));
        cached.chain(crossed).collect()
    }
}

fn is_loader(name: &str) -> bool {
    name.starts_with("ld-linux-") || name.starts_with("ld-musl-")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn target(android: bool) -> Target {
        Target { arch: "aarch64".to_string(), android }
    }

    /// The first 64 bytes of a static program.
    fn elf(machine: u8) -> Vec<u8> {
        let mut bytes = vec![0u8; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18] = machine;
        bytes
    }

    /// A dynamic program for aarch64 that asks for that loader; its system is found as that of a library.
    fn dynamic(loader: &str) -> Vec<u8> {
        let mut bytes = elf(183);
        (bytes[32], bytes[54], bytes[56]) = (64, 56, 1);
        let mut header = [0u8; 56];
        (header[0], header[8], header[32]) = (3, 64 + 56, u8::try_from(loader.len() + 1).unwrap());
        bytes.extend(header);
        bytes.extend(loader.bytes().chain([0]));
        bytes
    }

    const ANDROID: &str = "/system/bin/linker64";
    const LINUX: &str = "/lib/ld-linux-aarch64.so.1";

    fn only_cache(cache: &Path) -> Places {
        Places { cache: Some(cache.to_path_buf()), cross: None }
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
        let bundle = Bundle::find_in("d", &target(true), EngineKind::OnnxRuntime, None, None, &only_cache(cache.path())).unwrap();
        assert_eq!(bundle.loader.as_deref(), Some("ld-linux-aarch64.so.1"));
        let names: Vec<_> = bundle.files.iter().map(|f| (f.name.as_str(), f.executable)).collect();
        assert_eq!(names, [("ld-linux-aarch64.so.1", true), ("libc.so.6", false), ("profiler", true)]);
    }

    #[test]
    fn an_agent_with_an_engine_in_it_is_one_static_program() {
        for (engine, kind, script) in [(EngineKind::Tract, "musl", "musl"), (EngineKind::Mnn, "gnu-mnn", "mnn")] {
            let cache = tempfile::tempdir().unwrap();
            let find = || Bundle::find_in("d", &target(true), engine, None, None, &only_cache(cache.path()));
            let add = |kind: &str| {
                let folder = cache.path().join(format!("agents/aarch64-linux-{kind}"));
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("profiler"), elf(183)).unwrap();
            };
            add("gnu");
            let error = find().unwrap_err().to_string();
            let words = [format!("aarch64-linux-{kind}"), format!("scripts/build-agent.sh {script},")];
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            add(kind);
            let bundle = find().unwrap();
            assert_eq!((bundle.files.len(), bundle.loader), (1, None));
            assert!(bundle.files[0].from.ends_with(format!("agents/aarch64-linux-{kind}/profiler")), "{:?}", bundle.files);
        }
    }

    #[test]
    fn an_agent_of_another_architecture_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("profiler");
        fs::write(&program, elf(62)).unwrap();
        let error = Bundle::find_in("d", &target(false), EngineKind::OnnxRuntime, None, Some(program), &only_cache(folder.path()))
            .unwrap_err();
        assert!(error.to_string().contains("x86_64"), "{error}");
        let error =
            Bundle::find_in("d", &target(false), EngineKind::OnnxRuntime, None, None, &only_cache(folder.path())).unwrap_err();
        assert!(matches!(&error, DeliveryError::NoAgent { tried, .. } if tried.len() == 2), "{error}");
    }

    /// Writes a file and the folders above it.
    fn put(path: &Path, bytes: Vec<u8>) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn an_agent_and_a_library_of_different_kinds_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        put(&at("android.so"), dynamic(ANDROID));
        put(&at("linux.so"), dynamic(LINUX));
        put(&at("agent"), dynamic(ANDROID));
        let named = |library: &str| {
            let places = only_cache(folder.path());
            Bundle::find_in("d", &target(true), EngineKind::OnnxRuntime, Some(&at(library)), Some(at("agent")), &places)
        };
        assert_eq!(named("android.so").unwrap().system, Some(System::Android));
        let error = named("linux.so").unwrap_err();
        assert!(matches!(error, DeliveryError::Kinds { .. }), "{error}");
        let said = error.to_string();
        for word in ["linux.so", "Linux", "Android", "--engine-lib", ".aar"] {
            assert!(said.contains(word), "'{word}' is not in: {said}");
        }
        assert!(!said.contains("setup ort"), "{said}");

        // Of agents that no one has named, the one that fits is taken.
        put(&at("agents/aarch64-linux-android/profiler"), dynamic(ANDROID));
        let found = |library: &str| {
            Bundle::find_in("d", &target(true), EngineKind::OnnxRuntime, Some(&at(library)), None, &only_cache(folder.path()))
        };
        assert!(matches!(found("linux.so"), Err(DeliveryError::Kinds { .. })));
        put(&at("agents/aarch64-linux-gnu/profiler"), dynamic(LINUX));
        put(&at("agents/aarch64-linux-gnu/ld-linux-aarch64.so.1"), elf(183));
        assert_eq!(found("linux.so").unwrap().system, Some(System::Linux));
        assert_eq!(found("android.so").unwrap().system, Some(System::Android));
        fs::remove_dir_all(at("agents/aarch64-linux-android")).unwrap();
        let said = found("android.so").unwrap_err().to_string();
        assert!(said.contains("Linux") && said.contains("cross"), "{said}");
    }

    #[test]
    fn what_cross_has_built_is_found_beside_this_program() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { cache: None, cross: Some(folder.path().to_path_buf()) };
        let find = |android: bool, engine| Bundle::find_in("d", &target(android), engine, None, None, &places);
        let missing = find(true, EngineKind::OnnxRuntime).unwrap_err().to_string();
        assert!(missing.contains("aarch64-linux-android/release/profiler"), "{missing}");
        put(&folder.path().join("aarch64-linux-android/release/profiler"), dynamic(ANDROID));
        for engine in [EngineKind::OnnxRuntime, EngineKind::Mnn, EngineKind::Tract] {
            assert_eq!(find(true, engine).unwrap().system, Some(System::Android));
            assert!(matches!(find(false, engine), Err(DeliveryError::NoAgent { .. })));
        }
        put(&folder.path().join("aarch64-unknown-linux-gnu/release/profiler"), dynamic(LINUX));
        assert_eq!(find(false, EngineKind::OnnxRuntime).unwrap().files.len(), 1);
    }
}
