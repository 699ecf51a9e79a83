//! The aggregators that share a store, and how the store is.

use phuxanh_proto::v1::{AlarmKind, ListReplicasResponse, Replica, StoreState};

use super::collectors::{self, Alarm};
use crate::{
    cell::{Cell, Value},
    client::Client,
    document::{
        Document,
        Importance::{Data, Detail, Key, Main, Useful},
        Table,
    },
    error::Error,
    language::words,
    reply::{self, known, part},
    sentence::Sentence,
    term::Paint,
    vocabulary,
};

pub async fn answer(client: &Client) -> Result<Document, Error> {
    let request = phuxanh_proto::v1::ListReplicasRequest {};
    let ListReplicasResponse { replicas, store } =
        client.ask(client.mesh().list_replicas(request)).await?;
    let store = part("the store", store)?;
    let alarms = Alarm::all(&store.alarms)?;
    let mut document = Document::default();
    state(&mut document, &store, &alarms)?;
    document.tables = vec![
        table(&replicas)?,
        positions(&replicas),
        collectors::alarms("store.alarms", alarms, Vec::new()),
    ];
    Ok(document)
}

fn state(document: &mut Document, store: &StoreState, alarms: &[Alarm]) -> Result<(), Error> {
    let durability = vocabulary::durability(known("durability", store.durability)?);
    // Nothing becomes durable while it refuses writes.
    let takes_writes = !alarms.iter().any(|alarm| alarm.kind == AlarmKind::StoreRefusesWrites);
    let (vi, en) = if takes_writes {
        ("Kho lưu: {0}, mức lưu bền vững là {1}", "Store: {0}, durable is {1}")
    } else {
        (
            "Kho lưu: {0}, từ chối ghi (mức lưu bền vững khi nhận ghi là {1})",
            "Store: {0}, refuses writes (durable means {1} when it takes them)",
        )
    };
    let cells = [Cell::text(&store.kind), durability.clone().into()];
    document.head.push(Sentence::new(vi, en, cells));
    let since = reply::time(store.trouble_since_time)?;
    if !store.trouble.is_empty() {
        document.head.push(Sentence::new(
            "Không truy cập được từ {0}: {1}",
            "Out of reach since {0}: {1}",
            [Cell::time(since), Cell::text(&store.trouble)],
        ));
    }
    document.fact("store.kind", Cell::text(&store.kind));
    document.fact("store.durability", takes_writes.then_some(durability));
    document.fact("store.trouble", Cell::text(&store.trouble));
    document.fact("store.trouble_since_time", since.map(|it| Cell::from(Value::Time(it))));
    Ok(())
}

fn table(replicas: &[Replica]) -> Result<Table, Error> {
    let rows = || replicas.iter();
    let mut table = Table::new("replicas", replicas.len());
    let id = |row: &Replica| {
        let paint = if row.is_self { Paint::Strong } else { Paint::Plain };
        Cell::from(Value::Digest(row.replica_id.clone())).painted(paint)
    };
    table.add(Key, "replica_id", words("Bản song song", "Replica"), rows().map(id));
    let asked = rows().map(|row| Cell::flag(row.is_self));
    table.add(Main, "is_self", words("Đang hỏi", "Asked"), asked);
    table.add(Main, "host", words("Máy", "Host"), rows().map(|row| Cell::text(&row.host)));
    let address = rows().map(|row| Cell::text(&row.address));
    table.add(Main, "address", words("Địa chỉ", "Address"), address);
    let times = |of: fn(&Replica) -> Option<prost_types::Timestamp>| {
        let cells = rows().map(|row| Ok(Cell::time(reply::time(of(row))?)));
        cells.collect::<Result<Vec<_>, Error>>()
    };
    let started = times(|row| row.start_time)?;
    table.add(Detail, "start_time", words("Khởi động", "Started"), started);
    table.add(Useful, "seen_time", words("Thấy lúc", "Seen"), times(|row| row.seen_time)?);
    let view = rows().map(|row| Cell::code(&row.view_version));
    table.add(Detail, "view_version", words("Bản số liệu", "View"), view);
    let behind = rows().map(|row| Cell::standing_out(row.behind_count, Paint::Middling));
    table.add(Key, "behind_records", words("Còn thiếu", "Behind"), behind);
    let sessions =
        rows().map(|row| Cell::from(Value::List(row.sessions.iter().map(Cell::code).collect())));
    table.add(Main, "sessions", words("Phiên", "Sessions"), sessions);
    Ok(table)
}

/// Records that each replica has folded of each log.
fn positions(replicas: &[Replica]) -> Table {
    let rows = || {
        replicas.iter().flat_map(|replica| replica.positions.iter().map(move |it| (replica, it)))
    };
    let mut table = Table::new("positions", rows().count()).hidden();
    let id = rows().map(|(replica, _)| Cell::from(Value::Digest(replica.replica_id.clone())));
    table.add(Data, "replica_id", words("Bản song song", "Replica"), id);
    let reporter = rows().map(|(_, it)| Cell::code(&it.reporter));
    table.add(Data, "reporter", words("Đơn vị báo cáo", "Reporter"), reporter);
    let records = rows().map(|(_, it)| Cell::count(it.record_count));
    table.add(Data, "records", words("Bản ghi", "Records"), records);
    table
}
