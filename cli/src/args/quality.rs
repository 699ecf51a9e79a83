//! The command line of how far the numbers can be relied on.

use clap::ValueEnum;

use super::{Level, Listed};

/// Whose completeness is asked for.
#[derive(Debug, clap::Args)]
pub struct Completeness {
    /// Count only within this province
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Silent localities that are asked for.
#[derive(Debug, clap::Args)]
pub struct Silent {
    /// What to list
    #[arg(long, value_enum, default_value = "commune")]
    pub level: Level,

    /// List only communes of this province, or 00 for the nation
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// List all that had not reported by the deadline, those that have since too
    #[arg(long)]
    pub by_deadline: bool,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Flags that are asked for.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// List only this rule
    #[arg(long, value_enum)]
    pub rule: Option<FlagRule>,

    #[command(flatten)]
    pub listed: Listed,
}

/// Reason why data are flagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlagRule {
    /// A part greater than its whole
    Part,
    /// A province's declared total that its communes cannot add up to
    Total,
    /// The same value month after month
    Frozen,
    /// The same values as another commune of the province
    Copied,
    /// Green by criteria that were first met on the eve of a deadline
    Eve,
}

/// Receipts that are asked for.
#[derive(Debug, clap::Args)]
pub struct Receipts {
    /// Code or name of a locality; 00 for the nation
    pub locality: String,

    /// The indicator whose observations are listed [default: green_coverage]
    #[arg(long, value_name = "ID", conflicts_with = "metric")]
    pub indicator: Option<String>,

    /// The criterion or measure whose observations are listed
    #[arg(long, value_name = "ID")]
    pub metric: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Value whose history is asked for.
#[derive(Debug, clap::Args)]
pub struct History {
    /// Code or name of the locality
    pub locality: String,

    /// The criterion or measure, as the locality reports it
    pub metric: String,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}
