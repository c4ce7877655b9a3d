//! A table's header for tests: a test names the values that it is about.

use luts::{Header, Source, SpaceId};

pub(crate) fn header(source: Source) -> Header {
    let space = SpaceId { name: "s".into(), hash: "h".into(), folder: None };
    Header { points: Some(1), cpus: vec![0], ..Header::unmeasured(source, space) }
}
