//! The words of a report, first in Vietnamese and then in English.

use phuxanh_core::Timestamp;

use super::{Again, Counts, Entries, Entry, Outcome, Silent, Summary, Warning};
use crate::{
    source::refusal::{Kind, Words, characters::shown},
    spool::AcceptedFile,
};

pub(super) const SUPERSEDED: Kind =
    Kind { vietnamese: "đã có số liệu mới hơn", english: "a newer value stands" };
pub(super) const HELD_BY_CENTRE: Kind = Kind {
    vietnamese: "trung tâm đang giữ giá trị khác",
    english: "the centre holds another value",
};
pub(super) const WITHDRAWN: Kind =
    Kind { vietnamese: "giá trị được rút lại", english: "value withdrawn" };
pub(super) const ROWS_AS_TEXT: Kind = Kind {
    vietnamese: "cảnh báo: dòng nằm trong ngoặc kép",
    english: "warning: lines between quotation marks",
};
pub(super) const PART_ABOVE_WHOLE: Kind = Kind {
    vietnamese: "cảnh báo: phần lớn hơn tổng",
    english: "warning: part above its whole",
};
pub(super) const TOO_MANY_DAYS: Kind = Kind {
    vietnamese: "cảnh báo: quá số ngày của tháng",
    english: "warning: too many days",
};

/// A sentence in both languages.
struct Both {
    vietnamese: String,
    english: String,
}

impl Both {
    fn new(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { vietnamese: vietnamese.into(), english: english.into() }
    }

    fn indented(&self) -> String {
        format!("    {}\n    {}\n", self.vietnamese, self.english)
    }
}

pub(super) fn write(summary: &Summary, entries: &Entries) -> String {
    let mut text = format!(
        "BÁO CÁO NHẬN TỆP / FILE REPORT\n\n\
         Tệp / File: {}\n\
         {READ_AT}{}\n",
        summary.file, summary.read
    );
    text += &outcome(summary);
    for note in notes(summary) {
        text += &note.indented();
    }
    text += &counted(&summary.counts);
    text += &listed(entries);
    text += &summary.silent.as_ref().map_or(String::new(), silent);
    text
}

/// Beginning of the line that says when a file was read.
const READ_AT: &str = "Thời điểm đọc / Read at: ";
/// Beginning of the line that the centre holds the values of a file.
const HELD_AT: &str = "Trung tâm đã lưu bền vững / Held durably by the centre: ";

pub(super) fn confirmed(text: &str, at: Timestamp, refused_count: u64) -> Option<String> {
    let read_at = text.find(READ_AT)?;
    let (before, rest) = text.split_at(read_at);
    let (line, behind) = rest.split_once('\n')?;
    if behind.starts_with(HELD_AT) {
        return None;
    }
    let told = (refused_count > 0).then(|| {
        let vietnamese = format!(
            "Trong thời gian đó trung tâm trả lại {refused_count} giá trị của đơn vị báo cáo, có thể có giá trị \
             của tệp này. Hỏi người quản trị."
        );
        let english = format!(
            "Meanwhile the centre refused {refused_count} values of this reporter, perhaps some of this file. Ask \
             the administrator."
        );
        Both::new(vietnamese, english).indented()
    });
    let told = told.unwrap_or_default();
    Some(format!("{before}{line}\n{HELD_AT}{at}\n{told}{behind}"))
}

pub(super) fn write_superseded(file: &str, found: Timestamp, entries: &Entries) -> String {
    let told = Both::new(
        "Máy khác đã gửi cho tỉnh các giá trị có thời điểm quan sát muộn hơn; giá trị của tệp này \
         không còn hiệu lực. Nếu không ai ở tỉnh gửi các giá trị đó, hãy báo ngay cho đơn vị vận \
         hành.",
        "Another host delivered values of a later observed time for this province; those of this \
         file stand no longer. If nobody of the province delivered them, tell the operators at \
         once.",
    );
    format!(
        "BÁO CÁO VỀ SỐ LIỆU ĐÃ GỬI / REPORT ON DELIVERED VALUES\n\n\
         Tệp / File: {file}\n\
         Thời điểm phát hiện / Found at: {found}\n\
         Kết quả / Result: TRUNG TÂM CÓ GIÁ TRỊ KHÁC / THE CENTRE HOLDS OTHER VALUES\n{}{}",
        told.indented(),
        listed(entries)
    )
}

