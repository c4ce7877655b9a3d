//! A table's header for tests: a test names the values that it is about.

use luts::{Device, EngineId, Header, Source, SpaceId};

pub(crate) fn header(source: Source) -> Header {
    Header {
        source,
        date: None,
        profiler: String::new(),
        method: String::new(),
        points: Some(1),
        threads: 1,
        cpus: vec![0],
        stopped_by: None,
        reference: None,
        space: SpaceId { name: "s".into(), hash: "h".into(), folder: None },
        device: Device::default(),
        engine: EngineId::default(),
        simulator: None,
        canary: None,
        governor: None,
        clock: None,
        temperature: None,
        units: None,
        fit: None,
        checked: None,
    }
}
