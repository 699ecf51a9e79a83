//! `phuxanh audit`: what every collector has produced, held against what arrived of it.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, AuditCollectorsRequest, AuditVerdict, CollectorAudit, Ledger};
use serde::Serialize;

use crate::{
    alarm::{self, Alarm, AlarmJson},
    answer::{Answer, Format},
    args,
    client::Client,
    collectors::LedgerJson,
    error::Error,
    number,
    paging::Walk,
    reply,
    resolve::{self, Among},
    table::{self, Cell, Paint, Table},
    words,
};

/// Bytes of a digest that a table shows.
const SHORT_DIGEST_BYTES: usize = 4;

const LEGEND: &str = "\
Produced = applied + repeated + superseded + rejected + pending. Of rejected, cells and digest,
the collector's side stands first. A verdict is of the time when the collector's side was told.
";

/// Reason why an audit is bad news.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// Reporters whose two ends disagree, never none.
    #[error(
        "what these collectors hold is not what arrived of it: {}\n  \
         Nothing was deleted at either end. Look for alarms with `phuxanh collectors`, and at the \
         figures with\n  `phuxanh audit CODE --json`; keep the spool, then check it on the \
         collector's host with\n  `phuxanh-collector spool verify`.",
        .0.join(", ")
    )]
    Ends(Vec<String>),
    /// Warning where the store takes no writes.
    #[error(
        "the store refuses writes, so nothing arrives and no verdict is newer than its \"As of\": {0}\n  \
         Collectors keep what they have, and deliver it once the store takes writes again. Look at: \
         phuxanh mesh"
    )]
    WritesRefused(String),
    /// Warning where the aggregator takes no batches because of its clock.
    #[error(
        "the aggregator's clock is not trusted, so nothing arrives and no verdict is newer than its \
         \"As of\": {0}\n  \
         Collectors keep what they have, and deliver it once the clock is right. Look at: phuxanh \
         collectors"
    )]
    ClockDistrusted(String),
}

#[derive(Debug)]
struct Audit {
    verdict: AuditVerdict,
    ledger: Ledger,
    told: Option<Timestamp>,
    said: v1::Audit,
}

/// All audits, and the alarms of the store between the two ends.
#[derive(Debug, Default)]
struct Audits {
    rows: Vec<Audit>,
    store_alarms: Vec<Alarm>,
}

pub async fn answer(client: &Client, ask: &args::Audit, format: Format) -> Result<Answer, Error> {
    let reporter = match &ask.province {
        Some(province) => resolve::code(client, province, Among::Reporters).await?,
        None => String::new(),
    };
    let audits = fetch(client, &reporter).await?;
    let answer = match format {
        Format::Json => Answer::json(&AuditsJson {
            store_alarms: audits.store_alarms.iter().map(AlarmJson::from).collect(),
            audits: audits.rows.iter().map(AuditJson::from).collect(),
        })?,
        Format::Table { colour } => Answer::table(text(&audits, colour)),
    };
    Ok(Answer { disagreement: disagreement(&audits), ..answer })
}

async fn fetch(client: &Client, reporter: &str) -> Result<Audits, Error> {
    let mut walk = Walk::new(None);
    let mut audits = Audits::default();
    loop {
        let (page_size, page_token) = walk.page();
        let reporter = reporter.to_owned();
        let page =
            client.audits(AuditCollectorsRequest { reporter, page_size, page_token }).await?;
        let goes_on = walk.goes_on(page.audits.len(), page.next_page_token)?;
        for audit in page.audits {
            audits.rows.push(Audit::try_from(audit)?);
        }
        audits.store_alarms = Alarm::all(&page.store_alarms)?;
        if !goes_on {
            return Ok(audits);
        }
    }
}

fn disagreement(audits: &Audits) -> Option<Disagreement> {
    let disagree = audits.rows.iter().filter(|audit| audit.verdict == AuditVerdict::Disagrees);
    let names: Vec<_> =
        disagree.map(|audit| format!("{} ({})", audit.said.name, audit.said.reporter)).collect();
    if !names.is_empty() {
        return Some(Disagreement::Ends(names));
    }
    if let Some(refused) = audits.store_alarms.iter().find(|alarm| alarm.is_of_writes()) {
        let since = refused.since.map(|since| format!("since {since}, ")).unwrap_or_default();
        return Some(Disagreement::WritesRefused(format!("{since}{}", refused.detail)));
    }
    let distrust = audits.store_alarms.iter().find(|alarm| alarm.is_of_clock())?;
    Some(Disagreement::ClockDistrusted(distrust.detail.clone()))
}

impl TryFrom<v1::Audit> for Audit {
    type Error = Error;

    fn try_from(said: v1::Audit) -> Result<Self, Error> {
        let verdict = match reply::known("verdict", said.verdict)? {
            AuditVerdict::Unspecified => {
                return Err(Error::Contract("a verdict is missing".to_owned()));
            }
            verdict @ (AuditVerdict::Agrees
            | AuditVerdict::Pending
            | AuditVerdict::Disagrees
            | AuditVerdict::Silent
            | AuditVerdict::Outdated) => verdict,
        };
        let told = reply::time(said.told_time)?;
        Ok(Self { verdict, ledger: said.ledger.unwrap_or_default(), told, said })
    }
}

#[derive(Debug, Serialize)]
struct AuditsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    store_alarms: Vec<AlarmJson<'a>>,
    audits: Vec<AuditJson<'a>>,
}

