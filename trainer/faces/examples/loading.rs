//! Images a second that the loader decodes and augments for training, without any training: `cargo run --release -p faces --example loading --
//! DIR BATCH THREADS [AUGMENT]`. Prints that number alone.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use faces::FacesError;
use faces::augment::Augment;
use faces::data::{Dataset, DatasetOptions, Loader, LoaderOptions, Split};

/// How long it is measured at least.
const LONG: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, numbers, augment) = match &arguments[..] {
        [folder, batch, threads] => (folder, [batch, threads], "mild"),
        [folder, batch, threads, augment] => (folder, [batch, threads], augment.as_str()),
        _ => return fail("usage: loading DIR BATCH THREADS [AUGMENT]"),
    };
    let [Ok(batch), Ok(threads)] = numbers.map(|number| number.parse()) else { return fail("BATCH and THREADS are numbers") };
    match images_per_second(Path::new(folder), batch, threads, augment) {
        Ok(found) => {
            println!("{found:.1}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("loading: {message}");
    ExitCode::from(2)
}

/// Whole epochs after one that brings the files into memory.
fn images_per_second(folder: &Path, batch: usize, threads: usize, augment: &str) -> Result<f64, FacesError> {
    let dataset = Arc::new(Dataset::open(folder, Split::Train, &DatasetOptions::default())?);
    let options = LoaderOptions { threads, ahead: threads + 2, ..LoaderOptions::train(batch, 1, Augment::preset(augment)?) };
    let loader = Loader::all(dataset, options)?;
    let epoch = |number| {
        let mut batches = loader.epoch(number);
        while let Some(batch) = batches.next() {
            batches.recycle(batch?);
        }
        Ok::<(), FacesError>(())
    };
    epoch(0)?;
    let (start, mut epochs) = (Instant::now(), 0);
    while epochs == 0 || start.elapsed() < LONG {
        epochs += 1;
        epoch(epochs)?;
    }
    Ok((epochs * loader.faces() as u64) as f64 / start.elapsed().as_secs_f64())
}
