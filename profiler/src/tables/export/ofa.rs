//! The YAML tables of Once-for-All and ProxylessNAS.
//!
//! Both look a block up by a text. ProxylessNAS's states the expansion, Once-for-All's the channels between, squeeze-and-excitation and
//! h-swish besides:
//!
//! ```text
//! expanded_conv-input:56x56x24-output:28x28x40-expand:6-kernel:5-stride:2-idskip:0
//! expanded_conv-input:56x56x24-output:28x28x40-expand:144-kernel:5-stride:2-idskip:0-se:1-hs:0
//! ```
//!
//! A block has an entry of each. Any other part, as the stem, has one by its name and shapes: `Conv-input:224x224x3-output:112x112x16`.

use std::collections::BTreeMap;
use std::fmt::Write;

use luts::{Layout, Row, Shapes, Table, trunk_piece};

use super::ExportError;

/// What the entries say of layers, and the candidates' names do not.
#[derive(Clone, Debug, Default)]
pub struct OfaYaml {
    /// Layers whose blocks have squeeze-and-excitation, from 1.
    pub se: Vec<usize>,
    /// Layers whose blocks have h-swish, from 1.
    pub hs: Vec<usize>,
}

/// A table's entries, and the names that were left out since they do not state kernel and expansion, or more than that.
pub struct Written {
    /// The file.
    pub text: String,
    /// The names.
    pub left_out: Vec<String>,
}

impl OfaYaml {
    /// The table as YAML: `KEY: {count: samples, mean: ms, std: ms}`; `std` is the standard error of `mean`.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn write(&self, table: &Table, space: &Layout) -> Result<Written, ExportError> {
        let mut entries: Vec<(String, &Row)> = Vec::new();
        let mut left_out: Vec<String> = Vec::new();
        for key in space.fixed.iter().filter(|_| table.has_trunk()) {
            let row = table.find(key)?;
            entries.push((format!("{}-{}", trunk_piece(key).unwrap_or(key), maps(row.shapes)), row));
        }
        let fixed = entries.len();
        for (i, layer) in space.layers.iter().enumerate() {
            for candidate in layer.candidates.iter().filter(|candidate| !candidate.is_identity) {
                match Block::named(&candidate.name) {
                    Some(block) => {
                        let row = table.find(&candidate.key)?;
                        let block = Block {
                            se: block.se || self.se.contains(&(i + 1)),
                            hs: block.hs || self.hs.contains(&(i + 1)),
                            ..block
                        };
                        entries.extend(block.keys(row.shapes).map(|key| (key, row)));
                    }
                    None if left_out.contains(&candidate.name) => {}
                    None => left_out.push(candidate.name.clone()),
                }
            }
        }
        if entries.len() == fixed {
            return Err(ExportError::NoNames);
        }
        Ok(Written { text: text(&entries)?, left_out })
    }
}

fn text(entries: &[(String, &Row)]) -> Result<String, ExportError> {
    let mut text = String::new();
    let mut rows: BTreeMap<&str, &Row> = BTreeMap::new();
    for (key, row) in entries {
        match rows.insert(key, row) {
            Some(other) if other.key != row.key => {
                return Err(ExportError::Twice { key: key.clone(), first: other.key.clone(), second: row.key.clone() });
            }
            Some(_) => {}
            None => {
                let error = row.interval.map_or(0.0, |interval| (interval.high - interval.low).0 / (2.0 * 1.96));
                // Writing to a String does not fail.
                let (ms, error) = (row.latency.0 * 1e-3, error * 1e-3);
                let _ = writeln!(text, "{key}: {{count: {}, mean: {ms:.6}, std: {error:.6}}}", row.samples);
            }
        }
    }
    Ok(text)
}

/// `input:HxWxC-output:HxWxC`.
fn maps(shapes: Shapes) -> String {
    let Shapes { c_in, c_out, stride, h, w } = shapes;
    format!("input:{h}x{w}x{c_in}-output:{}x{}x{c_out}", h.div_ceil(stride.max(1)), w.div_ceil(stride.max(1)))
}

