//! What the user says of models' inputs: `--shape x=1,3,112,112`, `--input x=file.npy`.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use engines::{Element, Value};
use files::{FileError, Impostor};
use luts::nni::literal::Literal;
use luts::nni::npy;

/// An input's dimensions: `x=1,3,112,112`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedShape {
    /// The input.
    pub name: String,
    /// Its dimensions; none for a single value.
    pub shape: Vec<usize>,
}

impl FromStr for NamedShape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("'{text}' is not an input's name and dimensions, such as x=1,3,112,112");
        // Names may hold an equals sign, dimensions may not.
        let (name, dims) = text.rsplit_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(fail)?;
        let dim = |dim: &str| dim.trim().parse::<usize>().ok().filter(|d| (1..=1 << 31).contains(d)).ok_or_else(fail);
        let shape = if dims.trim().is_empty() { Vec::new() } else { dims.split(',').map(dim).collect::<Result<_, _>>()? };
        Ok(Self { name: name.to_string(), shape })
    }
}

/// A file with an input's values: `x=file.npy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The input.
    pub name: String,
    /// The file, as NumPy writes it.
    pub path: PathBuf,
}

impl FromStr for NamedFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(Self { name: name.to_string(), path: path.into() }),
            _ => Err(format!("'{text}' is not an input's name and a file, such as x=x.npy")),
        }
    }
}

/// Why inputs cannot be given to models.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that is something else than its name says.
    #[error("{path} {found}")]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Impostor,
    },
    /// A file without values.
    #[error("{path} cannot be an input: {reason}; write it with numpy.save(file, array)")]
    Values {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An input that is given twice.
    #[error("input '{name}' is given twice; one --shape or one --input is enough")]
    Twice {
        /// Its name.
        name: String,
    },
    /// An input that no model has.
    #[error("no model has an input '{name}': {known}")]
    Unknown {
        /// Its name.
        name: String,
        /// The models' inputs, in words.
        known: String,
    },
}

/// All that is said of inputs.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// In a session's terms: name, dimensions, and values where a file gave them.
    pub inputs: Vec<(String, Vec<usize>, Option<Value>)>,
}

impl Given {
    /// Reads the files.
    ///
    /// # Errors
    /// [`GivenError`]: a file cannot be read or holds no numbers, or an input is named twice.
    pub fn read(shapes: Vec<NamedShape>, files: Vec<NamedFile>) -> Result<Self, GivenError> {
        let mut inputs: Vec<_> = shapes.into_iter().map(|NamedShape { name, shape }| (name, shape, None)).collect();
        for NamedFile { name, path } in files {
            let bytes = fs::read(&path).map_err(FileError::new("cannot read", &path))?;
            if let Some(found) = files::impostor(&bytes) {
                return Err(GivenError::Impostor { path, found });
            }
            let value = read_npy(&bytes).map_err(|reason| GivenError::Values { path, reason })?;
            inputs.push((name, value.shape().to_vec(), Some(value)));
        }
        let named_before = |(i, (name, ..)): (usize, &(String, Vec<usize>, Option<Value>))| {
            inputs[..i].iter().any(|(other, ..)| other == name).then(|| name.clone())
        };
        let twice = inputs.iter().enumerate().find_map(named_before);
        match twice {
            Some(name) => Err(GivenError::Twice { name }),
            None => Ok(Self { inputs }),
        }
    }

    /// Refuses what no model has as an input. `models` are their inputs' names, where they are known.
    ///
    /// # Errors
    /// [`GivenError::Unknown`].
    pub fn check(&self, models: &[(PathBuf, Option<Vec<String>>)]) -> Result<(), GivenError> {
        let takes = |name: &String| models.iter().any(|(_, inputs)| inputs.as_ref().is_none_or(|inputs| inputs.contains(name)));
        let Some((name, ..)) = self.inputs.iter().find(|(name, ..)| !takes(name)) else { return Ok(()) };
        let one = |(path, inputs): &(PathBuf, Option<Vec<String>>)| {
            let inputs: Vec<_> = inputs.iter().flatten().map(|name| format!("'{name}'")).collect();
            format!("{} has {}", path.display(), inputs.join(", "))
        };
        let known = models.iter().map(one).collect::<Vec<_>>().join("; ");
        Err(GivenError::Unknown { name: name.clone(), known })
    }
}

