//! A row as the file holds it: one field a column.

use serde::{Deserialize, Serialize, Serializer};

use crate::row::{Discarded, Interval, Kind, Quantiles, Row, Shapes};
use crate::units::Micros;

/// A row of the file. The fields' names and their order are those of the columns.
#[derive(Default, Serialize, Deserialize)]
pub struct Record<'a> {
    key: &'a str,
    kind: &'a str,
    primitive: &'a str,
    c_in: usize,
    c_out: usize,
    stride: usize,
    h: usize,
    w: usize,
    macs: Option<u64>,
    params: u64,
    latency_us: Time,
    ci95_low_us: Option<Time>,
    ci95_high_us: Option<Time>,
    p0_us: Option<Time>,
    p10_us: Option<Time>,
    p50_us: Option<Time>,
    p90_us: Option<Time>,
    p100_us: Option<Time>,
    n: u64,
    discarded_canary: u64,
    discarded_moved: u64,
    discarded_preempted: u64,
    #[serde(default)]
    discarded_temperature: u64,
    #[serde(default)]
    discarded_unsteady: u64,
    #[serde(default)]
    discarded_loud: u64,
    cold_us: Option<Time>,
    checksum: Option<&'a str>,
}

/// Columns that earlier schemas lack, each with the first schema that has it.
const SINCE: [(&str, i64); 3] = [("discarded_temperature", 2), ("discarded_unsteady", 3), ("discarded_loud", 3)];

/// The columns of files of that schema, in their order.
pub fn columns(schema: i64) -> Vec<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.serialize(Record::default()).expect("memory is written to, and a record is flat");
    let text = String::from_utf8(writer.into_inner().expect("memory is written to")).expect("names and digits");
    let all = text.lines().next().unwrap_or_default().split(',');
    all.filter(|name| SINCE.iter().all(|(column, since)| column != name || *since <= schema)).map(String::from).collect()
}

/// A time in µs. It is written without an exponent, and a whole number without a point.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
struct Time(f64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl From<Micros> for Time {
    fn from(time: Micros) -> Self {
        Self(time.0)
    }
}

impl From<Time> for Micros {
    fn from(time: Time) -> Self {
        Self(time.0)
    }
}

impl<'a> From<&'a Row> for Record<'a> {
    fn from(row: &'a Row) -> Self {
        let Shapes { c_in, c_out, stride, h, w } = row.shapes;
        let Discarded { canary, moved, preempted, temperature, unsteady, loud } = row.discarded;
        let quantile = |of: fn(Quantiles) -> Micros| row.quantiles.map(|quantiles| of(quantiles).into());
        Self {
            key: &row.key,
            kind: row.kind.name(),
            primitive: &row.primitive,
            c_in,
            c_out,
            stride,
            h,
            w,
            macs: row.macs,
            params: row.params,
            latency_us: row.latency.into(),
            ci95_low_us: row.interval.map(|interval| interval.low.into()),
            ci95_high_us: row.interval.map(|interval| interval.high.into()),
            p0_us: quantile(|q| q.p0),
            p10_us: quantile(|q| q.p10),
            p50_us: quantile(|q| q.p50),
            p90_us: quantile(|q| q.p90),
            p100_us: quantile(|q| q.p100),
            n: row.samples,
            discarded_canary: canary,
            discarded_moved: moved,
            discarded_preempted: preempted,
            discarded_temperature: temperature,
            discarded_unsteady: unsteady,
            discarded_loud: loud,
            cold_us: row.cold.map(Time::from),
            checksum: row.checksum.as_deref(),
        }
    }
}

impl TryFrom<Record<'_>> for Row {
    /// What is wrong, with the column.
    type Error = String;

    fn try_from(record: Record) -> Result<Self, String> {
        let interval = match (record.ci95_low_us, record.ci95_high_us) {
            (Some(low), Some(high)) => Some(Interval { low: low.into(), high: high.into() }),
            (None, None) => None,
            _ => return Err("one of ci95_low_us and ci95_high_us is empty".to_string()),
        };
        let quantiles =
            match [record.p0_us, record.p10_us, record.p50_us, record.p90_us, record.p100_us].map(|q| q.map(Micros::from)) {
                [Some(p0), Some(p10), Some(p50), Some(p90), Some(p100)] => Some(Quantiles { p0, p10, p50, p90, p100 }),
                [None, None, None, None, None] => None,
                _ => return Err("some of p0_us … p100_us are empty".to_string()),
            };
        Ok(Self {
            key: record.key.to_string(),
            kind: record.kind.parse::<Kind>().map_err(|()| format!("kind '{}' is unknown", record.kind))?,
            primitive: record.primitive.to_string(),
            shapes: Shapes { c_in: record.c_in, c_out: record.c_out, stride: record.stride, h: record.h, w: record.w },
            macs: record.macs,
            params: record.params,
            latency: record.latency_us.into(),
            interval,
            quantiles,
            samples: record.n,
            discarded: Discarded {
                canary: record.discarded_canary,
                moved: record.discarded_moved,
                preempted: record.discarded_preempted,
                temperature: record.discarded_temperature,
                unsteady: record.discarded_unsteady,
                loud: record.discarded_loud,
            },
            cold: record.cold_us.map(Micros::from),
            checksum: record.checksum.map(String::from),
        })
    }
}
