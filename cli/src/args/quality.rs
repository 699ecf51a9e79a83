//! The command line of how far the numbers can be relied on.

use clap::ValueEnum;

use super::{Level, Listed, value};

/// Whose completeness is asked for.
#[derive(Debug, clap::Args)]
pub struct Completeness {
    /// Count only within this province
    /// vi: Chỉ đếm trong tỉnh này
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Silent localities that are asked for.
#[derive(Debug, clap::Args)]
pub struct Silent {
    /// What to list
    /// vi: Cấp được liệt kê
    #[arg(long, value_enum, default_value = "commune")]
    pub level: Level,

    /// List only communes of this province, or 00 for the nation
    /// vi: Chỉ liệt kê các xã của tỉnh này; 00 là cả nước
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// List all that had not reported by the deadline, those that have since too
    /// vi: Liệt kê mọi đơn vị chưa báo cáo khi hết hạn, kể cả đơn vị đã báo cáo sau đó
    #[arg(long)]
    pub by_deadline: bool,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Flags that are asked for.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// List only this rule
    /// vi: Chỉ liệt kê theo quy tắc này
    #[arg(long, value_enum)]
    pub rule: Option<FlagRule>,

    #[command(flatten)]
    pub listed: Listed,
}

/// Reason why data are flagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlagRule {
    /// A part greater than its whole
    /// vi: Bộ phận lớn hơn tổng
    Part,
    /// A province's declared total that its communes cannot add up to
    /// vi: Tổng của tỉnh không khớp với các xã
    Total,
    /// The same value month after month
    /// vi: Số liệu đứng yên nhiều tháng
    Frozen,
    /// The same values as another commune of the province
    /// vi: Số liệu trùng với xã khác trong tỉnh
    Copied,
    /// Green by criteria that were first met on the eve of a deadline
    /// vi: Xanh nhờ tiêu chí mới đạt sát thời hạn
    Eve,
}

/// Receipts that are asked for.
#[derive(Debug, clap::Args)]
pub struct Receipts {
    /// Code or name of a locality; 00 for the nation
    /// vi: Mã hoặc tên của một đơn vị; 00 là cả nước
    pub locality: String,

    /// The indicator whose observations are listed [default: green_coverage]
    /// vi: Chỉ số cần xem nguồn gốc [mặc định: green_coverage]
    #[arg(long, value_name = "ID", conflicts_with = "metric")]
    pub indicator: Option<String>,

    /// The criterion or measure whose observations are listed
    /// vi: Tiêu chí hoặc số đếm cần xem nguồn gốc
    #[arg(long, value_name = "ID")]
    pub metric: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Value whose history is asked for.
#[derive(Debug, clap::Args)]
pub struct History {
    /// Code or name of the locality
    /// vi: Mã hoặc tên đơn vị
    pub locality: String,

    /// The criterion or measure, as the locality reports it
    /// vi: Tiêu chí hoặc số đếm mà đơn vị báo cáo
    pub metric: String,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}