/// NumPy's array of numbers.
fn read_npy(bytes: &[u8]) -> Result<Value, String> {
    let (header, begin) = npy::header(bytes).map_err(|reason| format!("it is not a .npy file: {reason}"))?;
    let Some(Literal::Text(descr)) = header.get("descr") else {
        return Err("its header does not name the type of its values".to_string());
    };
    let element = element(descr).ok_or_else(|| format!("it holds values of type '{}'", descr.escape_debug()))?;
    let dim = |dim: &Literal<'_>| match dim {
        Literal::Int(d) => usize::try_from(*d).ok(),
        _ => None,
    };
    let shape = match header.get("shape") {
        Some(Literal::Sequence(dims)) => dims.iter().map(dim).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let shape = shape.ok_or("its header does not state the shape")?;
    if header.get("fortran_order") == Some(&Literal::Bool(true)) && shape.len() > 1 {
        return Err("its values are in column order (fortran_order); save numpy.ascontiguousarray(array)".to_string());
    }
    let mut values = bytes[begin..].to_vec();
    if descr.starts_with('>') {
        values.chunks_mut(element.size()).for_each(<[u8]>::reverse);
    }
    if element == Element::Bool {
        values.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    let (have, shown) = (values.len(), shape.clone());
    Value::new(element, shape, values)
        .ok_or_else(|| format!("its {have} bytes of values do not fit the shape {shown:?} of {element}"))
}

/// The type that NumPy's name for it means.
fn element(descr: &str) -> Option<Element> {
    Some(match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f2" => Element::Float16,
        "f4" => Element::Float32,
        "f8" => Element::Float64,
        "i1" => Element::Int8,
        "i2" => Element::Int16,
        "i4" => Element::Int32,
        "i8" => Element::Int64,
        "u1" => Element::Uint8,
        "u2" => Element::Uint16,
        "u4" => Element::Uint32,
        "u8" => Element::Uint64,
        "b1" | "?" => Element::Bool,
        _ => return None,
    })
}

/// The values as a file of the job's.
pub fn write(value: &Value, path: &Path) -> Result<(), FileError> {
    fs::write(path, value.bytes()).map_err(FileError::new("cannot write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, values: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [npy::MAGIC, &[1, 0], &length, header.as_bytes(), values].concat()
    }

    #[test]
    fn arrays_of_numpy_are_read() {
        let plain = npy(
            "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }\n",
            &[1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
        );
        let value = read_npy(&plain).unwrap();
        assert_eq!((value.element(), value.shape(), value.numbers()), (Element::Int64, &[1, 2][..], vec![1.0, -1.0]));
        let big = npy("{'descr': '>f4', 'fortran_order': False, 'shape': (), }", &1.5f32.to_be_bytes());
        assert_eq!(read_npy(&big).unwrap().numbers(), [1.5]);
        let truth = npy("{'descr': '|b1', 'fortran_order': True, 'shape': (3,), }", &[0, 1, 7]);
        assert_eq!(read_npy(&truth).unwrap().bytes(), [0, 1, 1]);
        for (wrong, word) in [
            (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[0; 8]), "'|O'"),
            (npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", &[0; 16]), "ascontiguousarray"),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", &[0; 15]), "15 bytes"),
            (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }", &[0; 15]), "15 bytes"),
            (b"PK".to_vec(), "not a .npy file"),
            (npy::MAGIC.to_vec(), "truncated"),
        ] {
            let said = read_npy(&wrong).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn names_shapes_and_files_on_the_command_line() {
        let shape = |text: &str| text.parse::<NamedShape>().map(|s| (s.name, s.shape));
        assert_eq!(shape("x:0=1,3, 112,112"), Ok(("x:0".to_string(), vec![1, 3, 112, 112])));
        assert_eq!(shape("a=b=2"), Ok(("a=b".to_string(), vec![2])));
        assert_eq!(shape("scalar="), Ok(("scalar".to_string(), vec![])));
        for wrong in ["1,3", "=1", "x=1x3", "x=0", "x=-1", "x=1,,2", "x=99999999999999999999"] {
            assert!(shape(wrong).unwrap_err().contains("x=1,3,112,112"), "{wrong}");
        }
        assert!("x=".parse::<NamedFile>().is_err() && "x".parse::<NamedFile>().is_err());
        let twice = Given::read(vec!["x=1".parse().unwrap(), "x=2".parse().unwrap()], vec![]);
        assert!(matches!(twice, Err(GivenError::Twice { name }) if name == "x"));
    }
}
