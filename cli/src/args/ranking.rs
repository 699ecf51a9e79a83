//! The command line of rankings.

use clap::ValueEnum;

use super::Level;

/// Ranking that is asked for.
#[derive(Debug, clap::Args)]
pub struct Lowest {
    #[command(flatten)]
    pub selection: Selection,

    /// Put the highest first
    #[arg(long)]
    pub highest: bool,

    /// Rank communes by the end of their 95 % interval, so that few cases decide nothing
    #[arg(long)]
    pub confident: bool,
}

/// Ranking of changes that is asked for.
#[derive(Debug, clap::Args)]
pub struct Changes {
    #[command(flatten)]
    pub selection: Selection,

    /// Earlier month to hold against [default: the month before]
    #[arg(long, value_name = "YYYY-MM")]
    pub since: Option<String>,

    /// Put the most improved first
    #[arg(long)]
    pub improved: bool,
}

/// Localities to rank, and the key to rank them by.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// What to rank by; `phuxanh catalogue` lists the indicators
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// What to rank [default: province; with --within: commune]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Rank only localities of this kind [default: all]
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,

    /// Rank only within this province, or 00 for the nation
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Leave out values with a smaller denominator
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(i64).range(0..))]
    pub min_denominator: i64,

    /// List only what is stale, with its rank among all
    #[arg(long)]
    pub stale: bool,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: u32,
}

/// Official kind of a locality; it decides the level too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Tỉnh
    Province,
    /// Thành phố at the level of a province
    City,
    /// Xã
    Commune,
    /// Phường
    Ward,
    /// Đặc khu
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
