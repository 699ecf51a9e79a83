//! Refusals in Vietnamese.

use jiff::civil::Date;
use phuxanh_core::{Level, Period, validation::MEASURE_MAX};

use super::{
    FileFault, HeaderFault, KeyFault, LineFault, MetricFault, Reason, ValueFault, Words,
    characters::odd, shown,
};
use crate::source::text::Binary;

pub(super) fn explain(reason: &Reason, text: &str) -> Words {
    let here = if text.is_empty() { "Ô trống".to_owned() } else { shown(text) };
    let mut words = match reason {
        Reason::File(fault) => of_file(*fault),
        Reason::Line(fault) => of_line(*fault),
        Reason::Key(fault) => of_key(*fault, &here),
        Reason::Metric(fault) => of_metric(fault, &here),
        Reason::Value(fault) => of_value(*fault, &here, text),
        Reason::Header(fault) => of_header(fault, &here),
    };
    let odd = odd(text);
    if reason.is_of_cell() && !odd.is_empty() {
        words.reason = format!("{} Trong ô có ký tự lạ: {odd}.", words.reason);
        words.fix = format!("Xóa ô rồi gõ lại. {}", words.fix);
    }
    words
}

fn of_file(fault: FileFault) -> Words {
    match fault {
        FileFault::Binary(binary) => {
            let kind = match binary {
                Binary::Gzip => "tệp nén (gzip)",
                Binary::Zip => "bảng tính Excel hoặc tệp nén zip",
                Binary::OldExcel => "bảng tính Excel",
                Binary::Pdf => "tài liệu PDF",
                Binary::Utf32 => "văn bản mã UTF-32",
            };
            Words::new(
                format!("Đây là {kind}, không phải tệp CSV."),
                "Lưu lại dạng CSV. Ví dụ, trong Excel: Save As, \"CSV UTF-8\"",
            )
        }
        FileFault::TooLarge { bytes_max } => Words::new(
            format!("Tệp lớn hơn {bytes_max} byte (folder.file_bytes_max)."),
            "Chia thành nhiều tệp, mỗi tệp có dòng tiêu đề. Ví dụ: mỗi tháng một tệp",
        ),
        FileFault::TooManyObservations { count_max } => Words::new(
            format!("Tệp có hơn {count_max} giá trị (folder.file_observation_count_max)."),
            "Chia thành nhiều tệp, mỗi tệp có dòng tiêu đề. Ví dụ: mỗi tháng một tệp",
        ),
        FileFault::Empty => Words::new(
            "Tệp trống.",
            "Ghi tên các cột ở dòng đầu. Ví dụ: locality,metric,period,value,observed_time",
        ),
        FileFault::NoRows => Words::new(
            "Tệp chỉ có dòng tiêu đề, không có dòng số liệu.",
            "Ghi mỗi đơn vị một dòng dưới tiêu đề. Ví dụ: 00004,2025-07,2025-07-31 16:00,1",
        ),
    }
}

