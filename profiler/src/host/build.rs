//! `profiler build`: measures a space on a device and writes its table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use blocks::{Candidate, Graph, Primitive, Space};
use luts::{
    Canary, Device, Discarded, EngineId, Fit, Header, Interval, Kind, Micros, Overwrite, Quantiles, Row, Shapes, Source, SpaceId,
    Table,
};
use sha2::{Digest, Sha256};

use super::collect::{Setting, Task};
use super::fit::{self, Measured, Net, Part};
use super::job::{self, JobFolder, Model, OVERHEAD};
use super::raw::{self, ItemSamples, RawFile, Request, Samples, partial};
use super::{HostError, design, text};
use crate::stats::{Median, quantile};

/// Seed of the networks that are measured along with the blocks.
const DESIGN_SEED: u64 = 20;

/// What is to be built.
#[derive(Clone, Debug)]
pub struct Build {
    /// The space.
    pub space: Space,
    /// Landmarks of the networks.
    pub points: usize,
    /// Whole networks to measure along with the blocks.
    pub nets: usize,
    /// How to measure.
    pub setting: Setting,
    /// The table's file.
    pub out: PathBuf,
    /// The raw file; beside the table where not given.
    pub raw: Option<PathBuf>,
    /// Go on with an unfinished raw file.
    pub resume: bool,
    /// Replace files that are there.
    pub overwrite: bool,
}

impl Build {
    fn raw_path(&self) -> PathBuf {
        self.raw.clone().unwrap_or_else(|| self.out.with_extension("raw.jsonl"))
    }

