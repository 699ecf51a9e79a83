//! Figures that the report of 31 July 2025 published, as the product's facts.
//!
//! Reads `sample/published.csv` and `sample/green-by-province.csv`, which are built in, and
//! computes nothing from them.

mod breakdown;
mod decimal;

pub use breakdown::{Breakdown, Coverage};
pub use decimal::Decimal;
use phuxanh_core::Timestamp;

const PUBLISHED: &str = include_str!("../../deploy/sample/published.csv");

/// The figures of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The report's cut-off.
    pub known_at: Timestamp,
    pub provinces_total: u64,
    pub communes_total: u64,
    pub communes_green: u64,
    /// Number of provinces that have only green communes, and their codes.
    pub complete: Provinces,
    /// Provinces over 70 %, the complete ones among them.
    pub over_70_count: u64,
    /// Provinces over 50 %, those over 70 % among them.
    pub over_50_count: u64,
    /// Provinces with the lowest green coverage, the lowest first.
    pub lowest: Vec<Rate>,
    /// The lowest online submission rate of all provinces.
    pub online_submission: Rate,
    pub electronic_result: Rate,
    /// Province that received fewer applications per working day than in the month before.
    pub fell: String,
    /// Criteria that over 90 % of the communes meet.
    pub criteria_over_90: Vec<String>,
    /// Provinces that are short of digital signatures or certificates.
    pub short_of_signatures: Provinces,
}

/// A published rate of a province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Name of the province.
    pub province: String,
    pub share: Decimal,
}

/// Provinces that were counted and named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provinces {
    pub count: u64,
    /// In the report's order.
    pub names: Vec<String>,
}

struct Row {
    figure: String,
    scope: String,
    value: String,
    note: String,
}

impl Published {
    /// The figures that are built in.
    #[must_use]
    pub fn builtin() -> Self {
        let rows = rows(PUBLISHED);
        Self {
            known_at: one(&rows, "as_known_at").value.parse().expect("a time, kept by a test"),
            provinces_total: count(&rows, "provinces_total"),
            communes_total: count(&rows, "communes_total"),
            communes_green: count(&rows, "communes_green"),
            complete: provinces(&rows, "provinces_at_100_percent"),
            over_70_count: count(&rows, "provinces_over_70_percent"),
            over_50_count: count(&rows, "provinces_over_50_percent"),
            lowest: all(&rows, "green_coverage").map(rate).collect(),
            online_submission: rate(one(&rows, "online_submission_rate_2025-07")),
            electronic_result: rate(one(&rows, "electronic_result_rate_2025-07")),
            fell: one(&rows, "applications_per_day").scope.clone(),
            criteria_over_90: all(&rows, "criterion_over_90_percent")
                .map(|row| row.value.clone())
                .collect(),
            short_of_signatures: provinces(&rows, "short_of_digital_signatures"),
        }
    }
}

fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records = reader.records().map(|record| record.expect("four columns, kept by a test"));
    let text = |record: &csv::StringRecord, at: usize| record[at].to_owned();
    records
        .map(|record| Row {
            figure: text(&record, 0),
            scope: text(&record, 1),
            value: text(&record, 2),
            note: text(&record, 3),
        })
        .collect()
}

fn all<'a>(rows: &'a [Row], figure: &'a str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.figure == figure)
}

fn one<'a>(rows: &'a [Row], figure: &'a str) -> &'a Row {
    all(rows, figure).next().expect("every figure is in the file, kept by a test")
}

fn count(rows: &[Row], figure: &str) -> u64 {
    one(rows, figure).value.parse().expect("a count, kept by a test")
}

fn provinces(rows: &[Row], figure: &str) -> Provinces {
    let names = one(rows, figure).note.split(", ").map(str::to_owned).collect();
    Provinces { count: count(rows, figure), names }
}

fn rate(row: &Row) -> Rate {
    let share = row.value.parse().expect("a decimal fraction, kept by a test");
    Rate { province: row.scope.clone(), share }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_what_it_says() {
        let published = Published::builtin();
        assert_eq!(published.known_at.to_string(), "2025-07-31T16:00:00+07:00");
        assert_eq!((published.provinces_total, published.communes_total), (34, 3_321));
        assert_eq!(published.communes_green, 1_981);
        assert_eq!(published.complete.names.len(), 8);
        assert_eq!(published.complete.names[6], "Huế");
        assert_eq!((published.over_70_count, published.over_50_count), (13, 19));
        let lowest: Vec<String> =
            published.lowest.iter().map(|low| format!("{} {}", low.province, low.share)).collect();
        assert_eq!(lowest, ["Cao Bằng 5.36 %", "Lai Châu 7.89 %"]);
        assert_eq!(published.online_submission.share.to_string(), "32.73 %");
        assert_eq!(published.electronic_result.share.to_string(), "5.3 %");
        assert_eq!(published.fell, "Hồ Chí Minh");
        assert_eq!(published.criteria_over_90.len(), 4);
        assert_eq!(published.short_of_signatures.count, 7);
        assert_eq!(published.short_of_signatures.names.len(), 7);
    }
}