fn of_line(fault: LineFault) -> Words {
    match fault {
        LineFault::TooLong { bytes_max } => Words::new(
            format!("Dòng dài hơn {bytes_max} byte."),
            "Ghi mỗi bản ghi trên một dòng riêng và kiểm tra dấu xuống dòng. Ví dụ: \
             00004,2025-07,2025-07-31 16:00,1",
        ),
        LineFault::NotText { encoding } => Words::new(
            match encoding {
                Some(encoding) => format!(
                    "Dòng không phải là văn bản UTF-8. Có vẻ là mã {}, mã này không được đọc.",
                    encoding.name()
                ),
                None => "Dòng không phải là văn bản UTF-8.".to_owned(),
            },
            "Lưu lại tệp dạng UTF-8 rồi gửi lại dòng này. Ví dụ, trong Excel: Save As, \
             \"CSV UTF-8\"",
        ),
        LineFault::TooManyCells { found, expected } => Words::new(
            format!("Dòng có {found} ô nhưng dòng tiêu đề có {expected} cột."),
            "Ghi mỗi cột một ô. Ghi số không có dấu phẩy; chữ có dấu phân cách thì đặt trong ngoặc \
             kép. Ví dụ: 1412",
        ),
        LineFault::TooFewCells { found, expected, separator } => Words::new(
            format!("Dòng có {found} ô nhưng dòng tiêu đề có {expected} cột."),
            format!(
                "Ghi mỗi cột một ô; ô không có số liệu thì để trống giữa hai dấu phân cách. Ví dụ \
                 với 3 cột: a{separator}{separator}c"
            ),
        ),
        LineFault::UnnamedCell { number } => Words::new(
            format!("Có nội dung ở cột {number}, cột này không có tên trong dòng tiêu đề."),
            "Đặt tên cho cột, hoặc xóa các ô của cột. Kiểm tra số có dấu phẩy: dấu phẩy đẩy các ô \
             phía sau sang cột khác. Ví dụ: 1412",
        ),
        LineFault::AboveHeader => Words::new(
            "Dòng nằm trên dòng tiêu đề nên không rõ các cột.",
            "Chuyển xuống dưới dòng tiêu đề. Ví dụ tiêu đề: \
             locality,metric,period,value,observed_time",
        ),
        LineFault::BelowHeader { header_line, row_count } => Words::new(
            format!(
                "Dòng {header_line} giống một dòng tiêu đề thứ hai nhưng không đọc được. \
                 {row_count} dòng phía dưới không được nhận."
            ),
            "Gửi các dòng đó trong tệp riêng có tiêu đề đúng. Ví dụ: \
             locality,metric,period,value,observed_time",
        ),
        LineFault::BrokenQuotes
        | LineFault::Unclosed
        | LineFault::Spanning { .. }
        | LineFault::Broken => of_broken_line(fault),
    }
}

/// Rows that quotation marks or line breaks have joined or broken.
fn of_broken_line(fault: LineFault) -> Words {
    match fault {
        LineFault::BrokenQuotes => Words::new(
            "Dấu ngoặc kép không khớp: có chữ đứng sau dấu đóng.",
            "Bỏ dấu ngoặc kép, hoặc ghi đủ ở hai đầu ô. Ví dụ: \"2025-07\"",
        ),
        LineFault::Unclosed => Words::new(
            "Dấu ngoặc kép mở ở đây mà không đóng: mọi thứ phía dưới thuộc ô này và không được \
             nhận.",
            "Bỏ dấu ngoặc kép, hoặc đóng ở cuối ô. Ví dụ: \"2025-07\"",
        ),
        LineFault::Spanning { last_line } => Words::new(
            format!(
                "Dấu ngoặc kép mở ở đây và đóng ở dòng {last_line}, nên các dòng đến đó là một dòng \
                 số liệu. Chúng trông như nhiều dòng riêng: không dòng nào được nhận."
            ),
            "Bỏ dấu ngoặc kép, hoặc ghi nội dung của ô trên một dòng. Ví dụ: \"2025-07\"",
        ),
        LineFault::Broken => Words::new(
            "Dòng ngay dưới hoặc ngay trên chỉ có chữ số: dòng này có vẻ bị ngắt làm đôi giữa một \
             số. Không nhận gì của dòng này.",
            "Ghi mỗi dòng số liệu trên một dòng và tắt việc tự ngắt dòng dài. Ví dụ: \
             00004,2025-07,2025-07-31 16:00,1",
        ),
        LineFault::TooLong { .. }
        | LineFault::NotText { .. }
        | LineFault::TooManyCells { .. }
        | LineFault::TooFewCells { .. }
        | LineFault::UnnamedCell { .. }
        | LineFault::AboveHeader
        | LineFault::BelowHeader { .. } => of_line(fault),
    }
}

