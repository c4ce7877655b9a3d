//! How far one order is another.

/// Kendall's τ of pairs of values: pairs of pairs that both values order alike, minus those that they order otherwise, over all. Equal values count
/// for neither; without two pairs it is 0.
///
/// ```
/// assert_eq!(luts::kendall_tau(&[(1.0, 10.0), (2.0, 30.0), (3.0, 20.0)]), 1.0 / 3.0);
/// ```
pub fn kendall_tau(pairs: &[(f64, f64)]) -> f64 {
    let mut balance = 0.0;
    let mut count = 0.0;
    for (i, a) in pairs.iter().enumerate() {
        for b in &pairs[i + 1..] {
            let product = (a.0 - b.0) * (a.1 - b.1);
            balance += if product == 0.0 { 0.0 } else { product.signum() };
            count += 1.0;
        }
    }
    if count == 0.0 { 0.0 } else { balance / count }
}
