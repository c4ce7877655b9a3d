//! As much of an ELF file as tells on what it runs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Headers lie within the first part of a file; no table that is read is longer.
const START: u64 = 1 << 16;
/// The longest name of a library that is read.
const NAME: u64 = 256;

/// Whose loader and C library a program or library is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Android's.
    Android,
    /// A Linux distribution's.
    Linux,
}

impl System {
    /// That of this program.
    pub const fn own() -> Self {
        if cfg!(target_os = "android") { Self::Android } else { Self::Linux }
    }

    /// Of a program that asks for that loader.
    pub fn of_loader(path: &str) -> Self {
        if path.starts_with("/system/") { Self::Android } else { Self::Linux }
    }

    /// Of what needs a library of that name, where the name tells.
    fn of_needed(name: &str) -> Option<Self> {
        match name {
            "libc.so" | "liblog.so" | "libandroid.so" => Some(Self::Android),
            _ if ["libc.so.", "libc.musl-", "ld-linux", "ld-musl-"].iter().any(|start| name.starts_with(start)) => {
                Some(Self::Linux)
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Android => "Android",
            Self::Linux => "Linux",
        })
    }
}

/// What a program or library needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// Its architecture as the kernel names it, or ELF's number of another one.
    pub arch: String,
    /// The loader that a dynamic program asks for.
    pub loader: Option<String>,
    /// The system that it is made for; unknown of static programs, and of libraries that need no C library.
    pub system: Option<System>,
}

impl Elf {
    /// Reads a file's headers.
    ///
    /// # Errors
    /// A reason in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        File::open(path).map_err(|e| e.to_string()).and_then(|mut file| Self::parse(&mut file))
    }

    fn parse(file: &mut (impl Read + Seek)) -> Result<Self, String> {
        let start = part(file, 0, START)?;
        if !start.starts_with(b"\x7fELF") {
            return Err("it is not a program or library (no ELF header)".to_string());
        }
        if start.get(4..6) != Some(&[2, 1]) {
            return Err("it is not a 64-bit little-endian file".to_string());
        }
        let arch = match number(&start, 18, 2)? {
            62 => "x86_64".to_string(),
            183 => "aarch64".to_string(),
            40 => "arm (32-bit)".to_string(),
            other => format!("ELF machine {other}"),
        };
        let (table, size, count) = (number(&start, 32, 8)?, number(&start, 54, 2)?, number(&start, 56, 2)?);
        let segments: Vec<Segment> =
            (0..count).map(|i| Segment::read(&start, table.saturating_add(i * size))).collect::<Result<_, _>>()?;
        let of_kind = |kind: u64| segments.iter().find(|segment| segment.kind == kind);
        let loader = match of_kind(Segment::LOADER) {
            Some(segment) => Some(text(&part(file, segment.offset, segment.length.min(NAME))?)),
            None => None,
        };
        let system = match (&loader, of_kind(Segment::DYNAMIC)) {
            (Some(loader), _) => Some(System::of_loader(loader)),
            (None, Some(dynamic)) => needed(file, dynamic, &segments)?.iter().find_map(|name| System::of_needed(name)),
            (None, None) => None,
        };
        Ok(Self { arch, loader, system })
    }
}

/// An entry of the program headers.
struct Segment {
    kind: u64,
    /// Of its bytes in the file.
    offset: u64,
    /// Of its first byte in memory.
    address: u64,
    /// Bytes in the file.
    length: u64,
}

impl Segment {
    const LOADED: u64 = 1;
    const DYNAMIC: u64 = 2;
    const LOADER: u64 = 3;

    fn read(bytes: &[u8], at: u64) -> Result<Self, String> {
        let field = |offset: u64, length: usize| number(bytes, at.saturating_add(offset), length);
        Ok(Self { kind: field(0, 4)?, offset: field(8, 8)?, address: field(16, 8)?, length: field(32, 8)? })
    }
}