fn outcome(summary: &Summary) -> String {
    let is_repeated = summary.again.iter().any(|again| matches!(again, Again::Repeated(_)));
    let (title, told) = match Outcome::of(&summary.counts) {
        Outcome::Accepted => ("ĐÃ NHẬN / ACCEPTED", None),
        Outcome::AcceptedInPart => (
            "ĐÃ NHẬN MỘT PHẦN / ACCEPTED IN PART",
            Some(Both::new(
                "Các giá trị đúng đã được nhận. Sửa các mục bị từ chối dưới đây và gửi riêng chúng \
                 trong một tệp mới.",
                "The good values are taken. Correct the refused ones below and deliver only those \
                 in a new file.",
            )),
        ),
        Outcome::Unchanged if is_repeated => ("ĐÃ NHẬN TRƯỚC ĐÂY / ACCEPTED BEFORE", None),
        Outcome::Unchanged => (
            "KHÔNG CÓ GÌ MỚI / NOTHING NEW",
            Some(Both::new(
                "Mọi giá trị trong tệp đã được nhận trước đây và vẫn còn hiệu lực. Không có gì được \
                 ghi thêm.",
                "Every value of the file had been taken before and still stands. Nothing was done.",
            )),
        ),
        Outcome::NothingTaken => (
            "KHÔNG NHẬN GÌ / NOTHING TAKEN",
            Some(Both::new(
                "Không có giá trị nào của tệp được nhận: xem các mục dưới đây.",
                "No value of the file was taken: see below.",
            )),
        ),
        Outcome::Rejected => (
            "KHÔNG NHẬN / REJECTED",
            Some(Both::new(
                "Tệp không có dòng nào dùng được. Sửa các lỗi dưới đây rồi đặt tệp vào thư mục nhận \
                 một lần nữa.",
                "No line of the file can be used. Correct what is listed below and put the file \
                 into the inbox again.",
            )),
        ),
    };
    let told = told.map_or(String::new(), |told| told.indented());
    format!("Kết quả / Result: {title}\n{told}")
}

fn notes(summary: &Summary) -> Vec<Both> {
    let mut notes: Vec<_> =
        summary.again.iter().map(|again| read_again(again, &summary.counts)).collect();
    let told = &summary.notes;
    if summary.is_unterminated {
        notes.push(Both::new(
            "Dòng cuối của tệp không có dấu xuống dòng. Nếu tệp chưa được chép xong, hãy chép lại.",
            "The last line of the file has no line end. If the file was not complete, copy it \
             again.",
        ));
    }
    if told.skipped_line_count > 0 {
        let count = told.skipped_line_count;
        notes.push(Both::new(
            format!("{count} dòng phía trên dòng tiêu đề được bỏ qua."),
            format!("{count} lines above the header were passed over."),
        ));
    }
    if !told.second_headers.is_empty() {
        let lines: Vec<_> = told.second_headers.iter().take(10).map(u64::to_string).collect();
        let lines = lines.join(", ");
        notes.push(Both::new(
            format!("Có thêm dòng tiêu đề ở dòng {lines}; các dòng phía dưới được đọc theo đó."),
            format!("There are further headers on line {lines}; the rows below are read by them."),
        ));
    }
    if told.day_only_row_count > 0 {
        let count = told.day_only_row_count;
        notes.push(Both::new(
            format!("{count} dòng chỉ ghi ngày quan sát; được hiểu là 00:00 của ngày đó."),
            format!("{count} rows give only the day of observation; it is read as 00:00."),
        ));
    }
    if told.spanning_row_count > 0 {
        let count = told.spanning_row_count;
        notes.push(Both::new(
            format!("{count} dòng số liệu có ô chứa dấu xuống dòng trong ngoặc kép."),
            format!("{count} rows have a cell with a line break between quotation marks."),
        ));
    }
    notes
}

