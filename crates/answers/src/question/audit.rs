//! What every collector has produced, held against what arrived of it.

use phuxanh_proto::v1::{self, AlarmKind, AuditCollectorsRequest, AuditVerdict, CollectorAudit};

use super::{
    FailOn,
    collectors::{self, Alarm},
};
use crate::{
    cell::{Cell, Value},
    client::Client,
    columns,
    document::{
        BadNews, Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, known},
    resolve,
    sentence::Sentence,
    term::Paint,
    unresolved::Among,
    vocabulary,
};

pub async fn answer(
    client: &Client,
    mut reporter: String,
    fail_on: FailOn,
) -> Result<Document, Error> {
    resolve::name(client, &mut reporter, Among::Reporters).await?;
    let request = AuditCollectorsRequest { reporter, ..Default::default() };
    let (head, audits) = paging::walk(client, &request, None, &mut Version::default()).await?;
    let audits = reply::all(audits, |audit| Ok((verdict(&audit)?, audit)))?;
    let store_alarms = Alarm::all(&head.store_alarms)?;
    let is_unheard = |verdict| matches!(verdict, AuditVerdict::Silent | AuditVerdict::Outdated);
    let silent = audits.iter().filter(|(verdict, _)| is_unheard(*verdict));
    let silent: Vec<_> = silent.map(|(_, audit)| named(audit)).collect();
    let disagreement = disagreement(&audits, &store_alarms).map(BadNews);
    let mut document = Document {
        bad_news: disagreement.or_else(|| fail_on.news(store_alarms.len(), &silent)),
        ..Document::default()
    };
    let mut table = table(&audits)?;
    table.note(Sentence::new(
        "Đã tạo = đã áp dụng + lặp lại + đã thay + từ chối + đang gửi. Với từ chối, ô số liệu và mã \
         băm, phía bộ thu thập đứng trước. Kết luận tính theo lúc phía bộ thu thập được báo.",
        "Produced = applied + repeated + superseded + rejected + pending. Of rejected, cells and \
         digest, the collector's side stands first. A verdict is of the time when the collector's \
         side was told.",
        [],
    ));
    let mut alarms = collectors::alarms("store_alarms", store_alarms, Vec::new());
    alarms.parts.truncate(1);
    document.tables = vec![table, alarms];
    Ok(document)
}

fn verdict(audit: &v1::Audit) -> Result<AuditVerdict, Error> {
    match known("verdict", audit.verdict)? {
        AuditVerdict::Unspecified => Err(Error::Contract("a verdict is missing".to_owned())),
        verdict => Ok(verdict),
    }
}

fn named(audit: &v1::Audit) -> Cell {
    columns::with_code(&audit.name, &audit.name_en, &audit.reporter)
}

fn disagreement(audits: &[(AuditVerdict, v1::Audit)], alarms: &[Alarm]) -> Option<Sentence> {
    let disagree = audits.iter().filter(|(verdict, _)| *verdict == AuditVerdict::Disagrees);
    let names: Vec<_> = disagree.map(|(_, audit)| named(audit)).collect();
    if !names.is_empty() {
        return Some(Sentence::new(
            "số liệu của các bộ thu thập này không khớp với những gì đã đến: {0}\n  \
             Không bên nào bị xóa gì. Xem cảnh báo bằng `phuxanh collectors`, và các con số bằng\n  \
             `phuxanh audit MÃ -o json`; giữ nguyên hàng chờ, rồi kiểm tra trên máy của bộ thu thập \
             bằng\n  `phuxanh-collector spool verify`.",
            "what these collectors hold is not what arrived of it: {0}\n  \
             Nothing was deleted at either end. Look for alarms with `phuxanh collectors`, and at \
             the figures with\n  `phuxanh audit CODE -o json`; keep the spool, then check it on the \
             collector's host with\n  `phuxanh-collector spool verify`.",
            [Value::List(names).into()],
        ));
    }
    let find = |kind| alarms.iter().find(|alarm| alarm.kind == kind);
    if let Some(alarm) = find(AlarmKind::StoreRefusesWrites) {
        let (vi, en) = if alarm.since.is_some() { ("từ {0}, ", "since {0}, ") } else { ("", "") };
        return Some(Sentence::new(
            format!(
                "kho lưu từ chối ghi, nên không gì đến được và không kết luận nào mới hơn \"Tính \
                 đến\": {vi}{{1}}\n  Các bộ thu thập giữ những gì đang có, và gửi khi kho lưu nhận \
                 ghi trở lại. Xem: phuxanh mesh"
            ),
            format!(
                "the store refuses writes, so nothing arrives and no verdict is newer than its \"As \
                 of\": {en}{{1}}\n  Collectors keep what they have, and deliver it once the store \
                 takes writes again. Look at: phuxanh mesh"
            ),
            [Cell::time(alarm.since), Cell::text(&alarm.detail)],
        ));
    }
    let alarm = find(AlarmKind::AggregatorClock)?;
    Some(Sentence::new(
        "đồng hồ của bộ tổng hợp không đáng tin, nên không gì đến được và không kết luận nào mới hơn \
         \"Tính đến\": {0}\n  Các bộ thu thập giữ những gì đang có, và gửi khi đồng hồ đúng. Xem: \
         phuxanh collectors",
        "the aggregator's clock is not trusted, so nothing arrives and no verdict is newer than its \
         \"As of\": {0}\n  Collectors keep what they have, and deliver it once the clock is right. \
         Look at: phuxanh collectors",
        [Cell::text(&alarm.detail)],
    ))
}

