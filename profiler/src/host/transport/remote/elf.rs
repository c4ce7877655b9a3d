//! As much of an ELF file as tells on what it runs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Headers lie within the first part of a file.
const START: u64 = 1 << 16;

/// What a program or library needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elf {
    /// Its architecture as the kernel names it, or ELF's number of another one.
    pub arch: String,
    /// The loader that a dynamic program asks for.
    pub loader: Option<String>,
}

impl Elf {
    /// Reads a file's headers.
    ///
    /// # Errors
    /// A reason in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(START).read_to_end(&mut bytes)).map_err(|e| e.to_string())?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err("it is no program or library (no ELF header)".to_string());
        }
        if bytes.get(4..6) != Some(&[2, 1]) {
            return Err("it is not a 64-bit little-endian file".to_string());
        }
        let damaged = || "it is cut off or damaged".to_string();
        let number = |at: usize, length: usize| -> Result<usize, String> {
            let part = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(damaged)?;
            let value = part.iter().rev().fold(0u64, |n, &byte| n << 8 | u64::from(byte));
            usize::try_from(value).map_err(|_| damaged())
        };
        let arch = match number(18, 2)? {
            62 => "x86_64".to_string(),
            183 => "aarch64".to_string(),
            40 => "arm (32-bit)".to_string(),
            other => format!("ELF machine {other}"),
        };
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let mut loader = None;
        const INTERPRETER: usize = 3;
        for i in 0..count {
            let at = table.checked_add(i * size).ok_or_else(damaged)?;
            if number(at, 4)? == INTERPRETER {
                let (from, length) = (number(at + 8, 8)?, number(at + 32, 8)?);
                let text = from.checked_add(length).and_then(|end| bytes.get(from..end)).ok_or_else(damaged)?;
                loader = Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_string());
            }
        }
        Ok(Self { arch, loader })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program() {
        let elf = Elf::read(&std::env::current_exe().unwrap()).unwrap();
        assert_eq!(elf.arch, std::env::consts::ARCH);
    }

    #[test]
    fn broken_files_are_refused() {
        let mut whole = vec![0u8; 128];
        whole[..6].copy_from_slice(b"\x7fELF\x02\x01");
        whole[18] = 183;
        assert_eq!(Elf::parse(&whole), Ok(Elf { arch: "aarch64".to_string(), loader: None }));
        for length in [0, 3, 5, 19, 40, 57] {
            assert!(Elf::parse(&whole[..length]).is_err(), "{length}");
        }
        // Program headers far outside the file.
        whole[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        whole[54..58].copy_from_slice(&[56, 0, 1, 0]);
        assert!(Elf::parse(&whole).is_err());
    }
}
