//! Batches of faces, decoded and augmented by several threads, always in the same order.

use super::dataset::{Dataset, Draw, Sample};
use super::queue::OrderedQueue;
use crate::augment::Augment;
use crate::error::{FacesError, Result};
use crate::random::{Purpose, stream};
use rand::seq::SliceRandom;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How batches are made.
#[derive(Clone, Debug)]
pub struct LoaderOptions {
    /// Faces a batch.
    pub batch: usize,
    /// Background threads; at least 1.
    pub threads: usize,
    /// How many batches may be ready or in the making; at least 1.
    pub ahead: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Whether each epoch has its own order; else the faces come as given.
    pub shuffle: bool,
    /// `None` for evaluation.
    pub augment: Option<Augment>,
    /// Whether an incomplete last batch is left out (unless it is the only one): a tiny batch upsets batch norm.
    pub drop_last: bool,
    /// Which part of each batch is made.
    pub share: Share,
}

/// A part of each batch, of so many equal ones; faces that cannot be shared evenly are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which, from 0.
    pub index: usize,
    /// How many there are; at least 1.
    pub of: usize,
}

impl Share {
    /// The whole batch.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    fn take(self, faces: &[usize]) -> &[usize] {
        let each = faces.len() / self.of;
        &faces[self.index * each..][..each]
    }
}

impl LoaderOptions {
    /// For training: shuffled, incomplete last batches left out, one thread, three batches ahead.
    pub fn train(batch: usize, seed: u64, augment: Option<Augment>) -> Self {
        Self { batch, threads: 1, ahead: 3, seed, shuffle: true, augment, drop_last: true, share: Share::WHOLE }
    }

    /// For evaluation: in order, every face, unchanged.
    pub fn eval(batch: usize) -> Self {
        Self { batch, threads: 1, ahead: 3, seed: 0, shuffle: false, augment: None, drop_last: false, share: Share::WHOLE }
    }
}

/// A batch of n faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[n, 3, side, side]`, 0 to 1.
    pub images: Vec<f32>,
    /// `[n, 2·N]`, fractions of the crop's side.
    pub landmarks: Vec<f32>,
    /// `[n, 3]`: pitch, yaw, roll in degrees.
    pub angles: Vec<f32>,
    /// `[n]`: the faces' places in the dataset.
    pub indices: Vec<usize>,
}

impl Batch {
    /// Number of faces, n.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is no face.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// Makes the batches of any epoch. Which faces, in which order and how changed depends on seed and epoch only, not on
/// threads or on epochs before.
pub struct Loader {
    dataset: Arc<Dataset>,
    indices: Vec<usize>,
    options: LoaderOptions,
}

impl Loader {
    /// A loader of the faces `indices` of `dataset`.
    ///
    /// # Errors
    /// There are no faces or fewer than shares, an index is out of range, `batch` is 0, or the augmentation makes no sense.
    pub fn new(dataset: Arc<Dataset>, indices: Vec<usize>, options: LoaderOptions) -> Result<Self> {
        let usage = |message: String| Err(FacesError::Usage(message));
        if indices.is_empty() {
            return usage("no face to load".to_owned());
        }
        if let Some(index) = indices.iter().find(|&&index| index >= dataset.len()) {
            return usage(format!("face {index} of {}", dataset.len()));
        }
        if options.batch == 0 {
            return usage("a batch has at least 1 face".to_owned());
        }
        let Share { index, of } = options.share;
        if index >= of || indices.len().min(options.batch) < of {
            return usage(format!("a batch of {} faces has no share {} of {of}", indices.len().min(options.batch), index + 1));
        }
        if let Some(augment) = &options.augment {
            augment.validate()?;
        }
        Ok(Self { dataset, indices, options })
    }

    /// A loader of every face.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn all(dataset: Arc<Dataset>, options: LoaderOptions) -> Result<Self> {
        let indices = (0..dataset.len()).collect();
        Self::new(dataset, indices, options)
    }

