//! The landmark schemes that need no file.

use super::{Group, Normaliser, PointScheme};

/// Mirror permutation of the 106-point order of InsightFace's `2d106det` and the PFLD lists with 106 points:
/// 0 chin, 1-16 and 17-32 the halves of the outline, 33-42 and 87-96 eyes, 43-51 and 97-105 brows, 52-71 lips, 72-86 nose.
const MIRROR_106: [usize; 106] = [
    0, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    16, //
    87, 88, 93, 91, 90, 92, 89, 94, 96, 95, // left eye
    101, 100, 99, 97, 98, 105, 104, 102, 103, // left brow
    61, 53, 57, 58, 59, 54, 55, 56, 60, 52, 62, 67, 68, 69, 70, 63, 64, 65, 66, 71, // lips
    72, 73, 74, 81, 82, 83, 84, 85, 80, 75, 76, 77, 78, 79, 86, // nose
    33, 34, 39, 37, 36, 38, 35, 40, 42, 41, // right eye
    46, 47, 45, 44, 43, 50, 51, 49, 48, // right brow
];

/// The point counts whose schemes are built in.
pub const BUILT_IN: [usize; 5] = [19, 29, 68, 98, 106];

/// The built-in scheme of a point count: 68 (iBUG), 98 (WFLW) and 106 in whole, 19 and 29 for the error only.
pub fn builtin(count: usize) -> Option<PointScheme> {
    let (nme, mirror, groups) = match count {
        19 => (Normaliser::FixedPixels(34.0), None, Vec::new()),
        29 => (Normaliser::Pair(8, 9), None, Vec::new()),
        68 => (Normaliser::Pair(36, 45), Some(mirror_68()), groups_68()),
        98 => (Normaliser::Pair(60, 72), Some(mirror_98()), groups_98()),
        106 => (Normaliser::Pair(35, 93), Some(MIRROR_106.to_vec()), groups_106()),
        _ => return None,
    };
    Some(PointScheme { count, nme, mirror, groups })
}

/// Swaps each pair; every other point mirrors to itself.
fn swaps(count: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut mirror: Vec<usize> = (0..count).collect();
    for (a, b) in pairs {
        mirror.swap(a, b);
    }
    mirror
}

fn mirror_68() -> Vec<usize> {
    let outline = (0..8).map(|i| (i, 16 - i));
    let brows = (0..5).map(|i| (17 + i, 26 - i));
    let nostrils = [(31, 35), (32, 34)];
    let eyes = [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)];
    let lips = [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)];
    swaps(68, outline.chain(brows).chain(nostrils).chain(eyes).chain(lips))
}

fn mirror_98() -> Vec<usize> {
    let outline = (0..16).map(|i| (i, 32 - i));
    let brows = [(33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47)];
    let nostrils = [(55, 59), (56, 58)];
    let eyes = [(60, 72), (61, 71), (62, 70), (63, 69), (64, 68), (65, 75), (66, 74), (67, 73), (96, 97)];
    let lips = [(76, 82), (77, 81), (78, 80), (83, 87), (84, 86), (88, 92), (89, 91), (93, 95)];
    swaps(98, outline.chain(brows).chain(nostrils).chain(eyes).chain(lips))
}

fn open(points: impl IntoIterator<Item = usize>) -> Group {
    Group { points: points.into_iter().collect(), closed: false }
}

fn closed(points: impl IntoIterator<Item = usize>) -> Group {
    Group { points: points.into_iter().collect(), closed: true }
}

fn groups_68() -> Vec<Group> {
    vec![
        open(0..17),
        open(17..22),
        open(22..27),
        open(27..31),
        open(31..36),
        closed(36..42),
        closed(42..48),
        closed(48..60),
        closed(60..68),
    ]
}

fn groups_98() -> Vec<Group> {
    vec![
        open(0..33),
        closed(33..42),
        closed(42..51),
        open(51..55),
        open(55..60),
        closed(60..68),
        closed(68..76),
        closed(76..88),
        closed(88..96),
    ]
}

fn groups_106() -> Vec<Group> {
    vec![
        open([
            1, 9, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8, 0, 24, 23, 22, 21, 20, 19, 18, 32, 31, 30, 29, 28, 27, 26, 25,
            17,
        ]),
        closed([35, 41, 40, 42, 39, 37, 33, 36]),
        closed([89, 95, 94, 96, 93, 91, 87, 90]),
        closed([43, 48, 49, 51, 50, 46, 47, 45, 44]),
        closed([102, 103, 104, 105, 101, 100, 99, 98, 97]),
        open([72, 73, 74, 86]),
        open([75, 76, 77, 78, 79, 80, 85, 84, 83, 82, 81]),
        closed([52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55]),
        closed([65, 66, 62, 70, 69, 57, 60, 54]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_schemes_are_valid_and_their_nme_pairs_mirror_onto_each_other() {
        for count in [19, 29, 68, 98, 106] {
            let scheme = builtin(count).unwrap();
            scheme.validate().unwrap();
            if let (Some(mirror), Normaliser::Pair(a, b)) = (&scheme.mirror, scheme.nme) {
                assert_eq!(mirror[a], b, "{count} points");
            }
        }
        assert_eq!(builtin(86), None);
    }

    /// Fixed points of a mirror lie on the middle line, so their number is known from the schemes' pictures.
    #[test]
    fn mirrors_leave_exactly_the_middle_points() {
        let fixed = |count: usize| {
            let mirror = builtin(count).unwrap().mirror.unwrap();
            (0..count).filter(|&i| mirror[i] == i).collect::<Vec<_>>()
        };
        assert_eq!(fixed(68), [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]);
        assert_eq!(fixed(98), [16, 51, 52, 53, 54, 57, 79, 85, 90, 94]);
        assert_eq!(fixed(106), [0, 53, 60, 62, 71, 72, 73, 74, 80, 86]);
    }

    #[test]
    fn groups_mirror_onto_groups() {
        for count in [68, 98, 106] {
            let scheme = builtin(count).unwrap();
            let mirror = scheme.mirror.unwrap();
            let sorted = |points: Vec<usize>| {
                let mut points = points;
                points.sort_unstable();
                points
            };
            for group in &scheme.groups {
                let mirrored = sorted(group.points.iter().map(|&i| mirror[i]).collect());
                assert!(scheme.groups.iter().any(|other| sorted(other.points.clone()) == mirrored), "{count} points: {group:?}");
            }
        }
    }
}
