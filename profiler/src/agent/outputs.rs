//! What a model gives, compared with what it must give.

use std::path::Path;

use engines::Value;

/// Reads little-endian f32 values.
pub(super) fn floats(path: &Path) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let (values, rest) = bytes.as_chunks::<4>();
    if rest.is_empty() { Ok(values.iter().map(|b| f32::from_le_bytes(*b)).collect()) } else { Err("it is truncated".to_string()) }
}

/// Largest difference in parts of the largest expected value; NaN where an output is.
pub(super) fn difference(outputs: &[Vec<f32>], expected: &[Vec<f32>]) -> Result<f64, String> {
    let lengths = |values: &[Vec<f32>]| values.iter().map(Vec::len).collect::<Vec<_>>();
    if lengths(outputs) != lengths(expected) {
        return Err(format!("it gives outputs of {:?} values instead of {:?}", lengths(outputs), lengths(expected)));
    }
    let mut worst = 0.0f64;
    for (outputs, expected) in std::iter::zip(outputs, expected) {
        let range = expected.iter().fold(1e-6f64, |m, &v| m.max(f64::from(v).abs()));
        for (&a, &b) in std::iter::zip(outputs, expected) {
            let d = (f64::from(a) - f64::from(b)).abs() / range;
            if d.is_nan() || d > worst {
                worst = d;
            }
            if worst.is_nan() {
                return Ok(worst);
            }
        }
    }
    Ok(worst)
}

/// FNV-1a over the outputs' bits.
pub(super) fn checksum(outputs: &[Option<Value>]) -> String {
    let bytes = outputs.iter().flatten().flat_map(Value::bytes);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_relative_to_the_range_and_nan_is_not_lost() {
        assert_eq!(difference(&[vec![1.0, 2.0]], &[vec![1.0, 4.0]]), Ok(0.5));
        assert!(difference(&[vec![f32::NAN, 2.0]], &[vec![1.0, 2.0]]).is_ok_and(f64::is_nan));
        assert!(difference(&[vec![1.0]], &[vec![1.0, 4.0]]).is_err());
    }

    #[test]
    fn a_checksum_sees_one_bit() {
        let of = |values: &[&[f32]]| checksum(&values.iter().map(|v| Value::floats(vec![v.len()], v)).collect::<Vec<_>>());
        assert_ne!(of(&[&[1.0, 0.0]]), of(&[&[1.0, -0.0]]));
        assert_eq!(of(&[&[1.0], &[2.0]]), of(&[&[1.0, 2.0]]));
    }
}