    /// Measures, fits and writes.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn run(&self) -> Result<Table, HostError> {
        let raw_path = self.raw_path();
        self.check_files(&raw_path)?;
        let nets = design::balanced(&self.space, self.nets, DESIGN_SEED);
        let mut models = Model::parts(&self.space, self.points);
        models.extend(nets.iter().map(|choice| Model::net(&self.space, choice, self.points)));
        let request = Request {
            space: self.space.hash(),
            points: self.points,
            threads: self.setting.threads,
            cpus: self.setting.cpus.clone(),
            engine: self.setting.engine.to_string(),
            device: self.setting.device.to_string(),
            items: models.iter().map(|m| m.id.clone()).collect(),
        };
        let samples = self.collect(&raw_path, &request, &models)?;
        let table = self.table(&samples, &models, &nets, &raw_path)?;
        let overwrite = if self.overwrite || self.resume { Overwrite::Yes } else { Overwrite::No };
        table.write(&self.out, overwrite)?;
        Ok(table)
    }

    /// Refuses before anything is measured what would fail after it.
    fn check_files(&self, raw_path: &Path) -> Result<(), HostError> {
        let folder = self.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(HostError::Usage(format!("there is no folder {} to write the table in", folder.display())));
        }
        if self.overwrite || self.resume {
            return Ok(());
        }
        if self.out.exists() {
            return Err(luts::TableError::Exists { path: self.out.clone() }.into());
        }
        match [partial(raw_path), raw_path.to_path_buf()].into_iter().find(|path| path.exists()) {
            Some(path) => Err(HostError::Usage(format!(
                "{} is there already: --resume goes on with its samples, --overwrite measures anew",
                path.display()
            ))),
            None => Ok(()),
        }
    }

    /// The samples: read, measured, or both.
    fn collect(&self, raw_path: &Path, request: &Request, models: &[Model]) -> Result<Samples, HostError> {
        let mut samples = Samples::default();
        let mut raw = None;
        let part = partial(raw_path);
        if self.resume && (part.exists() || raw_path.exists()) {
            if !part.exists() {
                // Finished: only to be fitted again.
                std::fs::copy(raw_path, &part).map_err(HostError::file("write", &part))?;
            }
            let (earlier, read) = raw::read(&part)?;
            if earlier != *request {
                let reason = "was measured for another space, engine, device or plan; --overwrite measures anew".to_string();
                return Err(HostError::Raw { path: part, reason });
            }
            samples = read;
            raw = Some(RawFile::append(raw_path)?);
        }
        if self.is_enough(&samples, models) {
            if let Some(raw) = raw {
                raw.finish()?;
            }
            return Ok(samples);
        }
        let folder = JobFolder::prepare(models)?;
        let raw = match raw {
            Some(raw) => raw,
            None => RawFile::create(raw_path, request)?,
        };
        let task = Task { setting: &self.setting, folder, samples, raw: Some(raw), raw_path: Some(raw_path) };
        let (samples, raw) = task.run()?;
        let ids = || models.iter().filter(|m| !is_measured(&samples, &m.id)).map(|m| m.id.clone()).collect::<Vec<_>>();
        if !ids().is_empty() {
            let advice = "the device was too busy, or the budget too short".to_string();
            return Err(HostError::TooFew { ids: ids(), advice, raw: Some(part) });
        }
        if let Some(raw) = raw {
            raw.finish()?;
        }
        Ok(samples)
    }

    /// Whether nothing is missing: all passes are done and every item has a figure.
    fn is_enough(&self, samples: &Samples, models: &[Model]) -> bool {
        samples.passes >= self.setting.passes && models.iter().all(|m| is_measured(samples, &m.id))
    }

    /// Fits the samples into a table.
    fn table(&self, samples: &Samples, models: &[Model], nets: &[Vec<Primitive>], raw: &Path) -> Result<Table, HostError> {
        let broken = |reason: &str| HostError::Raw { path: raw.to_path_buf(), reason: reason.to_string() };
        let start = samples.start.as_ref().ok_or_else(|| broken("does not say where it was measured"))?;
        let (stated, median) = samples.canary_us().ok_or_else(|| broken("holds no good sample"))?;
        let measured = |id: &str| -> Result<Measured, HostError> {
            let median = samples.items.get(id).and_then(|s| Median::of(&s.ratios()));
            let median = median.ok_or_else(|| broken(&format!("has too few samples of '{id}'")))?;
            Ok(Measured { us: median.value * stated, error: median.standard_error() * stated })
        };
        let parts: Vec<&Model> =
            models.iter().filter(|m| m.id != OVERHEAD && !nets.iter().any(|n| job::net_id(n) == m.id)).collect();
        let index: BTreeMap<&str, usize> = parts.iter().enumerate().map(|(i, m)| (m.id.as_str(), i)).collect();
        // What stands behind `@` are a block's shapes; the trunk's pieces have none.
        let group = |m: &Model| m.id.split_once('@').map(|(_, shapes)| shapes.to_string());
        let groups: BTreeSet<_> = parts.iter().map(|m| group(m)).collect();
        let part = |m: &&Model| {
            let group = groups.iter().position(|g| *g == group(m)).unwrap_or_default();
            Ok(Part { alone: measured(&m.id)?, group })
        };
        let alone = parts.iter().map(part).collect::<Result<Vec<_>, HostError>>()?;
        let whole = nets.iter().map(|choice| {
            let mut counts = vec![0.0; parts.len()];
            let blocks =
                std::iter::zip(choice, self.space.layers()).map(|(&primitive, l)| Candidate { primitive, layer: l.layer }.key());
            let trunk = parts.iter().filter(|m| m.id.starts_with(luts::TRUNK_PREFIX)).map(|m| m.id.clone());
            for id in blocks.chain(trunk) {
                // Identities are no parts: they take no time.
                if let Some(&i) = index.get(id.as_str()) {
                    counts[i] += 1.0;
                }
            }
            Ok(Net { parts: counts, time: measured(&job::net_id(choice))? })
        });
        let whole = whole.collect::<Result<Vec<_>, HostError>>()?;
        let fitted = fit::fit(&alone, measured(OVERHEAD)?, &whole).ok_or_else(|| broken("its figures cannot be fitted"))?;
        let header = Header {
            source: if start.device.emulation.is_empty() { Source::Measured } else { Source::Emulated },
            date: text::now(),
            profiler: env!("CARGO_PKG_VERSION").to_string(),
            method: format!(
                "medians of samples over canaries; blocks alone minus one operation's overhead as a prior (tau {}), fitted to {} whole \
                 networks (rho {})",
                fitted.tau,
                nets.len(),
                fitted.rho
            ),
            points: self.points,
            threads: self.setting.threads,
            cpus: start.cpus.clone(),
            stopped_by: Some(if samples.precise { "precision" } else { "budget" }.to_string()),
            space: SpaceId { name: self.space.name().to_string(), hash: self.space.hash() },
            device: device(start),
            engine: EngineId {
                name: start.engine.name.clone(),
                version: start.engine.version.clone(),
                library_sha256: start.engine.library_sha256.clone(),
            },
            canary: Some(Canary { kind: start.canary.clone(), stated_us: Micros(stated), median_us: Micros(median) }),
            clock: None,
            temperature: None,
            fit: Some(Fit { residual: fitted.residual, architectures: nets.iter().map(|n| job::architecture(n)).collect() }),
            checked: None,
        };
        let rows = self.rows(samples, &parts, &fitted.parts, stated);
        Table::new(header, rows).map_err(|faults| HostError::Faults { faults, raw: raw.to_path_buf() })
    }

    /// All rows in the space's order: blocks and identities, then the trunk.
    fn rows(&self, samples: &Samples, parts: &[&Model], fitted: &[Measured], stated: f64) -> Vec<Row> {
        let primitives: BTreeMap<String, Candidate> = self.space.unique_candidates().into_iter().map(|c| (c.key(), c)).collect();
        let identities = primitives.iter().filter(|(_, c)| c.primitive.is_identity(&c.layer)).map(|(key, c)| Row {
            key: key.clone(),
            kind: Kind::Identity,
            primitive: c.primitive.name().to_string(),
            shapes: shapes(&c.graph()),
            macs: 0,
            params: 0,
            latency: Micros(0.0),
            interval: None,
            quantiles: None,
            samples: 0,
            discarded: Discarded::default(),
            cold: None,
            checksum: None,
        });
        let measured = std::iter::zip(parts, fitted).map(|(model, latency)| {
            let item = samples.items.get(&model.id).cloned().unwrap_or_default();
            let half = 1.96 * latency.error;
            let piece = model.id.strip_prefix(luts::TRUNK_PREFIX);
            Row {
                key: model.id.clone(),
                kind: if piece.is_some() { Kind::Trunk } else { Kind::Block },
                primitive: piece.or_else(|| primitives.get(&model.id).map(|c| c.primitive.name())).unwrap_or_default().to_string(),
                shapes: shapes(&model.graph),
                macs: model.graph.macs(),
                params: model.graph.parameter_count() as u64,
                latency: Micros(latency.us),
                interval: Some(Interval { low: Micros(latency.us - half), high: Micros(latency.us + half) }),
                quantiles: quantiles(&item, stated),
                samples: item.samples.len() as u64,
                discarded: Discarded { canary: item.faulty[0], moved: item.faulty[1], preempted: item.faulty[2] },
                cold: None,
                checksum: item.checksum,
            }
        });
        identities.chain(measured).collect()
    }
}

