//! Knowledge distillation: a trained network whose landmarks are mixed into the labels while a smaller one is finetuned.
//!
//! Labels set by hand scatter around the points they mean; a network trained on all of them has averaged much of that out, and what it
//! says of a face is easier for a smaller network to follow (Hinton et al., *Distilling the Knowledge in a Neural Network*, 2015).

use std::path::Path;

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::nets::Faces;
use crate::network_file::{NetworkFile, Opened};
use crate::reference::Reference;

/// A teacher's part in the labels, unless another is given.
pub const TEACHER_WEIGHT: f64 = 0.5;

/// A teacher and how much it is believed.
pub struct Teacher {
    opened: Opened,
    weight: f64,
}

impl Teacher {
    /// The network in `path` (a finetuned checkpoint, or ONNX), for pictures of `side` pixels and `points` landmarks. Its part in the
    /// mixed labels is `weight`, above 0 and at most 1.
    ///
    /// # Errors
    /// The file is no such network, or has another side or number of points.
    pub fn open(path: &Path, side: usize, points: usize, weight: f64) -> Result<Self> {
        let file = NetworkFile::read(path, None, None)?;
        if file.is_of_mixtures() {
            return Err(Error::Usage(format!(
                "{} is a supernet's checkpoint, which teaches nothing; finetune its subnet first",
                path.display()
            )));
        }
        let opened = file.open(Reference(false))?;
        if (opened.side, opened.points) != (side, points) {
            return Err(Error::Usage(format!(
                "the teacher {} takes pictures of side {} and has {} points; here they are {side} and {points}",
                path.display(),
                opened.side,
                opened.points
            )));
        }
        Ok(Self { opened, weight })
    }

    /// The faces with labels (1 − w)·truth + w·teacher, as the teacher sees these pictures.
    ///
    /// # Errors
    /// It cannot run on them.
    pub fn soften(&mut self, faces: &Faces) -> Result<Faces> {
        let n = faces.images.dim(0)?;
        let found = self.opened.network.landmarks(&faces.images.flatten_all()?.to_vec1()?, n)?;
        let found = Tensor::from_vec(found, faces.landmarks.shape(), faces.landmarks.device())?;
        let landmarks = (faces.landmarks.affine(1.0 - self.weight, 0.0)? + found.affine(self.weight, 0.0)?)?;
        Ok(Faces { images: faces.images.clone(), landmarks, angles: faces.angles.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Network;
    use candle_core::Device;

    /// Says the brightness of a picture's first pixel for each coordinate.
    struct First;

    impl Network for First {
        fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
            Ok(images.chunks(images.len() / n).flat_map(|image| [image[0]; 4]).collect())
        }
    }

    #[test]
    fn labels_are_mixed_by_weight_face_by_face() {
        let mut teacher = Teacher { opened: Opened { network: Box::new(First), side: 2, points: 2 }, weight: 0.25 };
        let images: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let faces = Faces {
            images: Tensor::from_vec(images, (2, 3, 2, 2), &Device::Cpu).unwrap(),
            landmarks: Tensor::new(&[[0f32, 4.0, 8.0, 16.0], [1.0, 2.0, 3.0, 4.0]], &Device::Cpu).unwrap(),
            angles: Tensor::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::Cpu).unwrap(),
        };
        let taught = teacher.soften(&faces).unwrap();
        // The teacher says 0 of the first picture and 12 of the second.
        assert_eq!(taught.landmarks.to_vec2::<f32>().unwrap(), [[0.0, 3.0, 6.0, 12.0], [3.75, 4.5, 5.25, 6.0]]);
        assert_eq!(taught.angles.to_vec2::<f32>().unwrap(), faces.angles.to_vec2::<f32>().unwrap());
    }
}
