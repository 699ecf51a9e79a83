//! Refusals in Vietnamese.

use phuxanh_core::{Level, Period, validation::MEASURE_MAX};

use super::{HeaderFault, KeyFault, LineFault, MetricFault, Reason, ValueFault, shown};

pub(super) fn explain(reason: &Reason, text: &str) -> String {
    let here = if text.is_empty() { "Ô trống".to_owned() } else { shown(text) };
    match reason {
        Reason::Line(fault) => of_line(*fault),
        Reason::Key(fault) => of_key(*fault, &here),
        Reason::Metric(fault) => of_metric(fault, &here),
        Reason::Value(fault) => of_value(*fault, &here),
        Reason::Header(fault) => of_header(fault, &here),
    }
}

fn of_line(fault: LineFault) -> String {
    match fault {
        LineFault::TooLong { bytes_max } => format!(
            "Dòng dài hơn {bytes_max} byte. Ghi mỗi bản ghi trên một dòng riêng và kiểm tra dấu \
             xuống dòng. Ví dụ: 00004,2025-07,2025-07-31 16:00,1"
        ),
        LineFault::NotText => "Dòng không phải là văn bản UTF-8. Lưu lại tệp dạng UTF-8 rồi gửi \
                               lại dòng này. Ví dụ, trong Excel: Save As, \"CSV UTF-8\""
            .to_owned(),
        LineFault::BrokenQuotes => "Dấu ngoặc kép không khớp. Bỏ dấu ngoặc kép, hoặc ghi đủ ở hai \
                                    đầu ô trên cùng một dòng. Ví dụ: \"2025-07\""
            .to_owned(),
        LineFault::FieldCount { found, expected, separator } => format!(
            "Dòng có {found} ô nhưng dòng tiêu đề có {expected} cột. Ghi mỗi cột một ô; ô không có \
             số liệu thì để trống giữa hai dấu phân cách. Ví dụ với 3 cột: a{separator}{separator}c"
        ),
    }
}

fn of_key(fault: KeyFault, here: &str) -> String {
    match fault {
        KeyFault::Locality { example } => format!(
            "{here} không phải là mã đơn vị hành chính. Ghi mã 5 chữ số của xã hoặc 2 chữ số của \
             tỉnh, giữ các số 0 ở đầu (trong Excel: định dạng cột là Text). Ví dụ: {example}"
        ),
        KeyFault::UnknownLocality { example } => format!(
            "{here} không có trong danh mục đơn vị hành chính. Tra mã bằng lệnh phuxanh search \
             kèm tên đơn vị. Ví dụ: {example}"
        ),
        KeyFault::ForeignLocality { reporter, example } => format!(
            "{here} thuộc đơn vị báo cáo khác; thư mục này chỉ nhận tệp của {reporter}. Ghi mã của một \
             đơn vị thuộc {reporter}. Ví dụ: {example}"
        ),
        KeyFault::Period => format!(
            "{here} không phải là tháng. Ghi năm, dấu gạch nối, rồi tháng gồm 2 chữ số. Ví dụ: \
             2025-07"
        ),
        KeyFault::PeriodAhead { observed } => format!(
            "Tháng {here} chưa bắt đầu vào thời điểm quan sát {observed}. Ghi tháng không muộn hơn \
             thời điểm quan sát. Ví dụ: {}",
            Period::containing(observed)
        ),
        KeyFault::Time => format!(
            "{here} không phải là thời điểm. Ghi năm-tháng-ngày rồi giờ:phút theo giờ Việt Nam. \
             Ví dụ: 2025-07-31 16:00"
        ),
        KeyFault::TimeAhead { now } => format!(
            "{here} muộn hơn thời điểm đọc tệp. Ghi thời điểm đã quan sát số liệu và kiểm tra đồng \
             hồ của máy chủ. Ví dụ: {now}"
        ),
        KeyFault::Basis => format!(
            "{here} không phải là nguồn gốc số liệu. Để trống hoặc ghi reported (tự báo cáo), \
             published (đã công bố), synthetic (số liệu mẫu). Ví dụ: reported"
        ),
    }
}

fn of_metric(fault: &MetricFault, here: &str) -> String {
    match fault {
        MetricFault::Unknown { example } => format!(
            "{here} không có trong danh mục chỉ tiêu. Ghi mã như lệnh phuxanh catalogue liệt kê. Ví \
             dụ: {example}"
        ),
        MetricFault::Computed { parts } => format!(
            "{here} được hệ thống tính ra, không nhận từ tệp. Gửi các chỉ tiêu thành phần. Ví dụ: \
             {parts}"
        ),
        MetricFault::WrongLevel { metric, expected, found, example } => format!(
            "Chỉ tiêu {metric} do {} báo cáo, còn dòng này là của {}. Chuyển giá trị {here} sang \
             dòng của {}. Ví dụ mã: {example}",
            level(*expected),
            level(*found),
            level(*expected),
        ),
    }
}

fn of_value(fault: ValueFault, here: &str) -> String {
    match fault {
        ValueFault::Missing => "Ô giá trị để trống. Ghi giá trị, ghi - để rút lại giá trị đã gửi, \
                                hoặc bỏ cả dòng nếu chưa có số liệu. Ví dụ: 1"
            .to_owned(),
        ValueFault::Criterion => format!(
            "{here} không phải là có hoặc không. Ghi 1, true hoặc có; 0, false hoặc không; - để \
             rút lại giá trị đã gửi. Ví dụ: 1"
        ),
        ValueFault::Count => format!(
            "{here} không phải là số nguyên. Chỉ ghi các chữ số, không dùng dấu chấm, dấu phẩy hay \
             dấu cách; - để rút lại giá trị đã gửi. Ví dụ: 1250"
        ),
        ValueFault::CountRange => format!(
            "{here} nằm ngoài khoảng cho phép. Ghi số nguyên từ 0 đến {MEASURE_MAX}. Ví dụ: 1250"
        ),
    }
}

fn of_header(fault: &HeaderFault, here: &str) -> String {
    match fault {
        HeaderFault::UnknownColumn { example } => format!(
            "Cột {here} không phải là chỉ tiêu trong danh mục nên bị bỏ qua; các cột khác vẫn được \
             đọc. Sửa tên cột theo lệnh phuxanh catalogue, hoặc bỏ cột. Ví dụ: {example}"
        ),
        HeaderFault::DuplicateColumn => format!(
            "Cột {here} xuất hiện nhiều lần nên không rõ cột nào đúng. Giữ lại một cột. Ví dụ: \
             locality,period,observed_time"
        ),
        HeaderFault::MissingColumns { names } => format!(
            "Dòng tiêu đề thiếu cột: {}. Dòng đầu của tệp phải ghi tên các cột, phân cách bằng dấu \
             phẩy hoặc dấu chấm phẩy. Ví dụ: locality,metric,period,value,observed_time",
            names.join(", ")
        ),
        HeaderFault::NoMetricColumn { example } => format!(
            "Dòng tiêu đề không có cột chỉ tiêu nào trong danh mục. Thêm cột mang mã chỉ tiêu như \
             lệnh phuxanh catalogue liệt kê. Ví dụ: locality,period,observed_time,{example}"
        ),
        HeaderFault::Absent => "Tệp trống. Dòng đầu của tệp phải ghi tên các cột. Ví dụ: \
                                locality,metric,period,value,observed_time"
            .to_owned(),
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Nation => "trung ương",
        Level::Province => "cấp tỉnh",
        Level::Commune => "cấp xã",
    }
}
