//! The proof: rankings equal to the oracle's, ledgers that count every observation, and cells that
//! are the same at both ends.

use std::time::Duration;

use anyhow::{Context, ensure};
use phuxanh_proto::v1::{self, AuditVerdict};

use super::bulk::Bulk;
use crate::{
    harness::{Client, eventually},
    oracle::{Oracle, Question},
};

/// Longest time in which everything must have arrived once nothing is broken any more.
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);
const PAGE_SIZE: i32 = 100;

/// Figures that must stand in the end.
pub struct Expected<'a> {
    pub oracle: &'a Oracle,
    pub questions: &'a [Question],
    /// Codes of the provinces that report.
    pub provinces: &'a [&'a str],
}

impl Expected<'_> {
    /// Waits until everything has arrived, and both ends agree that it has.
    pub async fn stands(&self, client: &Client) -> anyhow::Result<()> {
        self.is_ranked(client).await?;
        eventually("both ends agree", ARRIVED_WITHIN, async || {
            both_ends_agree(client, self.provinces).await
        })
        .await
    }

    /// Waits until the rankings are the oracle's.
    pub async fn is_ranked(&self, client: &Client) -> anyhow::Result<()> {
        let compared = eventually("the rankings are the oracle's", ARRIVED_WITHIN, async || {
            client.agrees(self.oracle, self.questions, PAGE_SIZE).await
        })
        .await?;
        ensure!(compared == self.questions.len() && compared > 0, "nothing was compared");
        Ok(())
    }
}

/// Waits until all that a province has reported has arrived, and both ends agree that it has.
pub(super) async fn bulk_stands(client: &Client, bulk: &Bulk) -> anyhow::Result<()> {
    let oracle = bulk.oracle()?;
    let questions = Bulk::questions(&oracle);
    let provinces = [bulk.province()];
    Expected { oracle: &oracle, questions: &questions, provinces: &provinces }.stands(client).await
}

/// Waits until a province is ranked by all that it has reported.
pub(super) async fn bulk_is_ranked(client: &Client, bulk: &Bulk) -> anyhow::Result<()> {
    let oracle = bulk.oracle()?;
    let questions = Bulk::questions(&oracle);
    let provinces = [bulk.province()];
    let expected = Expected { oracle: &oracle, questions: &questions, provinces: &provinces };
    expected.is_ranked(client).await
}

async fn both_ends_agree(client: &Client, provinces: &[&str]) -> anyhow::Result<()> {
    let audits = client.audits().await?;
    for province in provinces {
        let audit = audits.iter().find(|audit| audit.reporter == *province);
        let audit = audit.with_context(|| format!("{province} is not audited"))?;
        ensure!(audit.verdict() == AuditVerdict::Agrees, "{audit:?}");
        // What the verdict says is reckoned here once more.
        let told = audit.collector.as_ref().context("it agrees with nobody")?;
        let ledger = audit.ledger.unwrap_or_default();
        ensure!(total(&ledger) == told.produced_observation_count, "{audit:?}");
        ensure!(ledger.rejected_count == told.rejected_observation_count, "{audit:?}");
        let here = (audit.cell_count, &audit.cell_digest);
        ensure!(here == (told.cell_count, &told.cell_digest), "{audit:?}");
    }
    Ok(())
}

const fn total(ledger: &v1::Ledger) -> u64 {
    ledger.applied_count + ledger.repeated_count + ledger.superseded_count + ledger.rejected_count
}

/// Waits until the ledger of all logs of a reporter says that so many observations were applied,
/// and that nothing else ever came.
pub(super) async fn applied_once(
    client: &Client,
    reporter: &str,
    count: u64,
) -> anyhow::Result<()> {
    let what = format!("{count} observations of {reporter} have been applied, each once");
    eventually(&what, ARRIVED_WITHIN, async || {
        let found = collector(client, reporter).await?.ledger.unwrap_or_default();
        let expected = v1::Ledger { applied_count: count, ..v1::Ledger::default() };
        ensure!(found == expected, "the ledger is {found:?}");
        Ok(())
    })
    .await
}

/// Waits until a reporter's collector is shown with an alarm of this kind.
pub(super) async fn alarmed(
    client: &Client,
    reporter: &str,
    kind: v1::AlarmKind,
) -> anyhow::Result<String> {
    eventually(&format!("an alarm of kind {kind:?}"), ARRIVED_WITHIN, async || {
        let alarms = collector(client, reporter).await?.alarms;
        let found = alarms.iter().find(|alarm| alarm.kind() == kind);
        Ok(found.with_context(|| format!("the alarms are {alarms:?}"))?.detail.clone())
    })
    .await
}

/// Returns what the aggregator shows of a reporter's collector.
pub(super) async fn collector(client: &Client, reporter: &str) -> anyhow::Result<v1::Collector> {
    let found = client.collectors().await?.into_iter().find(|found| found.reporter == reporter);
    found.with_context(|| format!("{reporter} is not listed"))
}
