//! Who has not reported a month.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{ListSilentRequest, ListSilentResponse, SilentLocality};

use crate::{
    cell::Cell,
    client::Client,
    columns::{self, Provinces},
    document::{
        Document,
        Importance::{Data, Main},
        Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, Named, known},
    resolve,
    sentence::Sentence,
    unresolved::Among,
    vocabulary,
};

#[derive(Debug)]
struct Row {
    locality: Named,
    first_receipt: Option<Timestamp>,
    /// The rest, as it came.
    told: SilentLocality,
}

pub async fn answer(
    client: &Client,
    mut request: ListSilentRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut version = Version::default();
    let (head, rows) = paging::walk(client, &request, limit, &mut version).await?;
    let rows = reply::all(rows, |mut told| {
        Ok(Row {
            locality: Named::new(told.locality.take())?,
            first_receipt: reply::time(told.first_receipt_time.take())?,
            told,
        })
    })?;
    let level = known("level", head.level)?;
    let provinces = columns::province_names(client, level, &head.within).await?;
    let deadline = Cell::time(Some(reply::part("a deadline", reply::time(head.deadline_time)?)?));
    let scope = columns::scope(client, &head.within).await?;
    let mut document = Document::default();
    document.head.push(title(&head, request.by_deadline, deadline.clone(), scope)?);
    document.fact("level", vocabulary::level(level));
    document.fact("within", Cell::code(&head.within));
    document.view(&head.period, &head.view_version);
    document.fact("deadline_time", deadline);
    document.fact("by_deadline", Cell::flag(request.by_deadline));
    document.fact("silent_count", Cell::count(head.silent_count));
    document.fact("locality_count", Cell::count(head.locality_count));
    let mut table = table(&rows, provinces.as_ref(), request.by_deadline);
    if usize::try_from(head.silent_count).is_ok_and(|count| rows.len() < count) {
        let listed = [Cell::count(rows.len() as i128)];
        table.note(Sentence::new(
            "{0} trong số đó; --limit 0 hiện tất cả",
            "{0} of them; --limit 0 shows all",
            listed,
        ));
    }
    document.tables.push(table);
    document.warnings.extend(version.warning());
    Ok(document)
}

fn title(
    head: &ListSilentResponse,
    by_deadline: bool,
    deadline: Cell,
    [name, code]: [Cell; 2],
) -> Result<Sentence, Error> {
    let levels = vocabulary::levels(known("level", head.level)?);
    let (vi, en) = if by_deadline {
        ("đến {5} chưa báo cáo", "had not reported it by {5}")
    } else {
        ("chưa báo cáo", "have not reported it")
    };
    Ok(Sentence::new(
        format!("Chưa báo cáo tháng {{0}}: {{1}} trong {{2}} {} của {{3}} ({{4}}) {vi}", levels.vi),
        format!("Silent on {{0}}: {{1}} of {{2}} {} of {{3}} ({{4}}) {en}", levels.en),
        [
            Cell::month(&head.period),
            Cell::count(head.silent_count),
            Cell::count(head.locality_count),
            name,
            code,
            by_deadline.then_some(deadline).into(),
        ],
    ))
}

fn table(rows: &[Row], provinces: Option<&Provinces>, by_deadline: bool) -> Table {
    let mut table = Table::new("rows", rows.len());
    columns::localities(&mut table, rows.iter().map(|row| &row.locality));
    columns::provinces(&mut table, provinces, rows.iter().map(|row| &row.told.province_code));
    let last = |row: &Row| match row.told.last_period.as_str() {
        "" => words("chưa lần nào", "never").into(),
        period => Cell::month(period),
    };
    table.add(
        Main,
        "last_period",
        words("Báo cáo gần nhất", "Last reported"),
        rows.iter().map(last),
    );
    let received = rows.iter().map(|row| Cell::time(row.first_receipt));
    let shown = if by_deadline { Main } else { Data };
    table.add(shown, "first_receipt_time", words("Nhận lúc", "Received"), received);
    table
}
