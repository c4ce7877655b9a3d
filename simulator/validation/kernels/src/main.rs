//! Runs tract's matrix kernels as `tract cost-model gather` does, and tells how long they took by the clock.
//!
//! Lines `kernel m k n` come on the standard input; `kernel m k n seconds` goes out for each. `gather` (sonos/tract, cli/src/hwbench.rs,
//! the tool that gathered tract-linalg's `cortex_a53.txt`) calls a kernel's driver again and again with the same operands: so does this.
//! On a simulated core a line is a region of its own: what is read, packed and printed is outside. With `--once` the region is one single
//! call without the clock, for those who record what is executed.

use std::ffi::CStr;
use std::io::BufRead;
use std::time::Instant;

use tract_data::internal::*;
use tract_linalg::mmm::{AsInputValue, FusedSpec, MatMatMul};

/// What says `prctl` that it is for the simulator: "BLOC".
const MARK: libc::c_int = 0x424c_4f43;
/// A simulated region begins.
const BEGIN: libc::c_ulong = 1;
/// It ends.
const END: libc::c_ulong = 2;
/// Multiply-adds, tiles in full, that are timed at least: short calls are repeated, so that reading the clock does not count.
const TIMED: usize = 400_000;
/// Calls at most.
const MOST: usize = 40;

fn mark(command: libc::c_ulong, label: &CStr) {
    // Any kernel answers EINVAL to an option that it does not know.
    unsafe { libc::prctl(MARK, command, label.as_ptr()) };
}

/// Seconds a call.
fn time(kernel: &dyn MatMatMul, [m, k, n]: [usize; 3], once: bool) -> TractResult<f64> {
    let f32s = f32::datum_type();
    let (a, b) = (Tensor::zero_dt(f32s, &[m, k])?, Tensor::zero_dt(f32s, &[k, n])?);
    let mut c = Tensor::zero_dt(f32s, &[m, n])?;
    let packings = kernel.packings().iter();
    let (packing, (pack_a, pack_b)) = packings
        .enumerate()
        .find(|(_, (a, b))| a.precursor().as_dt() == Some(f32s) && b.precursor().as_dt() == Some(f32s))
        .context("no packing of singles")?;
    let (a, b) = (pack_a.prepare_one(&a, 1, 0)?, pack_b.prepare_one(&b, 0, 1)?);
    // What the kernel is told of C's place stays true while C lives.
    let c = unsafe { kernel.c_view(Some(0), Some(1)).wrap(&c.view_mut()) };
    let mut scratch = unsafe { kernel.allocate_scratch_space() };
    let mut calls = |count: usize| -> TractResult<()> {
        for _ in 0..count {
            let (a, b) = (AsInputValue::Borrowed(&*a), AsInputValue::Borrowed(&*b));
            let steps = [FusedSpec::AddMatMul { a, b, packing }, FusedSpec::Store(c)];
            unsafe { kernel.run_with_scratch_space(m, n, scratch.as_mut(), &steps) }?;
        }
        Ok(())
    };
    let work = m.next_multiple_of(kernel.mr()) * n.next_multiple_of(kernel.nr()) * k.max(1);
    if once {
        calls(2)?;
        mark(BEGIN, c"kernel");
        calls(1)?;
        mark(END, c"kernel");
        return Ok(0.0);
    }
    let count = (TIMED / work).clamp(1, MOST);
    mark(BEGIN, c"kernel");
    calls(count.max(2))?;
    let start = Instant::now();
    calls(count)?;
    let seconds = start.elapsed().as_secs_f64();
    mark(END, c"kernel");
    Ok(seconds / count as f64)
}

fn main() -> TractResult<()> {
    let once = std::env::args().any(|argument| argument == "--once");
    let kernels = tract_linalg::ops().mmm_impls();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        let name = words.next().context("an empty line")?;
        let shape: Vec<usize> = words.map(str::parse).collect::<Result<_, _>>()?;
        let shape: [usize; 3] = shape.try_into().map_err(|_| format_err!("'{line}' is not 'kernel m k n'"))?;
        let kernel = kernels.iter().find(|kernel| kernel.name() == name).with_context(|| format!("no kernel '{name}'"))?;
        println!("{line} {:e}", time(&**kernel, shape, once)?);
    }
    Ok(())
}
