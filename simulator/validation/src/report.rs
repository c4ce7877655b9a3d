//! The figures, and the page that states them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use drawing::Colour;

use crate::networks::{Network, PADDLE_LITE};
use crate::picture::{Group, scatter};
use crate::problem::Problem;
use crate::rows::{Pair, Set};
use crate::statistics::{Errors, tau};

/// The page's text around the figures.
const PAGE: &str = include_str!("page.md");

/// Largest mean absolute error of a set.
const fn bar(set: Set) -> f64 {
    match set {
        Set::Warm => 0.05,
        Set::Streaming | Set::Vector => 0.07,
    }
}

/// Largest bias of warm kernels.
const BIAS: f64 = 0.01;
/// Fewer rows are a sample, whose mean may lie two standard errors beside that of all.
const SAMPLE: usize = 1500;
/// Least τ over shapes of their fastest warm kernel's time.
const TAU: f64 = 0.98;
/// Largest mean absolute error of networks, and of any one.
const NETWORKS: [f64; 2] = [0.06, 0.12];

/// What the comparison of one set came to.
pub struct SetFigures {
    set: Set,
    all: Errors,
    /// Of the shapes on which figures were fitted, and of the others.
    fitted: Errors,
    others: Errors,
    /// Of each shape's fastest kernel.
    fastest: Errors,
    tau: f64,
    kernels: Vec<(String, Errors)>,
}

/// What everything came to.
pub struct Figures {
    sets: Vec<SetFigures>,
    networks: Errors,
}

impl Figures {
    /// Of what was simulated.
    pub fn of(pairs: &[Pair], networks: &[Network]) -> Self {
        let sets = Set::ALL.into_iter().filter_map(|set| {
            let pairs: Vec<&Pair> = pairs.iter().filter(|pair| pair.row.set == set).collect();
            (!pairs.is_empty()).then(|| SetFigures::of(set, &pairs))
        });
        Self { sets: sets.collect(), networks: Errors::of(networks.iter().filter_map(Network::error)) }
    }

    /// A line for each set.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for set in &self.sets {
            let Errors { count, mean_absolute, bias, .. } = set.all;
            let _ = writeln!(
                text,
                "{:9} {count:5} rows: mean absolute error {}, bias {}; not fitted on: {}, {}; fastest kernel: {}, tau {:.3}",
                set.set.name(),
                percent(mean_absolute),
                signed(bias),
                percent(set.others.mean_absolute),
                signed(set.others.bias),
                percent(set.fastest.mean_absolute),
                set.tau
            );
        }
        if self.networks.count > 0 {
            let Errors { count, mean_absolute, largest, .. } = self.networks;
            let _ =
                writeln!(text, "networks  {count:5}: mean absolute error {}, largest {}", percent(mean_absolute), percent(largest));
        }
        text
    }

    /// The same for headers of tables: `simulator::validation` reads it.
    fn summary(&self) -> String {
        let mut text = "# How near the simulator came to real chips. Written by scripts/validate-simulator.sh; headers of tables state it, and a search \
                        tells it.\n"
            .to_owned();
        let sets = self.sets.iter().map(|set| (title(set.set), set.all, Some(set.tau)));
        let networks = (self.networks.count > 0).then_some(("networks of ncnn on a QRB2210", self.networks, None));
        for (what, errors, tau) in sets.chain(networks) {
            let Errors { count, mean_absolute, bias, largest, .. } = errors;
            let _ = write!(
                text,
                "\n[[compared]]\nwhat = \"{what}\"\ncount = {count}\nmape = {mean_absolute:.4}\nbias = {bias:.4}\nlargest = {largest:.4}\n"
            );
            if let Some(tau) = tau {
                let _ = writeln!(text, "kendall_tau = {tau:.4}");
            }
        }
        text
    }

    /// The bars that are missed.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut bar_of = |what: String, is: f64, holds: bool| {
            if !holds {
                missed.push(format!("{what} is {is:.4}"));
            }
        };
        for set in &self.sets {
            let (name, errors) = (set.set.name(), set.all);
            bar_of(format!("{name}: mean absolute error"), errors.mean_absolute, errors.mean_absolute <= bar(set.set));
            if set.set == Set::Warm {
                let sampling = if errors.count < SAMPLE { 2.0 * errors.standard_error } else { 0.0 };
                bar_of(format!("{name}: bias"), errors.bias, errors.bias.abs() <= BIAS + sampling);
                bar_of(format!("{name}: tau"), set.tau, set.tau >= TAU);
            }
        }
        let Errors { mean_absolute, largest, .. } = self.networks;
        bar_of("networks: mean absolute error".to_owned(), mean_absolute, mean_absolute <= NETWORKS[0]);
        bar_of("networks: largest error".to_owned(), largest, largest <= NETWORKS[1]);
        missed
    }
}