fn read_again(again: &Again, counts: &Counts) -> Both {
    match again {
        Again::Repeated(AcceptedFile { name, accepted, .. }) => {
            let (vietnamese, english) = if counts.superseded_count > 0 {
                (
                    format!(
                        " {} giá trị đã bị thay thế từ đó đến nay: các giá trị ghi dưới đây còn \
                         hiệu lực. Muốn dùng lại giá trị của tệp này, gửi lại với thời điểm quan sát \
                         muộn hơn.",
                        counts.superseded_count
                    ),
                    format!(
                        " {} values were replaced since: the values named below stand. To restate \
                         those of this file, deliver them with a later observed time.",
                        counts.superseded_count
                    ),
                )
            } else if counts.taken_count == 0 && counts.refused_count == 0 {
                (" Không có gì được ghi thêm.".to_owned(), " Nothing was done.".to_owned())
            } else {
                (" Tệp được đọc lại.".to_owned(), " It was read again.".to_owned())
            };
            Both::new(
                format!("Tệp giống hệt tệp {name} đã nhận lúc {accepted}.{vietnamese}"),
                format!("The file is identical to {name}, accepted at {accepted}.{english}"),
            )
        }
        Again::Changed => Both::new(
            "Tệp đã thay đổi sau khi được đọc, nên được đọc lại.",
            "The file changed after it had been read, so it was read again.",
        ),
        Again::SpoolLost => Both::new(
            "Bộ đệm của máy thu thập đã mất và trung tâm chưa xác nhận các giá trị của tệp, nên tệp \
             được đọc lại.",
            "The collector's spool was lost and the centre had not confirmed the values of this \
             file, so it was read again.",
        ),
    }
}

fn counted(counts: &Counts) -> String {
    let Counts { row_count, taken_count, unchanged_count, superseded_count, refused_count } =
        counts;
    format!(
        "\nSố dòng đã đọc / Rows read: {row_count}\n\
         Giá trị nhận mới / Observations taken: {taken_count}\n\
         Giá trị không thay đổi / Unchanged: {unchanged_count}\n\
         Giá trị đã có số liệu mới hơn / Superseded: {superseded_count}\n\
         Mục bị từ chối / Refused: {refused_count}\n"
    )
}

/// The entries, counted by kind and one by one.
fn listed(entries: &Entries) -> String {
    let mut text = String::new();
    if entries.left_out_count > 0 {
        let count = entries.left_out_count;
        let left_out =
            format!("Không liệt kê vì quá nhiều / Not listed, since too many: {count}\n");
        text += &left_out;
    }
    if !entries.by_kind.is_empty() {
        text += "\nTÓM TẮT / SUMMARY\n";
    }
    let mut kinds: Vec<_> = entries.by_kind.iter().collect();
    kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), **kind));
    text.extend(kinds.into_iter().map(|(kind, count)| {
        let Kind { vietnamese, english } = kind;
        format!("    {count} × {vietnamese} / {english}\n")
    }));
    if !entries.listed.is_empty() {
        text += "\nCHI TIẾT / DETAILS\n";
        text.extend(entries.listed.iter().map(entry));
    }
    text
}

fn entry(entry: &Entry) -> String {
    let Entry { line, cell, finding } = entry;
    let [vietnamese, english] = finding.words(&cell.text);
    let place = match (line, &cell.column) {
        (0, _) => "Cả tệp / Whole file".to_owned(),
        (line, None) => format!("Dòng / Line: {line} | Giá trị / Value: {}", shown(&cell.text)),
        (line, Some(column)) => {
            let name = shown(&column.name);
            let (name, value) = (name.trim_matches('"'), shown(&cell.text));
            format!("Dòng / Line: {line} | Cột / Column: {name} | Giá trị / Value: {value}")
        }
    };
    let both = [vietnamese, english].map(|Words { reason, fix }| format!("    {reason} {fix}\n"));
    format!("\n{place}\n{}", both.concat())
}

fn silent(silent: &Silent) -> String {
    let Silent { communes, commune_count } = silent;
    let names: Vec<_> = communes.iter().map(|(code, name)| format!("{code} {name}")).collect();
    format!(
        "\nXÃ KHÔNG CÓ DÒNG NÀO TRONG TỆP / COMMUNES WITHOUT A ROW IN THE FILE: {}/{commune_count}\n    {}\n",
        communes.len(),
        names.join(", ")
    )
}

fn value_or_nothing(value: Option<i64>) -> [String; 2] {
    match value {
        Some(value) => [value.to_string(), value.to_string()],
        None => ["đã rút".to_owned(), "withdrawn".to_owned()],
    }
}

