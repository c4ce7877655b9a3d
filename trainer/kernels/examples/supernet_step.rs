//! Times forward and backward passes of the PFLD supernet: `cargo run --release -p kernels --example supernet_step -- 32 10`.

use std::time::Instant;

use blocks::{Space, Weights};
use kernels::{Mode, Plan};

fn main() {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<usize>().expect("a number"));
    let (n, steps) = (args.next().unwrap_or(32), args.next().unwrap_or(10));
    let space = Space::load("pfld").expect("built in");
    let net = space.supernet(106);
    let pose = space.pose_net().expect("pfld has one");
    let run = |graph: &blocks::Graph| {
        let plan = Plan::new(graph);
        let weights = Weights::for_measuring(graph, 1);
        let (mut params, mut stats) = (Vec::new(), Vec::new());
        for p in graph.params() {
            let to = if p.kind.is_trained() { &mut params } else { &mut stats };
            to.extend_from_slice(weights.get(&p).expect("complete"));
        }
        let input = vec![0.5; n * plan.input_shapes()[0].volume()];
        let (layers, width) = plan.mask_shape();
        let masks = vec![1.0 / width.max(1) as f32; layers * width];
        let ones: Vec<Vec<f32>> = plan.output_shapes().iter().map(|s| vec![0.01; n * s.volume()]).collect();
        let ones: Vec<Option<&[f32]>> = ones.iter().map(|o| Some(o.as_slice())).collect();
        let (mut forward, mut backward) = (0.0, 0.0);
        let mut bytes = 0;
        for step in 0..=steps {
            let start = Instant::now();
            let (_, tape) = plan.forward(&[&input], &params, &mut stats, &masks, Mode::Train, 1);
            let middle = Instant::now();
            bytes = tape.bytes();
            plan.backward(tape, &ones, true, &[false]);
            // The first step fills the pool.
            if step > 0 {
                forward += (middle - start).as_secs_f64();
                backward += middle.elapsed().as_secs_f64();
            }
        }
        let s = steps as f64;
        println!(
            "{}: forward {:.1} ms, backward {:.1} ms, {:.1} images/s, tape {} MiB",
            graph.name(),
            forward / s * 1e3,
            backward / s * 1e3,
            s * n as f64 / (forward + backward),
            bytes >> 20
        );
    };
    run(&net);
    run(&pose);
}
