//! The command line of rankings.

use clap::ValueEnum;

use super::{Level, value};

/// Ranking that is asked for.
#[derive(Debug, clap::Args)]
pub struct Lowest {
    #[command(flatten)]
    pub selection: Selection,

    /// Put the highest first
    /// vi: Xếp đơn vị cao nhất lên đầu
    #[arg(long)]
    pub highest: bool,

    /// Rank communes by the end of their 95 % interval, so that few cases decide nothing
    /// vi: Xếp hạng xã theo đầu khoảng tin cậy 95 %, để vài hồ sơ không quyết định thứ hạng
    #[arg(long)]
    pub confident: bool,
}

/// Ranking of changes that is asked for.
#[derive(Debug, clap::Args)]
pub struct Changes {
    #[command(flatten)]
    pub selection: Selection,

    /// Earlier month to hold against [default: the month before]
    /// vi: Tháng trước để so sánh [mặc định: tháng liền trước]
    #[arg(long, value_name = "YYYY-MM")]
    pub since: Option<String>,

    /// Put the most improved first
    /// vi: Xếp đơn vị tăng nhiều nhất lên đầu
    #[arg(long)]
    pub improved: bool,
}

/// Localities to rank, and the key to rank them by.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// What to rank by; `phuxanh catalogue` lists the indicators
    /// vi: Chỉ số để xếp hạng; `phuxanh catalogue` liệt kê các chỉ số
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// What to rank [default: province; with --within: commune]
    /// vi: Cấp được xếp hạng [mặc định: province (tỉnh); với --within: commune (xã)]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Rank only localities of this kind [default: all]
    /// vi: Chỉ xếp hạng đơn vị thuộc loại này [mặc định: tất cả]
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,

    /// Rank only within this province, or 00 for the nation
    /// vi: Chỉ xếp hạng trong tỉnh này; 00 là cả nước
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Leave out values with a smaller denominator
    /// vi: Bỏ qua giá trị có mẫu số nhỏ hơn
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = value::count::<i64>)]
    pub min_denominator: i64,

    /// List only what is stale, with its rank among all
    /// vi: Chỉ liệt kê số liệu cũ, kèm thứ hạng trong tất cả
    #[arg(long)]
    pub stale: bool,

    /// How many to list; 0 means all
    /// vi: Số dòng được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Official kind of a locality; it decides the level too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Tỉnh
    /// vi: Tỉnh
    Province,
    /// Thành phố at the level of a province
    /// vi: Thành phố cấp tỉnh
    City,
    /// Xã
    /// vi: Xã
    Commune,
    /// Phường
    /// vi: Phường
    Ward,
    /// Đặc khu
    /// vi: Đặc khu
    SpecialZone,
}

impl Kind {
    pub const fn level(self) -> Level {
        match self {
            Self::Province | Self::City => Level::Province,
            Self::Commune | Self::Ward | Self::SpecialZone => Level::Commune,
        }
    }
}
