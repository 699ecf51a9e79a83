//! The command line of what a ranking does not say.

use super::{Level, Listed, value};

/// Distribution that is asked for.
#[derive(Debug, clap::Args)]
pub struct Distribution {
    /// What to count by; only indicators with a legend have bands
    /// vi: Chỉ số để đếm; chỉ số có thang màu mới chia mức được
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// What to count [default: province; with --within: commune]
    /// vi: Cấp được đếm [mặc định: province (tỉnh); với --within: commune (xã)]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Count only within this province, or 00 for the nation
    /// vi: Chỉ đếm trong tỉnh này; 00 là cả nước
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Shortfalls that are asked for.
#[derive(Debug, clap::Args)]
pub struct Shortfalls {
    /// Count only within this province
    /// vi: Chỉ đếm trong tỉnh này
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// List the provinces by this criterion; `phuxanh catalogue` lists the criteria
    /// vi: Liệt kê các tỉnh theo tiêu chí này; `phuxanh catalogue` liệt kê các tiêu chí
    #[arg(long, value_name = "ID", conflicts_with = "within")]
    pub criterion: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Lacking communes that are asked for.
#[derive(Debug, clap::Args)]
pub struct Lacking {
    /// Criterion that they lack; `phuxanh catalogue` lists the criteria [default: any that green asks for]
    /// vi: Tiêu chí còn thiếu; `phuxanh catalogue` liệt kê các tiêu chí [mặc định: mọi tiêu chí bắt
    /// buộc]
    pub criterion: Option<String>,

    #[command(flatten)]
    pub listed: Listed,
}

/// Path that is asked for.
#[derive(Debug, clap::Args)]
pub struct Path {
    /// Code or name of a province
    /// vi: Mã hoặc tên của một tỉnh
    pub province: String,

    /// Green coverage to reach, in percent
    /// vi: Tỷ lệ phủ xanh cần đạt, tính bằng phần trăm
    #[arg(long, value_name = "PERCENT", default_value_t = 70,
          value_parser = |text: &str| value::number::<u8>(text, 1, 100))]
    pub target: u8,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Whose distance to the nation is asked for.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Code or name of a province or a commune
    /// vi: Mã hoặc tên của một tỉnh hay một xã
    pub locality: String,

    /// What to split; `phuxanh catalogue` lists the indicators
    /// vi: Chỉ số cần tách; `phuxanh catalogue` liệt kê các chỉ số
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Communes to list where a ratio is split
    /// vi: Số xã được liệt kê khi tách một tỷ lệ
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = |text: &str| value::number::<u16>(text, 1, 1_000))]
    pub parts: u16,
}

/// Whose gap is asked for.
#[derive(Debug, clap::Args)]
pub struct Gap {
    /// Code or name of a locality, 00 for the nation: its gap by criterion [default: rank all]
    /// vi: Mã hoặc tên của một đơn vị, 00 là cả nước: chênh lệch theo từng tiêu chí [mặc định: xếp
    /// hạng tất cả]
    #[arg(conflicts_with_all = ["level", "within", "limit"])]
    pub locality: Option<String>,

    /// What to rank [default: province; with --within: commune]
    /// vi: Cấp được xếp hạng [mặc định: province (tỉnh); với --within: commune (xã)]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Rank only within this province, or 00 for the nation
    /// vi: Chỉ xếp hạng trong tỉnh này; 00 là cả nước
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value::count::<u32>)]
    pub limit: u32,
}
