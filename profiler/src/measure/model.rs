//! What is to be measured, and its file: made only where it is written, since a space may have hundreds of large networks.

use blocks::measurable::{LayerInfo, NetworkFile, PartInfo};
use blocks::{Builder, Graph, Measurable, Shape, primitive_space};

use super::choice::Choice;
use super::job_error::JobError;
use super::subject::Subject;

/// Something to be measured.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it is.
    pub subject: Subject,
    /// What it is made of.
    pub kind: ModelKind,
}

/// What a model is made of.
#[derive(Clone, Debug)]
pub enum ModelKind {
    /// A single operation.
    Overhead,
    /// A candidate or a fixed piece, alone.
    Part(PartInfo),
    /// A whole network.
    Network(Choice),
}

impl Model {
    /// All candidates that do something and all fixed pieces of a space, alone, and the graph of a single operation.
    pub fn parts(space: &dyn Measurable) -> Vec<Self> {
        let mut keys: Vec<String> = Vec::new();
        for candidate in space.layers().into_iter().flat_map(|layer| layer.candidates).filter(|candidate| !candidate.is_identity) {
            if !keys.contains(&candidate.key) {
                keys.push(candidate.key);
            }
        }
        let subjects = keys.into_iter().map(Subject::Block).chain(space.fixed().into_iter().map(Subject::Trunk));
        let part = |subject: Subject| {
            let info = space.part(subject.part()?)?;
            Some(Self { subject, kind: ModelKind::Part(info) })
        };
        std::iter::once(Self::overhead()).chain(subjects.filter_map(part)).collect()
    }

    /// The graph of a single operation: what the process takes without any model.
    pub fn overhead() -> Self {
        Self { subject: Subject::Overhead, kind: ModelKind::Overhead }
    }

    /// The network of a choice, as an app ships it.
    pub fn net(layers: &[LayerInfo], choice: &[Option<usize>]) -> Self {
        Self { subject: Subject::network(layers, choice), kind: ModelKind::Network(choice.to_vec()) }
    }

    /// What is known of it, of a part.
    pub fn part(&self) -> Option<(&Subject, &PartInfo)> {
        match &self.kind {
            ModelKind::Part(info) => Some((&self.subject, info)),
            _ => None,
        }
    }

    /// What a user calls it: of a block that has a file, that.
    pub(super) fn title(&self, space: &dyn Measurable) -> String {
        self.subject.part().and_then(|id| space.origin(id)).unwrap_or_else(|| self.subject.to_string())
    }

    /// Its file.
    pub(super) fn file(&self, space: &dyn Measurable) -> Result<NetworkFile, JobError> {
        let fault = |reason: String| JobError::Prepare { model: self.title(space), reason };
        let file = match &self.kind {
            ModelKind::Overhead => primitive_space::file(one_operation()).map(Some),
            ModelKind::Part(_) => self.subject.part().map_or(Ok(None), |id| space.part_file(id)),
            ModelKind::Network(choice) => space.network_file(choice).map(Some),
        };
        file.map_err(|e| fault(e.to_string()))?.ok_or_else(|| fault("the space has no such part".to_string()))
    }
}

/// The graph of a single operation.
fn one_operation() -> Graph {
    let mut g = Builder::new("overhead");
    let x = g.input("x", Shape::new(1, 1, 1));
    let y = g.relu(x);
    g.finish(&[("y", y)])
}