impl SetFigures {
    fn of(set: Set, pairs: &[&Pair]) -> Self {
        let errors =
            |part: &mut dyn FnMut(&Pair) -> bool| Errors::of(pairs.iter().filter(|pair| part(pair)).map(|pair| pair.error()));
        let mut fastest: BTreeMap<[usize; 3], (f64, f64)> = BTreeMap::new();
        let mut kernels: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for pair in pairs {
            let best = fastest.entry(pair.row.shape()).or_insert((f64::MAX, f64::MAX));
            *best = (best.0.min(pair.row.published), best.1.min(pair.simulated));
            kernels.entry(short(&pair.row.kernel)).or_default().push(pair.error());
        }
        let fastest: Vec<(f64, f64)> = fastest.into_values().collect();
        Self {
            set,
            all: errors(&mut |_| true),
            fitted: errors(&mut |pair| pair.row.is_fitted()),
            others: errors(&mut |pair| !pair.row.is_fitted()),
            fastest: Errors::of(fastest.iter().map(|(published, simulated)| simulated / published - 1.0)),
            tau: tau(&fastest),
            kernels: kernels.into_iter().map(|(kernel, list)| (kernel.to_owned(), Errors::of(list))).collect(),
        }
    }
}

/// A kernel's name without what all of them begin with.
fn short(kernel: &str) -> &str {
    kernel.trim_start_matches("arm64simd_mmm_f32_")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn signed(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}

/// Writes the page, its pictures and its data into a folder.
pub fn write(folder: &Path, pairs: &[Pair], networks: &[Network], figures: &Figures, conditions: &str) -> Result<(), Problem> {
    let results = folder.join("results");
    fs::create_dir_all(&results)?;
    fs::write(results.join("tract.csv"), table_of(pairs))?;
    fs::write(results.join("networks.csv"), table_of_networks(networks))?;
    fs::write(results.join("summary.toml"), figures.summary())?;
    for set in Set::ALL {
        let groups = groups(pairs, set);
        if !groups.is_empty() {
            fs::write(results.join(format!("{}.svg", set.name())), scatter(title(set), &groups))?;
        }
    }
    let page = PAGE
        .replace("{conditions}", conditions)
        .replace("{figures}", &figure_table(figures))
        .replace("{kernels}", &kernel_table(figures))
        .replace("{networks}", &network_table(networks))
        .replace("{paddle}", &paddle_table());
    fs::write(folder.join("README.md"), page)?;
    Ok(())
}

const fn title(set: Set) -> &'static str {
    match set {
        Set::Warm => "tract's kernels, operands within half of the L2",
        Set::Streaming => "tract's kernels, larger operands",
        Set::Vector => "tract's kernels, matrix × vector",
    }
}

/// The pairs of a set, in a colour for each width of tile.
fn groups(pairs: &[Pair], set: Set) -> Vec<Group> {
    let colours = [
        ("8x8", Colour(31, 119, 180)),
        ("12x8", Colour(214, 39, 40)),
        ("16x4", Colour(44, 160, 44)),
        ("24x4", Colour(148, 103, 189)),
        ("32x3", Colour(255, 127, 14)),
        ("32x1", Colour(127, 127, 127)),
        ("64x1", Colour(23, 190, 207)),
    ];
    let group = |(tile, colour): (&str, Colour)| {
        let of_tile = |pair: &&Pair| pair.row.set == set && short(&pair.row.kernel).split('_').next() == Some(tile);
        let points = pairs.iter().filter(of_tile).map(|pair| (pair.row.published, pair.simulated)).collect();
        Group { name: tile.to_owned(), colour, points }
    };
    colours.into_iter().map(group).filter(|group| !group.points.is_empty()).collect()
}

fn table_of(pairs: &[Pair]) -> String {
    let mut text = "set,fitted,kernel,m,k,n,published_s,simulated_s\n".to_owned();
    for Pair { row, simulated } in pairs {
        let fitted = if row.is_fitted() { "yes" } else { "no" };
        let (set, kernel) = (row.set.name(), short(&row.kernel));
        let _ = writeln!(text, "{set},{fitted},{kernel},{},{},{},{:.4e},{simulated:.4e}", row.m, row.k, row.n, row.published);
    }
    text
}

