//! Colours, and the scale from fast to slow.

use std::fmt;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// Paper.
    pub const WHITE: Self = Self(255, 255, 255);
    /// Text.
    pub const INK: Self = Self(31, 36, 46);
    /// Text of less weight.
    pub const GREY: Self = Self(104, 112, 126);
    /// Grid lines and frames.
    pub const PALE: Self = Self(224, 227, 233);
    /// Areas that hold nothing.
    pub const MIST: Self = Self(243, 244, 247);
    /// What is as expected.
    pub const BLUE: Self = Self(44, 105, 176);
    /// Around what is as expected.
    pub const SKY: Self = Self(226, 237, 249);
    /// What is to be looked at.
    pub const RED: Self = Self(200, 40, 48);
    /// A third kind of things.
    pub const GREEN: Self = Self(46, 139, 87);
    /// A line around the best.
    pub const GOLD: Self = Self(200, 160, 0);

    /// Black or white, whichever is easier to read on this colour.
    pub fn readable(self) -> Self {
        if self.luminance() > 0.3 { Self::INK } else { Self::WHITE }
    }

    /// Relative luminance as WCAG 2 defines it: 0 for black, 1 for white.
    fn luminance(self) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// Nearest of the 6×6×6 colours that most terminals know.
    pub fn of_256(self) -> u8 {
        let step = |v: u8| {
            if v < 48 {
                0
            } else if v < 115 {
                1
            } else {
                (v - 35) / 40
            }
        };
        16 + 36 * step(self.0) + 6 * step(self.1) + step(self.2)
    }
}

impl fmt::Display for Colour {
    /// As SVG has it: `#1f242e`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// From fast (pale yellow) to slow (dark red): ColorBrewer's YlOrRd.
const HEAT: [Colour; 8] = [
    Colour(255, 255, 204),
    Colour(255, 237, 160),
    Colour(254, 217, 118),
    Colour(254, 178, 76),
    Colour(253, 141, 60),
    Colour(252, 78, 42),
    Colour(227, 26, 28),
    Colour(177, 0, 38),
];

/// The colour at `share` of the way from fast to slow.
pub fn heat(share: f64) -> Colour {
    let at = share.clamp(0.0, 1.0) * (HEAT.len() - 1) as f64;
    let (low, high) = (HEAT[at.floor() as usize], HEAT[at.ceil() as usize]);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * at.fract()).round() as u8;
    Colour(mix(low.0, high.0), mix(low.1, high.1), mix(low.2, high.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_darkens_from_end_to_end_and_text_stays_readable() {
        assert_eq!((heat(-1.0), heat(0.0), heat(1.0), heat(9.0)), (HEAT[0], HEAT[0], HEAT[7], HEAT[7]));
        let shades: Vec<f64> = (0..=100).map(|i| heat(f64::from(i) / 100.0).luminance()).collect();
        assert!(shades.is_sorted_by(|a, b| a >= b));
        for i in 0..=100 {
            let ground = heat(f64::from(i) / 100.0);
            let (a, b) = (ground.luminance(), ground.readable().luminance());
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast > 3.0, "{ground}: {contrast}");
        }
    }

    #[test]
    fn colours_have_their_names() {
        assert_eq!(Colour(1, 171, 255).to_string(), "#01abff");
        for (colour, index) in
            [(Colour(0, 0, 0), 16), (Colour(255, 255, 255), 231), (Colour(255, 0, 0), 196), (Colour(95, 135, 175), 67)]
        {
            assert_eq!(colour.of_256(), index, "{colour}");
        }
    }
}
