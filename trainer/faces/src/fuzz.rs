//! No damage makes the readers of pictures, lists and landmark schemes panic, take memory out of proportion, or take long.

use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, RgbImage};
use support::fuzz::{Form, Fuzz, Watched};

use crate::list::FaceList;
use crate::picture::decode;
use crate::points::read_points_file;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Checksums and lengths of a PNG's chunks become right, a JPEG gets its end.
fn mend(bytes: &mut Vec<u8>) {
    if bytes.starts_with(&[0xff, 0xd8]) {
        bytes.extend([0xff, 0xd9]);
        return;
    }
    let mut at = 8;
    while let Some(&[a, b, c, d]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let room = bytes.len().saturating_sub(at + 12);
        let length = (u32::from_be_bytes([a, b, c, d]) as usize).min(room);
        if at + 12 + length > bytes.len() {
            return;
        }
        bytes[at..at + 4].copy_from_slice(&(length as u32).to_be_bytes());
        let end = at + 8 + length;
        let sum = crc(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

/// PNG's checksum.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: usize| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn outcome(bytes: &[u8]) -> String {
    match decode(bytes) {
        Ok(decoded) => {
            let picture = decoded.picture;
            assert_eq!(picture.rgb.len(), picture.width * picture.height * 3);
            "a picture".to_string()
        }
        Err(message) => message,
    }
}

#[test]
fn pictures_survive() {
    let colour = RgbImage::from_fn(20, 12, |x, y| image::Rgb([x as u8 * 12, y as u8 * 20, (x * y) as u8]));
    let grey = DynamicImage::from(colour.clone()).into_luma8();
    let deep = DynamicImage::from(colour.clone()).into_rgba16();
    let seeds = vec![
        encoded(colour.clone(), ImageFormat::Jpeg),
        encoded(grey.clone(), ImageFormat::Jpeg),
        encoded(colour, ImageFormat::Png),
        encoded(grey, ImageFormat::Png),
        encoded(deep, ImageFormat::Png),
    ];
    let mut mended = seeds[2].clone();
    mend(&mut mended);
    assert_eq!(mended, seeds[2]);
    let words: &[&[u8]] = &[
        b"\xff\xd8\xff",
        b"\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03",
        b"\xff\xc2",
        b"\xff\xc4",
        b"\xff\xda",
        b"\xff\xd9",
        b"\xff\xe1\0\x20Exif\0\0II*\0",
        b"\xff\xdd\0\x04",
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff",
        b"IHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x10\x06\0\0\x01",
        b"PLTE",
        b"tRNS",
        b"iCCP",
        b"eXIf",
        b"acTL",
        b"fcTL",
        b"IDAT",
        b"IEND",
    ];
    // A PNG's byte can stand for eight thousand pixels of up to eight bytes; two pictures are held while one is turned.
    Fuzz { name: "picture", seeds, words, memory: 8 * 1032 * 16 }.run_as(Form::Mended(mend), outcome);
}

/// Reads the file as one of a folder with two pictures.
fn in_a_folder(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for picture in ["a.png", "b.png"] {
        std::fs::write(folder.path().join(picture), "").unwrap();
    }
    let path = folder.path().join(name);
    (folder, path)
}

#[test]
fn lists_survive() {
    let (folder, path) = in_a_folder("list.txt");
    let seeds = vec![
        b"a.png 0.1 0.2 0.3 0.4 -1 2.5 30\n\nb.png 0 1 -0.1 1.1 0 0 0\na.png 0 0 0 0 0 0 0\n".to_vec(),
        b"a.png\t0.1 0.2 0 0 0\r\n".repeat(3),
    ];
    let words: &[&[u8]] =
        &[b"a.png ", b" 0.5", b"\n", b"\t", b"\r\n", b"../", b"/", b"\xef\xbb\xbf", b"\xc4\xe3", b"\0", b"1e39", b" 1 1"];
    // Of a line of a letter and a few zeros, a face is kept.
    Fuzz { name: "list", seeds, words, memory: 400 }.run(|bytes| {
        std::fs::write(&path, bytes).unwrap();
        match FaceList::read(&path, folder.path(), &[2, 98]) {
            Ok(list) => {
                let sound = |face: &crate::list::Face| {
                    face.landmarks.len() == 2 * list.points
                        && face.landmarks.iter().chain(&face.angles).all(|value| value.is_finite())
                };
                assert!(!list.faces.is_empty() && list.faces.iter().all(sound));
                format!("{} points", list.points.min(3))
            }
            Err(e) => e.to_string().replace(&path.display().to_string(), ""),
        }
    });
}

#[test]
fn point_schemes_survive() {
    let (_folder, path) = in_a_folder("points.toml");
    let seeds = vec![
        b"count = 3\nnme_pair = [0, 2]\nmirror = [2, 1, 0]\n[[groups]]\npoints = [0, 1, 2]\nclosed = true\n".to_vec(),
        b"count = 5\nnme_fixed_px = 34.5\n[[groups]]\npoints = [4]\n[[groups]]\npoints = []\n".to_vec(),
    ];
    let words: &[&[u8]] =
        &[b"[[groups]]\n", b"points = ", b"mirror = ", b"[[[[", b"{{", b"\"\"\"", b"a.a.a.", b"0, ", b"-1, ", b"2026-01-02"];
    Fuzz { name: "points", seeds, words, memory: 800 }.run(|bytes| {
        std::fs::write(&path, bytes).unwrap();
        match read_points_file(&path) {
            Ok(scheme) => {
                let points = scheme.mirror.iter().flatten().chain(scheme.groups.iter().flat_map(|group| &group.points));
                assert!(points.into_iter().all(|&point| point < scheme.count));
                format!("{} groups", scheme.groups.len().min(2))
            }
            Err(e) => e.to_string().replace(&path.display().to_string(), ""),
        }
    });
}