fn table_of_networks(networks: &[Network]) -> String {
    let mut text = "network,published_ms,simulated_ms\n".to_owned();
    for Network { name, published, simulated } in networks {
        let published = published.map_or_else(String::new, |published| format!("{published:.2}"));
        let _ = writeln!(text, "{name},{published},{simulated:.2}");
    }
    text
}

fn figure_table(figures: &Figures) -> String {
    let mut text =
        "| set | shapes | rows | mean abs. error | bias | 9 in 10 within | fastest kernel of a shape | tau over shapes |\n\
                    |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for set in &figures.sets {
        let fastest = format!("{} ({})", percent(set.fastest.mean_absolute), signed(set.fastest.bias));
        for (which, errors) in [("all", set.all), ("fitted on", set.fitted), ("not fitted on", set.others)] {
            let (fastest, tau) = if which == "all" { (fastest.as_str(), format!("{:.3}", set.tau)) } else { ("", String::new()) };
            let _ = writeln!(
                text,
                "| {} | {which} | {} | {} | {} | {} | {fastest} | {tau} |",
                set.set.name(),
                errors.count,
                percent(errors.mean_absolute),
                signed(errors.bias),
                percent(errors.ninety)
            );
        }
    }
    text
}

fn kernel_table(figures: &Figures) -> String {
    let mut text = "| kernel |".to_owned();
    for set in &figures.sets {
        let _ = write!(text, " {} |", set.set.name());
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(figures.sets.len()));
    let Some(first) = figures.sets.first() else { return text };
    for (kernel, _) in &first.kernels {
        let _ = write!(text, "| {kernel} |");
        for set in &figures.sets {
            let errors = set.kernels.iter().find(|(name, _)| name == kernel).map(|(_, errors)| errors);
            let _ = match errors {
                Some(errors) => write!(text, " {} ({}) |", percent(errors.mean_absolute), signed(errors.bias)),
                None => write!(text, " |"),
            };
        }
        text.push('\n');
    }
    text
}

fn network_table(networks: &[Network]) -> String {
    let mut text = "| network | published | simulated | error |\n|---|---|---|---|\n".to_owned();
    for network in networks {
        let published = network.published.map_or_else(|| "kept back".to_owned(), |published| format!("{published:.2} ms"));
        let error = network.error().map_or_else(String::new, signed);
        let _ = writeln!(text, "| {} | {published} | {:.2} ms | {error} |", network.name, network.simulated);
    }
    text
}

fn paddle_table() -> String {
    let mut text = "| network | Paddle-Lite, published |\n|---|---|\n".to_owned();
    for (network, published) in PADDLE_LITE {
        let _ = writeln!(text, "| {network} | {published} ms |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn pair(kernel: &str, m: usize, published: f64, simulated: f64) -> Pair {
        let kernel = format!("arm64simd_mmm_f32_{kernel}");
        Pair { row: Row { kernel, m, k: 4, n: 4, set: Set::Warm, published }, simulated }
    }

    #[test]
    fn bars_that_are_missed_are_named() {
        let good = [pair("8x8_gen", 4, 1e-6, 1.004e-6), pair("8x8_gen", 5, 2e-6, 1.99e-6)];
        assert!(Figures::of(&good, &[]).missed().is_empty());
        let slow = [pair("8x8_gen", 4, 1e-6, 1.1e-6), pair("8x8_gen", 5, 2e-6, 2.2e-6)];
        assert_eq!(Figures::of(&slow, &[]).missed().len(), 2);
    }

    #[test]
    fn the_page_states_every_figure_and_the_fastest_kernel_is_told_by_itself() {
        let pairs = [pair("8x8_gen", 4, 1e-6, 1.1e-6), pair("12x8_a53", 4, 2e-6, 1.05e-6), pair("8x8_gen", 5, 3e-6, 3e-6)];
        let figures = Figures::of(&pairs, &[]);
        assert!((figures.sets[0].fastest.mean_absolute - 0.025).abs() < 1e-9);
        let folder = std::env::temp_dir().join(format!("validation-{}", std::process::id()));
        write(&folder, &pairs, &[], &figures, "nothing").unwrap();
        let page = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(!page.contains('{') && page.contains("12x8_a53"));
        assert_eq!(fs::read_to_string(folder.join("results/tract.csv")).unwrap().lines().count(), 4);
        fs::remove_dir_all(folder).unwrap();
    }
}
