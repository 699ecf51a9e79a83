//! Who reports, and how far behind.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, AlarmKind, Ledger, ListCollectorsRequest};

use super::FailOn;
use crate::{
    cell::{Cell, Value},
    client::Client,
    columns,
    document::{
        Document,
        Importance::{self, Data, Detail, Key, Main, Useful},
        Part, Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, Named, known},
    sentence::Sentence,
    term::Paint,
    vocabulary,
};

/// What an operator should look at, of a collector, the store or the aggregator.
#[derive(Debug, Clone)]
pub struct Alarm {
    pub kind: AlarmKind,
    pub since: Option<Timestamp>,
    pub detail: String,
}

impl Alarm {
    /// Reads a list of them.
    pub fn all(said: &[v1::Alarm]) -> Result<Vec<Self>, Error> {
        let read = |said: &v1::Alarm| {
            let (kind, since) = (known("alarm", said.kind)?, reply::time(said.since_time)?);
            Ok(Self { kind, since, detail: said.detail.clone() })
        };
        said.iter().map(read).collect()
    }
}

/// Alarms of the store and of collectors in one table, under two keys.
pub fn alarms(
    key: &'static str,
    of_store: Vec<Alarm>,
    of_collectors: Vec<(Named, Alarm)>,
) -> Table {
    let mut parts = vec![Part::list(key, of_store.len())];
    if key == "store_alarms" {
        parts.push(Part::list("alarms", of_collectors.len()));
    }
    let of_store = of_store.into_iter().map(|alarm| {
        let of_aggregator =
            matches!(alarm.kind, AlarmKind::AggregatorClock | AlarmKind::CertificateExpires);
        let owner = if of_aggregator {
            words("bộ tổng hợp", "aggregator")
        } else {
            words("kho lưu", "store")
        };
        (Cell::NOTHING, Cell::from(owner), alarm)
    });
    let of_collectors = of_collectors
        .into_iter()
        .map(|(named, alarm)| (Cell::code(&named.code), named.cell(), alarm));
    let rows: Vec<_> = of_store.chain(of_collectors).collect();
    let mut table = Table::of_parts(parts);
    table.shown = !rows.is_empty();
    table.title = Some(Sentence::new("Cảnh báo", "Alarms", []));
    table.add(Key, "reporter", columns::CODE, rows.iter().map(|(code, _, _)| code.clone()));
    table.add(Key, columns::NAMES, columns::NAME, rows.iter().map(|(_, name, _)| name.clone()));
    let kind = rows.iter().map(|(_, _, alarm)| vocabulary::alarm(alarm.kind));
    table.add(Key, "kind", words("Cảnh báo", "Alarm"), kind);
    let since = rows.iter().map(|(_, _, alarm)| Cell::time(alarm.since));
    table.add(Key, "since_time", words("Từ lúc", "Since"), since);
    let detail = rows.iter().map(|(_, _, alarm)| Cell::text(&alarm.detail));
    table.add(Key, "detail", words("Chi tiết", "Details"), detail);
    table
}

pub async fn answer(client: &Client, fail_on: FailOn) -> Result<Document, Error> {
    let request = ListCollectorsRequest::default();
    let (head, rows) = paging::walk(client, &request, None, &mut Version::default()).await?;
    let store_alarms = Alarm::all(&head.store_alarms)?;
    let mut of_collectors = Vec::new();
    for row in &rows {
        let [code, name, name_en] = [&row.reporter, &row.name, &row.name_en].map(String::clone);
        let named = Named { code, name, name_en };
        of_collectors.extend(Alarm::all(&row.alarms)?.into_iter().map(|it| (named.clone(), it)));
    }
    let mut document = Document::default();
    if store_alarms.is_empty() && of_collectors.is_empty() {
        document.notes.push(Sentence::new("Không có cảnh báo.", "No alarms.", []));
    }
    let silent = rows.iter().filter(|row| !row.connected);
    let silent = silent.map(|row| columns::with_code(&row.name, &row.name_en, &row.reporter));
    let silent: Vec<_> = silent.collect();
    document.bad_news = fail_on.news(store_alarms.len() + of_collectors.len(), &silent);
    let alarms = alarms("store_alarms", store_alarms, of_collectors);
    document.tables = vec![table(&rows)?, alarms];
    Ok(document)
}

