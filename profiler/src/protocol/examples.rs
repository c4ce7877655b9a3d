//! Jobs and what agents say, for tests: a test names the values that it is about.

use super::{DeviceFacts, EngineFacts, Hold, Item, Job, PROTOCOL, Plan, Sample, SimulatorFacts, Start};

pub(crate) fn plan() -> Plan {
    Plan {
        precision: 0.01,
        budget_ms: 1,
        sample_us: 1.0,
        canary_us: 1.0,
        min_samples: 1,
        cold_runs: 0,
        idle_us: None,
        widening: 1.0,
    }
}

pub(crate) fn item(id: &str) -> Item {
    Item { id: id.to_string(), model: String::new(), inputs: vec![], expected: vec![], parts: None, earlier: vec![], cold: false }
}

pub(crate) fn job(items: Vec<Item>) -> Job {
    Job {
        protocol: PROTOCOL,
        engine: "mnn".to_string(),
        engine_lib: None,
        threads: 1,
        cpus: vec![],
        oversubscribe: false,
        holder: String::new(),
        lock_timeout_ms: 0,
        simulated: false,
        seed: 1,
        plan: plan(),
        hold: Hold { celsius: None, start_celsius: None, governor: false },
        items,
    }
}

/// A good sample beside a canary of 1 µs.
pub(crate) fn sample(id: &str, us: f64) -> Sample {
    Sample {
        id: id.to_string(),
        at_ms: 0.0,
        us,
        spread: 0.0,
        before_us: 1.0,
        after_us: 1.0,
        cpu: None,
        mhz: None,
        celsius: None,
        fault: None,
    }
}

pub(crate) fn start() -> Start {
    Start {
        protocol: PROTOCOL,
        version: "1".to_string(),
        device: DeviceFacts::default(),
        engine: EngineFacts { name: "mnn".into(), version: "3".into(), precision: None, library_sha256: None, build: None },
        cpus: vec![0],
        governor: None,
        canary: String::new(),
        available_kib: None,
        unlocked: None,
        simulator: None,
    }
}

/// What simulates a device, with that agent.
pub(crate) fn simulator(agent_sha256: &str) -> SimulatorFacts {
    SimulatorFacts {
        chip: "c".into(),
        chip_sha256: "1".into(),
        simulator: "1".into(),
        qemu: "7.2".into(),
        qemu_sha256: String::new(),
        agent_sha256: agent_sha256.into(),
    }
}
