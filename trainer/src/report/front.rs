//! Networks by latency and error: the run's own beside random ones, those of a sweep, and the baseline.

use drawing::svg;
use files::FileError;

use super::front_picture::picture;
use super::network::{BASELINE, Net, Origin, mark_front};
use super::reported::Reported;
use crate::compare::{CompareError, Comparison, Trained, ended};
use crate::cost::{ArchFile, MACS, MICROS};
use crate::run::{RunFolder, measured, read_json, write_atomically, write_csv};
use crate::train::RunConfig;

/// The file with the networks, in a run's folder.
pub const TABLE: &str = "pareto.csv";
/// The file with their picture.
pub const PICTURE: &str = "pareto.svg";

/// The trained networks that belong to a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Front {
    /// The fastest first.
    pub nets: Vec<Net>,
    /// Of their cost: `µs` or `MAC`.
    pub unit: String,
    /// NME of a baseline, per cent, that is not among the networks because its time is not known yet.
    pub unmeasured: Option<f64>,
}

impl Front {
    /// Of the run in `folder`. Multiply-adds of the baseline are known, its time is measured: `measured.json` in its folder.
    ///
    /// # Errors
    /// The networks' files cannot be read.
    pub fn of(folder: &RunFolder) -> Result<Self, CompareError> {
        let arch = arch(folder)?;
        let mut nets = Vec::new();
        let mut add = |name: &str, origin, cost, nme| nets.push(Net { name: name.to_string(), origin, cost, nme, on_front: false });
        if let Some((cost, nme)) = searched(folder)? {
            add("searched", Origin::Searched, cost, nme);
        }
        for inner in inner(folder, "sweep")? {
            let name = inner.root().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            if let Some((cost, nme)) = searched(&inner)? {
                add(&name, Origin::Sweep, cost, nme);
            }
            for net in comparison(&inner)?.into_iter().flat_map(|comparison| comparison.random) {
                add(&format!("{name}: {}", net.name), Origin::Random, net.predicted, net.nme);
            }
        }
        let mobilenet = RunFolder::new(&folder.file("baselines/mobilenet"));
        let cost = match &arch {
            Some(arch) if arch.unit == MACS => Some(blocks::baseline::deployed(arch.points).macs() as f64),
            _ => measured(&mobilenet)?.map(|(median, _)| median),
        };
        let nme = ended::<Reported>(&mobilenet)?.map(|ended| ended.nme);
        if let Some((cost, nme)) = cost.zip(nme) {
            add(BASELINE, Origin::Baseline, cost, nme);
        }
        for net in comparison(folder)?.into_iter().flat_map(|comparison| comparison.random) {
            add(&net.name, Origin::Random, net.predicted, net.nme);
        }
        mark_front(&mut nets);
        let unit = arch.map_or_else(|| MICROS.to_string(), |arch| arch.unit);
        Ok(Self { nets, unit, unmeasured: nme.filter(|_| cost.is_none()) })
    }

    /// Writes [`TABLE`] and [`PICTURE`] into the run's folder.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), CompareError> {
        write_csv(&self.nets, &folder.file(TABLE))?;
        Ok(write_atomically(&folder.file(PICTURE), svg::document(&picture(&self.nets, &self.unit)).as_bytes())?)
    }
}

/// Brings the files of the run's front up to date, where it has a network beside its own.
///
/// # Errors
/// The networks' files cannot be read, or the front's not be written.
pub fn refresh(folder: &RunFolder) -> Result<(), CompareError> {
    let front = Front::of(folder)?;
    if front.nets.len() > 1 { front.write(folder) } else { Ok(()) }
}

/// What a search in `folder` chose, where there is one.
fn arch(folder: &RunFolder) -> Result<Option<ArchFile>, CompareError> {
    let path = folder.file("arch.json");
    Ok(if path.is_file() { Some(ArchFile::load(&path)?) } else { None })
}

/// Predicted cost and NME of what the search in `folder` chose, once that is what was finetuned there.
fn searched(folder: &RunFolder) -> Result<Option<(f64, f64)>, CompareError> {
    let Some(arch) = arch(folder)? else { return Ok(None) };
    if RunConfig::<Reported>::load(&folder.file("config.toml"))?.other_network(&arch.choice).is_some() {
        return Ok(None);
    }
    Ok(ended::<Reported>(folder)?.map(|ended| (arch.predicted.total, ended.nme)))
}

/// The run's network among random ones, once those are trained. The result is calculated again, so that files of older
/// versions are read too.
///
/// # Errors
/// The file cannot be read.
pub fn comparison(folder: &RunFolder) -> Result<Option<Comparison>, CompareError> {
    let path = folder.file("baselines/random.json");
    if !path.is_file() {
        return Ok(None);
    }
    #[derive(serde::Deserialize)]
    struct Networks {
        searched: Trained,
        random: Vec<Trained>,
        unit: String,
        on: String,
    }
    let Networks { searched, random, unit, on } = read_json(&path, "cannot read")?;
    Ok((!random.is_empty()).then(|| Comparison::new(searched, random, &unit, &on)))
}

/// The folders in one of the run's folders, by name.
fn inner(folder: &RunFolder, name: &str) -> Result<Vec<RunFolder>, CompareError> {
    let root = folder.file(name);
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let entries = root.read_dir().map_err(FileError::new("cannot read", &root))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    paths.sort();
    Ok(paths.iter().map(|path| RunFolder::new(path)).collect())
}
