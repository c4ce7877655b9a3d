//! Rows that are faster than the processor can be.

use luts::{Kind, Table};

use crate::devices::facts::pinned_cluster;

/// Floating-point operations a cycle of a Cortex-A53: one fused multiply-add of four f32 (Arm's Cortex-A53 software optimisation
/// guide: a 128-bit FMLA is issued every cycle).
const A53_FLOPS_A_CYCLE: f64 = 8.0;
/// No engine's kernels come nearer to the peak than this, unless they do less arithmetic than is counted (Winograd).
const REACHABLE: f64 = 0.9;

/// The rows of a table of a Cortex-A53 that compute more a cycle than it can, with the share of its peak; none for other cores, or
/// where the clock is not known. Such a figure is wrong: the clock, the pinning, or the block's share.
pub fn too_fast(table: &Table) -> Vec<(String, f64)> {
    let header = &table.header;
    let core = pinned_cluster(&header.device, &header.cpus).and_then(|cluster| cluster.core.as_deref());
    let (Some(core), Some(clock)) = (core, &header.clock) else { return Vec::new() };
    if !core.contains("Cortex-A53") {
        return Vec::new();
    }
    let peak = A53_FLOPS_A_CYCLE * header.threads as f64 * clock.max_mhz.0;
    let share = |row: &luts::Row| Some((row.key.clone(), 2.0 * row.macs? as f64 / row.latency.0 / peak));
    let rows = table.rows().iter().filter(|row| row.kind != Kind::Identity);
    rows.filter_map(share).filter(|(_, share)| *share > REACHABLE).collect()
}

#[cfg(test)]
mod tests {
    use luts::*;

    use super::*;
    use crate::tables::examples;

    fn table(core: &str, us: f64) -> Table {
        let row = Row {
            macs: Some(1_000_000),
            params: 1,
            latency: Micros(us),
            samples: 1,
            ..Row::unmeasured("x@1".into(), Kind::Block, "x".into(), Shapes::default())
        };
        let cluster = |cpus: &str, core: &str| Cluster { cpus: cpus.into(), core: Some(core.into()), ..Cluster::default() };
        let header = Header {
            cpus: vec![5],
            device: Device { clusters: vec![cluster("0-3", "Cortex-A73"), cluster("4-7", core)], ..Device::default() },
            clock: Some(ClockBand { min_mhz: Megahertz(600.0), median_mhz: Megahertz(2000.0), max_mhz: Megahertz(2000.0) }),
            ..examples::header(Source::Simulated)
        };
        Table::new(header, vec![row]).unwrap()
    }

    #[test]
    fn an_a53_does_at_most_eight_operations_a_cycle() {
        // 2 million operations at 2 GHz take 125 µs at the peak.
        assert_eq!(too_fast(&table("Cortex-A53", 145.0)), []);
        let found = too_fast(&table("Kryo 2xx Silver (Cortex-A53)", 130.0));
        assert!(found.len() == 1 && (found[0].1 - 125.0 / 130.0).abs() < 1e-9, "{found:?}");
        assert_eq!(too_fast(&table("Cortex-A72", 50.0)), []);
    }
}
