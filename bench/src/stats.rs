//! What a series of samples comes to: minimum, median, 95th and 99th percentile. Nothing is thrown away.

use serde::Serialize;

/// The figures of one series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// How many samples.
    pub(crate) n: usize,
    pub(crate) min: f64,
    pub(crate) median: f64,
    /// The smallest sample that 95 of 100 do not exceed; below 20 samples that is the largest.
    pub(crate) p95: f64,
    /// The smallest sample that 99 of 100 do not exceed; below 100 samples that is the largest.
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// `None` where there is no sample.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let n = sorted.len();
        let median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
        let p95 = sorted[(n * 95).div_ceil(100) - 1];
        let p99 = sorted[(n * 99).div_ceil(100) - 1];
        Some(Self {
            n,
            min,
            median,
            p95,
            p99,
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_comes_to_its_order_statistics() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (samples, min, median, p95, p99, max) in [
            (vec![5.0], 5.0, 5.0, 5.0, 5.0, 5.0),
            (vec![3.0, 1.0], 1.0, 2.0, 3.0, 3.0, 3.0),
            (vec![9.0, 1.0, 2.0], 1.0, 2.0, 9.0, 9.0, 9.0),
            (hundred.clone(), 1.0, 50.5, 95.0, 99.0, 100.0),
            ([hundred.clone(), hundred].concat(), 1.0, 50.5, 95.0, 99.0, 100.0),
        ] {
            let n = samples.len();
            let expected = Summary {
                n,
                min,
                median,
                p95,
                p99,
                max,
            };
            assert_eq!(Summary::of(&samples), Some(expected), "{n} samples");
        }
        assert_eq!(Summary::of(&[]), None);
    }
}
