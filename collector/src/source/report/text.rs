//! The words of a report, first in Vietnamese and then in English.

use phuxanh_core::Timestamp;

use crate::{
    source::refusal::{Cell, Refusal, shown},
    spool::AcceptedFile,
};

/// What a file's rows came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub rows: u64,
    /// Rows in which something was refused.
    pub refused_rows: u64,
    pub taken: u64,
    pub unchanged: u64,
    pub superseded: u64,
    /// Refused lines, cells and columns.
    pub refused: u64,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted(Counts),
    /// Nothing in it could be used.
    Rejected(Counts),
    /// The same bytes were accepted before.
    Identical(AcceptedFile),
}

/// The head of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file's name where it lies now.
    pub file: String,
    pub read: Timestamp,
    pub outcome: Outcome,
}

impl Counts {
    /// Observations that reached the spool, whatever became of them there.
    pub fn delivered(&self) -> u64 {
        self.taken + self.unchanged + self.superseded
    }
}

impl Outcome {
    /// What a file came to by its counts: accepted with one good row, or with none at all.
    pub fn of(counts: Counts) -> Self {
        if counts.delivered() == 0 && counts.refused_rows > 0 {
            Self::Rejected(counts)
        } else {
            Self::Accepted(counts)
        }
    }
}

/// The head of a report; `left_out` entries are counted and not listed.
pub(super) fn summary(summary: &Summary, left_out: u64) -> String {
    let head = format!(
        "BÁO CÁO NHẬN TỆP / FILE REPORT\n\n\
         Tệp / File: {}\n\
         Thời điểm đọc / Read at: {}\n",
        summary.file, summary.read
    );
    match &summary.outcome {
        Outcome::Accepted(counts) => head + accepted(counts) + &counted(counts, left_out),
        Outcome::Rejected(counts) => head + REJECTED + &counted(counts, left_out),
        Outcome::Identical(file) => head + &identical(file),
    }
}

const REJECTED: &str = "Kết quả / Result: KHÔNG NHẬN / REJECTED\n    \
     Tệp không có dòng nào dùng được. Sửa các lỗi dưới đây rồi đặt tệp vào thư mục nhận một lần nữa.\n    \
     No line of the file can be used. Correct what is listed below and put the file into the inbox again.\n";

fn accepted(counts: &Counts) -> &'static str {
    if counts.refused == 0 {
        "Kết quả / Result: ĐÃ NHẬN / ACCEPTED\n"
    } else {
        "Kết quả / Result: ĐÃ NHẬN MỘT PHẦN / ACCEPTED IN PART\n    \
         Các giá trị đúng đã được nhận. Sửa các mục bị từ chối dưới đây và gửi riêng chúng trong một tệp mới.\n    \
         The good values are taken. Correct the refused ones below and deliver only those in a new file.\n"
    }
}

fn identical(file: &AcceptedFile) -> String {
    let AcceptedFile { name, accepted, .. } = file;
    format!(
        "Kết quả / Result: ĐÃ NHẬN TRƯỚC ĐÂY / ACCEPTED BEFORE\n    \
         Tệp giống hệt tệp {name} đã nhận lúc {accepted}. Không có gì được ghi thêm.\n    \
         The file is identical to {name}, accepted at {accepted}. Nothing was done.\n"
    )
}

fn counted(counts: &Counts, left_out: u64) -> String {
    let Counts { rows, taken, unchanged, superseded, refused, .. } = counts;
    let counted = format!(
        "\nSố dòng đã đọc / Rows read: {rows}\n\
         Giá trị nhận mới / Observations taken: {taken}\n\
         Giá trị không thay đổi / Unchanged: {unchanged}\n\
         Giá trị đã có số liệu mới hơn / Superseded: {superseded}\n\
         Mục bị từ chối / Refused: {refused}\n"
    );
    let cut = match left_out {
        0 => String::new(),
        _ => format!("Không liệt kê vì quá nhiều / Not listed, since too many: {left_out}\n"),
    };
    let heading = if refused + superseded > 0 { "\nCHI TIẾT / DETAILS\n" } else { "" };
    counted + &cut + heading
}

/// The entry of something refused.
pub(super) fn refusal(line: u64, refusal: &Refusal) -> String {
    let Refusal { cell, reason } = refusal;
    let (vietnamese, english) = (reason.vietnamese(&cell.text), reason.english(&cell.text));
    entry(line, cell, &vietnamese, &english)
}

/// The entry of a value that a newer one replaces.
pub(super) fn superseded(
    line: u64,
    cell: &Cell,
    newer: Option<i64>,
    observed: Timestamp,
) -> String {
    let (here, newer) =
        (shown(&cell.text), newer.map_or("-".to_owned(), |value| value.to_string()));
    let vietnamese = format!(
        "{here} không được dùng vì đã có giá trị mới hơn: {newer}, quan sát lúc {observed}. Nếu \
         giá trị trong tệp mới đúng, gửi lại với thời điểm quan sát muộn hơn."
    );
    let english = format!(
        "{here} is not used, since a newer value stands: {newer}, observed at {observed}. If the \
         value in the file is right, deliver it again with a later observed time."
    );
    entry(line, cell, &vietnamese, &english)
}

fn entry(line: u64, cell: &Cell, vietnamese: &str, english: &str) -> String {
    let place = cell.column.as_ref().map_or(String::new(), |name| {
        format!(" | Cột / Column: {}", shown(name).trim_matches('"'))
    });
    let value = shown(&cell.text);
    format!(
        "\nDòng / Line: {line}{place} | Giá trị / Value: {value}\n    {vietnamese}\n    {english}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_good_row_is_rejected_and_one_without_rows_is_not() {
        let cases = [
            (Counts::default(), false),
            (Counts { refused: 1, ..Counts::default() }, false),
            (Counts { rows: 1, refused_rows: 1, refused: 2, ..Counts::default() }, true),
            (Counts { rows: 2, refused_rows: 1, unchanged: 1, ..Counts::default() }, false),
            (Counts { rows: 2, refused_rows: 1, superseded: 1, ..Counts::default() }, false),
        ];
        for (counts, rejected) in cases {
            assert_eq!(Outcome::of(counts) == Outcome::Rejected(counts), rejected, "{counts:?}");
        }
    }

    #[test]
    fn an_identical_file_is_told_of_the_first() {
        let time: Timestamp = "2025-08-01 09:00".parse().expect("a time");
        let file = AcceptedFile { digest: [0; 32], name: "04.csv".into(), accepted: time };
        let read = "2025-08-02 09:00".parse().expect("a time");
        let summary = Summary { file: "04-2.csv".into(), read, outcome: Outcome::Identical(file) };
        let text = super::summary(&summary, 0);
        assert!(text.contains(
            "The file is identical to 04.csv, accepted at 2025-08-01T09:00:00+07:00. Nothing was done."
        ));
        assert!(text.contains("Tệp giống hệt tệp 04.csv đã nhận lúc 2025-08-01T09:00:00+07:00."));
    }

    #[test]
    fn entries_that_are_left_out_are_counted() {
        let counts = Counts { rows: 9, refused_rows: 9, refused: 9, ..Counts::default() };
        let read = "2025-08-02 09:00".parse().expect("a time");
        let summary = Summary { file: "a.csv".into(), read, outcome: Outcome::of(counts) };
        assert!(super::summary(&summary, 7).contains("since too many: 7\n"));
        assert!(!super::summary(&summary, 0).contains("too many"));
    }
}