#[derive(Debug, Serialize)]
struct AuditJson<'a> {
    reporter: &'a str,
    name: &'a str,
    verdict: &'static str,
    /// Time of the collector's side.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of_time: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    log_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    collector: Option<CollectorJson>,
    aggregator: AggregatorJson,
    pending: u64,
}

/// The collector's side, by its last heartbeat.
#[derive(Debug, Serialize)]
struct CollectorJson {
    produced_through: u64,
    produced: u64,
    rejected: u64,
    cells: u64,
    cell_digest: String,
}

/// The aggregator's side.
#[derive(Debug, Serialize)]
struct AggregatorJson {
    folded_through: u64,
    ledger: LedgerJson,
    cells: u64,
    cell_digest: String,
}

impl<'a> From<&'a Audit> for AuditJson<'a> {
    fn from(audit: &'a Audit) -> Self {
        let said = &audit.said;
        Self {
            reporter: &said.reporter,
            name: &said.name,
            verdict: words::verdict(audit.verdict),
            as_of_time: audit.told.map(|told| told.to_string()),
            log_id: number::hex(&said.log_id),
            collector: said.collector.as_ref().map(|told| CollectorJson {
                produced_through: told.produced_through,
                produced: told.produced_observation_count,
                rejected: told.rejected_observation_count,
                cells: told.cell_count,
                cell_digest: number::hex(&told.cell_digest),
            }),
            aggregator: AggregatorJson {
                folded_through: said.folded_through,
                ledger: audit.ledger.into(),
                cells: said.cell_count,
                cell_digest: number::hex(&said.cell_digest),
            },
            pending: said.pending_observation_count,
        }
    }
}

fn text(audits: &Audits, colour: bool) -> String {
    let rows = || audits.rows.iter();
    let count = |of: fn(&Ledger) -> u64| move |row: &Audit| number::grouped(of(&row.ledger));
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.said.reporter));
    table.left("Name", rows().map(|row| &row.said.name));
    table.left("Verdict", rows().map(verdict));
    table.left("As of", rows().map(|row| table::time(row.told)));
    table.right("Batches", rows().map(batches));
    table.right("Produced", rows().map(|row| told(row, |told| told.produced_observation_count)));
    table.right("Applied", rows().map(count(|ledger| ledger.applied_count)));
    table.right("Repeated", rows().map(count(|ledger| ledger.repeated_count)));
    table.right("Superseded", rows().map(count(|ledger| ledger.superseded_count)));
    table.right(
        "Rejected",
        rows().map(|row| {
            let there = told(row, |told| told.rejected_observation_count);
            pair(row, &there, &number::grouped(row.ledger.rejected_count))
        }),
    );
    table.right("Pending", rows().map(pending));
    table.right(
        "Cells",
        rows().map(|row| {
            let there = told(row, |told| told.cell_count);
            pair(row, &there, &number::grouped(row.said.cell_count))
        }),
    );
    table.left("Digest", rows().map(digests));
    let alarms = match audits.store_alarms.as_slice() {
        [] => String::new(),
        alarms => format!("\n{}", alarm::lines(alarms, std::iter::empty(), colour)),
    };
    format!("{}\n{LEGEND}{alarms}", table.render())
}

fn verdict(audit: &Audit) -> Cell {
    let paint = match audit.verdict {
        AuditVerdict::Unspecified => Paint::Plain,
        AuditVerdict::Agrees => Paint::Good,
        AuditVerdict::Pending | AuditVerdict::Outdated => Paint::Middling,
        AuditVerdict::Disagrees => Paint::Bad,
        AuditVerdict::Silent => Paint::Faint,
    };
    Cell::new(words::verdict(audit.verdict), paint)
}

fn batches(audit: &Audit) -> String {
    let produced = told(audit, |told| told.produced_through);
    format!("{} of {produced}", number::grouped(audit.said.folded_through))
}

/// Without the collector's side nobody knows what is on its way.
fn pending(audit: &Audit) -> String {
    let count = number::grouped(audit.said.pending_observation_count);
    audit.said.collector.as_ref().map_or_else(|| number::NONE.to_owned(), |_| count)
}

fn digests(audit: &Audit) -> Cell {
    let there = audit.said.collector.as_ref();
    let there = there.map_or_else(|| number::NONE.to_owned(), |told| short(&told.cell_digest));
    pair(audit, &there, &short(&audit.said.cell_digest))
}

/// A number of the collector's side, if it has told it.
fn told(audit: &Audit, of: fn(&CollectorAudit) -> u64) -> String {
    let told = audit.said.collector.as_ref();
    told.map_or_else(|| number::NONE.to_owned(), |told| number::grouped(of(told)))
}

/// Both ends, the collector's first; a difference stands out only where it is a contradiction.
fn pair(audit: &Audit, there: &str, here: &str) -> Cell {
    let disagrees = audit.verdict == AuditVerdict::Disagrees;
    if audit.said.collector.is_none() {
        Cell::from(format!("{there}, {here}"))
    } else if there == here {
        Cell::from(format!("{there} = {here}"))
    } else {
        Cell::new(format!("{there} ≠ {here}"), if disagrees { Paint::Bad } else { Paint::Plain })
    }
}

fn short(digest: &[u8]) -> String {
    number::hex(digest.get(..SHORT_DIGEST_BYTES).unwrap_or(digest))
}
