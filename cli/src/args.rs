//! The command line.

mod insight;
mod manual;
mod output;
mod pki;
mod quality;
mod ranking;
mod trend;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use phuxanh_answers::client;

pub use insight::{Distribution, Gap, Lacking, Path, Shortfalls, Why};
pub use manual::{Shell, completion, write_man_pages};
pub use output::{Colour, Form, Lang, Output};
pub use pki::{Issue, IssueCollector, NewToken, Pki};
pub use quality::{Completeness, FlagRule, Flags, History, Receipts, Silent};
pub use ranking::{Changes, Kind, Lowest, Selection};
pub use trend::{Compare, Days, Trend};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed (or bad news: an audit disagrees, or what --fail-on names), 2 wrong usage, 69 the server cannot be reached.";

/// A command's own options are listed before those of all commands.
const GLOBAL_LAST: usize = 100;

/// Asks an aggregator of Phủ Xanh which localities of Vietnam are lowest, and why.
#[derive(Debug, Parser)]
#[command(name = "phuxanh", version, after_help = EXIT_CODES)]
pub struct Args {
    /// The aggregator to ask, or several of one store with commas between them: the next one is asked
    /// where one cannot be reached
    #[arg(
        long,
        global = true,
        display_order = GLOBAL_LAST,
        value_name = "URL",
        env = "PHUXANH_SERVER",
        default_value = "http://127.0.0.1:7400",
        value_delimiter = ',',
        value_parser = client::url
    )]
    pub server: Vec<String>,

    #[command(flatten)]
    pub identity: Identity,

    /// Longest wait for each reply
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "SECONDS",
          default_value = "10", value_parser = seconds)]
    pub timeout: Duration,

    #[command(flatten)]
    pub output: Output,

    /// Print one JSON object; the same as -o json
    #[arg(long, global = true, display_order = GLOBAL_LAST, conflicts_with = "form")]
    pub json: bool,

    #[command(subcommand)]
    pub command: Command,
}

/// Files of TLS, for a server of https://.
#[derive(Debug, clap::Args)]
pub struct Tls {
    /// Authorities of the server's certificate, in PEM [default: the system's]
    #[arg(id = "tls_authorities", long = "tls-authorities", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_AUTHORITIES")]
    pub authorities: Option<PathBuf>,

    /// Own certificate, in PEM
    #[arg(id = "tls_certificate", long = "tls-certificate", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_CERTIFICATE")]
    pub certificate: Option<PathBuf>,

    /// Private key of the own certificate, in PEM
    #[arg(id = "tls_key", long = "tls-key", global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TLS_KEY")]
    pub key: Option<PathBuf>,
}

/// Identity of the caller.
#[derive(Debug, clap::Args)]
pub struct Identity {
    #[command(flatten)]
    pub tls: Tls,

    /// File with the token of the caller; for https://, or a server on this machine
    #[arg(long, global = true, display_order = GLOBAL_LAST, value_name = "FILE",
          env = "PHUXANH_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// Command of the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    Ask(Question),
    /// Make and renew the certificates of a pilot; asks no aggregator
    #[command(subcommand)]
    Pki(Pki),
    /// Print a script that completes commands and options in a shell
    Completion { shell: Shell },
    /// Write the manual pages of this command and of each of its commands
    Man {
        /// Folder for the pages, for example /usr/local/share/man/man1
        directory: PathBuf,
    },
}

/// Question to an aggregator.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Rank localities by an indicator, the lowest first
    Lowest(Lowest),
    /// Rank localities by how their value changed since an earlier month, the most declined first
    Changes(Changes),
    /// Show a locality's rank with its neighbours
    Standing(Standing),
    /// Show how a locality stands on every criterion and indicator
    Scorecard(Scorecard),
    /// Count localities by the bands of an indicator's legend
    Distribution(Distribution),
    /// Count who lacks which criterion, and who would turn green if it alone were fixed
    Shortfalls(Shortfalls),
    /// List the communes that lack a criterion, or that are not green, the most lacking first
    Lacking(Lacking),
    /// List the fewest fixes that lift a province's green coverage to a target
    Path(Path),
    /// Split a locality's distance to the nation into what causes it
    Why(Why),
    /// Show how far what is declared runs ahead of what is measured
    Gap(Gap),
    /// Count the communes that reported a month, by its deadline and since
    Completeness(Completeness),
    /// List who has not reported a month
    Silent(Silent),
    /// List data that are implausible, for inspection: nothing is changed by it
    Flags(Flags),
    /// List the observations under a number: who brought them, when, in which batch
    Receipts(Receipts),
    /// List every observation of one value that the log still holds, and what became of it
    History(History),
    /// Show a locality's value month by month
    Trend(Trend),
    /// Count the days of a month on which communes were green, and how often they turned
    Days(Days),
    /// Hold a measure of a month against that of an earlier one, per working day
    Compare(Compare),
    /// Find localities by name or code; case and accents do not matter
    Search(Search),
    /// List the localities of the nation or a province, with codes, kinds and dates
    Localities(Localities),
    /// Show the collector of every province, and how far behind it is
    Collectors(Collectors),
    /// Hold what every collector has produced against what arrived; exit code 1 if they disagree
    Audit(Audit),
    /// Show the aggregators that share a store, how far each is, and how the store is
    Mesh,
    /// Show what is measured: criteria, measures, indicators
    Catalogue,
}