/// What a candidate's name says of an inverted residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    kernel: usize,
    expansion: usize,
    se: bool,
    hs: bool,
}

impl Block {
    /// From names such as `k3_e6`, `k5_e4_se_hs`, `mb_k3_e2_res`, `7x7_MBConv3`. `None` where kernel or expansion is missing, or something
    /// else is said.
    fn named(name: &str) -> Option<Self> {
        let (mut kernel, mut expansion, mut se, mut hs) = (None, None, false, false);
        for part in name.split('_') {
            let number = |prefix: &str| part.strip_prefix(prefix)?.parse::<usize>().ok();
            let square = || part.split_once('x').filter(|(a, b)| a == b).and_then(|(side, _)| side.parse().ok());
            if let Some(found) = number("k").or_else(square) {
                kernel = Some(found);
            } else if let Some(found) = number("e").or_else(|| number("MBConv")) {
                expansion = Some(found);
            } else {
                match part {
                    "se" => se = true,
                    "hs" => hs = true,
                    "mb" | "res" => {}
                    _ => return None,
                }
            }
        }
        Some(Self { kernel: kernel?, expansion: expansion?, se, hs })
    }

    /// ProxylessNAS's key and Once-for-All's.
    fn keys(self, shapes: Shapes) -> [String; 2] {
        let Self { kernel, expansion, se, hs } = self;
        let Shapes { c_in, c_out, stride, .. } = shapes;
        let skip = u8::from(stride == 1 && c_in == c_out);
        let key =
            |expand: usize| format!("expanded_conv-{}-expand:{expand}-kernel:{kernel}-stride:{stride}-idskip:{skip}", maps(shapes));
        [key(expansion), format!("{}-se:{}-hs:{}", key(divisible(c_in * expansion)), u8::from(se), u8::from(hs))]
    }
}

/// The nearest multiple of 8, but not below nine tenths of the number.
fn divisible(channels: usize) -> usize {
    let nearest = ((channels + 4) / 8 * 8).max(8);
    if 10 * nearest < 9 * channels { nearest + 8 } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_others_left_out() {
        let block = |kernel, expansion, se, hs| Some(Block { kernel, expansion, se, hs });
        assert_eq!(Block::named("k3_e6"), block(3, 6, false, false));
        assert_eq!(Block::named("7x7_MBConv3"), block(7, 3, false, false));
        assert_eq!(Block::named("k5_e4_se_hs"), block(5, 4, true, true));
        assert_eq!(Block::named("mb_k3_e2_res_se"), block(3, 2, true, false));
        for other in ["k3_e1_g2", "mb_k3_res", "sep_k3", "mb_k3_res_d3", "normed", "3x5_MBConv3", "k_e6"] {
            assert_eq!(Block::named(other), None, "{other}");
        }
    }

    #[test]
    fn keys_are_those_of_both_projects() {
        let shapes = Shapes { c_in: 24, c_out: 40, stride: 2, h: 56, w: 56 };
        let maps = "expanded_conv-input:56x56x24-output:28x28x40";
        let keys = Block { kernel: 5, expansion: 6, se: true, hs: false }.keys(shapes);
        assert_eq!(
            keys,
            [
                format!("{maps}-expand:6-kernel:5-stride:2-idskip:0"),
                format!("{maps}-expand:144-kernel:5-stride:2-idskip:0-se:1-hs:0")
            ]
        );
        let kept =
            Block { kernel: 3, expansion: 3, se: false, hs: true }.keys(Shapes { c_in: 16, c_out: 16, stride: 1, h: 7, w: 7 });
        assert!(kept[1].ends_with("expand:48-kernel:3-stride:1-idskip:1-se:0-hs:1"), "{kept:?}");
        assert_eq!([12, 20, 22, 96, 3].map(divisible), [16, 24, 24, 96, 8]);
    }
}