    /// The dataset.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Number of batches an epoch.
    pub fn batches(&self) -> usize {
        let (whole, rest) = (self.indices.len() / self.options.batch, self.indices.len() % self.options.batch);
        let last = rest >= self.options.share.of && !(self.options.drop_last && whole > 0);
        whole + usize::from(last)
    }

    /// Number of faces that an epoch's batches hold.
    pub fn faces(&self) -> usize {
        self.indices.len().min(self.batches() * self.options.batch)
    }

    /// Starts the batches of `epoch`. Dropping the result ends its threads.
    pub fn epoch(&self, epoch: u64) -> Batches {
        let mut order = self.indices.clone();
        if self.options.shuffle {
            order.shuffle(&mut stream(Purpose::Order, self.options.seed, epoch, 0));
        }
        let work = Arc::new(Work {
            dataset: Arc::clone(&self.dataset),
            order,
            options: self.options.clone(),
            epoch,
            queue: OrderedQueue::new(self.batches(), self.options.ahead),
        });
        let threads = self.options.threads.clamp(1, self.batches());
        let workers = (0..threads)
            .map(|_| {
                let work = Arc::clone(&work);
                std::thread::spawn(move || work.run())
            })
            .collect();
        Batches { work, workers, waited: Duration::ZERO }
    }
}

/// What an epoch's threads share.
struct Work {
    dataset: Arc<Dataset>,
    order: Vec<usize>,
    options: LoaderOptions,
    epoch: u64,
    queue: OrderedQueue<Result<Batch>>,
}

impl Work {
    fn run(&self) {
        // A panicking worker must not leave the consumer waiting.
        let guard = CloseOnPanic(&self.queue);
        while let Some((number, spare)) = self.queue.claim() {
            let batch = spare.and_then(Result::ok).unwrap_or_default();
            self.queue.finish(number, self.make(number, batch));
        }
        drop(guard);
    }

    fn make(&self, number: usize, mut batch: Batch) -> Result<Batch> {
        let start = number * self.options.batch;
        let indices = self.options.share.take(&self.order[start..self.order.len().min(start + self.options.batch)]);
        let (pixels, coordinates) = (3 * self.dataset.side().pow(2), 2 * self.dataset.scheme().count);
        batch.images.resize(indices.len() * pixels, 0.0);
        batch.landmarks.resize(indices.len() * coordinates, 0.0);
        batch.angles.resize(indices.len() * 3, 0.0);
        batch.indices.clear();
        batch.indices.extend_from_slice(indices);
        let draw = self.options.augment.as_ref().map(|augment| Draw { augment, seed: self.options.seed, epoch: self.epoch });
        let rows = batch
            .images
            .chunks_exact_mut(pixels)
            .zip(batch.landmarks.chunks_exact_mut(coordinates))
            .zip(batch.angles.chunks_exact_mut(3));
        for (&index, ((image, landmarks), angles)) in indices.iter().zip(rows) {
            self.dataset.sample(index, draw, Sample { image, landmarks, angles })?;
        }
        Ok(batch)
    }
}

struct CloseOnPanic<'a>(&'a OrderedQueue<Result<Batch>>);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// The batches of one epoch, in order. After an error no more come.
pub struct Batches {
    work: Arc<Work>,
    workers: Vec<JoinHandle<()>>,
    waited: Duration,
}

impl Batches {
    /// How long `next` has waited for batches so far: near 0 where loading keeps up.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Gives a used batch's memory back, which saves allocating another.
    pub fn recycle(&self, batch: Batch) {
        self.work.queue.recycle(Ok(batch));
    }

    fn join(&mut self) {
        for worker in self.workers.drain(..) {
            if let Err(panic) = worker.join()
                && !std::thread::panicking()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = Instant::now();
        let batch = self.work.queue.take();
        self.waited += start.elapsed();
        match batch {
            Some(Err(error)) => {
                self.work.queue.close();
                Some(Err(error))
            }
            Some(batch) => Some(batch),
            None => {
                self.join();
                None
            }
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.work.queue.close();
        self.join();
    }
}