fn is_measured(samples: &Samples, id: &str) -> bool {
    samples.items.get(id).is_some_and(|s| Median::of(&s.ratios()).is_some())
}

fn device(start: &crate::protocol::Start) -> Device {
    let facts = &start.device;
    let hash = |serial: &String| Sha256::digest(serial).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Device {
        model: facts.model.clone().unwrap_or_else(|| "unknown".to_string()),
        arch: facts.arch.clone(),
        soc: facts.soc.clone(),
        serial_hash: facts.serial.as_ref().map(hash),
        kernel: facts.kernel.clone(),
    }
}

fn shapes(graph: &Graph) -> Shapes {
    let input = graph.inputs().first().map(|&x| graph.node(x).shape);
    let output = graph.outputs().first().map(|(_, y)| graph.node(*y).shape);
    match (input, output) {
        (Some(x), Some(y)) => Shapes { c_in: x.c, c_out: y.c, stride: x.h.div_ceil(y.h), h: x.h, w: x.w },
        _ => Shapes::default(),
    }
}

fn quantiles(item: &ItemSamples, stated: f64) -> Option<Quantiles> {
    let mut sorted = item.ratios();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return None;
    }
    let at = |q| Micros(quantile(&sorted, q) * stated);
    Some(Quantiles { p0: at(0.0), p10: at(0.1), p50: at(0.5), p90: at(0.9), p100: at(1.0) })
}
