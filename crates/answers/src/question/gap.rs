//! How far what a locality declares runs ahead of what is measured.

use phuxanh_proto::v1::{self, GapState, GetGapRequest, RollupState};

use crate::{
    cell::{Cell, Unit, Value},
    client::Client,
    columns::{self, Look},
    document::{
        Document,
        Importance::{Data, Key, Main, Useful},
        Part, Table,
    },
    error::Error,
    language::words,
    reply::{self, Behind, Named, Reading, known},
    resolve,
    sentence::Sentence,
    term::Paint,
    terms::Terms,
    unresolved::Among,
    vocabulary,
};

/// A whole, in the unit of a criterion's gap.
const BILLION: i64 = 1_000_000_000;

/// The mean over the criteria.
#[derive(Debug)]
pub struct Gap {
    pub state: RollupState,
    told: v1::Gap,
    behind: Behind,
}

#[derive(Debug)]
struct Criterion {
    told: v1::CriterionGap,
    state: GapState,
    declared: Behind,
    measured: Reading,
}

impl Gap {
    pub fn new(gap: Option<v1::Gap>) -> Result<Self, Error> {
        let mut told = reply::part("the gap", gap)?;
        let behind = Behind::new(told.provenance.take())?;
        Ok(Self { state: known("state", told.state)?, behind, told })
    }

    /// The mean, exact for programs too.
    fn cell(&self) -> Cell {
        let v1::Gap { numerator, denominator, value, .. } = self.told;
        if let Some(state) = vocabulary::state(self.state) {
            return Cell { paint: state.paint, value: Value::Words(state.words) };
        }
        let value = Some(value);
        Value::Exact { numerator, denominator, value, unit: Unit::Share }.into()
    }
}

/// Adds the columns of means.
pub fn means<'a>(table: &mut Table, rows: impl Iterator<Item = &'a Gap> + Clone) {
    table.add(Key, "numerator gap", words("Chênh lệch", "Gap"), rows.clone().map(Gap::cell));
    let states = rows.clone().map(|row| vocabulary::state(row.state));
    table.add(Data, "state", columns::STATE, states);
    let denominators = rows
        .clone()
        .map(|row| (row.state == RollupState::Known).then(|| Cell::count(row.told.denominator)));
    table.add(Data, "denominator", words("Mẫu số", "Denominator"), denominators);
    let with = rows.clone().map(|row| Cell::count(row.told.criterion_count));
    table.add(Useful, "criteria_with_gap", words("Số tiêu chí", "Criteria"), with);
    let without = rows.clone().map(|row| Cell::count(row.told.without_gap_count));
    table.add(Useful, "criteria_without_gap", words("Chưa tính được", "Without"), without);
    columns::behind(table, rows.map(|row| &row.behind));
}

/// A criterion's gap, in billionths.
pub fn points(billionths: i64) -> Cell {
    Value::Exact { numerator: billionths, denominator: BILLION, value: None, unit: Unit::Share }
        .into()
}

pub async fn answer(client: &Client, mut request: GetGapRequest) -> Result<Document, Error> {
    resolve::name(client, &mut request.code, Among::All).await?;
    let reply = client.ask(client.insights().get_gap(request)).await?;
    let terms = Terms::fetch(client).await?;
    let locality = Named::new(reply.locality)?;
    let gap = Gap::new(reply.gap)?;
    let criteria = reply::all(reply.criteria, |mut told| {
        Ok(Criterion {
            state: known("state", told.state)?,
            declared: Behind::new(told.declared_provenance.take())?,
            measured: reply::reading(told.measured.take())?,
            told,
        })
    })?;
    let mut document = Document::default();
    document.head.push(Sentence::new(
        "{0} ({1}), {2}: chênh lệch {3}, trung bình của {4} tiêu chí; {5} tiêu chí có bằng chứng mà \
         chưa tính được",
        "{0} ({1}), {2}: gap {3}, the mean over {4} criteria; {5} with evidence have none",
        [
            locality.cell(),
            Cell::code(&locality.code),
            Cell::month(&reply.period),
            gap.cell(),
            Cell::count(gap.told.criterion_count),
            Cell::count(gap.told.without_gap_count),
        ],
    ));
    document.fact("code", Cell::code(&locality.code));
    document.fact(columns::NAMES, locality.cell());
    document.fact("province", Cell::code(&reply.province_code));
    document.view(&reply.period, &reply.view_version);
    document.reports(&reply.period, reply.reports.as_ref());
    let look = Look { terms: &terms, of_commune: !reply.province_code.is_empty() };
    document.tables.push(of_criteria(&criteria, look));
    let mut mean = Table::of_parts(vec![Part::single("mean")]).hidden();
    means(&mut mean, [&gap].into_iter());
    document.tables.push(mean);
    Ok(document)
}

fn of_criteria(criteria: &[Criterion], look: Look) -> Table {
    let rows = || criteria.iter();
    let mut table = Table::new("criteria", criteria.len());
    let ids = rows().map(|row| &row.told.criterion);
    let name = |id: &str| look.terms.criterion(id);
    columns::named(&mut table, Key, "criterion", columns::CRITERION, ids, name);
    for (key, label, of) in [
        ("declared.met", columns::MET, (|it| it.met_count) as fn(&v1::CriterionGap) -> i32),
        ("declared.unmet", columns::UNMET, |it| it.unmet_count),
        ("declared.unknown", columns::UNKNOWN, |it| it.unknown_count),
    ] {
        table.add(Useful, key, label, rows().map(|row| Cell::count(of(&row.told))));
    }
    let evidence = rows().map(|row| &row.measured.indicator);
    let label = words("Bằng chứng", "Evidence");
    columns::named(&mut table, Main, "evidence", label, evidence, |id| look.terms.indicator(id));
    let measured = rows().map(|row| Some(&row.measured));
    columns::value(&mut table, look, "measured.", words("Đo được", "Measured"), measured);
    let full = rows().map(|row| Cell::from(Value::Number(row.told.full_at)));
    table.add(Useful, "full_at", words("Đủ khi đạt", "Full at"), full);
    let gap = rows().map(|row| match vocabulary::gap_state(row.state) {
        Some(state) => Cell { paint: state.paint, value: Value::Words(state.words) },
        None if row.told.gap_billionths > 0 => points(row.told.gap_billionths).painted(Paint::Bad),
        None => points(row.told.gap_billionths),
    });
    table.add(Key, "gap_billionths", words("Chênh lệch", "Gap"), gap);
    let states = rows().map(|row| vocabulary::gap_state(row.state));
    table.add(Data, "state", columns::STATE, states);
    table.add(Data, "declared.stale declared.basis", words("", ""), rows().map(declared));
    let marks = rows().map(|row| row.measured.marks());
    table.add(Data, "measured.stale measured.basis", words("", ""), marks);
    columns::merged(&mut table, rows().map(|row| vec![declared(row), row.measured.marks()]));
    table
}

fn declared(row: &Criterion) -> Cell {
    row.declared.cell()
}
