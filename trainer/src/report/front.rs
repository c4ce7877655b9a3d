//! Networks by latency and error: the run's own beside random ones, those of a sweep, and the baseline.

use std::fmt::Write as _;

use serde::Serialize;

use super::{finetuned_otherwise, measured};
use crate::comparison::{Comparison, Trained};
use crate::error::Result;
use crate::run::{FileError, RunConfig, RunFolder, write_atomically};
use crate::search::ArchFile;
use crate::stage;

/// Where a network comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The run's own.
    Searched,
    /// Of a sweep from the run's warm-up.
    Sweep,
    /// Drawn at random.
    Random,
    /// The published baseline.
    Baseline,
}

/// A network in the plane of latency and error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// What it is called.
    pub name: String,
    /// Where it comes from.
    pub kind: Kind,
    /// Predicted cost in the table's unit; µs of the baseline, which is not of the space, are measured.
    pub cost: f64,
    /// NME of its last epoch, per cent.
    pub nme: f64,
    /// Whether no other network is both as fast and as good.
    pub on_front: bool,
}

/// The file with the networks, in a run's folder.
pub const TABLE: &str = "pareto.csv";
/// The file with their picture.
pub const PICTURE: &str = "pareto.svg";

/// What the published baseline is called beside other networks.
pub const BASELINE: &str = "MobileNetV3-PFLD";

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
    pub fn of(folder: &RunFolder) -> Result<Self> {
        let arch = arch(folder)?;
        let mut nets = Vec::new();
        let mut add = |name: &str, kind, cost, nme| nets.push(Net { name: name.to_string(), kind, cost, nme, on_front: false });
        if let Some((cost, nme)) = searched(folder)? {
            add("searched", Kind::Searched, cost, nme);
        }
        for inner in inner(folder, "sweep")? {
            let name = inner.root().file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            if let Some((cost, nme)) = searched(&inner)? {
                add(&name, Kind::Sweep, cost, nme);
            }
        }
        let mobilenet = RunFolder::new(&folder.file("baselines/mobilenet"));
        let cost = match &arch {
            Some(arch) if arch.unit == "MAC" => Some(blocks::baseline::deployed(arch.points).macs() as f64),
            _ => measured(&mobilenet)?.map(|(median, _)| median),
        };
        let nme = stage::ended(&mobilenet)?.map(|ended| ended.nme);
        if let Some((cost, nme)) = cost.zip(nme) {
            add(BASELINE, Kind::Baseline, cost, nme);
        }
        for net in comparison(folder)?.into_iter().flat_map(|comparison| comparison.random) {
            add(&net.name, Kind::Random, net.predicted, net.nme);
        }
        mark_front(&mut nets);
        let unit = arch.map_or_else(|| "µs".to_string(), |arch| arch.unit);
        Ok(Self { nets, unit, unmeasured: nme.filter(|_| cost.is_none()) })
    }

    /// Writes [`TABLE`] and [`PICTURE`] into the run's folder.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let path = folder.file(TABLE);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = self.nets.iter().try_for_each(|net| writer.serialize(net)).map_err(std::io::Error::other);
        let bytes = written.and_then(|()| writer.into_inner().map_err(|e| std::io::Error::other(e.to_string())));
        write_atomically(&path, &bytes.map_err(FileError::new("cannot write", &path))?)?;
        Ok(write_atomically(&folder.file(PICTURE), picture(&self.nets, &self.unit).as_bytes())?)
    }
}

/// Brings the files of the run's front up to date, where it has a network beside its own.
///
/// # Errors
/// The networks' files cannot be read, or the front's not be written.
pub fn refresh(folder: &RunFolder) -> Result<()> {
    let front = Front::of(folder)?;
    if front.nets.len() > 1 { front.write(folder) } else { Ok(()) }
}

/// What a search in `folder` chose, where there is one.
fn arch(folder: &RunFolder) -> Result<Option<ArchFile>> {
    let path = folder.file("arch.json");
    if path.is_file() { ArchFile::load(&path).map(Some) } else { Ok(None) }
}

/// Predicted cost and NME of what the search in `folder` chose, once that is what was finetuned there.
fn searched(folder: &RunFolder) -> Result<Option<(f64, f64)>> {
    let Some(arch) = arch(folder)? else { return Ok(None) };
    if finetuned_otherwise(&RunConfig::load(&folder.file("config.toml"))?, &arch).is_some() {
        return Ok(None);
    }
    Ok(stage::ended(folder)?.map(|ended| (arch.predicted.total, ended.nme)))
}