fn of_key(fault: KeyFault, here: &str) -> Words {
    match fault {
        KeyFault::Locality { example } => Words::new(
            format!("{here} không phải là mã đơn vị hành chính."),
            format!(
                "Ghi mã 5 chữ số của xã hoặc 2 chữ số của tỉnh, giữ các số 0 ở đầu (trong Excel: \
                 định dạng cột là Text). Ví dụ: {example}"
            ),
        ),
        KeyFault::UnknownLocality { example } => Words::new(
            format!("{here} không có trong danh mục đơn vị hành chính."),
            format!("Tra mã bằng lệnh phuxanh search kèm tên đơn vị. Ví dụ: {example}"),
        ),
        KeyFault::ForeignLocality { reporter, example } => Words::new(
            format!("{here} thuộc đơn vị báo cáo khác; thư mục này chỉ nhận tệp của {reporter}."),
            format!("Ghi mã của một đơn vị thuộc {reporter}. Ví dụ: {example}"),
        ),
        KeyFault::Period => Words::new(
            format!("{here} không phải là tháng."),
            "Ghi năm, dấu gạch nối, rồi tháng gồm 2 chữ số. Ví dụ: 2025-07",
        ),
        KeyFault::PeriodAhead { observed } => Words::new(
            format!("Tháng {here} chưa bắt đầu vào thời điểm quan sát {observed}."),
            format!(
                "Ghi tháng không muộn hơn thời điểm quan sát. Ví dụ: {}",
                Period::containing(observed)
            ),
        ),
        KeyFault::PeriodOutside { since, until, restated_months_max } => {
            outside(here, since, until, restated_months_max)
        }
        KeyFault::Time => Words::new(
            format!("{here} không phải là thời điểm."),
            "Ghi năm-tháng-ngày rồi giờ:phút theo giờ Việt Nam, hoặc kèm độ lệch giờ, không ghi tên \
             múi giờ. Ví dụ: 2025-07-31 16:00",
        ),
        KeyFault::TimeAhead { now } => Words::new(
            format!("{here} muộn hơn thời điểm đọc tệp."),
            format!(
                "Ghi thời điểm đã quan sát số liệu và kiểm tra đồng hồ của máy chủ. Ví dụ: {now}"
            ),
        ),
        KeyFault::BeforeLocality { since } => Words::new(
            format!(
                "{here} sớm hơn ngày {since}, ngày đơn vị này bắt đầu tồn tại. Trước đó mã này là \
                 của đơn vị khác."
            ),
            format!(
                "Bỏ số liệu của đơn vị cũ. Nếu số liệu đã được tính lại cho đơn vị hiện nay, ghi \
                 thời điểm tính lại. Ví dụ: {since} 08:00"
            ),
        ),
        KeyFault::Basis => Words::new(
            format!("{here} không phải là nguồn gốc số liệu."),
            "Để trống hoặc ghi reported (tự báo cáo), published (đã công bố), synthetic (số liệu \
             mẫu). Ví dụ: reported",
        ),
    }
}

fn outside(
    here: &str,
    since: Date,
    until: Option<Date>,
    restated_months_max: Option<u32>,
) -> Words {
    let span = match until {
        Some(until) => format!("từ {since} đến trước {until}"),
        None => format!("từ {since}"),
    };
    let restated = restated_months_max.map_or(String::new(), |count| {
        format!(" Số liệu chỉ được tính lại cho {count} tháng trước ngày đó (restated_months_max).")
    });
    Words::new(
        format!("Đơn vị có hiệu lực {span} nên không được tính trong tháng {here}.{restated}"),
        format!(
            "Kiểm tra tháng và mã; báo cáo một tháng cho đơn vị tồn tại vào cuối tháng đó. Ví dụ: \
             {}-{:02}",
            since.year(),
            since.month()
        ),
    )
}

fn of_metric(fault: &MetricFault, here: &str) -> Words {
    match fault {
        MetricFault::Unknown { example } => Words::new(
            format!("{here} không có trong danh mục chỉ tiêu."),
            format!("Ghi mã như lệnh phuxanh catalogue liệt kê. Ví dụ: {example}"),
        ),
        MetricFault::Computed { parts } => Words::new(
            format!("{here} được hệ thống tính ra, không nhận từ tệp."),
            format!("Gửi các chỉ tiêu thành phần. Ví dụ: {parts}"),
        ),
        MetricFault::WrongLevel { metric, expected, found, example } => Words::new(
            format!(
                "Chỉ tiêu {metric} do {} báo cáo, còn dòng này là của {}.",
                level(*expected),
                level(*found)
            ),
            format!(
                "Chuyển giá trị {here} sang dòng của {}. Ví dụ mã: {example}",
                level(*expected)
            ),
        ),
    }
}

