//! Who lacks which criterion, and who would turn green if it alone were fixed.

use phuxanh_proto::v1::{self, GetShortfallsRequest};

use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Data, Key, Main},
        Part, Table,
    },
    error::Error,
    language::words,
    reply::{self, Behind, Named, Reading},
    resolve,
    sentence::Sentence,
    term::Paint,
    terms::Terms,
    unresolved::Among,
};

#[derive(Debug)]
struct Scope {
    locality: Named,
    coverage: Reading,
    flip: i32,
    shortfalls: Vec<Shortfall>,
}

#[derive(Debug)]
struct Shortfall {
    told: v1::Shortfall,
    behind: Behind,
}

/// A shortfall with the scope that it is of.
type OfScope<'a> = (&'a Scope, &'a Shortfall);

impl TryFrom<v1::ScopeShortfalls> for Scope {
    type Error = Error;

    fn try_from(scope: v1::ScopeShortfalls) -> Result<Self, Error> {
        let shortfalls = reply::all(scope.shortfalls, |mut told| {
            Ok(Shortfall { behind: Behind::new(told.provenance.take())?, told })
        });
        Ok(Self {
            locality: Named::new(scope.scope)?,
            coverage: reply::reading(scope.coverage)?,
            flip: scope.flip_count,
            shortfalls: shortfalls?,
        })
    }
}

pub async fn answer(
    client: &Client,
    mut request: GetShortfallsRequest,
    criterion: Option<&str>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let reply = client.ask(client.insights().get_shortfalls(request)).await?;
    let terms = Terms::fetch(client).await?;
    let total = Scope::try_from(reply::part("the total", reply.total)?)?;
    let provinces = reply::all(reply.provinces, Scope::try_from)?;

    let mut document = Document::default();
    document.view(&reply.period, &reply.view_version);
    document.fact("total.code", Cell::code(&total.locality.code));
    document.fact("total.name total.name_en", total.locality.cell());
    document.fact("total.flip", Cell::count(total.flip));
    let mut coverage = columns::single("total.coverage");
    let look = Look { terms: &terms, of_commune: false };
    columns::readings(&mut coverage, look, [&total.coverage].into_iter());
    let of_total: Vec<_> = total.shortfalls.iter().map(|found| (&total, found)).collect();
    let of_provinces =
        provinces.iter().flat_map(|scope| scope.shortfalls.iter().map(move |found| (scope, found)));
    let mut by_province: Vec<_> = of_provinces.collect();
    let mut by_criterion = of_criteria(&of_total, &terms);
    if let Some(criterion) = criterion {
        let is_it = |(_, found): &OfScope| found.told.criterion == criterion;
        by_province.retain(is_it);
        by_province.extend(of_total.iter().copied().filter(is_it));
        if by_province.is_empty() {
            return Err(terms.unknown_criterion(criterion));
        }
        document.head.push(Sentence::new(
            "{0} ({1}) theo tỉnh, {2}",
            "{0} ({1}) by province, {2}",
            [terms.criterion(criterion), Cell::code(criterion), Cell::month(&reply.period)],
        ));
        by_criterion.shown = false;
        let mut table = of_scopes(&by_province, true, &terms);
        table.footer = explained();
        document.tables = vec![table, by_criterion, coverage];
    } else {
        document.head = head(&total, &terms, &reply.period);
        by_criterion.footer = explained();
        document.tables = vec![by_criterion, coverage];
        if !by_province.is_empty() {
            document.tables.push(of_scopes(&by_province, false, &terms).hidden());
        }
    }
    document.reports(&reply.period, reply.reports.as_ref());
    Ok(document)
}

fn head(total: &Scope, terms: &Terms, period: &str) -> Vec<Sentence> {
    vec![
        Sentence::new(
            "Tiêu chí còn thiếu của {0} ({1}), {2}: {3} xã xanh ({4})",
            "Shortfalls of {0} ({1}), {2}: {3} green ({4})",
            [
                total.locality.cell(),
                Cell::code(&total.locality.code),
                Cell::month(period),
                terms.ratio(&total.coverage),
                terms.value(&total.coverage),
            ],
        ),
        Sentence::new(
            "Chỉ vướng đúng một tiêu chí chưa đạt: {0} xã",
            "Blocked by exactly one unmet criterion: {0:commune:communes}",
            [Cell::count(total.flip)],
        ),
    ]
}

fn explained() -> Vec<Sentence> {
    let flip = Sentence::new(
        "Sẽ xanh: số xã chuyển xanh nếu chỉ khắc phục tiêu chí ấy, vì đã đạt mọi tiêu chí khác.",
        "Would flip: communes that turn green if the criterion alone is fixed, since they meet all \
         others.",
        [],
    );
    let report = Sentence::new(
        "Chỉ cần báo cáo: số xã đã đạt mọi tiêu chí khác và chưa báo cáo tiêu chí này.",
        "By report: communes that meet all others and have not said whether they meet this one.",
        [],
    );
    vec![flip, report]
}

fn of_criteria(rows: &[OfScope], terms: &Terms) -> Table {
    let mut table = Table::new("total.shortfalls", rows.len());
    let ids = rows.iter().map(|(_, row)| &row.told.criterion);
    let name = |id: &str| terms.criterion(id);
    columns::named(&mut table, Key, "criterion", columns::CRITERION, ids, name);
    counts(&mut table, rows);
    table
}

/// Shortfalls by province; the last row is that of the total, where one criterion is listed.
fn of_scopes(rows: &[OfScope], has_total: bool, terms: &Terms) -> Table {
    let mut parts = vec![Part::list("provinces", rows.len() - usize::from(has_total))];
    if has_total {
        parts.push(Part::single("total"));
    }
    let mut table = Table::of_parts(parts);
    columns::localities(&mut table, rows.iter().map(|(scope, _)| &scope.locality));
    let green = rows.iter().map(|(scope, _)| terms.ratio(&scope.coverage));
    table.add(Main, "green communes", columns::GREEN, green);
    let criterion = rows.iter().map(|(_, row)| Cell::code(&row.told.criterion));
    table.add(Data, "criterion", columns::CRITERION, criterion);
    counts(&mut table, rows);
    table
}

fn counts(table: &mut Table, rows: &[OfScope]) {
    let rows = || rows.iter().map(|(_, row)| *row);
    let required = rows().map(|row| Cell::flag(row.told.required));
    table.add(Data, "required", words("Bắt buộc", "Required"), required);
    let unmet = rows().map(|row| Cell::standing_out(row.told.unmet_count, Paint::Bad));
    table.add(Key, "unmet", columns::UNMET, unmet);
    let unknown = rows().map(|row| Cell::standing_out(row.told.unknown_count, Paint::Middling));
    table.add(Main, "unknown", columns::UNKNOWN, unknown);
    let flip = rows().map(|row| flips(row, row.told.flip_count));
    table.add(Key, "flip", words("Sẽ xanh", "Would flip"), flip);
    let unknown = rows().map(|row| flips(row, row.told.flip_unknown_count));
    table.add(Main, "flip_unknown", words("Chỉ cần báo cáo", "By report"), unknown);
    columns::behind(table, rows().map(|row| &row.behind));
}

/// Green does not ask for every criterion.
fn flips(row: &Shortfall, flips: i32) -> Cell {
    if row.told.required {
        Cell::standing_out(flips, Paint::Good)
    } else {
        Value::Words(words("không bắt buộc", "not required")).into()
    }
}
