//! One training run in several processes. Each process computes its share of every batch.
//!
//! A process belongs to at most one group, from its start to its end, as with MPI. The processes exchange values through
//! [`Group::sum`]: the sums of batch norm in the forward and the backward pass (in the kernels), gradients, and the reported loss.
//! Everything else is the same in all of them: the random numbers of masks, dropout and augmentation do not depend on the process, so
//! that every process holds the same weights after each step. Only the first process writes files and messages.
//!
//! | group | where | feature |
//! |---|---|---|
//! | MPI | processes on the CPUs of one machine or several: `mpirun -n 2 trainer search …` | `mpi` |
//!
//! Several GPUs of one process are a group of their own, inside of each forward and backward pass (`kernels::gpu::Several`).

use std::sync::{Arc, OnceLock};

pub use kernels::Group;

static GROUP: OnceLock<Arc<dyn Group>> = OnceLock::new();

/// Why processes cannot work together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParallelError {
    /// A launcher started a command several times that each process would do in full.
    #[error(
        "a launcher started this command in {processes} processes, and each would do all of the work; start it once. Only search \
         and finetune can run in several processes"
    )]
    NotShared {
        /// How many were started.
        processes: usize,
    },
    /// The program has no MPI.
    #[error(
        "a launcher started {processes} processes, but this program was built without MPI, so each would train the whole network; \
         build it with `cargo build --release -p trainer --features mpi`"
    )]
    WithoutMpi {
        /// How many were started.
        processes: usize,
    },
    /// MPI does not start.
    #[error("MPI does not start in this process")]
    NotStarted,
    /// MPI's library cannot be called from several threads.
    #[error("this MPI library does not allow calls from several threads in turn (it must support MPI_THREAD_SERIALIZED)")]
    Threads,
    /// Launcher and library are not of one MPI.
    #[error(
        "the launcher started {started} processes, but the MPI library sees {seen}: they belong to two MPI installations; use the \
         mpirun of the library that this program was built with"
    )]
    OtherLauncher {
        /// By the launcher.
        started: usize,
        /// By the library.
        seen: usize,
    },
    /// A batch that the processes cannot share evenly.
    #[error("{processes} processes cannot share --batch {batch} evenly; give a multiple of {processes}")]
    Batch {
        /// Examples a step.
        batch: usize,
        /// How many share it.
        processes: usize,
    },
}

/// Variables that tell a process how many were started with it (Open MPI; MPICH and related ones).
const LAUNCHED: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// The group of this process; none where it trains alone.
pub fn group() -> Option<Arc<dyn Group>> {
    GROUP.get().cloned()
}

/// Which of the processes this is, from 0; of each batch it takes this part.
pub fn rank() -> usize {
    GROUP.get().map_or(0, |group| group.rank())
}

/// Whether this process writes files and speaks.
pub fn is_first() -> bool {
    rank() == 0
}

/// Makes this process a member of `group`; models that are made from now on share their batches. `false` where it is in one already.
pub fn join(group: Arc<dyn Group>) -> bool {
    GROUP.set(group).is_ok()
}

/// Waits until all processes have come here.
pub fn wait_for_all() {
    if let Some(group) = GROUP.get() {
        group.sum(&mut [0.0]);
    }
}

/// Replaces values by their means over the processes.
pub fn mean(values: &mut [f32]) {
    if let Some(group) = GROUP.get() {
        let mut sums: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        group.sum(&mut sums);
        for (value, sum) in std::iter::zip(values, sums) {
            *value = (sum / group.size() as f64) as f32;
        }
    }
}

/// The mean loss of all processes, and whether any of them was asked to stop: so that all stop in the same step.
pub fn agree(loss: f32, stop: bool) -> (f32, bool) {
    let Some(group) = GROUP.get() else { return (loss, stop) };
    let mut values = [f64::from(loss), f64::from(u8::from(stop))];
    group.sum(&mut values);
    ((values[0] / group.size() as f64) as f32, values[1] > 0.0)
}

/// Number of processes.
pub fn size() -> usize {
    GROUP.get().map_or(1, |group| group.size())
}

