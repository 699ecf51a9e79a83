//! The observations of one batch as they travel: each metric is named once.

use super::{Basis, Batch, CellKey, LocalityCode, MetricId, Observation, Period, Timestamp};

/// Observations in their order, and the metrics that they are of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observations {
    metrics: Vec<MetricId>,
    rows: Vec<Row>,
}

/// An observation whose metric is named elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub locality: LocalityCode,
    /// Place of the metric in [`Observations::metrics`].
    pub metric: u32,
    pub period: Period,
    /// `None` withdraws an earlier value.
    pub value: Option<i64>,
    pub observed: Timestamp,
    pub revision: u32,
    pub basis: Basis,
}

/// Reads the payload of a batch; none where it cannot be read. The encoding belongs to the contract,
/// which stands outside, so whoever needs the observations of a batch is given this.
pub type Decode = fn(&Batch) -> Option<Observations>;

impl Observations {
    /// The caller has checked that every row's metric is one of `metrics`.
    #[must_use]
    pub fn new(metrics: Vec<MetricId>, rows: Vec<Row>) -> Self {
        Self { metrics, rows }
    }

    /// The metrics that rows name by their place.
    #[must_use]
    pub fn metrics(&self) -> &[MetricId] {
        &self.metrics
    }

    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The observations one by one.
    pub fn iter(&self) -> impl Iterator<Item = Observation> {
        self.rows.iter().map(|row| row.observation(&self.metrics[row.metric as usize]))
    }
}

impl FromIterator<Observation> for Observations {
    fn from_iter<T: IntoIterator<Item = Observation>>(observations: T) -> Self {
        let mut all = Self::default();
        for Observation { key, value, observed, revision, basis } in observations {
            let CellKey { locality, metric, period } = key;
            let known = all.metrics.iter().position(|known| *known == metric);
            let place = known.unwrap_or_else(|| {
                all.metrics.push(metric);
                all.metrics.len() - 1
            });
            let metric = u32::try_from(place).expect("a batch of fewer than 2^32 metrics");
            all.rows.push(Row { locality, metric, period, value, observed, revision, basis });
        }
        all
    }
}

impl Row {
    fn observation(&self, metric: &MetricId) -> Observation {
        let &Self { locality, metric: _, period, value, observed, revision, basis } = self;
        let key = CellKey { locality, metric: metric.clone(), period };
        Observation { key, value, observed, revision, basis }
    }
}