/// The names of the libraries that a dynamic section asks for.
fn needed(file: &mut (impl Read + Seek), dynamic: &Segment, segments: &[Segment]) -> Result<Vec<String>, String> {
    const NEEDED: u64 = 1;
    const NAMES: u64 = 5;
    let section = part(file, dynamic.offset, dynamic.length.min(START))?;
    let entries: Vec<(u64, u64)> = section
        .chunks_exact(16)
        .map(|entry| Ok((number(entry, 0, 8)?, number(entry, 8, 8)?)))
        .take_while(|entry| !matches!(entry, Ok((0, _))))
        .collect::<Result<_, String>>()?;
    let Some(&(_, names)) = entries.iter().find(|(tag, _)| *tag == NAMES) else { return Ok(Vec::new()) };
    // It is an address; where that lies in the file, the loaded segment tells.
    let holder = segments.iter().find(|s| s.kind == Segment::LOADED && s.address <= names && names - s.address < s.length);
    let Some(names) = holder.and_then(|s| s.offset.checked_add(names - s.address)) else { return Err(damaged()) };
    let wanted = entries.iter().filter(|(tag, _)| *tag == NEEDED);
    wanted.map(|(_, at)| Ok(text(&part(file, names.checked_add(*at).ok_or_else(damaged)?, NAME)?))).collect()
}

/// Up to `length` bytes of the file; fewer where it ends.
fn part(file: &mut (impl Read + Seek), offset: u64, length: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.take(length).read_to_end(&mut bytes)).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: u64, length: usize) -> Result<u64, String> {
    let at = usize::try_from(at).map_err(|_| damaged())?;
    let part = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(damaged)?;
    Ok(part.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}

/// Text up to its end mark.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|&byte| byte == 0).next().unwrap_or_default()).into_owned()
}

fn damaged() -> String {
    "it is truncated or damaged".to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A library for aarch64 that needs those others.
    fn library(needed: &[&str]) -> Vec<u8> {
        let mut names = vec![0u8];
        let mut entries: Vec<(u64, u64)> = Vec::new();
        for name in needed {
            entries.push((1, names.len() as u64));
            names.extend(name.bytes().chain([0]));
        }
        // Names lie behind two headers; in memory, all is 0x10000 higher up.
        let names_at = 64 + 2 * 56;
        entries.extend([(5, 0x10000 + names_at), (0, 0), (1, 1)]);
        let dynamic: Vec<u8> = entries.iter().flat_map(|(tag, value)| [tag.to_le_bytes(), value.to_le_bytes()]).flatten().collect();
        let dynamic_at = names_at + names.len() as u64;
        let whole = dynamic_at + dynamic.len() as u64;
        let mut bytes = vec![0u8; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (bytes[16], bytes[18], bytes[32], bytes[54], bytes[56]) = (3, 183, 64, 56, 2);
        for (kind, offset, length) in [(1u32, 0u64, whole), (2, dynamic_at, dynamic.len() as u64)] {
            bytes.extend(kind.to_le_bytes().into_iter().chain([0; 4]));
            for value in [offset, 0x10000 + offset, 0, length, length, 8] {
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes.extend(names);
        bytes.extend(dynamic);
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Elf, String> {
        Elf::parse(&mut Cursor::new(bytes))
    }

    #[test]
    fn this_program() {
        let elf = Elf::read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!((elf.arch.as_str(), elf.system), (std::env::consts::ARCH, Some(System::own())));
    }

    #[test]
    fn a_library_s_system_is_that_of_the_c_library_it_needs() {
        let system = |needed: &[&str]| parse(&library(needed)).unwrap().system;
        assert_eq!(system(&["libdl.so", "liblog.so", "libm.so", "libc.so"]), Some(System::Android));
        assert_eq!(system(&["libdl.so.2", "libpthread.so.0", "libstdc++.so.6", "libm.so.6", "libc.so.6"]), Some(System::Linux));
        assert_eq!(system(&["libm.so.6", "ld-linux-aarch64.so.1"]), Some(System::Linux));
        assert_eq!(system(&["libc.musl-aarch64.so.1"]), Some(System::Linux));
        assert_eq!(system(&[]), None);
    }

    #[test]
    fn broken_files_are_refused() {
        let mut whole = vec![0u8; 128];
        whole[..6].copy_from_slice(b"\x7fELF\x02\x01");
        whole[18] = 183;
        assert_eq!(parse(&whole), Ok(Elf { arch: "aarch64".to_string(), loader: None, system: None }));
        for length in [0, 3, 5, 19, 40, 57] {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        // Program headers far outside the file.
        whole[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        whole[54..58].copy_from_slice(&[56, 0, 1, 0]);
        assert!(parse(&whole).is_err());
    }

    #[test]
    fn no_damage_to_a_library_makes_more_than_an_error() {
        let whole = library(&["libdl.so", "libc.so"]);
        for at in 0..whole.len() {
            let _ = parse(&whole[..at]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at..(at + 8).min(whole.len())].fill(value);
                let _ = parse(&damaged);
            }
        }
    }
}
