//! Short names for kinds of refusals, for the summary at the top of a report.

use super::{FileFault, HeaderFault, KeyFault, LineFault, MetricFault, Reason, ValueFault};

/// A kind of refusal, named in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub vietnamese: &'static str,
    pub english: &'static str,
}

const fn kind(vietnamese: &'static str, english: &'static str) -> Kind {
    Kind { vietnamese, english }
}

impl Reason {
    /// The kind of this refusal.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(fault) => of_file(*fault),
            Self::Line(fault) => of_line(*fault),
            Self::Key(fault) => of_key(*fault),
            Self::Metric(fault) => of_metric(fault),
            Self::Value(fault) => of_value(*fault),
            Self::Header(fault) => of_header(fault),
        }
    }
}

const fn of_file(fault: FileFault) -> Kind {
    match fault {
        FileFault::Binary(_) => kind("tệp không phải CSV", "not a CSV file"),
        FileFault::TooLarge { .. } => kind("tệp quá lớn", "file too large"),
        FileFault::TooManyObservations { .. } => kind("quá nhiều giá trị", "too many values"),
        FileFault::Empty => kind("tệp trống", "empty file"),
        FileFault::NoRows => kind("không có dòng số liệu", "no rows"),
    }
}

const fn of_line(fault: LineFault) -> Kind {
    match fault {
        LineFault::TooLong { .. } => kind("dòng quá dài", "line too long"),
        LineFault::NotText { .. } => kind("không phải UTF-8", "not UTF-8"),
        LineFault::BrokenQuotes | LineFault::Unclosed | LineFault::Spanning { .. } => {
            kind("dấu ngoặc kép không khớp", "quotation marks do not match")
        }
        LineFault::TooManyCells { .. } | LineFault::UnnamedCell { .. } => {
            kind("thừa ô", "more cells than columns")
        }
        LineFault::Broken => kind("dòng bị ngắt", "broken line"),
        LineFault::TooFewCells { .. } => kind("thiếu ô", "fewer cells than columns"),
        LineFault::AboveHeader => kind("dòng nằm trên tiêu đề", "row above the header"),
        LineFault::BelowHeader { .. } => {
            kind("dòng dưới tiêu đề không đọc được", "rows below an unreadable header")
        }
    }
}

const fn of_key(fault: KeyFault) -> Kind {
    match fault {
        KeyFault::Locality { .. } => kind("mã đơn vị sai", "not a locality code"),
        KeyFault::UnknownLocality { .. } => kind("mã đơn vị không có", "unknown locality"),
        KeyFault::ForeignLocality { .. } => {
            kind("đơn vị của nơi khác", "another reporter's locality")
        }
        KeyFault::Period => kind("tháng sai", "not a month"),
        KeyFault::PeriodAhead { .. } => kind("tháng chưa bắt đầu", "month not begun"),
        KeyFault::PeriodOutside { .. } => {
            kind("đơn vị không tồn tại trong tháng", "locality not in force in the month")
        }
        KeyFault::Time => kind("thời điểm sai", "not a time"),
        KeyFault::TimeAhead { .. } => kind("thời điểm trong tương lai", "time in the future"),
        KeyFault::BeforeLocality { .. } => {
            kind("quan sát trước khi đơn vị được lập", "observed before the locality existed")
        }
        KeyFault::Basis => kind("nguồn gốc sai", "not a basis"),
    }
}

const fn of_metric(fault: &MetricFault) -> Kind {
    match fault {
        MetricFault::Unknown { .. } => kind("chỉ tiêu không có", "unknown metric"),
        MetricFault::Computed { .. } => kind("chỉ tiêu do hệ thống tính", "computed metric"),
        MetricFault::WrongLevel { .. } => kind("chỉ tiêu của cấp khác", "metric of another level"),
    }
}

const fn of_value(fault: ValueFault) -> Kind {
    match fault {
        ValueFault::Missing => kind("thiếu giá trị", "missing value"),
        ValueFault::Criterion => kind("không phải có/không", "neither yes nor no"),
        ValueFault::Count => kind("không phải số nguyên", "not a whole number"),
        ValueFault::CountRange => kind("ngoài khoảng cho phép", "out of range"),
        ValueFault::Dash => kind("dấu gạch không rõ nghĩa", "ambiguous dash"),
        ValueFault::Twice { .. } => kind("một ô hai giá trị", "one cell, two values"),
    }
}

const fn of_header(fault: &HeaderFault) -> Kind {
    match fault {
        HeaderFault::UnknownColumn { .. } => kind("cột lạ, bị bỏ qua", "unknown column, ignored"),
        HeaderFault::DuplicateColumn => kind("cột trùng tên", "column named twice"),
        HeaderFault::MissingColumns { .. } => kind("thiếu cột", "missing columns"),
        HeaderFault::NoMetricColumn { .. } => kind("không có cột chỉ tiêu", "no metric column"),
        HeaderFault::OtherSeparator => kind("tiêu đề dùng dấu phân cách khác", "other separator"),
    }
}
