//! A comparison over several seeds on one HTML page.

use drawing::{escape, svg};

use super::architecture::{architecture, provenance};
use super::front::Front;
use super::front_picture::picture;
use super::fronts_picture::fronts_picture;
use super::html::{END, begin, push};
use super::network::{Net, Origin, mark_front};
use super::page::ReportError;
use super::table::parts;
use crate::compare::Summary;
use crate::cost::ArchFile;
use crate::run::{RunFolder, measured};

/// The page: the tables, both fronts, all networks, and each seed's architecture with its costs. `runs` are the seeds' folders, in the
/// summary's order.
///
/// # Errors
/// A run's files cannot be read.
pub fn comparison_page(name: &str, summary: &Summary, runs: &[RunFolder]) -> Result<String, ReportError> {
    let mut html = begin(name);
    parts(summary).iter().for_each(|part| html.push_str(&part.html()));
    if let Some(fronts) = &summary.found.fronts {
        html.push_str("<h2 id=\"fronts\">Fronts</h2>");
        figure(&mut html, &svg::element(&fronts_picture(fronts, &summary.unit)));
    }
    let mut nets = Vec::new();
    for (seed, run) in std::iter::zip(&summary.seeds, runs) {
        let of_seed = Front::of(run)?.nets.into_iter();
        nets.extend(of_seed.map(|net| Net { name: format!("{}, seed {}", net.name, seed.seed), ..net }));
    }
    clouds(&mut html, &mut nets, &summary.unit);
    for (seed, run) in std::iter::zip(&summary.seeds, runs) {
        let arch = ArchFile::load(&run.file("arch.json"))?;
        push(&mut html, format_args!("<h2 id=\"seed-{0}\">Seed {0}: {1}</h2>", seed.seed, escape(&arch.choice.join(" "))));
        provenance(&mut html, &arch);
        architecture(&mut html, &arch, measured(run)?);
    }
    Ok(html + END)
}

/// All networks in a picture, and without the baseline in another one, if that lies far from the others.
fn clouds(html: &mut String, nets: &mut Vec<Net>, unit: &str) {
    if nets.len() < 2 {
        return;
    }
    html.push_str("<h2 id=\"networks\">All networks</h2><p>Line: the front. No network here is below it.</p>");
    mark_front(nets);
    figure(html, &svg::element(&picture(nets, unit)));
    let all = nets.len();
    nets.retain(|net| net.origin != Origin::Baseline);
    if (2..all).contains(&nets.len()) {
        html.push_str("<p>The same without the baseline:</p>");
        mark_front(nets);
        figure(html, &svg::element(&picture(nets, unit)));
    }
}

fn figure(html: &mut String, svg: &str) {
    push(html, format_args!("<figure>{svg}</figure>"));
}
