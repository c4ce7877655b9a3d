//! Recipes of networks: their weights stand in the files of the blocks that they are made of.

use std::collections::HashMap;

use blocks::onnx::wire;

use crate::agent::joined::FileRange;

/// Least bytes of a weight that are worth a line.
const LEAST: usize = 256;

/// Where weights stand in the blocks' files.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// File and place, by their SHA-256.
    places: HashMap<String, (String, usize)>,
}

impl Weights {
    /// Takes in a block's file.
    pub(super) fn add(&mut self, file: &str, bytes: &[u8]) {
        for range in large(bytes) {
            self.places.entry(files::sha256(&bytes[range.clone()])).or_insert_with(|| (file.to_string(), range.start));
        }
    }

    /// A network's recipe, and the bytes that no block has, which go into the file `glue`. None where that is more than half of them.
    pub(super) fn recipe(&self, bytes: &[u8], glue: &str) -> Option<(String, Vec<u8>)> {
        if self.places.is_empty() {
            return None;
        }
        let (mut recipe, mut own, mut at) = (String::new(), Vec::new(), 0);
        let mut keep = |recipe: &mut String, range: std::ops::Range<usize>| {
            *recipe += &FileRange { file: glue.to_string(), offset: own.len(), len: range.len() }.line();
            own.extend_from_slice(&bytes[range]);
        };
        for range in large(bytes) {
            let Some((file, offset)) = self.places.get(&files::sha256(&bytes[range.clone()])) else { continue };
            keep(&mut recipe, at..range.start);
            recipe += &FileRange { file: file.clone(), offset: *offset, len: range.len() }.line();
            at = range.end;
        }
        keep(&mut recipe, at..bytes.len());
        (2 * own.len() <= bytes.len()).then_some((recipe, own))
    }
}

/// Places of the weights that are large enough; none in what is no ONNX file.
fn large(bytes: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    wire::raw_data(bytes).unwrap_or_default().into_iter().filter(|range| range.len() >= LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::joined;
    use support::onnx::{element, floats, model, node, port};

    #[test]
    fn a_networks_weights_come_from_its_blocks() {
        let constant = |name: &str, value: f32| floats(name, &[1, 4, 8, 8], &[value; 256]);
        let map = |name| port(name, element::FLOAT32, "1,4,8,8");
        let block = |value| model(&[node("Mul", &["x", "w"], &["y"], &[])], &[constant("w", value)], &[map("x")], &[map("y")]);
        let nodes = [node("Mul", &["x", "a"], &["m"], &[]), node("Mul", &["m", "b"], &["y"], &[])];
        let network = model(&nodes, &[constant("a", 2.0), constant("b", 3.0)], &[map("x")], &[map("y")]);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        let mut weights = Weights::default();
        assert_eq!(weights.recipe(&network, "2.glue"), None);
        for (name, value) in [("0.onnx", 2.0), ("1.onnx", 3.0)] {
            write(name, &block(value));
            weights.add(name, &block(value));
        }
        let (recipe, own) = weights.recipe(&network, "2.glue").unwrap();
        assert!(own.len() < 300 && recipe.lines().count() == 5, "{recipe}");
        write("2.glue", &own);
        write("2.join", recipe.as_bytes());
        assert_eq!(joined::read(folder.path(), "2.join").unwrap(), network);
        // A network of other weights is none of these blocks'.
        assert_eq!(weights.recipe(&block(5.0), "3.glue"), None);
    }
}
