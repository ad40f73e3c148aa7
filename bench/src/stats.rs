//! Medians and percentiles.

/// The middle value; with an even number of them, the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// The smallest value that at least `share` of all values do not exceed.
pub(crate) fn percentile(values: &mut [u64], share: f64) -> u64 {
    values.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is a length"
    )]
    let rank = (values.len() as f64 * share).ceil() as usize;
    let place = rank.saturating_sub(1);
    values.get(place).copied().unwrap_or(0)
}

/// A small, fast generator: which tenant is next, and when. The same numbers on every run.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins a sequence.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }

    /// A wait between two arrivals that happen independently, `mean` long on average.
    pub(crate) fn gap(&mut self, mean: f64) -> f64 {
        let share = (self.below(1 << 40) as f64 + 1.0) / (1u64 << 40) as f64;
        -share.ln() * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_bad_round() {
        assert!((median(&[1.0, 9.0, 1.2, 1.1, 0.1]) - 1.1).abs() < 1e-9);
        assert!((median(&[1.0, 2.0]) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 0.99), 99);
        assert_eq!(percentile(&mut values, 1.0), 100);
        assert_eq!(percentile(&mut [], 0.99), 0);
    }

    #[test]
    fn gaps_have_the_mean_that_was_asked_for() {
        let mut dice = Dice::new(7);
        let sum: f64 = (0..100_000).map(|_| dice.gap(2.0)).sum();
        assert!((sum / 100_000.0 - 2.0).abs() < 0.05, "{sum}");
    }
}
