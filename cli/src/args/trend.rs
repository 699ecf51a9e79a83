//! The command line of what changes from month to month, and within a month.

use super::value;

/// Trend that is asked for.
#[derive(Debug, clap::Args)]
pub struct Trend {
    /// Code or name of a commune or a province; 00 for the nation
    /// vi: Mã hoặc tên của một xã hay một tỉnh; 00 là cả nước
    pub locality: String,

    /// What to follow; `phuxanh catalogue` lists the indicators
    /// vi: Chỉ số cần theo dõi; `phuxanh catalogue` liệt kê các chỉ số
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// First month [default: 11 before the last, or the first that anybody reported]
    /// vi: Tháng đầu [mặc định: 11 tháng trước tháng cuối, hoặc tháng đầu tiên có báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub from: Option<String>,

    /// Last month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng cuối [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub to: Option<String>,
}

/// Whose days are asked for.
#[derive(Debug, clap::Args)]
pub struct Days {
    /// Code or name of a commune or a province; 00 for the nation
    /// vi: Mã hoặc tên của một xã hay một tỉnh; 00 là cả nước
    pub locality: String,

    /// What to count by; `phuxanh catalogue` lists the criteria [default: green]
    /// vi: Tiêu chí để đếm; `phuxanh catalogue` liệt kê các tiêu chí [mặc định: xanh]
    #[arg(long, value_name = "ID")]
    pub criterion: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many communes to list; 0 means all
    /// vi: Số xã được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value::count::<u32>)]
    pub limit: u32,
}

/// Comparison of two months that is asked for.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Code or name of a commune or a province; 00 for the nation
    /// vi: Mã hoặc tên của một xã hay một tỉnh; 00 là cả nước
    pub locality: String,

    /// What to compare; `phuxanh catalogue` lists the measures
    /// vi: Số đếm cần so sánh; `phuxanh catalogue` liệt kê các số đếm
    #[arg(long, value_name = "ID", default_value = "applications_received")]
    pub measure: String,

    /// Later month [default: the latest in which at least half of the communes reported]
    /// vi: Tháng sau [mặc định: tháng gần nhất có ít nhất một nửa số xã báo cáo]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Earlier month [default: the month before]
    /// vi: Tháng trước [mặc định: tháng liền trước]
    #[arg(long, value_name = "YYYY-MM")]
    pub against: Option<String>,

    /// How many of the localities in it to list; 0 means all
    /// vi: Số đơn vị trực thuộc được liệt kê; 0 là tất cả
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value::count::<usize>)]
    pub limit: usize,
}