fn of_value(fault: ValueFault, here: &str, text: &str) -> Words {
    match fault {
        ValueFault::Missing => Words::new(
            "Ô giá trị để trống.",
            "Ghi giá trị, ghi rút để rút lại giá trị đã gửi, hoặc bỏ cả dòng nếu chưa có số liệu. \
             Ví dụ: 1",
        ),
        ValueFault::Criterion => Words::new(
            match super::Legacy::of_text(text) {
                Some(encoding) => format!(
                    "{here} không phải là có hoặc không. Có vẻ là mã {} bị đọc theo mã khác.",
                    encoding.name()
                ),
                None => format!("{here} không phải là có hoặc không."),
            },
            "Ghi 1, true hoặc có; 0, false hoặc không; rút để rút lại giá trị đã gửi. Ví dụ: 1",
        ),
        ValueFault::Count => Words::new(
            format!("{here} không phải là số nguyên."),
            "Chỉ ghi các chữ số, không dùng dấu chấm, dấu phẩy, dấu cách hay dấu cộng trừ; rút để \
             rút lại giá trị đã gửi. Ví dụ: 1250",
        ),
        ValueFault::CountRange => Words::new(
            format!("{here} nằm ngoài khoảng cho phép."),
            format!("Ghi số nguyên từ 0 đến {MEASURE_MAX}. Ví dụ: 1250"),
        ),
        ValueFault::Dash => Words::new(
            format!(
                "{here} có thể nghĩa là số không, chưa có số liệu hoặc rút lại, nên không nhận."
            ),
            "Ghi 0 nếu là số không, để trống nếu chưa có số liệu, ghi rút để rút lại giá trị đã \
             gửi. Ví dụ: 0",
        ),
        ValueFault::Twice { line, value } => {
            let other = value.map_or("rút".to_owned(), |value| value.to_string());
            Words::new(
                format!(
                    "Dòng {line} ghi cho cùng ô này giá trị khác, {other}, với cùng thời điểm quan \
                     sát. Cả hai đều không được nhận."
                ),
                "Gửi giá trị đúng trong một tệp mới. Ví dụ: mỗi xã mỗi tháng chỉ một dòng",
            )
        }
    }
}

fn of_header(fault: &HeaderFault, here: &str) -> Words {
    match fault {
        HeaderFault::UnknownColumn { example } => Words::new(
            format!(
                "Cột {here} không phải là chỉ tiêu trong danh mục nên bị bỏ qua; các cột khác vẫn \
                 được đọc."
            ),
            format!("Sửa tên cột theo lệnh phuxanh catalogue, hoặc bỏ cột. Ví dụ: {example}"),
        ),
        HeaderFault::DuplicateColumn => Words::new(
            format!("Cột {here} xuất hiện nhiều lần nên không rõ cột nào đúng."),
            "Giữ lại một cột. Ví dụ: locality,period,observed_time",
        ),
        HeaderFault::MissingColumns { names } => Words::new(
            format!("Dòng tiêu đề thiếu cột: {}.", names.join(", ")),
            "Ghi tên các cột ở dòng đầu của tệp, phân cách bằng dấu phẩy, dấu chấm phẩy hoặc tab. \
             Ví dụ: locality,metric,period,value,observed_time",
        ),
        HeaderFault::NoMetricColumn { example } => Words::new(
            "Dòng tiêu đề không có cột chỉ tiêu nào trong danh mục.",
            format!(
                "Thêm cột mang mã chỉ tiêu như lệnh phuxanh catalogue liệt kê. Ví dụ: \
                 locality,period,observed_time,{example}"
            ),
        ),
        HeaderFault::OtherSeparator => Words::new(
            "Dòng tiêu đề thứ hai này dùng dấu phân cách khác dòng tiêu đề thứ nhất.",
            "Gửi các dòng phía dưới trong tệp riêng. Ví dụ: \
             locality,metric,period,value,observed_time",
        ),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Nation => "trung ương",
        Level::Province => "cấp tỉnh",
        Level::Commune => "cấp xã",
    }
}