/// The run's network among random ones, once those are trained. What follows from them is worked out anew, so that files of older
/// versions are read too.
///
/// # Errors
/// The file cannot be read.
pub fn comparison(folder: &RunFolder) -> Result<Option<Comparison>> {
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
    let text = std::fs::read_to_string(&path).map_err(FileError::new("cannot read", &path))?;
    let networks: Networks =
        serde_json::from_str(&text).map_err(std::io::Error::other).map_err(FileError::new("cannot read", &path))?;
    let Networks { searched, random, unit, on } = networks;
    Ok((!random.is_empty()).then(|| Comparison::new(searched, random, &unit, &on)))
}

/// The folders in one of the run's folders, by name.
fn inner(folder: &RunFolder, name: &str) -> Result<Vec<RunFolder>> {
    let root = folder.file(name);
    if !root.is_dir() {
        return Ok(Vec::new());
    }
    let entries = root.read_dir().map_err(FileError::new("cannot read", &root))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    paths.sort();
    Ok(paths.iter().map(|path| RunFolder::new(path)).collect())
}

/// Sorts by cost and marks those that no other one is better than: Pareto's front.
fn mark_front(nets: &mut [Net]) {
    nets.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.nme.total_cmp(&b.nme)));
    let mut least = f64::INFINITY;
    for net in nets {
        net.on_front = net.nme < least;
        least = least.min(net.nme);
    }
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;

impl Kind {
    fn colour(self) -> &'static str {
        match self {
            Self::Searched => "#c0392b",
            Self::Sweep => "#1f5fa8",
            Self::Random => "#8a8a8a",
            Self::Baseline => "#2e8b57",
        }
    }
}

/// A part of the picture that is taken.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    /// A point's.
    fn around(x: f64, y: f64) -> Self {
        Self { left: x - 6.0, right: x + 6.0, top: y - 6.0, bottom: y + 6.0 }
    }

    /// Where the name of a point stands: at its right or left, as near as there is room.
    fn label(x: f64, y: f64, name: &str, taken: &[Self]) -> Self {
        let width = 6.6 * name.chars().count() as f64;
        let sides = [x + 9.0, x - 9.0 - width];
        let at = |base: f64| sides.map(|left| Self { left, right: left + width, top: base - 11.0, bottom: base + 3.0 });
        let places = || [-7.0, 15.0, -21.0, 29.0, -35.0, 43.0].into_iter().flat_map(|shift| at(y + shift)).filter(Self::is_inside);
        let free = places().find(|place| taken.iter().all(|other| place.is_apart(other)));
        // Where all is full, it lies over another one.
        free.or_else(|| places().next()).unwrap_or(at(y)[0])
    }

    fn is_inside(&self) -> bool {
        self.left >= LEFT && self.right <= WIDTH && self.top >= TOP - 11.0 && self.bottom <= HEIGHT - BOTTOM
    }

    fn is_apart(&self, other: &Self) -> bool {
        self.right <= other.left || other.right <= self.left || self.bottom <= other.top || other.bottom <= self.top
    }
}

