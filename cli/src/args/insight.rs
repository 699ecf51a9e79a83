//! The command line of what a ranking does not say.

use super::{Level, Listed};

/// Distribution that is asked for.
#[derive(Debug, clap::Args)]
pub struct Distribution {
    /// What to count by; only indicators with a legend have bands
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// What to count [default: province; with --within: commune]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Count only within this province, or 00 for the nation
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Shortfalls that are asked for.
#[derive(Debug, clap::Args)]
pub struct Shortfalls {
    /// Count only within this province
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// List the provinces by this criterion; `phuxanh catalogue` lists the criteria
    #[arg(long, value_name = "ID", conflicts_with = "within")]
    pub criterion: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Lacking communes that are asked for.
#[derive(Debug, clap::Args)]
pub struct Lacking {
    /// Criterion that they lack; `phuxanh catalogue` lists the criteria [default: any that green asks for]
    pub criterion: Option<String>,

    #[command(flatten)]
    pub listed: Listed,
}

/// Path that is asked for.
#[derive(Debug, clap::Args)]
pub struct Path {
    /// Code or name of a province
    pub province: String,

    /// Green coverage to reach, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 70,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    pub target: u8,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Whose distance to the nation is asked for.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Code or name of a province or a commune
    pub locality: String,

    /// What to split; `phuxanh catalogue` lists the indicators
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Communes to list where a ratio is split
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub parts: u16,
}

/// Whose gap is asked for.
#[derive(Debug, clap::Args)]
pub struct Gap {
    /// Code or name of a locality, 00 for the nation: its gap by criterion [default: rank all]
    #[arg(conflicts_with_all = ["level", "within", "limit"])]
    pub locality: Option<String>,

    /// What to rank [default: province; with --within: commune]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// Rank only within this province, or 00 for the nation
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: u32,
}