/// How many processes a launcher started, this one among them; 1 where none did.
fn launched() -> usize {
    LAUNCHED.iter().find_map(|name| std::env::var(name).ok()?.parse().ok()).unwrap_or(1)
}

/// Starts a command whose work several processes can share: joins the processes that a launcher started with this one.
///
/// # Errors
/// The program was built without MPI but is one of several processes, or MPI does not start.
pub fn start() -> Result<Member, ParallelError> {
    match launched() {
        0 | 1 => Ok(Member::alone()),
        several => Member::launched(several),
    }
}

/// Starts any other command.
///
/// # Errors
/// A launcher started several processes: each would do all of the work, into the same files.
pub fn start_alone() -> Result<Member, ParallelError> {
    match launched() {
        0 | 1 => Ok(Member::alone()),
        processes => Err(ParallelError::NotShared { processes }),
    }
}

/// Refuses a batch that the processes cannot share evenly.
///
/// # Errors
/// [`ParallelError::Batch`].
pub fn check_batch(batch: usize) -> Result<(), ParallelError> {
    let processes = size();
    if batch.is_multiple_of(processes) { Ok(()) } else { Err(ParallelError::Batch { batch, processes }) }
}

pub use member::Member;

#[cfg(feature = "mpi")]
mod member {
    use std::sync::{Arc, Mutex, PoisonError};

    use mpi::Threading;
    use mpi::collective::{CommunicatorCollectives, SystemOperation};
    use mpi::environment::Universe;
    use mpi::topology::{Communicator, SimpleCommunicator};

    use super::{Group, ParallelError, join};

    /// This process's part in its group; ends MPI where it is dropped.
    pub struct Member(Option<Universe>);

    impl Member {
        /// Of no group.
        pub fn alone() -> Self {
            Self(None)
        }

        pub(super) fn launched(processes: usize) -> Result<Self, ParallelError> {
            let started = mpi::initialize_with_threading(Threading::Serialized);
            let (universe, threading) = started.ok_or(ParallelError::NotStarted)?;
            if threading < Threading::Serialized {
                return Err(ParallelError::Threads);
            }
            let seen = universe.world().size() as usize;
            if seen != processes {
                return Err(ParallelError::OtherLauncher { started: processes, seen });
            }
            join(Arc::new(World(Mutex::new(()))));
            Ok(Self(Some(universe)))
        }

        /// Ends all processes of the group where this one has failed: the others wait for it. Alone, does nothing.
        pub fn fail(&self, code: u8) {
            if let Some(universe) = &self.0 {
                universe.world().abort(i32::from(code));
            }
        }
    }

    /// All processes that the launcher started; the lock lets one thread at a time call MPI, as was agreed with it.
    struct World(Mutex<()>);

    impl World {
        fn with<T>(&self, call: impl FnOnce(&SimpleCommunicator) -> T) -> T {
            let _one_at_a_time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            call(&SimpleCommunicator::world())
        }
    }

    impl std::fmt::Debug for World {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "MPI, process {} of {}", self.rank(), self.size())
        }
    }

    impl Group for World {
        fn size(&self) -> usize {
            self.with(|world| world.size()) as usize
        }

        fn rank(&self) -> usize {
            self.with(|world| world.rank()) as usize
        }

        fn sum(&self, values: &mut [f64]) {
            let own = values.to_vec();
            // Errors end the process: MPI's default.
            self.with(|world| world.all_reduce_into(&own[..], values, SystemOperation::sum()));
        }
    }
}

#[cfg(not(feature = "mpi"))]
mod member {
    use super::ParallelError;

    /// This process's part in its group: it is alone.
    pub struct Member(());

    impl Member {
        /// Of no group.
        pub fn alone() -> Self {
            Self(())
        }

        pub(super) fn launched(processes: usize) -> Result<Self, ParallelError> {
            Err(ParallelError::WithoutMpi { processes })
        }

        /// Ends all processes of the group where this one has failed. Alone, does nothing.
        pub fn fail(&self, _code: u8) {}
    }
}
