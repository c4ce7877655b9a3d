//! What NNI's example does otherwise, restored by `--reference`: docs/src/nni.md lists all of it, and why the defaults differ.

use crate::model::Mode;

/// Checkpoints that stay: each so many epochs.
const KEEP_EVERY: usize = 10;

/// Whether to do as the reference does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Reference(pub bool);

impl Reference {
    /// Not as the reference does. Configurations leave it out then, so that those from before there was a choice stay what they are.
    pub fn is_off(&self) -> bool {
        !self.0
    }

    /// The architecture's pass moves batch norm's running statistics; ours leaves them to the weights' pass.
    pub fn arch_mode(self) -> Mode {
        if self.0 { Mode::Train } else { Mode::TrainFrozenStats }
    }

    /// `skip` drops half of its input in evaluation too; ours in training only.
    pub fn eval_mode(self) -> Mode {
        if self.0 { Mode::EvalDropping } else { Mode::Eval }
    }

    /// The number of the checkpoint that stays after so many epochs: 0, 10, … as the reference counts, which begins at 0; ours 10, 20, …
    pub fn kept(self, epochs: usize) -> Option<usize> {
        let number = if self.0 { epochs.checked_sub(1)? } else { epochs };
        number.is_multiple_of(KEEP_EVERY).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_numbered_as_each_side_counts() {
        let kept = |reference| (0..=21).filter_map(|epochs| Reference(reference).kept(epochs)).collect::<Vec<_>>();
        assert_eq!(kept(true), [0, 10, 20]);
        assert_eq!(kept(false), [0, 10, 20]);
        assert_eq!((Reference(true).kept(11), Reference(false).kept(11)), (Some(10), None));
    }
}
