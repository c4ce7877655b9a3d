//! One training run in several processes, each on its share of every batch.
//!
//! A process belongs to one group at most, from its start to its end, as with MPI. What the processes exchange goes through
//! [`Group::sum`]: batch norm's sums forwards and backwards (in the kernels), gradients, and the loss that is shown. All
//! else they do alike: masks, dropout and augmentation are drawn by addresses that do not depend on the process, so that
//! every process holds the same weights after each step. The first process alone writes files and speaks.
//!
//! | group | where | feature |
//! |---|---|---|
//! | MPI | processes on one machine or several, on the CPU: `mpirun -n 2 trainer search …` | `mpi` |
//! | NCCL | several GPUs: the same trait over `ncclAllReduce`, which candle-core's feature `nccl` brings; not built here, since the stock backend takes no group | |

use std::sync::{Arc, OnceLock};

use faces::data::Share;
pub use kernels::Group;

use crate::error::{Error, Result};

static GROUP: OnceLock<Arc<dyn Group>> = OnceLock::new();

/// What a launcher tells the processes that it starts: how many there are (Open MPI; MPICH and its kin).
const LAUNCHED: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// The group of this process; none where it trains alone.
pub fn group() -> Option<Arc<dyn Group>> {
    GROUP.get().cloned()
}

/// Whether this process writes files and speaks.
pub fn is_first() -> bool {
    GROUP.get().is_none_or(|group| group.rank() == 0)
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

/// This process's part of each batch.
pub fn share() -> Share {
    GROUP.get().map_or(Share::WHOLE, |group| Share { index: group.rank(), of: group.size() })
}

/// Number of processes.
pub fn size() -> usize {
    GROUP.get().map_or(1, |group| group.size())
}

/// How many processes a launcher started, this one among them; 1 where none did.
fn launched() -> usize {
    LAUNCHED.iter().find_map(|name| std::env::var(name).ok()?.parse().ok()).unwrap_or(1)
}

/// How a command that several processes can share starts: joins the processes that a launcher started with this one.
///
/// # Errors
/// This program was built without MPI and is one of several processes all the same, or MPI does not start.
pub fn start() -> Result<Member> {
    match launched() {
        0 | 1 => Ok(Member::alone()),
        several => Member::launched(several),
    }
}

/// How any other command starts.
///
/// # Errors
/// A launcher started several processes: each would do the whole, into the same files.
pub fn start_alone() -> Result<Member> {
    match launched() {
        0 | 1 => Ok(Member::alone()),
        several => Err(Error::Usage(format!(
            "this command is run by {several} processes, each of which would do the whole; only search and finetune share their work"
        ))),
    }
}

/// Refuses a batch that the processes cannot share evenly.
///
/// # Errors
/// It cannot be shared.
pub fn check_batch(batch: usize) -> Result<()> {
    if batch.is_multiple_of(size()) {
        return Ok(());
    }
    Err(Error::Usage(format!("--batch {batch} cannot be shared evenly by {} processes; give a multiple of {0}", size())))
}

pub use member::Member;

#[cfg(feature = "mpi")]
mod member {
    use std::sync::{Arc, Mutex, PoisonError};

    use mpi::Threading;
    use mpi::collective::{CommunicatorCollectives, SystemOperation};
    use mpi::environment::Universe;
    use mpi::topology::{Communicator, SimpleCommunicator};

    use super::{Group, join};
    use crate::error::{Error, Result};

    /// This process's part in its group; ends MPI where it is dropped.
    pub struct Member(Option<Universe>);

    impl Member {
        /// Of no group.
        pub fn alone() -> Self {
            Self(None)
        }

        pub(super) fn launched(processes: usize) -> Result<Self> {
            let started = mpi::initialize_with_threading(Threading::Serialized);
            let (universe, threading) = started.ok_or_else(|| Error::Usage("MPI was started before".to_string()))?;
            if threading < Threading::Serialized {
                return Err(Error::Usage("this MPI library does not allow calls from several threads in turn".to_string()));
            }
            let world = universe.world();
            if world.size() as usize != processes {
                return Err(Error::Usage(format!(
                    "the launcher started {processes} processes, MPI knows of {}: it is another MPI's launcher than the library's",
                    world.size()
                )));
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
    use crate::error::{Error, Result};

    /// This process's part in its group: it is alone.
    pub struct Member(());

    impl Member {
        /// Of no group.
        pub fn alone() -> Self {
            Self(())
        }

        pub(super) fn launched(processes: usize) -> Result<Self> {
            Err(Error::Usage(format!(
                "this is one of {processes} processes, but it was built without MPI, so that each would train the whole; build it with \
                 `cargo build --release -p trainer --features mpi`"
            )))
        }

        /// Ends all processes of the group where this one has failed. Alone, does nothing.
        pub fn fail(&self, _code: u8) {}
    }
}
