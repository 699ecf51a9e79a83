//! Telling a header from a row, where one stands among the rows.
//!
//! Two exports that were joined have two headers, and the second may have other columns. A row
//! below it that were read by the first header would put values into wrong columns, so that what
//! looks like a header never passes for a row.

use super::{KEYS, Shape, Table};
use crate::source::separator::SEPARATORS;

/// Whether cells are the names of columns: two of them or more are names that every table has.
#[must_use]
pub fn names_columns(cells: &[&str]) -> bool {
    cells.iter().filter(|cell| is_key(cell)).count() >= 2
}

/// Whether cells name columns once they are cut at another separator.
#[must_use]
pub fn names_columns_with(cells: &[&str], separator: char) -> bool {
    let line = cells.join(&separator.to_string());
    SEPARATORS.into_iter().filter(|other| *other != separator).any(|other| {
        let cells: Vec<_> = line.split(other).map(str::trim).collect();
        names_columns(&cells)
    })
}

impl Table {
    /// Whether a record below this header is another header, readable or not.
    #[must_use]
    pub fn is_followed_by_header(&self, cells: &[&str]) -> bool {
        names_columns(cells)
            || names_columns_with(cells, self.separator)
            || self.has_metric_as_value(cells)
            || self.has_only_words_as_keys(cells)
    }

    /// A metric's id stands where a wide table has a value.
    fn has_metric_as_value(&self, cells: &[&str]) -> bool {
        match &self.shape {
            Shape::Long { .. } => false,
            Shape::Wide(metrics) => cells.iter().any(|cell| {
                let folded = cell.to_lowercase();
                metrics.iter().any(|(_, metric)| metric.as_str() == folded)
            }),
        }
    }

    /// Code, month and time are all words, as in a header with other names for its columns.
    fn has_only_words_as_keys(&self, cells: &[&str]) -> bool {
        let keys = [&self.locality, &self.period, &self.observed];
        keys.iter().all(|column| {
            let cell = cells.get(column.index).and_then(|cell| cell.chars().next());
            cell.is_some_and(char::is_alphabetic)
        })
    }
}

fn is_key(cell: &str) -> bool {
    // A byte order mark stands before the second of two files that were joined.
    let folded = cell.trim_start_matches('\u{feff}').trim().to_lowercase();
    KEYS.contains(&folded.as_str())
}

#[cfg(test)]
mod tests {
    use phuxanh_core::catalogue::Catalogue;

    use super::*;

    #[test]
    fn what_looks_like_a_header_is_no_row() {
        let header = "locality,period,observed_time,applications_received,note";
        let cells = |line: &'static str| line.split(',').collect::<Vec<_>>();
        let table = Table::read_header(&cells(header), ',', &Catalogue::builtin());
        let table = table.expect("a header").table;
        let headers = [
            header,
            "Period,LOCALITY",
            "\u{feff}locality,period,observed_time,working_days",
            "locality;period;observed_time;working_days",
            "xã,tháng,thời điểm,Applications_Received,ghi chú",
            "Mã xã,Tháng,Thời điểm,Hồ sơ,Ghi chú",
        ];
        for line in headers {
            assert!(table.is_followed_by_header(&cells(line)), "{line}");
        }
        let rows = [
            "01273,2025-07,2025-07-31 16:00,412,",
            "01273,2025-07,2025-07-31 16:00,x,the value of this period",
            "Tổng cộng,2025-07,2025-07-31 16:00,712,",
            "BÁO CÁO THÁNG 8,,,,",
            "x,Jul-25,31/07/2025,1,",
        ];
        for line in rows {
            assert!(!table.is_followed_by_header(&cells(line)), "{line}");
        }
    }
}
