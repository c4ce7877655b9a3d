//! Which subnets the architecture weights choose.

/// A choice for the first layers, while it is being completed.
struct Partial {
    score: f64,
    /// A cost a table.
    costs: Vec<f64>,
    indices: Vec<usize>,
}

impl Partial {
    /// At least as good in every respect.
    fn dominates(&self, other: &Self) -> bool {
        self.score >= other.score && self.costs.iter().zip(&other.costs).all(|(a, b)| a <= b)
    }
}

/// The `count` networks (an index a layer) with the largest Σ score whose costs stay within `limits`, the best one first: costs are by
/// table, layer and candidate, and each table has its own limit. Of equal ones the first; fewer if no more are within the limits.
///
/// Exact: layer by layer, only choices are kept that fewer than `count` others dominate (after Nemhauser and Ullmann, *Discrete dynamic
/// programming and capital allocation*, 1969). Scores may be architecture weights, which differ from log-probabilities by a constant a
/// layer.
pub fn few_within(scores: &[Vec<f32>], costs: &[&[Vec<f64>]], limits: &[f64], count: usize) -> Vec<Vec<usize>> {
    // The least that the layers from each one on cost, by table.
    let cheapest = |rows: &[Vec<f64>]| rows.iter().map(|row| row.iter().copied().fold(f64::INFINITY, f64::min)).sum::<f64>();
    let mut kept = vec![Partial { score: 0.0, costs: vec![0.0; costs.len()], indices: Vec::new() }];
    for (layer, row) in scores.iter().enumerate() {
        let rest: Vec<f64> = costs.iter().map(|rows| cheapest(&rows[layer + 1..])).collect();
        let mut grown: Vec<Partial> = Vec::new();
        for partial in &kept {
            for (k, &score) in row.iter().enumerate() {
                let costs: Vec<f64> = partial.costs.iter().zip(costs).map(|(sum, rows)| sum + rows[layer][k]).collect();
                let can_end = costs.iter().zip(&rest).zip(limits).all(|((cost, rest), limit)| cost + rest <= *limit);
                if can_end {
                    let indices = partial.indices.iter().copied().chain([k]).collect();
                    grown.push(Partial { score: partial.score + f64::from(score), costs, indices });
                }
            }
        }
        grown.sort_by(|a, b| b.score.total_cmp(&a.score));
        if layer + 1 == scores.len() {
            kept = grown;
            break;
        }
        kept.clear();
        for partial in grown {
            if kept.iter().filter(|k| k.dominates(&partial)).take(count).count() < count {
                kept.push(partial);
            }
        }
    }
    kept.into_iter().take(count).map(|network| network.indices).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn best_within(scores: &[Vec<f32>], costs: &[&[Vec<f64>]], limits: &[f64]) -> Option<Vec<usize>> {
        few_within(scores, costs, limits, 1).into_iter().next()
    }

    #[test]
    fn without_a_limit_it_is_each_layers_largest_and_the_first_of_equal_ones() {
        let scores = [vec![0.1, 0.5, 0.5], vec![0.3, 0.2, 0.1]];
        let costs = [vec![1.0, 9.0, 2.0], vec![1.0, 1.0, 1.0]];
        assert_eq!(best_within(&scores, &[], &[]), Some(vec![1, 0]));
        assert_eq!(best_within(&scores, &[&costs], &[f64::INFINITY]), Some(vec![1, 0]));
        assert_eq!(best_within(&scores, &[&costs], &[5.0]), Some(vec![2, 0]));
        assert_eq!(best_within(&scores, &[&costs], &[2.5]), Some(vec![0, 0]));
        assert_eq!(best_within(&scores, &[&costs], &[1.5]), None);
    }

    #[test]
    fn it_is_the_best_few_of_all_networks_under_two_tables() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let mut table = || -> Vec<Vec<f64>> { (0..5).map(|_| (0..4).map(|_| rng.random_range(1.0..9.0)).collect()).collect() };
            let (a, b, scores) = (table(), table(), table());
            let scores: Vec<Vec<f32>> = scores.iter().map(|row| row.iter().map(|&s| s as f32).collect()).collect();
            let limits = [18.0, 20.0];
            let all = (0..4usize.pow(5)).map(|n| (0..5).map(|l| n / 4usize.pow(l) % 4).collect::<Vec<_>>());
            let sum = |t: &[Vec<f64>], c: &[usize]| c.iter().zip(t).map(|(&k, row)| row[k]).sum::<f64>();
            let score = |c: &[usize]| c.iter().zip(&scores).map(|(&k, row)| f64::from(row[k])).sum::<f64>();
            let fits = all.filter(|c| sum(&a, c) <= limits[0] && sum(&b, c) <= limits[1]);
            let mut fits: Vec<Vec<usize>> = fits.collect();
            fits.sort_by(|x, y| score(y).total_cmp(&score(x)));
            assert_eq!(best_within(&scores, &[&a, &b], &limits).as_ref(), fits.first());
            for count in [3, 40, 2000] {
                assert_eq!(few_within(&scores, &[&a, &b], &limits, count), fits[..count.min(fits.len())]);
            }
            assert_eq!(few_within(&scores, &[], &[], 5).len(), 5);
        }
    }
}