fn table(audits: &[(AuditVerdict, v1::Audit)]) -> Result<Table, Error> {
    let rows = || audits.iter().map(|(_, audit)| audit);
    let mut table = Table::new("audits", audits.len());
    table.add(Key, "reporter", columns::CODE, rows().map(|row| Cell::code(&row.reporter)));
    let name = rows().map(|row| Cell::name(&row.name, &row.name_en));
    table.add(Key, columns::NAMES, columns::NAME, name);
    let verdicts = audits.iter().map(|(verdict, _)| vocabulary::verdict(*verdict));
    table.add(Key, "verdict", words("Kết luận", "Verdict"), verdicts);
    let told = rows().map(|row| Ok(Cell::time(reply::time(row.told_time)?)));
    let told = told.collect::<Result<Vec<_>, Error>>()?;
    table.add(Main, "as_of_time", words("Tính đến", "As of"), told);
    let log = rows().map(|row| match row.log_id.as_slice() {
        [] => Cell::NOTHING,
        id => Value::Digest(id.to_vec()).into(),
    });
    table.add(Data, "log_id", words("Nhật ký", "Log"), log);
    let batches = rows().map(|row| {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        match &row.collector {
            None => Cell::from(words("–", "–")),
            Some(told) => Cell::part(count(row.folded_through), count(told.produced_through)),
        }
    });
    table.add(Useful, "", words("Gói", "Batches"), batches);
    let folded = rows().map(|row| Cell::count(row.folded_through));
    table.add(Data, "aggregator.folded_through", words("Gói đã gộp", "Folded"), folded);
    let through = rows().map(|row| said(row, |it| Cell::count(it.produced_through)));
    table.add(Data, "collector.produced_through", words("Gói đã tạo", "Batches made"), through);
    let produced = rows().map(|row| said(row, |it| Cell::count(it.produced_observation_count)));
    table.add(Main, "collector.produced", words("Đã tạo", "Produced"), produced);
    let ledger = rows().map(|row| row.ledger.unwrap_or_default());
    collectors::ledger(&mut table, Detail, ledger);
    // The ledger is the aggregator's, and the collector's side of what it rejects stands beside it.
    for column in &mut table.columns {
        for key in column.keys.iter_mut().filter(|key| key.starts_with("ledger.")) {
            *key = format!("aggregator.{key}");
        }
        if column.keys == ["aggregator.ledger.rejected"] {
            column.importance = Data;
        }
    }
    both_ends(&mut table, audits);
    Ok(table)
}

fn both_ends(table: &mut Table, audits: &[(AuditVerdict, v1::Audit)]) {
    let rows = || audits.iter();
    let rejected = rows().map(|(verdict, row)| {
        let there = said(row, |it| Cell::count(it.rejected_observation_count));
        ends(*verdict, there, Cell::count(row.ledger.unwrap_or_default().rejected_count))
    });
    table.add(Useful, "collector.rejected", words("Từ chối", "Rejected"), rejected);
    // Without the collector's side nobody knows what is on its way.
    let pending = rows().map(|(_, row)| {
        row.collector.as_ref().map_or(Cell::UNKNOWN, |_| Cell::count(row.pending_observation_count))
    });
    table.add(Main, "pending", words("Đang gửi", "Pending"), pending);
    let cells = rows().map(|(verdict, row)| {
        let there = said(row, |it| Cell::count(it.cell_count));
        ends(*verdict, there, Cell::count(row.cell_count))
    });
    table.add(Useful, "collector.cells aggregator.cells", words("Ô số liệu", "Cells"), cells);
    let digests = rows().map(|(verdict, row)| {
        let there = said(row, |it| Value::Digest(it.cell_digest.clone()).into());
        ends(*verdict, there, Value::Digest(row.cell_digest.clone()).into())
    });
    let keys = "collector.cell_digest aggregator.cell_digest";
    table.add(Useful, keys, words("Mã băm", "Digest"), digests);
}

/// A figure of the collector's side, if it has told it.
fn said(audit: &v1::Audit, of: fn(&CollectorAudit) -> Cell) -> Cell {
    audit.collector.as_ref().map_or(Cell::UNKNOWN, of)
}

/// Both ends; a difference stands out only where it is a contradiction.
fn ends(verdict: AuditVerdict, there: Cell, here: Cell) -> Cell {
    let contradicts = verdict == AuditVerdict::Disagrees && there != here;
    let paint = if contradicts { Paint::Bad } else { Paint::Plain };
    Cell::from(Value::Ends(Box::new(there), Box::new(here))).painted(paint)
}
