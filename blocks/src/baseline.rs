//! The network that a searched one is measured against: the published MobileNetV3-PFLD.
//!
//! Its structure is that of the ONNX file published under this name. In spite of the name it is a chain of depthwise separable
//! convolutions with ReLU, as MobileNet's first version has them: no expansion, no residual, no squeeze-and-excitation, no
//! h-swish. What makes it a PFLD is the end: means of three maps of different resolution, joined, give the landmarks.

use crate::graph::{Builder, Conv, NodeId};
use crate::network::pose_net;
use crate::parts::separable;
use crate::{Graph, Shape};

/// What the baseline is called in files and messages.
pub const NAME: &str = "mobilenetv3-pfld";

/// Shape of its input.
pub const INPUT: Shape = Shape::new(3, 112, 112);

/// Channels of the first convolution.
const FIRST: usize = 16;
/// Output channels and strides of the separable convolutions before the features that the pose network sees.
const EARLY: [(usize, usize); 7] = [(32, 1), (32, 2), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1)];
/// Those behind them.
const LATE: [(usize, usize); 5] = [(128, 2), (128, 1), (128, 1), (256, 1), (256, 1)];
/// Channels of the three maps whose means are joined.
const MEANS: [usize; 3] = [16, 64, 128];
/// Channels of the last reduction.
const REDUCED: usize = 64;

/// The baseline for `points` landmarks: input `input`, outputs `landmarks` `[2·points,1,1]` and `features`, for its pose network.
pub fn trained(points: usize) -> Graph {
    network(points, true)
}

/// The baseline as an app ships it: without the training output `features`.
pub fn deployed(points: usize) -> Graph {
    network(points, false)
}

/// The pose network that trains together with it.
pub fn pose() -> Graph {
    let graph = trained(1);
    let (_, features) = graph.outputs()[1];
    pose_net(graph.node(features).shape)
}

fn network(points: usize, features: bool) -> Graph {
    let mut g = Builder::new(NAME);
    let x = g.input("input", INPUT);
    let x = g.conv_bn_relu(x, "first", Conv::dense(INPUT.c, FIRST, 3).padding(1));
    let early = chain(&mut g, "early", x, &EARLY);
    let late = chain(&mut g, "late", early, &LATE);
    let [fine, middle, coarse] = MEANS;
    let c = |g: &Builder, x| g.shape(x).c;

    let conv = Conv::dense(c(&g, early), fine, 3).padding(1).with_bias();
    let fine = g.conv(early, "fine", conv);
    let conv = Conv::pointwise(c(&g, late), middle).with_bias();
    let middle = g.conv(late, "middle", conv);
    let conv = Conv::pointwise(c(&g, late), REDUCED).with_bias();
    let x = g.conv(late, "coarse.0", conv);
    let x = g.relu(x);
    let x = g.conv(x, "coarse.1", Conv::depthwise(REDUCED, 3).stride(2).padding(1).with_bias());
    let x = g.relu(x);
    let coarse = g.conv(x, "coarse.2", Conv::pointwise(REDUCED, coarse).with_bias());

    let means = [fine, middle, coarse].map(|x| g.global_avg_pool(x));
    let x = g.concat(&means);
    let landmarks = g.linear(x, "fc", 2 * points);
    if features { g.finish(&[("landmarks", landmarks), ("features", early)]) } else { g.finish(&[("landmarks", landmarks)]) }
}

/// Separable 3×3 convolutions of those output channels and strides, called `scope.0`, `scope.1`, …
fn chain(g: &mut Builder, scope: &str, x: NodeId, blocks: &[(usize, usize)]) -> NodeId {
    blocks.iter().enumerate().fold(x, |x, (i, &(c_out, stride))| {
        let c_in = g.shape(x).c;
        separable(g, &format!("{scope}.{i}"), x, c_in, c_out, stride, 3)
    })
}