/// A value that a newer one, or one of a later file, replaces.
pub(super) fn superseded(text: &str, newer: Option<i64>, observed: Timestamp) -> [Words; 2] {
    let here = shown(text);
    let [vietnamese, english] = value_or_nothing(newer);
    [
        Words {
            reason: format!(
                "{here} không được dùng vì giá trị khác đang có hiệu lực: {vietnamese}, quan sát \
                 lúc {observed}."
            ),
            fix: "Nếu giá trị trong tệp mới đúng, gửi lại với thời điểm quan sát muộn hơn."
                .to_owned(),
        },
        Words {
            reason: format!(
                "{here} is not used, since another value stands: {english}, observed at {observed}."
            ),
            fix: "If the value in the file is right, deliver it again with a later observed time."
                .to_owned(),
        },
    ]
}

/// A value in whose place the centre holds that of another host.
pub(super) fn held_by_centre(value: Option<i64>, observed: Timestamp, host: &str) -> [Words; 2] {
    let [vietnamese, english] = value_or_nothing(value);
    let [vietnamese_host, english_host] = match host {
        "" => ["không rõ máy nào gửi".to_owned(), "from a host that is not known".to_owned()],
        host => [format!("do máy {} gửi", shown(host)), format!("from host {}", shown(host))],
    };
    [
        Words {
            reason: format!(
                "Trung tâm có giá trị mới hơn của ô này: {vietnamese}, quan sát lúc {observed}, \
                 {vietnamese_host}."
            ),
            fix: "Nếu giá trị trong tệp mới đúng, gửi lại với thời điểm quan sát muộn hơn."
                .to_owned(),
        },
        Words {
            reason: format!(
                "The centre has a newer value of this cell: {english}, observed at {observed}, \
                 {english_host}."
            ),
            fix: "If the value in the file is right, deliver it again with a later observed time."
                .to_owned(),
        },
    ]
}

pub(super) fn withdrawn(value: Option<i64>) -> [Words; 2] {
    let fix = [
        "Nếu không định rút, gửi lại giá trị với thời điểm quan sát muộn hơn.",
        "If this was not meant, deliver the value again with a later observed time.",
    ];
    let reason = match value {
        Some(value) => [
            format!("Giá trị {value} đã được rút lại; từ nay ô này là chưa báo cáo."),
            format!("The value {value} was withdrawn; the cell is not reported from now on."),
        ],
        None => [
            "Ô này được rút lại, nhưng trước đó không có giá trị nào.".to_owned(),
            "The cell was withdrawn, but it held no value before.".to_owned(),
        ],
    };
    let [vietnamese, english] = reason;
    [
        Words { reason: vietnamese, fix: fix[0].to_owned() },
        Words { reason: english, fix: fix[1].to_owned() },
    ]
}

pub(super) fn rows_as_text(last_line: u64) -> [Words; 2] {
    [
        Words {
            reason: format!(
                "Cảnh báo: một ô của dòng này kéo dài trong ngoặc kép đến dòng {last_line}. Các dòng đó \
                 là chữ trong ô, dù trông như dòng số liệu: không nhận gì của chúng."
            ),
            fix: "Nếu đó là dòng số liệu, bỏ dấu ngoặc kép rồi gửi lại các dòng đó.".to_owned(),
        },
        Words {
            reason: format!(
                "Warning: a cell of this line goes on between quotation marks up to line {last_line}. \
                 Those lines are text of the cell, though they look like rows: nothing of them is taken."
            ),
            fix: "If they are rows, leave the quotation marks out and deliver them again."
                .to_owned(),
        },
    ]
}

pub(super) fn warning(warning: &Warning) -> [Words; 2] {
    let [vietnamese, english] = match warning {
        Warning::PartAboveWhole { part, whole, part_value, whole_value } => [
            format!("{part} ({part_value}) lớn hơn {whole} ({whole_value})."),
            format!("{part} ({part_value}) is greater than {whole} ({whole_value})."),
        ],
        Warning::TooManyDays { period, day_count } => [
            format!("Tháng {period} chỉ có {day_count} ngày."),
            format!("The month {period} has only {day_count} days."),
        ],
    };
    [
        Words {
            reason: format!("Cảnh báo: {vietnamese} Giá trị vẫn được nhận."),
            fix: "Kiểm tra lại; nếu sai, gửi giá trị đúng với thời điểm quan sát muộn hơn."
                .to_owned(),
        },
        Words {
            reason: format!("Warning: {english} The value is taken as it is."),
            fix: "Check it; if it is wrong, deliver the right one with a later observed time."
                .to_owned(),
        },
    ]
}
