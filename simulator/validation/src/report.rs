//! The page that states the figures, its pictures and its data.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use drawing::Colour;

use crate::figures::{Figures, percent, short, signed, title};
use crate::networks::{Network, PADDLE_LITE};
use crate::picture::{Group, scatter};
use crate::problem::Problem;
use crate::rows::{Pair, Set};

/// The page's text around the figures.
const PAGE: &str = include_str!("page.md");

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
