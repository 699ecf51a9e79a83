//! `phuxanh collectors`: who reports, and how far behind.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, Ledger, ListCollectorsRequest};
use serde::Serialize;

use crate::{
    alarm::{self, Alarm, AlarmJson},
    answer::{Answer, Format},
    client::Client,
    error::Error,
    number,
    paging::Walk,
    reply,
    table::{self, Cell, Paint, Table},
};

#[derive(Debug)]
struct Collector {
    since: Option<Timestamp>,
    complete_through: Option<Timestamp>,
    last_receipt: Option<Timestamp>,
    ledger: Ledger,
    clock_offset_micros: Option<i64>,
    alarms: Vec<Alarm>,
    said: v1::Collector,
}

/// All collectors, and the alarms of the store that they deliver to.
#[derive(Debug, Default)]
struct Collectors {
    rows: Vec<Collector>,
    store_alarms: Vec<Alarm>,
}

pub async fn answer(client: &Client, format: Format) -> Result<Answer, Error> {
    let collectors = fetch(client).await?;
    match format {
        Format::Json => Answer::json(&CollectorsJson {
            store_alarms: collectors.store_alarms.iter().map(AlarmJson::from).collect(),
            collectors: collectors.rows.iter().map(CollectorJson::from).collect(),
        }),
        Format::Table { colour } => Ok(Answer::table(text(&collectors, colour))),
    }
}

async fn fetch(client: &Client) -> Result<Collectors, Error> {
    let mut walk = Walk::new(None);
    let mut collectors = Collectors::default();
    loop {
        let (page_size, page_token) = walk.page();
        let page = client.collectors(ListCollectorsRequest { page_size, page_token }).await?;
        let goes_on = walk.goes_on(page.collectors.len(), page.next_page_token)?;
        for collector in page.collectors {
            collectors.rows.push(Collector::try_from(collector)?);
        }
        collectors.store_alarms = Alarm::all(&page.store_alarms)?;
        if !goes_on {
            return Ok(collectors);
        }
    }
}

impl TryFrom<v1::Collector> for Collector {
    type Error = Error;

    fn try_from(said: v1::Collector) -> Result<Self, Error> {
        Ok(Self {
            since: reply::time(said.since_time)?,
            complete_through: reply::time(said.complete_through_time)?,
            last_receipt: reply::time(said.last_receipt_time)?,
            ledger: said.ledger.unwrap_or_default(),
            clock_offset_micros: reply::micros(said.clock_offset)?,
            alarms: Alarm::all(&said.alarms)?,
            said,
        })
    }
}

#[derive(Debug, Serialize)]
struct CollectorsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    store_alarms: Vec<AlarmJson<'a>>,
    collectors: Vec<CollectorJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CollectorJson<'a> {
    reporter: &'a str,
    name: &'a str,
    connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_time: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_through_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_receipt_time: Option<String>,
    applied_through: u64,
    produced_through: u64,
    record_count: u64,
    ledger: LedgerJson,
    spool_batches: u64,
    spool_bytes: u64,
    dead_letters: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_offset_micros: Option<i64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    software: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<CatalogueJson>,
    alarms: Vec<AlarmJson<'a>>,
}

/// Catalogue of a collector beside the aggregator's.
#[derive(Debug, Serialize)]
struct CatalogueJson {
    version: u32,
    digest: String,
    same: bool,
}

/// Observations by what became of them.
#[derive(Debug, Serialize)]
pub struct LedgerJson {
    applied: u64,
    repeated: u64,
    superseded: u64,
    rejected: u64,
}

