//! No damage makes the reader panic, or take memory out of proportion.

use pickle::Object;
use support::fuzz::{Fuzz, Watched};
use trainer::nni::TorchFile;

use crate::written::{File, Saved};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Two nets of a few numbers.
fn small() -> File {
    let tensor = |name: &str, dims: &[usize]| {
        let values = (0..dims.iter().product()).map(|i| i as f32).collect();
        Saved { name: name.to_string(), dims: dims.to_vec(), values }
    };
    File {
        backbone: vec![tensor("module.fc.weight", &[4, 3, 1, 1]), tensor("module.fc.bias", &[4])],
        pose: vec![tensor("module.fc2.bias", &[3])],
        arch_sample: Some(vec!["sep_k3"]),
        more: Vec::new(),
    }
}

/// All tensors of a file, each read.
fn read(bytes: &[u8]) -> String {
    let read = || -> Result<usize, trainer::nni::TorchError> {
        let file = TorchFile::read(bytes)?;
        let mut values = 0;
        for id in file.heap().ids().filter(|&id| matches!(file.heap().get(id), Object::Tensor(_))) {
            if let Some(tensor) = file.tensor(id)? {
                values += file.values(&tensor)?.len();
            }
        }
        Ok(values)
    };
    match read() {
        Ok(values) => format!("{} values", if values > 0 { "some" } else { "no" }),
        Err(e) => e.to_string(),
    }
}

#[test]
fn torch_files_survive() {
    let words: &[&[u8]] = &[
        b"\x80\x02",
        b"(",
        b"t",
        b"R",
        b"Q",
        b"b",
        b"}",
        b"u",
        b"s",
        b"](",
        b"e",
        b"N",
        b"\x88",
        b"q\0",
        b"h\0",
        b"r\0\0\0\0",
        b"j\0\0\0\0",
        b"J\xff\xff\xff\xff",
        b"J\xff\xff\xff\x7f",
        b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\0\0\0\0\0",
        b"ctorch\nLongStorage\n",
        b"ctorch\nFloatStorage\n",
        b"ctorch._utils\n_rebuild_parameter\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"ccollections\nOrderedDict\n)R",
        b"ccollections\nCounter\n}\x85R",
        b"cargparse\nNamespace\n)\x81}b",
        b"0",
        b"1",
        b"2",
        b"\x81",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
    ];
    let seeds = vec![small().legacy(), small().zip(zip::CompressionMethod::Stored)];
    assert!(seeds.iter().all(|bytes| read(bytes) == "some values"));
    Fuzz { name: "torch", seeds, words, memory: 400 }.run(read);
}