/// The networks as points, cost on a logarithmic axis, and the front as a line: an SVG file.
pub fn picture(nets: &[Net], unit: &str) -> String {
    // Widened by a part of what the values span, or of their size where that is next to nothing; a logarithm's is 1.
    let range = |values: &mut dyn Iterator<Item = f64>, size: Option<f64>| {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let margin = (0.08 * (high - low)).max(0.02 * size.unwrap_or(high)).max(1e-9);
        (low - margin, high + margin)
    };
    let (x0, x1) = range(&mut nets.iter().map(|net| net.cost.ln()), Some(1.0));
    let (y0, y1) = range(&mut nets.iter().map(|net| net.nme), None);
    let y0 = y0.max(0.0);
    let across = |cost: f64| LEFT + (cost.ln() - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let up = |nme: f64| HEIGHT - BOTTOM - (nme - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let (shown_unit, scale) = if unit == "MAC" { ("MMAC", 1e-6) } else { (unit, 1.0) };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"600\">NME, %, over {shown_unit}</text>"
    );
    let mut draw = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = svg.write_fmt(text);
    };
    for step in 0..=4 {
        let part = f64::from(step) / 4.0;
        let (nme, cost) = (y0 + (y1 - y0) * part, (x0 + (x1 - x0) * part).exp());
        let (x, y) = (across(cost), up(nme));
        draw(format_args!("<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT));
        draw(format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{nme:.2}</text>", LEFT - 6.0, y + 4.0));
        draw(format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{:.1}</text>", HEIGHT - BOTTOM + 18.0, cost * scale));
    }
    // A step: what lies between two networks of the front is not reached by either.
    let front: Vec<&Net> = nets.iter().filter(|net| net.on_front).collect();
    let mut path = String::new();
    for net in &front {
        let (x, y) = (across(net.cost), up(net.nme));
        let _ = if path.is_empty() { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
    }
    draw(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"#c8a000\" stroke-width=\"1.5\"/>"));
    let mut taken: Vec<Area> = nets.iter().map(|net| Area::around(across(net.cost), up(net.nme))).collect();
    for net in nets {
        let (x, y, colour) = (across(net.cost), up(net.nme), net.kind.colour());
        let radius = if net.kind == Kind::Random { 4.0 } else { 5.5 };
        let title = format!("{}: {:.1} {shown_unit}, {:.2} %", net.name, net.cost * scale, net.nme);
        draw(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"><title>{title}</title></circle>"));
        if net.kind != Kind::Random {
            let label = Area::label(x, y, &net.name, &taken);
            let (x, y, name) = (label.left, label.bottom - 3.0, &net.name);
            draw(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{name}</text>"));
            taken.push(label);
        }
    }
    let mut x = WIDTH - RIGHT;
    for (kind, label) in
        [(Kind::Baseline, "baseline"), (Kind::Random, "random"), (Kind::Sweep, "sweep"), (Kind::Searched, "searched")]
    {
        if nets.iter().any(|net| net.kind == kind) {
            draw(format_args!("<text x=\"{x}\" y=\"18\" text-anchor=\"end\" fill=\"{}\">● {label}</text>", kind.colour()));
            x -= 8.0 * label.len() as f64 + 26.0;
        }
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(name: &str, cost: f64, nme: f64) -> Net {
        Net { name: name.to_string(), kind: Kind::Sweep, cost, nme, on_front: false }
    }

    #[test]
    fn the_front_holds_what_nothing_is_better_than() {
        let mut nets = [net("slow", 300.0, 2.0), net("bad", 200.0, 3.0), net("fast", 100.0, 2.5), net("as good", 150.0, 2.5)];
        mark_front(&mut nets);
        let front: Vec<_> = nets.iter().filter(|n| n.on_front).map(|n| n.name.as_str()).collect();
        assert_eq!(front, ["fast", "slow"]);
    }

    #[test]
    fn the_picture_holds_each_network_inside_its_frame() {
        let mut nets = vec![net("a", 100.0, 2.5), net("b", 1000.0, 2.0)];
        mark_front(&mut nets);
        let svg = picture(&nets, "µs");
        assert_eq!(svg.matches("<circle").count(), 2);
        for attribute in svg.split("cx=\"").skip(1) {
            let x: f64 = attribute[..attribute.find('"').unwrap()].parse().unwrap();
            assert!((LEFT..=WIDTH - RIGHT).contains(&x), "{x}");
        }
        // One network alone has no extent.
        assert!(!picture(&nets[..1], "µs").contains("NaN"));
    }
    #[test]
    fn axes_hold_what_can_be() {
        let labels = |nets: &[Net]| -> Vec<f64> {
            let ends = picture(nets, "µs");
            let numbers = ends.split("</text>").filter_map(|part| part.rsplit('>').next());
            numbers.filter_map(|text| text.parse().ok()).collect()
        };
        let apart = labels(&[net("a", 100.0, 0.1), net("b", 1000.0, 10.0)]);
        assert!(apart.len() == 10 && apart.iter().all(|&label| label >= 0.0), "{apart:?}");
        let same = labels(&[net("a", 150.0, 2.5), net("b", 150.0, 2.5)]);
        assert!(same[0] > 2.4 && same[0] < 2.5 && same[8] > 2.5, "{same:?}");
        assert!(same[1] > 145.0 && same[1] < 150.0 && same[9] > 150.0, "{same:?}");
    }

    #[test]
    fn names_of_close_points_lie_apart() {
        let points = [(300.0, 200.0), (303.0, 204.0), (308.0, 199.0), (WIDTH - RIGHT, TOP)];
        let mut taken: Vec<Area> = points.iter().map(|&(x, y)| Area::around(x, y)).collect();
        for (x, y) in points {
            let label = Area::label(x, y, "target-1500us", &taken);
            assert!(label.is_inside() && taken.iter().all(|other| label.is_apart(other)), "{x} {y}");
            taken.push(label);
        }
    }
}