fn table(collectors: &[v1::Collector]) -> Result<Table, Error> {
    let rows = || collectors.iter();
    let mut table = Table::new("collectors", collectors.len());
    table.add(Key, "reporter", columns::CODE, rows().map(|row| Cell::code(&row.reporter)));
    let name = rows().map(|row| Cell::name(&row.name, &row.name_en));
    table.add(Key, columns::NAMES, columns::NAME, name);
    let connected = rows().map(|row| {
        Cell::flag(row.connected).painted(if row.connected { Paint::Good } else { Paint::Bad })
    });
    table.add(Key, "connected", words("Đang nối", "Connected"), connected);
    times(
        &mut table,
        Detail,
        "since_time",
        words("Từ lúc", "Since"),
        rows().map(|it| it.since_time),
    )?;
    table.add(Detail, "host", words("Máy", "Host"), rows().map(|row| Cell::text(&row.host)));
    let label = words("Đủ đến", "Complete through");
    let through = rows().map(|row| row.complete_through_time);
    times(&mut table, Main, "complete_through_time", label, through)?;
    let label = words("Nhận gần nhất", "Last receipt");
    times(&mut table, Useful, "last_receipt_time", label, rows().map(|it| it.last_receipt_time))?;
    let batches = rows().map(|row| {
        let [applied, produced] = [row.applied_through, row.produced_through]
            .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let paint = if applied < produced { Paint::Middling } else { Paint::Plain };
        Cell::part(applied, produced).painted(paint)
    });
    table.add(Main, "applied_through produced_through", words("Gói", "Batches"), batches);
    let records = rows().map(|row| Cell::count(row.record_count));
    table.add(Data, "record_count", words("Bản ghi", "Records"), records);
    ledger(&mut table, Detail, rows().map(|row| row.ledger.unwrap_or_default()));
    let spool = rows().map(|row| Cell::count(row.spool_batch_count));
    table.add(Useful, "spool_batches", words("Hàng chờ", "Spool"), spool);
    let bytes = rows().map(|row| Cell::count(row.spool_bytes));
    table.add(Detail, "spool_bytes", words("Byte hàng chờ", "Spool bytes"), bytes);
    let dead = rows().map(|row| Cell::standing_out(row.dead_letter_count, Paint::Bad));
    table.add(Useful, "dead_letters", words("Bị trả lại", "Dead letters"), dead);
    let clocks = rows().map(|row| {
        Ok(reply::micros(row.clock_offset)?.map_or(Cell::UNKNOWN, |it| Value::Span(it).into()))
    });
    let clocks = clocks.collect::<Result<Vec<_>, Error>>()?;
    table.add(Detail, "clock_offset_micros", words("Lệch đồng hồ", "Clock"), clocks);
    let software = rows().map(|row| Cell::text(&row.software));
    table.add(Detail, "software", words("Phần mềm", "Software"), software);
    catalogues(&mut table, collectors);
    Ok(table)
}

/// Adds the catalogue of each collector, standing out where the aggregator has another one in force.
fn catalogues(table: &mut Table, collectors: &[v1::Collector]) {
    let rows = || collectors.iter().map(|row| row.catalogue.as_ref());
    let version =
        rows().map(|found| found.map_or(Cell::UNKNOWN, |found| Cell::count(found.version)));
    table.add(Detail, "catalogue.version", words("Danh mục", "Catalogue"), version);
    let same = rows().map(|found| {
        let paint = |same| if same { Paint::Plain } else { Paint::Middling };
        found.map_or(Cell::UNKNOWN, |found| Cell::flag(found.same).painted(paint(found.same)))
    });
    table.add(Detail, "catalogue.same", words("Cùng danh mục", "Same catalogue"), same);
    let digest = rows().map(|found| found.map(|it| Cell::from(Value::Digest(it.digest.clone()))));
    table.add(Data, "catalogue.digest", words("Mã băm danh mục", "Digest"), digest);
}

fn times(
    table: &mut Table,
    importance: Importance,
    key: &str,
    label: crate::Words,
    times: impl Iterator<Item = Option<prost_types::Timestamp>>,
) -> Result<(), Error> {
    let cells = times.map(|time| Ok(Cell::time(reply::time(time)?)));
    table.add(importance, key, label, cells.collect::<Result<Vec<_>, Error>>()?);
    Ok(())
}

/// Adds observations by what became of them.
pub fn ledger(
    table: &mut Table,
    importance: Importance,
    rows: impl Iterator<Item = Ledger> + Clone,
) {
    let applied = rows.clone().map(|it| Cell::count(it.applied_count));
    table.add(importance, "ledger.applied", words("Đã áp dụng", "Applied"), applied);
    let repeated = rows.clone().map(|it| Cell::count(it.repeated_count));
    table.add(importance, "ledger.repeated", words("Lặp lại", "Repeated"), repeated);
    let superseded = rows.clone().map(|it| Cell::count(it.superseded_count));
    table.add(importance, "ledger.superseded", words("Đã thay", "Superseded"), superseded);
    let rejected = rows.map(|it| Cell::standing_out(it.rejected_count, Paint::Bad));
    table.add(Useful, "ledger.rejected", words("Từ chối", "Rejected"), rejected);
}
