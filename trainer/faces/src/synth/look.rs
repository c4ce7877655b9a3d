//! Colours and features of a synthetic face.

use super::draws::Draws;

/// Red, green, blue, 0 to 1.
pub type Colour = [f32; 3];

const SKINS: [Colour; 8] = [
    [0.96, 0.83, 0.74],
    [0.93, 0.77, 0.65],
    [0.89, 0.70, 0.56],
    [0.82, 0.62, 0.47],
    [0.72, 0.52, 0.38],
    [0.58, 0.40, 0.28],
    [0.44, 0.29, 0.20],
    [0.33, 0.22, 0.16],
];
const HAIRS: [Colour; 8] = [
    [0.06, 0.05, 0.05],
    [0.10, 0.07, 0.06],
    [0.20, 0.13, 0.09],
    [0.33, 0.21, 0.13],
    [0.48, 0.30, 0.17],
    [0.72, 0.55, 0.32],
    [0.55, 0.24, 0.12],
    [0.62, 0.61, 0.60],
];
const IRISES: [Colour; 5] = [[0.16, 0.09, 0.05], [0.30, 0.18, 0.09], [0.33, 0.36, 0.20], [0.30, 0.43, 0.55], [0.42, 0.47, 0.50]];

/// How the hair falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hair {
    /// None but the brows.
    Bald,
    /// Above the ears.
    Short,
    /// Down to the shoulders.
    Long,
}

/// A face's colours, hair and light.
#[derive(Clone, Debug)]
pub struct Look {
    pub skin: Colour,
    pub hair_colour: Colour,
    pub brow_colour: Colour,
    pub brow_opacity: f32,
    pub iris: Colour,
    pub lips: Colour,
    pub cloth: Colour,
    pub backdrop: [Colour; 2],
    /// Centre (fractions of the crop), radius and colour of blurred things behind.
    pub blobs: Vec<([f32; 2], f32, Colour)>,
    pub hair: Hair,
    /// How far the hairline lies above the brows, in half face widths.
    pub hairline: f32,
    /// Where the hair is parted: −1 left to 1 right.
    pub parting: f32,
    pub beard: f32,
    pub moustache: f32,
    pub glasses: Option<Colour>,
    pub blush: f32,
    /// Direction that the light comes from, in the picture's plane, with its strength as its length.
    pub light: [f32; 2],
    /// Depth of soft shadows.
    pub relief: f32,
    pub gain: Colour,
    pub noise: f32,
    /// Standard deviation of the final blur in pixels of the crop; 0 for none.
    pub blur: f32,
}

/// Between two colours.
pub fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|i| a[i] + share * (b[i] - a[i]))
}

/// A colour made darker (below 1) or brighter.
pub fn shade(colour: Colour, factor: f32) -> Colour {
    colour.map(|value| value * factor)
}

impl Look {
    /// Draws a look.
    pub fn draw(draws: &mut Draws) -> Self {
        let tone = draws.even(0.0, 6.999);
        let skin = mix(SKINS[tone as usize], SKINS[tone as usize + 1], tone.fract());
        let skin = skin.map(|value| value * (1.0 + draws.bell(0.025)));
        let hair_colour = if tone > 3.5 { draws.pick(&HAIRS[..3]) } else { draws.pick(&HAIRS) };
        let hair = match draws.even(0.0, 1.0) {
            share if share < 0.07 => Hair::Bald,
            share if share < 0.55 => Hair::Short,
            _ => Hair::Long,
        };
        let bearded = hair != Hair::Long && draws.chance(0.25);
        let mut any = |low: f32, high: f32| [0; 3].map(|_| draws.even(low, high));
        let (cloth, backdrop, glow) = (any(0.05, 0.95), [any(0.1, 1.0), any(0.1, 1.0)], any(0.15, 1.0));
        let backdrop = if draws.chance(0.35) { [shade([1.0; 3], draws.even(0.6, 1.0)); 2] } else { backdrop };
        let blobs = if draws.chance(0.5) {
            (0..6)
                .map(|_| {
                    let centre = [draws.even(-0.2, 1.2), draws.even(-0.2, 1.2)];
                    (centre, draws.even(0.08, 0.4), mix(glow, [0; 3].map(|_| draws.even(0.0, 1.0)), 0.5))
                })
                .collect()
        } else {
            Vec::new()
        };
        let direction = draws.even(0.0, std::f32::consts::TAU);
        let strength = draws.even(0.0, 0.42);
        let exposure = 1.0 + draws.bell(0.11);
        Self {
            skin,
            hair_colour,
            brow_colour: mix(hair_colour, skin, draws.even(0.0, 0.25)),
            brow_opacity: draws.even(0.6, 0.95),
            iris: if tone > 3.0 { draws.pick(&IRISES[..2]) } else { draws.pick(&IRISES) },
            lips: mix(shade(skin, 0.85), [0.72, 0.22, 0.25], draws.even(0.25, 0.7)),
            cloth,
            backdrop,
            blobs,
            hair,
            hairline: draws.even(0.32, 0.62),
            parting: draws.even(-0.8, 0.8),
            beard: if bearded { draws.even(0.15, 0.8) } else { 0.0 },
            moustache: if bearded || draws.chance(0.04) { draws.even(0.2, 0.8) } else { 0.0 },
            glasses: draws.chance(0.12).then(|| [0; 3].map(|_| draws.even(0.03, 0.4))),
            blush: draws.even(0.0, 0.28),
            light: [strength * direction.cos(), strength * direction.sin()],
            relief: draws.even(0.5, 1.0),
            gain: [0; 3].map(|_| exposure * (1.0 + draws.bell(0.03))),
            noise: draws.even(0.0, 0.011),
            blur: if draws.chance(0.3) { draws.even(0.3, 1.0) } else { 0.0 },
        }
    }
}
