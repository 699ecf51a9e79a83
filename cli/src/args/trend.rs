//! The command line of what changes from month to month, and within a month.

/// Trend that is asked for.
#[derive(Debug, clap::Args)]
pub struct Trend {
    /// Code or name of a commune or a province; 00 for the nation
    pub locality: String,

    /// What to follow; `phuxanh catalogue` lists the indicators
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// First month [default: 11 before the last, or the first that anybody reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub from: Option<String>,

    /// Last month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub to: Option<String>,
}

/// Whose days are asked for.
#[derive(Debug, clap::Args)]
pub struct Days {
    /// Code or name of a commune or a province; 00 for the nation
    pub locality: String,

    /// What to count by; `phuxanh catalogue` lists the criteria [default: green]
    #[arg(long, value_name = "ID")]
    pub criterion: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many communes to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: u32,
}

/// Comparison of two months that is asked for.
#[derive(Debug, clap::Args)]
pub struct Compare {
    /// Code or name of a commune or a province; 00 for the nation
    pub locality: String,

    /// What to compare; `phuxanh catalogue` lists the measures
    #[arg(long, value_name = "ID", default_value = "applications_received")]
    pub measure: String,

    /// Later month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Earlier month [default: the month before]
    #[arg(long, value_name = "YYYY-MM")]
    pub against: Option<String>,

    /// How many of the localities in it to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
}