impl<'a> From<&'a Collector> for CollectorJson<'a> {
    fn from(collector: &'a Collector) -> Self {
        let said = &collector.said;
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self {
            reporter: &said.reporter,
            name: &said.name,
            connected: said.connected,
            since_time: text(collector.since),
            host: &said.host,
            complete_through_time: text(collector.complete_through),
            last_receipt_time: text(collector.last_receipt),
            applied_through: said.applied_through,
            produced_through: said.produced_through,
            record_count: said.record_count,
            ledger: collector.ledger.into(),
            spool_batches: said.spool_batch_count,
            spool_bytes: said.spool_bytes,
            dead_letters: said.dead_letter_count,
            clock_offset_micros: collector.clock_offset_micros,
            software: &said.software,
            catalogue: said.catalogue.as_ref().map(|catalogue| CatalogueJson {
                version: catalogue.version,
                digest: number::hex(&catalogue.digest),
                same: catalogue.same,
            }),
            alarms: collector.alarms.iter().map(AlarmJson::from).collect(),
        }
    }
}

impl From<Ledger> for LedgerJson {
    fn from(ledger: Ledger) -> Self {
        Self {
            applied: ledger.applied_count,
            repeated: ledger.repeated_count,
            superseded: ledger.superseded_count,
            rejected: ledger.rejected_count,
        }
    }
}

fn text(collectors: &Collectors, colour: bool) -> String {
    let rows = || collectors.rows.iter();
    let count = |of: fn(&Ledger) -> u64| move |row: &Collector| number::grouped(of(&row.ledger));
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.said.reporter));
    table.left("Name", rows().map(|row| &row.said.name));
    table.left("Connected", rows().map(connected));
    table.left("Since", rows().map(|row| table::time(row.since)));
    table.left("Host", rows().map(|row| &row.said.host));
    table.left("Complete through", rows().map(|row| table::time(row.complete_through)));
    table.left("Last receipt", rows().map(|row| table::time(row.last_receipt)));
    table.right("Batches", rows().map(batches));
    table.right("Applied", rows().map(count(|ledger| ledger.applied_count)));
    table.right("Repeated", rows().map(count(|ledger| ledger.repeated_count)));
    table.right("Superseded", rows().map(count(|ledger| ledger.superseded_count)));
    table.right("Rejected", rows().map(|row| bad_if_any(row.ledger.rejected_count)));
    table.right("Spool", rows().map(|row| number::grouped(row.said.spool_batch_count)));
    table.right("Spool bytes", rows().map(|row| number::grouped(row.said.spool_bytes)));
    table.right("Dead letters", rows().map(|row| bad_if_any(row.said.dead_letter_count)));
    table.right("Clock", rows().map(clock));
    table.left("Software", rows().map(|row| &row.said.software));
    table.left("Catalogue", rows().map(catalogue));
    let alarms = rows().flat_map(|row| {
        row.alarms.iter().map(|alarm| (row.said.reporter.as_str(), row.said.name.as_str(), alarm))
    });
    table.render() + "\n" + &alarm::lines(&collectors.store_alarms, alarms, colour)
}

fn connected(collector: &Collector) -> Cell {
    if collector.said.connected {
        Cell::new("yes", Paint::Good)
    } else {
        Cell::new("no", Paint::Bad)
    }
}

/// Applied batches of those the collector holds, standing out while some are on their way.
fn batches(collector: &Collector) -> Cell {
    let (applied, produced) = (collector.said.applied_through, collector.said.produced_through);
    let paint = if applied < produced { Paint::Middling } else { Paint::Plain };
    Cell::new(format!("{} of {}", number::grouped(applied), number::grouped(produced)), paint)
}

fn bad_if_any(count: u64) -> Cell {
    Cell::new(number::grouped(count), if count > 0 { Paint::Bad } else { Paint::Plain })
}

/// Version of its catalogue, standing out where the aggregator has another one in force.
fn catalogue(collector: &Collector) -> Cell {
    match &collector.said.catalogue {
        None => Cell::new(number::NONE, Paint::Plain),
        Some(found) if found.same => Cell::new(format!("{}, same", found.version), Paint::Plain),
        Some(found) => Cell::new(format!("{}, differs", found.version), Paint::Middling),
    }
}

/// The collector's clock less the aggregator's.
fn clock(collector: &Collector) -> String {
    collector.clock_offset_micros.map_or_else(|| number::NONE.to_owned(), number::signed_seconds)
}
