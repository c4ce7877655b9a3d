//! Free notes of an ONNX file, under a key each: engines pass them over.

use prost::Message;

use super::error::InspectError;
use super::inspect::decode;
use super::proto;

/// The file with one more note.
pub fn with_note(mut file: Vec<u8>, key: &str, value: &str) -> Vec<u8> {
    let entry = proto::Entry { key: key.to_string(), value: value.to_string() };
    // Protobuf messages one behind the other are one message, whose lists are joined.
    file.extend(proto::Model { metadata_props: vec![entry], ..Default::default() }.encode_to_vec());
    file
}

/// The note of that key, the last one where there are several.
///
/// # Errors
/// It is no ONNX file.
pub fn note(file: &[u8], key: &str) -> Result<Option<String>, InspectError> {
    let (model, _) = decode(file)?;
    Ok(model.metadata_props.into_iter().rfind(|entry| entry.key == key).map(|entry| entry.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Options, constants, inspect, model};
    use crate::{Builder, Conv, Shape, Weights};

    #[test]
    fn notes_change_nothing_else_and_are_read_again() {
        let mut g = Builder::new("g");
        let x = g.input("x", Shape::new(3, 4, 4));
        let y = g.conv(x, "conv", Conv::dense(3, 2, 1));
        let graph = g.finish(&[("y", y)]);
        let file = model(&graph, &Weights::for_measuring(&graph, 1), &Options::default()).unwrap();
        assert_eq!(note(&file, "a"), Ok(None));
        let noted = with_note(with_note(file.clone(), "a", "first"), "b", "µs");
        assert_eq!(["a", "b", "c"].map(|key| note(&noted, key).unwrap()), [Some("first".into()), Some("µs".into()), None]);
        assert_eq!(note(&with_note(noted.clone(), "a", "last"), "a"), Ok(Some("last".to_string())));
        assert_eq!((inspect(&noted), constants(&noted)), (inspect(&file), constants(&file)));
        assert!(note(b"no model", "a").is_err());
    }
}
