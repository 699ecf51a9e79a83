//! Waits until the aggregator holds the whole sample, and shows how far it is.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use phuxanh_answers::v1;
use phuxanh_core::Period;

use crate::{figures::grouped, query::Client};

/// Interval between two questions to the aggregator.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Columns of the sample that say where a value belongs, not what it is.
const PLACE_COLUMNS: usize = 4;

const BAR: &str = "{spinner} {wide_bar} {msg}";

/// Data that a province's collector is to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub province: String,
    /// Observations in its file.
    pub observation_count: u64,
}

/// The shares of all reporters, by code.
pub type Shares = BTreeMap<String, Share>;

/// Progress of the loading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    pub provinces: usize,
    pub observations: u64,
    /// Reporters whose share is not complete, by name.
    pub waiting_for: Vec<String>,
}

/// Observations in a wide file: the cells with a value.
pub fn observation_count(text: &str) -> anyhow::Result<u64> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut count = 0;
    for record in reader.records() {
        let record = record.context("a row of the sample")?;
        count += record.iter().skip(PLACE_COLUMNS).filter(|cell| !cell.is_empty()).count() as u64;
    }
    Ok(count)
}

/// Progress by the ledgers of the collectors. Fails when an observation of the sample was
/// refused, since then the loading never ends.
pub fn loaded(shares: &Shares, collectors: &[v1::Collector]) -> anyhow::Result<Loaded> {
    let mut loaded = Loaded::default();
    let ledgers: BTreeMap<&str, v1::Ledger> = collectors
        .iter()
        .map(|collector| (collector.reporter.as_str(), collector.ledger.unwrap_or_default()))
        .collect();
    for (reporter, share) in shares {
        let ledger = ledgers.get(reporter.as_str()).copied().unwrap_or_default();
        if ledger.rejected_count > 0 {
            bail!("{} observations of {} were rejected", ledger.rejected_count, share.province);
        }
        loaded.observations += ledger.applied_count;
        if ledger.applied_count >= share.observation_count {
            loaded.provinces += 1;
        } else {
            loaded.waiting_for.push(share.province.clone());
        }
    }
    Ok(loaded)
}

/// Returns once every share is applied and the answers cover both months, at every replica. Shows
/// the one that is furthest behind.
pub async fn wait(
    clients: &[Client],
    shares: &Shares,
    progress: &mut Progress,
    [period, previous]: [Period; 2],
) -> anyhow::Result<()> {
    let mut polls = tokio::time::interval(POLL_INTERVAL);
    loop {
        polls.tick().await;
        let (mut least, mut covered) = (None::<Loaded>, true);
        for client in clients {
            let loaded = loaded(shares, &client.collectors().await?)?;
            covered &= loaded.waiting_for.is_empty()
                && client.covers(period, true).await?
                && client.covers(previous, false).await?;
            least =
                least.filter(|least| least.observations <= loaded.observations).or(Some(loaded));
        }
        if let Some(least) = least {
            progress.show(&least)?;
        }
        if covered {
            progress.finish();
            return Ok(());
        }
    }
}

/// Shows the progress: a bar on a terminal, lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    province_count: usize,
    observation_count: u64,
    bar: Option<ProgressBar>,
    last: Option<Loaded>,
}

impl Progress {
    #[must_use]
    pub fn new(shares: &Shares) -> Self {
        let observation_count = shares.values().map(|share| share.observation_count).sum();
        let bar = io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template(BAR).expect("the template is checked by a test");
            ProgressBar::new(observation_count).with_style(style)
        });
        Self { province_count: shares.len(), observation_count, bar, last: None }
    }

    /// Progress that was shown last; `None` before the first.
    #[must_use]
    pub const fn last(&self) -> Option<&Loaded> {
        self.last.as_ref()
    }

    fn show(&mut self, loaded: &Loaded) -> io::Result<()> {
        let line = self.line(loaded);
        if let Some(bar) = &self.bar {
            bar.set_position(loaded.observations.min(self.observation_count));
            bar.set_message(line);
        } else if self.last.as_ref().map(|last| last.provinces) != Some(loaded.provinces) {
            writeln!(io::stderr(), "{line}")?;
        }
        self.last = Some(loaded.clone());
        Ok(())
    }

    fn line(&self, loaded: &Loaded) -> String {
        format!(
            "provinces loaded {}/{}, observations applied {} of {}",
            loaded.provinces,
            self.province_count,
            grouped(loaded.observations),
            grouped(self.observation_count)
        )
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collector(reporter: &str, applied_count: u64, rejected_count: u64) -> v1::Collector {
        let ledger = v1::Ledger { applied_count, rejected_count, ..Default::default() };
        v1::Collector { reporter: reporter.to_owned(), ledger: Some(ledger), ..Default::default() }
    }

    fn shares() -> Shares {
        let share = |code: &str, province: &str| {
            let share = Share { province: province.to_owned(), observation_count: 10 };
            (code.to_owned(), share)
        };
        [share("01", "Hà Nội"), share("04", "Cao Bằng")].into()
    }

    #[test]
    fn a_province_is_loaded_when_its_whole_share_is_applied() {
        let found = loaded(&shares(), &[collector("01", 10, 0), collector("04", 9, 0)]);
        let waiting_for = vec!["Cao Bằng".to_owned()];
        assert_eq!(found.expect("counts"), Loaded { provinces: 1, observations: 19, waiting_for });
    }

    #[test]
    fn a_silent_province_is_waited_for() {
        let found = loaded(&shares(), &[]).expect("counts");
        assert_eq!(found.waiting_for, ["Hà Nội", "Cao Bằng"]);
    }

    #[test]
    fn a_rejection_is_named_at_once() {
        let error = loaded(&shares(), &[collector("04", 9, 1)]).expect_err("a rejection");
        assert_eq!(error.to_string(), "1 observations of Cao Bằng were rejected");
    }

    #[test]
    fn observations_are_the_cells_with_a_value() {
        let text =
            "locality,period,observed_time,basis,a,b\n00004,2025-07,x,y,0,\n00008,2025-07,x,,5,-\n";
        assert_eq!(observation_count(text).expect("a table"), 3);
    }

    #[test]
    fn the_bar_has_a_valid_template() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
