//! Telling a header from a row, where one stands among the rows.
//!
//! Two exports that were joined have two headers, and the second may have other columns. A row
//! below it that were read by the first header would put values into wrong columns, so that what
//! looks like a header never passes for a row.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use super::{KEYS, Shape, Table};

/// Characters that may separate cells.
pub const SEPARATORS: [char; 3] = [',', ';', '\t'];
/// Columns of the smallest table.
pub const COLUMNS_MIN: usize = 4;
/// Bytes of a cell that may be the name of a column.
const NAME_BYTES_MAX: usize = 200;

/// True if cells are the names of columns: two of them or more are names that every table has.
#[must_use]
pub fn names_columns(cells: &[&str]) -> bool {
    cells.iter().filter(|cell| is_key(cell)).count() >= 2
}

/// True if a line names columns once it is cut at any separator.
#[must_use]
pub fn line_names_columns(line: &str) -> bool {
    separator_of_names(line).is_some()
}

/// The separator at which a line is cut into names of columns.
#[must_use]
pub fn separator_of_names(line: &str) -> Option<char> {
    SEPARATORS.into_iter().find(|separator| {
        let cells: Vec<_> = line.split(*separator).collect();
        names_columns(&cells)
    })
}

impl Table {
    /// True if a record below this header is another header, readable or not.
    #[must_use]
    pub fn is_followed_by_header(&self, cells: &[&str]) -> bool {
        names_columns(cells)
            || self.names_columns_otherwise(cells)
            || self.has_metric_as_value(cells)
            || self.has_only_words(cells)
    }

    /// Cells hold separators and are names once they are cut there: a header of another separator,
    /// or one that stands between quotation marks as a whole.
    fn names_columns_otherwise(&self, cells: &[&str]) -> bool {
        cells.iter().any(|cell| cell.contains(SEPARATORS))
            && line_names_columns(&cells.join(&self.separator.to_string()))
    }

    /// A metric's id stands where a wide table has a value.
    fn has_metric_as_value(&self, cells: &[&str]) -> bool {
        match &self.shape {
            Shape::Long { .. } => false,
            Shape::Wide(metrics) => cells
                .iter()
                .any(|cell| metrics.iter().any(|(_, metric)| is_name(cell, metric.as_str()))),
        }
    }

    /// Code, month and time are all words, as in a header with other names for its columns, and no
    /// cell is a number. Or there is nothing but words in as many cells as a table has, or at the end
    /// of a row that has too many cells, since the line end before the header is missing.
    fn has_only_words(&self, cells: &[&str]) -> bool {
        let keys = [&self.locality, &self.period, &self.observed];
        let mut keys = keys.into_iter().map(|column| cells.get(column.index).copied());
        let mut filled = cells.iter().filter(|cell| !cell.is_empty());
        let is_named = keys.all(|cell| cell.is_some_and(is_word));
        (is_named && filled.clone().all(|cell| !begins_as_number(cell)))
            || (filled.clone().count() >= COLUMNS_MIN && filled.all(|cell| is_word(cell)))
            || (cells.len() > self.cell_count && ends_with_words(cells))
    }
}

/// True if the first letter or digit of a cell is a letter.
fn is_word(cell: &str) -> bool {
    cell.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_alphabetic)
}

/// True if the last cells are as many different words as a table has columns.
fn ends_with_words(cells: &[&str]) -> bool {
    let filled = cells.iter().rev().filter(|cell| !cell.is_empty());
    let words: BTreeSet<_> = filled.take_while(|cell| is_word(cell)).collect();
    words.len() >= COLUMNS_MIN
}

/// True if a cell begins as codes, months, times and counts do.
fn begins_as_number(cell: &str) -> bool {
    cell.bytes().take(2).filter(u8::is_ascii_digit).count() == 2
}

fn is_key(cell: &&str) -> bool {
    KEYS.iter().any(|name| is_name(cell, name))
}

/// True if a cell is meant as a name: its letters and digits are the same. A name that has a
/// character in it that cannot be seen, or that is in full width, is still meant as one.
fn is_name(cell: &str, name: &str) -> bool {
    if cell.len() > NAME_BYTES_MAX {
        return false;
    }
    let name = name.chars().filter(|c| c.is_alphanumeric());
    if cell.is_ascii() {
        let letters = cell.chars().filter(char::is_ascii_alphanumeric);
        return letters.map(|c| c.to_ascii_lowercase()).eq(name);
    }
    cell.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).eq(name)
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
            "(Mã xã),(Tháng),\u{200b}Thời điểm,(Hồ sơ),Ghi chú",
            "\u{200b}locality,per\u{ad}iod,1,2,3",
            "01273,2025-07,2025-07-31 16:00,412,Mã xã,Tháng,Thời điểm,Hồ sơ",
            ",,,,,Mã xã,Tháng,Thời điểm,Hồ sơ",
            "ｌｏｃａｌｉｔｙ,ｐｅｒｉｏｄ,1,2,3",
            "# locality,Observed time,1,2,3",
            "x,y,1,applications_\u{2060}received,3",
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
            "x,Jul-25,y,2025-07-31 16:00,1,",
        ];
        for line in rows {
            assert!(!table.is_followed_by_header(&cells(line)), "{line}");
        }
    }
}
