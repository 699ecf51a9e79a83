//! The sample under `deploy/sample/`, read without the collector's code.

use std::{fs, path::Path};

use anyhow::{Context, ensure};

use crate::oracle::Report;

/// Columns that stand before the metrics.
const PLACE: [&str; 4] = ["locality", "period", "observed_time", "basis"];

/// Report of one province, as a wide table.
#[derive(Debug)]
pub struct Sample {
    pub province: String,
    header: String,
    rows: Vec<String>,
}

impl Sample {
    /// The sample of a province.
    pub fn of(province: &str) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate has a root")?;
        let path = root.join("deploy/sample/provinces").join(format!("{province}.csv"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        ensure!(!text.contains('"'), "{}: quotes are not read here", path.display());
        let mut lines = text.lines().map(str::to_owned);
        let header = lines.next().context("the sample has a header")?;
        ensure!(header.starts_with(&PLACE.join(",")), "{}: {header}", path.display());
        Ok(Self { province: province.to_owned(), header, rows: lines.collect() })
    }

    /// The sample as files of about equally many rows.
    #[must_use]
    pub fn pieces(&self, count: usize) -> Vec<String> {
        let rows = self.rows.chunks(self.rows.len().div_ceil(count));
        rows.map(|rows| format!("{}\n{}\n", self.header, rows.join("\n"))).collect()
    }

    /// Every value in it.
    pub fn reports(&self) -> anyhow::Result<Vec<Report>> {
        let metrics: Vec<_> = self.header.split(',').skip(PLACE.len()).collect();
        let mut reports = Vec::new();
        for row in &self.rows {
            let fields: Vec<_> = row.split(',').collect();
            let (place, values) = fields.split_at_checked(PLACE.len()).context(row.clone())?;
            ensure!(values.len() == metrics.len(), "{row}");
            for (metric, value) in metrics.iter().zip(values).filter(|(_, text)| !text.is_empty()) {
                reports.push(Report {
                    locality: place[0].parse()?,
                    metric: (*metric).to_owned(),
                    period: place[1].parse()?,
                    value: Some(value.parse()?),
                    observed: place[2].parse()?,
                    basis: place[3].parse().map_err(anyhow::Error::msg)?,
                });
            }
        }
        Ok(reports)
    }
}
