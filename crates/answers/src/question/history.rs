//! What the log still holds of one cell, and what became of each observation.

use std::mem::take;

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{Fate, ListHistoryRequest, ListHistoryResponse, RejectionReason};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::words,
    reply::{self, Named, known},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

#[derive(Debug)]
struct Row {
    withdrawn: bool,
    earlier: bool,
    fate: Fate,
    /// Number of another row, from 1.
    other: Option<i32>,
    refusal: RejectionReason,
    observed: Timestamp,
    received: Timestamp,
    unchanged_since: Option<Timestamp>,
    /// The rest, as it came.
    told: phuxanh_proto::v1::Receipt,
}

pub async fn answer(client: &Client, mut request: ListHistoryRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let mut head = client.ask(client.quality().list_history(request)).await?;
    let rows = reply::all(take(&mut head.observations), |past| {
        let told = reply::part("a receipt", past.receipt)?;
        let time = |time| reply::part("a time of an observation", reply::time(time)?);
        Ok(Row {
            withdrawn: past.withdrawn,
            earlier: past.earlier,
            fate: known("fate", past.fate)?,
            other: past.other.map(|at| at.saturating_add(1)),
            refusal: known("refusal", past.refusal)?,
            observed: time(told.observed_time)?,
            received: time(told.receipt_time)?,
            unchanged_since: reply::time(told.unchanged_since_time)?,
            told,
        })
    })?;
    let locality = Named::new(head.locality.take())?;
    let terms = Terms::fetch(client).await?;
    let mut document = Document::default();
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.fact("metric", Cell::code(&head.metric));
    document.view(&head.period, &head.view_version);
    document.fact("record_count", Cell::count(head.record_count));
    document.fact("read_count", Cell::count(head.read_count));
    document.fact("observation_count", Cell::count(head.observation_count));
    document.head.push(title(&head, &locality, &terms));
    let read_since = reply::time(head.read_since_time)?;
    document.fact("read_since_time", Cell::time(read_since));
    document.head.extend(read(&head, read_since));
    let mut table = Table::new("observations", rows.len());
    columns(&mut table, &rows);
    let listed = rows.iter().filter(|row| !row.earlier).count();
    if usize::try_from(head.observation_count).is_ok_and(|count| listed < count) {
        let counts = [Cell::count(listed as i128), Cell::count(head.observation_count)];
        table.note(Sentence::new(
            "chỉ hiện {0} số liệu quan sát mới nhất trong {1}",
            "the newest {0} of {1} observations",
            counts,
        ));
    }
    document.tables.push(table);
    Ok(document)
}

fn title(head: &ListHistoryResponse, locality: &Named, terms: &Terms) -> Sentence {
    let (metric, id) = (terms.metric(&head.metric), Cell::code(&head.metric));
    let count = Cell::count(head.observation_count);
    let (name, code) = (locality.cell(), Cell::code(&locality.code));
    let named = [name, code, metric, id, Cell::month(&head.period), count];
    Sentence::new(
        "{0} ({1}): {2} ({3}), {4}: nhật ký còn giữ {5} số liệu quan sát",
        "{0} ({1}): {2} ({3}), {4}: the log still holds {5:observation:observations}",
        named,
    )
}

/// Says how far back the log was read, where that is not to its first record.
fn read(head: &ListHistoryResponse, since: Option<Timestamp>) -> Option<Sentence> {
    let older = head.record_count - head.read_count;
    (older > 0).then(|| {
        Sentence::new(
            "đã đọc {0} trong {1} bản ghi, từ {2}: các bản ghi cũ hơn đã xóa hoặc không đọc, nên \
             số liệu mà chúng đã thay thế có thể ghi là bị thay",
            "{0} of {1} records were read, since {2}: older ones were trimmed or not read, so that \
             an observation which they had superseded may be said to be replaced",
            [Cell::count(head.read_count), Cell::count(head.record_count), Cell::time(since)],
        )
    })
}

fn columns(table: &mut Table, all: &[Row]) {
    let rows = || all.iter();
    let number = (1..).take(all.len()).map(|number: i32| Cell::count(number));
    table.add(Key, "number", words("Số", "No."), number);
    let value = rows().map(|row| {
        if row.withdrawn { vocabulary::WITHDRAWN.into() } else { Cell::count(row.told.value) }
    });
    table.add(Key, "value", columns::VALUE, value);
    let became = rows().map(|row| vocabulary::fate(row.fate));
    table.add(Key, "fate", words("Kết quả", "Fate"), became);
    let other = rows().map(|row| row.other.map_or(Cell::NOTHING, Cell::count));
    table.add(Key, "other", words("Bởi số", "By no."), other);
    let refusal = rows().map(|row| match row.refusal {
        RejectionReason::Unspecified => Cell::NOTHING,
        reason => vocabulary::rejection(reason).into(),
    });
    table.add(Main, "refusal", words("Lý do từ chối", "Refused because"), refusal);
    let observed = rows().map(|row| Cell::time(Some(row.observed)));
    table.add(Main, "observed_time", words("Quan sát lúc", "Observed"), observed);
    let received = rows().map(|row| Cell::time(Some(row.received)));
    table.add(Main, "receipt_time", words("Nhận lúc", "Received"), received);
    let since = rows().map(|row| Cell::time(row.unchanged_since));
    table.add(Data, "unchanged_since_time", words("Không đổi từ", "Unchanged since"), since);
    let earlier = rows().map(|row| Cell::flag(row.earlier));
    table.add(Data, "earlier", words("Trước các quan sát khác", "Before the others"), earlier);
    let reporter = rows().map(|row| Cell::code(&row.told.reporter_code));
    table.add(Data, "reporter", words("Đơn vị gửi", "Collector"), reporter);
    let host = rows().map(|row| Cell::text(&row.told.host));
    table.add(Useful, "host", words("Máy", "Host"), host);
    let log = rows().map(|row| Cell::from(Value::Digest(row.told.log_id.clone())));
    table.add(Detail, "log_id", words("Nhật ký", "Log"), log);
    let epoch = rows().map(|row| Cell::count(row.told.log_epoch));
    table.add(Detail, "log_epoch", words("Đời", "Epoch"), epoch);
    let batch = rows().map(|row| Cell::count(row.told.sequence));
    table.add(Useful, "sequence", words("Gói", "Batch"), batch);
    let place = rows().map(|row| Cell::count(row.told.index));
    table.add(Detail, "index", words("Vị trí", "Place"), place);
}
