//! `profiler candidates`: what a space is made of.

use std::collections::BTreeSet;

use blocks::Space;
use clap::Args;
use engines::EngineKind;
use serde::Serialize;

use super::arguments::engines;
use super::error::CommandError;
use super::space::Opened;
use super::values::points;
use super::{folder, print};
use crate::show::text;

#[derive(Args)]
pub(super) struct CandidatesArgs {
    /// Search space: built-in name, TOML file, or folder of ONNX files
    #[arg(long, default_value = "pfld")]
    space: String,
    /// Number of landmarks, which sets the size of the last trunk piece; not for a folder of ONNX files [default: 106].
    #[arg(long, value_parser = points)]
    points: Option<usize>,
    #[arg(long, help = format!("Try every block of a folder in this engine on this machine: {}", engines()))]
    engine: Option<EngineKind>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CandidatesArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let space = match Opened::open(&self.space, self.points)? {
            Opened::Folder(space) => {
                if let Some(engine) = self.engine {
                    folder::try_in(engine, &space, &self.space)?;
                }
                let listing = folder::Listing::of(&space);
                return print::result(self.json, &listing, || listing.text());
            }
            Opened::Primitives(space) => space,
        };
        if self.engine.is_some() {
            return Err(CommandError::Usage(
                "--engine is for a folder of ONNX files only; every engine runs the built-in blocks".to_string(),
            ));
        }
        let listing = Listing::of(&space.space, space.points);
        print::result(self.json, &listing, || listing.text())
    }
}

/// A candidate, or a piece of the trunk.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    /// Searched layer, from 1; absent for the trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
    /// Stage, from 1; absent for the trunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<usize>,
    /// The primitive, or the piece's name.
    primitive: String,
    /// What it is called in tables.
    key: String,
    /// Multiply-accumulate operations.
    macs: u64,
    /// Trained parameters.
    params: usize,
    /// Input shape, `[c, h, w]`.
    input: [usize; 3],
    /// Output shape, `[c, h, w]`.
    output: [usize; 3],
}

/// A space, laid out.
#[derive(Clone, Debug, Serialize)]
struct Listing {
    /// Its name.
    space: String,
    /// Its hash.
    hash: String,
    /// Different keys among the candidates.
    keys: usize,
    /// All candidates of all layers.
    candidates: Vec<Entry>,
    /// The trunk's pieces, for that many landmarks.
    trunk: Vec<Entry>,
    /// Landmarks.
    points: usize,
}

impl Listing {
    /// Lists a space.
    fn of(space: &Space, points: usize) -> Self {
        let entry = |graph: &blocks::Graph, layer, stage, primitive: &str, key: String| {
            let dims = |s: blocks::Shape| [s.c, s.h, s.w];
            let input = graph.inputs().first().map(|&x| dims(graph.node(x).shape)).unwrap_or_default();
            let output = graph.outputs().first().map(|(_, y)| dims(graph.node(*y).shape)).unwrap_or_default();
            let primitive = primitive.to_string();
            Entry { layer, stage, primitive, key, macs: graph.macs(), params: graph.parameter_count(), input, output }
        };
        let candidates: Vec<Entry> = space
            .candidates()
            .map(|(i, c)| {
                let stage = space.layers()[i].stage + 1;
                entry(&c.graph(), Some(i + 1), Some(stage), c.primitive.name(), c.key())
            })
            .collect();
        let pieces = space.trunk_pieces(points);
        let trunk = pieces.iter().map(|p| entry(&p.graph, None, None, p.piece.name(), luts::trunk_key(p.piece))).collect();
        let keys = candidates.iter().map(|c| &c.key).collect::<BTreeSet<_>>().len();
        Self { space: space.name().to_string(), hash: space.hash(), keys, candidates, trunk, points }
    }

    /// As text.
    fn text(&self) -> String {
        let head = ["layer", "primitive", "input", "output", "MMAC", "params", "key"];
        let mut rows = vec![head.map(String::from).to_vec()];
        let shape = |[c, h, w]: [usize; 3]| format!("{c}x{h}x{w}");
        rows.extend(self.candidates.iter().chain(&self.trunk).map(|e| {
            let layer = e.layer.map_or("trunk".to_string(), |l| l.to_string());
            let macs = format!("{:.3}", e.macs as f64 * 1e-6);
            vec![layer, e.primitive.clone(), shape(e.input), shape(e.output), macs, e.params.to_string(), e.key.clone()]
        }));
        let layers = self.candidates.iter().filter_map(|c| c.layer).max().unwrap_or(0);
        let trunk = if self.trunk.is_empty() { "no trunk".to_string() } else { format!("trunk for {} landmarks", self.points) };
        format!(
            "{}\nspace {}: {layers} layers, {} candidates, {} keys; {trunk}\n",
            text::columns(&rows),
            self.space,
            self.candidates.len(),
            self.keys,
        )
    }
}
