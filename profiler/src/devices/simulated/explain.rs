//! From a region of the simulator's report to what is kept of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use emulator::Functions;
use simulator::Region;

use crate::protocol::Explanation;
use crate::show::explain;

/// Agents are stripped, to be small; what `scripts/build-agent.sh` has stripped off lies beside them.
const SYMBOLS: &str = ".symbols";
/// Functions that are named; the reader sums the others up.
const FUNCTIONS: usize = 12;
/// Letters of a name that are kept: some names of templates are pages long.
const LONGEST: usize = 120;

/// Names the agent's functions.
pub(super) struct Explainer {
    /// The file with the agent's symbols.
    symbols: PathBuf,
    /// The functions of an agent that began at that address. All do.
    functions: Mutex<Option<(u64, Arc<Functions>)>>,
}

impl Explainer {
    /// For an agent.
    pub(super) fn new(agent: &Path) -> Self {
        let beside = agent.with_file_name(SYMBOLS);
        Self { symbols: if beside.is_file() { beside } else { agent.to_path_buf() }, functions: Mutex::new(None) }
    }

    fn functions(&self, entry: u64) -> Arc<Functions> {
        let mut known = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((at, functions)) if *at == entry => functions.clone(),
            _ => {
                let functions = Arc::new(Functions::of(&self.symbols, entry));
                *known = Some((entry, functions.clone()));
                functions
            }
        }
    }

    /// Where a region's cycles went, of an item whose agent began at `entry`.
    pub(super) fn explain(&self, region: &Region, entry: u64, id: &str, cold: bool) -> Explanation {
        let short = |name: String| name.chars().take(LONGEST).collect::<String>();
        let functions = self.functions(entry).cycles(&region.blocks).into_iter().take(FUNCTIONS);
        let functions = functions.map(|(name, cycles)| (short(name), cycles)).collect();
        Explanation { id: id.to_string(), cold, ..explain::kept(region, functions) }
    }
}