/// Standing that is asked for.
#[derive(Debug, clap::Args)]
pub struct Standing {
    /// Code or name of a province or a commune
    pub locality: String,

    /// What to rank by; `phuxanh catalogue` lists the indicators
    #[arg(long, value_name = "ID", default_value = "green_coverage")]
    pub indicator: String,

    /// Rank a commune only within this province [default: the nation]
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// Put the highest first
    #[arg(long)]
    pub highest: bool,

    /// Neighbours to show on each side
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u8).range(1..=50))]
    pub neighbours: u8,
}

/// Whose scorecard is asked for.
#[derive(Debug, clap::Args)]
pub struct Scorecard {
    /// Code or name of a commune or a province; 00 for the nation
    pub locality: String,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,
}

/// Search that is asked for.
#[derive(Debug, clap::Args)]
pub struct Search {
    /// A name, part of one, or a code: "lai chau", "TP.HCM", 04
    pub text: String,
}

/// Part of the country and month that a list is of, and its length.
#[derive(Debug, clap::Args)]
pub struct Listed {
    /// List only what lies in this province
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// Month [default: the latest in which at least half of the communes reported]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<String>,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Localities that are listed.
#[derive(Debug, clap::Args)]
pub struct Localities {
    /// What to list [default: province; with --within: commune]
    #[arg(long, value_enum)]
    pub level: Option<Level>,

    /// List only communes of this province, or 00 for the nation
    #[arg(long, value_name = "CODE-OR-NAME")]
    pub within: Option<String>,

    /// How many to list; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub limit: u32,
}

/// Whose delivery is audited.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// Code or name of a province, or 00 for the central office [default: all]
    pub province: Option<String>,

    /// Fail with exit code 1 on alarms or collectors that are not heard, too
    #[arg(
        long,
        value_name = "CAUSE",
        value_enum,
        value_delimiter = ',',
        default_value = "disagreement"
    )]
    pub fail_on: Vec<FailOn>,
}

/// Collectors that are asked for.
#[derive(Debug, clap::Args)]
pub struct Collectors {
    /// Fail with exit code 1 on alarms (alarm) or collectors that are not connected (silent)
    #[arg(long, value_name = "CAUSE", value_delimiter = ',', value_parser = of_collectors)]
    pub fail_on: Vec<FailOn>,
}

/// Bad news that fails a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Any alarm
    Alarm,
    /// A collector that is not heard
    Silent,
    /// Both ends disagree; always a cause for an audit
    Disagreement,
}

/// Level that can be ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    Province,
    Commune,
}

impl From<Identity> for client::Identity {
    fn from(Identity { tls, token_file }: Identity) -> Self {
        Self { tls: tls.into(), token_file }
    }
}

impl From<Tls> for client::Tls {
    fn from(Tls { authorities, certificate, key }: Tls) -> Self {
        Self { authorities, certificate, key }
    }
}

/// A cause to fail that a list of collectors can tell.
fn of_collectors(text: &str) -> Result<FailOn, String> {
    match FailOn::from_str(text, true) {
        Ok(FailOn::Disagreement) => {
            Err("only audits tell it: phuxanh audit --fail-on disagreement".to_owned())
        }
        Ok(cause @ (FailOn::Alarm | FailOn::Silent)) => Ok(cause),
        Err(_) => Err("expected alarm or silent".to_owned()),
    }
}

/// A positive number of seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let positive = seconds.filter(|duration| !duration.is_zero());
    positive.ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_timeout_is_above_zero() {
        assert_eq!(seconds("2.5"), Ok(Duration::from_millis(2_500)));
        for text in ["0", "-1", "NaN", "1e40", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
