//! How many communes reported a month, by its deadline and since.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, GetCompletenessRequest};

use crate::{
    cell::Cell,
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Key, Main, Useful},
        Part, Table,
    },
    error::Error,
    language::words,
    reply::{self, Named},
    resolve,
    sentence::Sentence,
    unresolved::Among,
};

#[derive(Debug)]
struct Scope {
    locality: Named,
    first_receipt: Option<Timestamp>,
    /// The rest, as it came.
    counts: v1::Completeness,
}

impl TryFrom<v1::Completeness> for Scope {
    type Error = Error;

    fn try_from(mut counts: v1::Completeness) -> Result<Self, Error> {
        let locality = Named::new(counts.scope.take())?;
        let first_receipt = reply::time(counts.first_receipt_time.take())?;
        Ok(Self { locality, first_receipt, counts })
    }
}

pub async fn answer(
    client: &Client,
    mut request: GetCompletenessRequest,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let reply = client.ask(client.quality().get_completeness(request)).await?;
    let deadline = Cell::time(Some(reply::part("a deadline", reply::time(reply.deadline_time)?)?));
    let mut scopes = reply::all(reply.provinces, Scope::try_from)?;
    let province_count = scopes.len();
    let total = Scope::try_from(reply::part("a total", reply.total)?)?;
    let title = Sentence::new(
        "Các xã của {0} ({1}) đã báo cáo tháng {2}, đến mốc thời hạn và đến nay",
        "Communes of {0} ({1}) that reported {2}, by the deadline and since",
        [total.locality.cell(), Cell::code(&total.locality.code), Cell::month(&reply.period)],
    );
    scopes.push(total);
    let mut document = Document { head: vec![title], ..Document::default() };
    document.view(&reply.period, &reply.view_version);
    document.fact("deadline_time", deadline.clone());
    document.fact("deadline_passed", Cell::flag(reply.deadline_passed));
    let mut table = table(&scopes, province_count);
    let passed = if reply.deadline_passed {
        words("đã qua", "passed")
    } else {
        words("chưa tới", "not yet passed")
    };
    table.note(Sentence::new(
        "Thời hạn: nhận được trước {0} ({1}). Xã chưa báo cáo: phuxanh silent --period {2}",
        "Deadline: received before {0} ({1}). Who is silent: phuxanh silent --period {2}",
        [deadline, passed.into(), Cell::month(&reply.period)],
    ));
    document.tables.push(table);
    Ok(document)
}

fn table(scopes: &[Scope], province_count: usize) -> Table {
    let rows = || scopes.iter();
    let mut parts = vec![Part::single("total")];
    if province_count > 0 {
        parts.insert(0, Part::list("provinces", province_count));
    }
    let mut table = Table::of_parts(parts);
    columns::localities(&mut table, rows().map(|row| &row.locality));
    let communes = rows().map(|row| Cell::count(row.counts.commune_count));
    table.add(Main, "communes", columns::COMMUNES, communes);
    let share = |row: &Scope, part: i32, value| {
        Cell::share(part.into(), row.counts.commune_count.into(), value)
    };
    let count = rows().map(|row| Cell::count(row.counts.in_time_count));
    table.add(Main, "in_time", words("Đúng hạn", "In time"), count);
    let shares = rows().map(|row| share(row, row.counts.in_time_count, row.counts.in_time_share));
    table.add(Key, "in_time_share", words("Tỷ lệ", "Share"), shares);
    let count = rows().map(|row| Cell::count(row.counts.reported_count));
    table.add(Main, "reported", words("Đến nay", "By now"), count);
    let shares = rows().map(|row| share(row, row.counts.reported_count, row.counts.reported_share));
    table.add(Key, "reported_share", words("Tỷ lệ", "Share"), shares);
    let first = rows().map(|row| Cell::time(row.first_receipt));
    table.add(Useful, "first_receipt_time", words("Nhận lần đầu", "First received"), first);
    table
}
