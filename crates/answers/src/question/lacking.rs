//! Which communes lack a criterion, or any that green asks for.

use phuxanh_proto::v1::{LackingCommune, Level, ListLackingRequest, ListLackingResponse};

use crate::{
    cell::Cell,
    client::Client,
    columns,
    document::{
        Document,
        Importance::{Key, Main},
        Table,
    },
    error::Error,
    language::{Words, words},
    paging::{self, Version},
    reply::{self, Behind, Named},
    resolve,
    sentence::Sentence,
    terms::Terms,
    unresolved::Among,
};

#[derive(Debug)]
struct Row {
    commune: Named,
    behind: Behind,
    /// The rest, as it came.
    told: LackingCommune,
}

pub async fn answer(
    client: &Client,
    mut request: ListLackingRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut version = Version::default();
    let (head, rows) = paging::walk(client, &request, limit, &mut version).await?;
    let rows = reply::all(rows, |mut told| {
        Ok(Row {
            commune: Named::new(told.commune.take())?,
            behind: Behind::new(told.provenance.take())?,
            told,
        })
    })?;
    let provinces = columns::province_names(client, Level::Commune, &head.within).await?;
    let terms = Terms::fetch(client).await?;
    let mut document = Document::default();
    document.head.push(title(&head, columns::scope(client, &head.within).await?, &terms));
    document.fact("within", Cell::code(&head.within));
    document.fact("criterion", Cell::code(&head.criterion));
    document.view(&head.period, &head.view_version);
    document.reports(&head.period, head.reports.as_ref());
    document.fact("lacking_count", Cell::count(head.lacking_count));
    document.fact("unknown_count", Cell::count(head.unknown_count));
    document.fact("commune_count", Cell::count(head.commune_count));
    let mut table = Table::new("rows", rows.len());
    columns::localities(&mut table, rows.iter().map(|row| &row.commune));
    let codes = rows.iter().map(|row| &row.told.province_code);
    columns::provinces(&mut table, provinces.as_ref(), codes);
    columns(&mut table, &rows);
    if usize::try_from(head.lacking_count).is_ok_and(|count| rows.len() < count) {
        table.note(columns::listed(rows.len(), head.lacking_count, "xã", ["commune", "communes"]));
    }
    document.tables.push(table);
    document.warnings.extend(version.warning());
    Ok(document)
}

fn title(head: &ListLackingResponse, [name, code]: [Cell; 2], terms: &Terms) -> Sentence {
    let counts = [head.lacking_count, head.commune_count, head.unknown_count].map(Cell::count);
    let cells = [Cell::month(&head.period), name, code].into_iter().chain(counts);
    if head.criterion.is_empty() {
        return Sentence::new(
            "Chưa xanh, {0}: {3} trong {4} xã của {1} ({2}), trong đó {5} xã chỉ thiếu báo cáo",
            "Not green, {0}: {3} of {4:commune:communes} of {1} ({2}); {5} of them for want of a \
             report only",
            cells,
        );
    }
    let criterion = [terms.criterion(&head.criterion), Cell::code(&head.criterion)];
    Sentence::new(
        "Thiếu tiêu chí {6} ({7}), {0}: {3} trong {4} xã của {1} ({2}), trong đó {5} xã chưa báo \
         cáo",
        "Lacking {6} ({7}), {0}: {3} of {4:commune:communes} of {1} ({2}); {5} of them have not \
         reported it",
        cells.chain(criterion),
    )
}

fn columns(table: &mut Table, rows: &[Row]) {
    const UNMET: Words = words("chưa đạt", "unmet");
    const UNREPORTED: Words = words("chưa báo cáo", "not reported");
    let state = rows.iter().map(|row| if row.told.is_unknown { UNREPORTED } else { UNMET });
    table.add(Key, "state", columns::STATE, state);
    let lacks = |row: &Row| row.told.unmet.len() + row.told.unknown.len();
    let count = rows.iter().map(|row| Cell::count(lacks(row) as i128));
    table.add(Key, "lacks", words("Số tiêu chí thiếu", "Lacks"), count);
    let codes = |codes: &Vec<String>| Cell::codes(codes.iter().cloned());
    let unmet = rows.iter().map(|row| codes(&row.told.unmet));
    table.add(Main, "unmet", columns::UNMET, unmet);
    let unknown = rows.iter().map(|row| codes(&row.told.unknown));
    table.add(Main, "unknown", words("Chưa báo cáo", "Not reported"), unknown);
    columns::behind(table, rows.iter().map(|row| &row.behind));
}
