//! A table in the terminal: with colours from fast to slow where the terminal has them.

use luts::Header;

use super::grid::{Cell, Grid, Stage};
use crate::show::picture::Colour;
use crate::show::picture::colour::heat;
use crate::show::text;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What colours can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// None.
    Plain,
    /// The 256 most terminals have.
    Fixed,
    /// All.
    True,
}

impl Palette {
    /// That of an output which is, or is not, a terminal, in this process's environment.
    pub fn of(choice: ColourChoice, is_terminal: bool) -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        Self::decide(choice, is_terminal, &variable)
    }

    fn decide(choice: ColourChoice, is_terminal: bool, variable: &dyn Fn(&str) -> String) -> Self {
        // https://no-color.org: set, and not empty.
        let wanted = match choice {
            ColourChoice::Auto => is_terminal && variable("NO_COLOR").is_empty() && variable("TERM") != "dumb",
            ColourChoice::Always => true,
            ColourChoice::Never => false,
        };
        match variable("COLORTERM").as_str() {
            _ if !wanted => Self::Plain,
            "truecolor" | "24bit" => Self::True,
            _ => Self::Fixed,
        }
    }

    /// A text on that ground.
    fn on(self, ground: Colour, text: &str) -> String {
        let ink = ground.readable();
        match self {
            Self::Plain => text.to_string(),
            Self::Fixed => format!("\x1b[48;5;{};38;5;{}m{text}\x1b[0m", ground.of_256(), ink.of_256()),
            Self::True => {
                let (Colour(r, g, b), Colour(x, y, z)) = (ground, ink);
                format!("\x1b[48;2;{r};{g};{b};38;2;{x};{y};{z}m{text}\x1b[0m")
            }
        }
    }
}

/// µs ± half the interval, and MMAC.
pub fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Missing => "missing".to_string(),
        Cell::Identity => "0 (identity)".to_string(),
        Cell::Time(figure) => {
            let half = figure.half_us().map(|h| format!(" ±{h:.1}")).unwrap_or_default();
            format!("{:.1}{half} | {}", figure.us, figure.shown_mmac())
        }
    }
}

/// The grid and the trunk.
pub fn show(grid: &Grid, palette: Palette) -> String {
    let (fastest, slowest) = range(grid);
    let mut text = String::from("µs in a network ± half the 95 % interval | MMAC\n");
    if palette != Palette::Plain && slowest > fastest {
        let scale: String = (0..24).map(|i| palette.on(heat(f64::from(i) / 23.0), " ")).collect();
        text += &format!("{fastest:.1} µs {scale} {slowest:.1} µs\n");
    }
    for stage in &grid.stages {
        text += &format!("\n{}", heat_map(stage, (fastest, slowest), palette));
    }
    if let Some(total) = grid.trunk_total() {
        let mut lines: Vec<_> = grid.trunk.iter().map(|(key, figure)| vec![key.clone(), cell(&Cell::Time(*figure))]).collect();
        lines.push(vec!["trunk total".to_string(), cell(&Cell::Time(total))]);
        text += &format!("\n{}", text::columns(&lines));
    }
    text
}

/// Times of the fastest and slowest candidate.
pub fn range(grid: &Grid) -> (f64, f64) {
    grid.figures().map(|f| f.us).fold((f64::INFINITY, 0.0), |(low, high), us| (us.min(low), us.max(high)))
}

fn heat_map(stage: &Stage, (fastest, slowest): (f64, f64), palette: Palette) -> String {
    let head = stage.columns.iter().map(|c| format!("{} ({})", c.name, c.shapes));
    let mut rows: Vec<Vec<String>> = vec![std::iter::once(stage.name.clone()).chain(head).collect()];
    rows.extend(stage.lines.iter().map(|l| std::iter::once(l.primitive.clone()).chain(l.cells.iter().map(cell)).collect()));
    if palette == Palette::Plain {
        return text::columns(&rows);
    }
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=stage.columns.len()).map(width).collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        text += &format!("{:<1$} ", row[0], widths[0]);
        for (j, shown) in row.iter().enumerate().skip(1) {
            let padded = format!(" {shown:>0$} ", widths[j]);
            match i.checked_sub(1).map(|line| &stage.lines[line].cells[j - 1]) {
                Some(Cell::Time(figure)) => text += &palette.on(heat((figure.us - fastest) / (slowest - fastest)), &padded),
                _ => text += &padded,
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The landmarks of the networks and what follows, where the space has them.
pub(super) fn landmarks(header: &Header, then: &str) -> String {
    header.points.map(|points| format!("{points} landmarks{then}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::lut::grid::tests::stage;

    #[test]
    fn colours_are_used_where_they_are_wanted() {
        let palette = |choice, terminal, set: &'static [(&str, &str)]| {
            let variable = move |name: &str| set.iter().find(|v| v.0 == name).map(|v| v.1.to_string()).unwrap_or_default();
            Palette::decide(choice, terminal, &variable)
        };
        use ColourChoice::{Always, Auto, Never};
        assert_eq!(palette(Auto, true, &[]), Palette::Fixed);
        assert_eq!(palette(Auto, true, &[("COLORTERM", "truecolor")]), Palette::True);
        assert_eq!(palette(Auto, false, &[]), Palette::Plain);
        assert_eq!(palette(Auto, true, &[("NO_COLOR", "1")]), Palette::Plain);
        assert_eq!(palette(Auto, true, &[("TERM", "dumb")]), Palette::Plain);
        assert_eq!(palette(Always, false, &[("NO_COLOR", "1")]), Palette::Fixed);
        assert_eq!(palette(Never, true, &[("COLORTERM", "24bit")]), Palette::Plain);
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let grid =
            Grid { stages: vec![stage(&[("fast", 5.0, 0.5, 1_000_000), ("slow", 50.0, 0.5, 2_000_000)])], trunk: Vec::new() };
        let (plain, coloured) = (show(&grid, Palette::Plain), show(&grid, Palette::True));
        assert!(plain.contains("5.0 ±0.5 | 1.00") && !plain.contains('\x1b'));
        assert!(
            coloured.contains("\x1b[48;2;255;255;204;38;2;31;36;46m") && coloured.contains("\x1b[48;2;177;0;38;38;2;255;255;255m")
        );
        let mut stripped = String::new();
        for (i, part) in coloured.split('\x1b').enumerate() {
            stripped += if i == 0 { part } else { &part[part.find('m').unwrap() + 1..] };
        }
        let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
        assert_eq!(words(&stripped.replace("5.0 µs                          50.0 µs\n", "")), words(&plain));
    }
}
