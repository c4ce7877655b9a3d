//! Where a network's time goes: a bar a part, as long as it takes, in the colours of the tables' heat maps.

use drawing::colour::heat;
use drawing::{Drawing, Font};

use super::html::cost;
use crate::cost::ArchFile;

const WIDTH: f64 = 720.0;
/// Of a bar with the space below it.
const ROW: f64 = 22.0;
/// Where bars begin; names stand before that.
const LEFT: f64 = 230.0;
/// Behind the longest bar, for its number.
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const FONT: Font = Font::new(12.0);

/// The searched layers and the trunk of a chosen network, with their predicted costs and their shares of the whole.
pub(super) fn cost_picture(arch: &ArchFile) -> Drawing {
    let layers = arch.layers.iter().map(|layer| (format!("layer {}: {}", layer.layer, layer.chosen), layer.cost));
    let parts: Vec<(String, f64)> =
        layers.chain(arch.trunk.iter().map(|piece| (format!("trunk: {}", piece.name), piece.cost))).collect();
    let most = parts.iter().map(|(_, cost)| *cost).fold(f64::MIN_POSITIVE, f64::max);
    let device = arch.table.as_ref().map_or("multiply-adds".to_string(), |table| format!("{}, {}", table.device, table.engine));
    let title = format!("Predicted cost by part: {device}");
    let mut drawing = Drawing::new(WIDTH, TOP + ROW * parts.len() as f64 + 10.0, &title);
    let bold = Font::new(14.0).bold();
    drawing.text((12.0, 22.0), bold.fitted(&title, WIDTH - 24.0), bold);
    for (i, (name, value)) in parts.iter().enumerate() {
        let (y, share) = (TOP + ROW * i as f64, value / most);
        let length = share * (WIDTH - LEFT - RIGHT);
        drawing.text((LEFT - 8.0, y + 13.0), FONT.fitted(name, LEFT - 20.0), FONT.end());
        drawing.rect((LEFT, y), (length.max(1.0), ROW - 5.0), heat(share));
        let number = format!("{}  {:.1} %", cost(*value, &arch.unit), 100.0 * value / arch.predicted.total);
        drawing.text((LEFT + length + 6.0, y + 13.0), number, FONT);
    }
    drawing
}
