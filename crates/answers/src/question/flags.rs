//! Data that are implausible, for inspection.

use std::mem::take;

use phuxanh_proto::v1::{
    self, FlagRule, Level, ListFlagsRequest, ListFlagsResponse, flag::Finding,
};

use super::receipts::{self, Receipt};
use crate::{
    cell::{Cell, Value},
    client::Client,
    columns::{self, Provinces},
    document::{
        Document,
        Importance::{Data, Key},
        Table,
    },
    error::Error,
    language::words,
    paging::{self, Version},
    reply::{self, Behind, Named, known, part},
    resolve,
    sentence::Sentence,
    unresolved::Among,
    vocabulary,
};

/// Measures and criteria that a line names; other forms list all.
const NAMED_MAX: usize = 4;

#[derive(Debug)]
struct Row {
    rule: FlagRule,
    locality: Named,
    finding: Finding,
    evidence: Vec<Receipt>,
    /// The rest, as it came.
    told: v1::Flag,
}

impl TryFrom<v1::Flag> for Row {
    type Error = Error;

    fn try_from(mut told: v1::Flag) -> Result<Self, Error> {
        Ok(Self {
            rule: known("rule", told.rule)?,
            locality: Named::new(told.locality.take())?,
            finding: part("a finding", told.finding.take())?,
            evidence: reply::all(take(&mut told.evidence), Receipt::try_from)?,
            told,
        })
    }
}

pub async fn answer(
    client: &Client,
    mut request: ListFlagsRequest,
    limit: Option<u32>,
) -> Result<Document, Error> {
    resolve::name(client, &mut request.within, Among::Scopes).await?;
    let mut version = Version::default();
    let (head, rows) = paging::walk(client, &request, limit, &mut version).await?;
    let rows = reply::all(rows, Row::try_from)?;
    let provinces = columns::province_names(client, Level::Commune, &head.within).await?;
    let mut document = Document::default();
    document.fact("within", Cell::code(&head.within));
    document.view(&head.period, &head.view_version);
    let asked = request.rule();
    let scope = columns::scope(client, &head.within).await?;
    let listed = counts(&mut document, &head, asked, scope)?;
    document.reports(&head.period, head.reports.as_ref());
    let mut table = table(&rows, provinces.as_ref())?;
    if usize::try_from(listed).is_ok_and(|count| rows.len() < count) {
        table.note(columns::listed(rows.len(), listed, "dấu hiệu", ["flag", "flags"]));
    }
    document.tables.push(table);
    document.tables.push(evidence(rows));
    document.notes.push(Sentence::new(
        "Các dấu hiệu chỉ để kiểm tra: không đổi giá trị nào và không nói vì sao số liệu như vậy.",
        "Flags are for inspection: they change no value and say nothing of why data are as they are.",
        [],
    ));
    document.warnings.extend(version.warning());
    Ok(document)
}

/// Says how many there are by rule; returns how many of them were asked for.
fn counts(
    document: &mut Document,
    head: &ListFlagsResponse,
    asked: FlagRule,
    [name, code]: [Cell; 2],
) -> Result<i32, Error> {
    let mut cells = vec![name, code, Cell::month(&head.period)];
    let (mut vi, mut en) = (Vec::new(), Vec::new());
    let mut listed = 0;
    for one in &head.counts {
        let rule: FlagRule = known("rule", one.rule)?;
        let term = vocabulary::flag_rule(rule);
        document.fact(format!("counts.{}", term.key), Cell::count(one.flag_count));
        vi.push(format!("{} {{{}}}", term.words.vi, cells.len()));
        en.push(format!("{} {{{}}}", term.words.en, cells.len()));
        cells.push(Cell::count(one.flag_count));
        if asked == FlagRule::Unspecified || asked == rule {
            listed += one.flag_count;
        }
    }
    document.head.push(Sentence::new(
        format!("Dấu hiệu bất thường của {{0}} ({{1}}), {{2}}: {}", vi.join(", ")),
        format!("Implausible data of {{0}} ({{1}}), {{2}}: {}", en.join(", ")),
        cells,
    ));
    Ok(listed)
}

fn table(rows: &[Row], provinces: Option<&Provinces>) -> Result<Table, Error> {
    let mut table = Table::new("flags", rows.len());
    let rules = rows.iter().map(|row| vocabulary::flag_rule(row.rule));
    table.add(Key, "rule", words("Dấu hiệu", "Rule"), rules);
    columns::localities(&mut table, rows.iter().map(|row| &row.locality));
    columns::provinces(&mut table, provinces, rows.iter().map(|row| &row.told.province_code));
    let extent = rows.iter().map(|row| Cell::count(row.told.extent));
    table.add(Data, "extent", words("Mức độ", "Extent"), extent);
    let said = rows.iter().map(|row| said(&row.finding));
    table.add(Key, "", words("Phát hiện", "Finding"), said.collect::<Result<Vec<_>, _>>()?);
    for (key, of) in FINDINGS {
        let cells = rows.iter().map(|row| of(&row.finding));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        table.add(Data, key, words("", ""), cells);
    }
    let marks = rows.iter().map(|row| {
        let of_sum = behind(&row.finding).map(|found| found.map_or(Cell::NOTHING, Behind::cell));
        Ok(row.evidence.iter().map(Receipt::marks).chain([of_sum?]).collect::<Vec<_>>())
    });
    columns::merged(&mut table, marks.collect::<Result<Vec<_>, Error>>()?.into_iter());
    Ok(table)
}

/// The observations that each flag stands on, by the flag's place in the list.
fn evidence(rows: Vec<Row>) -> Table {
    let counts = rows.iter().map(|row| row.evidence.len()).collect::<Vec<_>>();
    let receipts: Vec<_> = rows.into_iter().flat_map(|row| row.evidence).collect();
    let mut table = Table::new("evidence", receipts.len()).hidden();
    let places = (1_i128..).zip(counts).flat_map(|(place, count)| vec![Cell::count(place); count]);
    table.add(Data, "flag", words("Dấu hiệu số", "Flag"), places);
    receipts::columns(&mut table, &receipts);
    table
}

fn behind(finding: &Finding) -> Result<Option<Behind>, Error> {
    match finding {
        Finding::Total(found) => Behind::new(found.provenance).map(Some),
        Finding::Part(_) | Finding::Frozen(_) | Finding::Copied(_) | Finding::Eve(_) => Ok(None),
    }
}

/// Value of a key in a finding; nothing for the findings of other rules.
type Of = fn(&Finding) -> Result<Cell, Error>;

/// Keys of findings for programs.
const FINDINGS: [(&str, Of); 16] = [
    ("part part_value", |found| Ok(of_part(found, |it| (it.part.clone(), it.part_value)))),
    ("whole whole_value", |found| Ok(of_part(found, |it| (it.whole.clone(), it.whole_value)))),
    ("declared", |found| Ok(of_total(found, |it| Cell::code(&it.declared)))),
    ("declared_value", |found| Ok(of_total(found, |it| Cell::count(it.declared_value)))),
    ("of", |found| Ok(of_total(found, |it| Cell::code(&it.of)))),
    ("sum_least", |found| Ok(of_total(found, |it| Cell::count(it.sum_least)))),
    ("sum_most", |found| Ok(of_total(found, |it| it.sum_most.map(Cell::count).into()))),
    ("reported communes", |found| {
        Ok(of_total(found, |it| Cell::part(it.reported_count, it.commune_count)))
    }),
    ("sum_behind.stale sum_behind.basis", |found| Ok(behind(found)?.map(Behind::cell).into())),
    ("measure value", |found| match found {
        Finding::Frozen(it) => Ok(pair(Cell::code(&it.measure), Cell::count(it.value))),
        _ => Ok(Cell::NOTHING),
    }),
    ("periods", |found| match found {
        Finding::Frozen(it) => Ok(Cell::count(it.period_count)),
        _ => Ok(Cell::NOTHING),
    }),
    ("original.code", |found| match found {
        Finding::Copied(it) => Ok(Cell::code(Named::new(it.original.clone())?.code)),
        _ => Ok(Cell::NOTHING),
    }),
    ("original.name original.name_en", |found| match found {
        Finding::Copied(it) => Ok(Named::new(it.original.clone())?.cell()),
        _ => Ok(Cell::NOTHING),
    }),
    ("measures", |found| match found {
        Finding::Copied(it) => Ok(Cell::codes(it.measures.iter().cloned())),
        _ => Ok(Cell::NOTHING),
    }),
    ("criteria", |found| match found {
        Finding::Eve(it) => Ok(Cell::codes(it.criteria.iter().cloned())),
        _ => Ok(Cell::NOTHING),
    }),
    ("deadline deadline_time", |found| match found {
        Finding::Eve(it) => {
            let time = Cell::time(reply::time(it.deadline_time)?);
            Ok(pair(Cell::code(&it.deadline), time))
        }
        _ => Ok(Cell::NOTHING),
    }),
];

fn pair(one: Cell, other: Cell) -> Cell {
    Value::Ends(Box::new(one), Box::new(other)).into()
}

fn of_part(found: &Finding, of: fn(&v1::PartFinding) -> (String, i64)) -> Cell {
    let Finding::Part(found) = found else { return Cell::NOTHING };
    let (id, value) = of(found);
    pair(Cell::code(id), Cell::count(value))
}

fn of_total(found: &Finding, of: fn(&v1::TotalFinding) -> Cell) -> Cell {
    let Finding::Total(found) = found else { return Cell::NOTHING };
    of(found)
}

/// A finding in a line of both languages.
fn said(finding: &Finding) -> Result<Cell, Error> {
    let sentence = match finding {
        Finding::Part(it) => Sentence::new(
            "{0} {1} > {2} {3}",
            "{0} {1} > {2} {3}",
            [
                Cell::code(&it.part),
                Cell::count(it.part_value),
                Cell::code(&it.whole),
                Cell::count(it.whole_value),
            ],
        ),
        Finding::Total(it) => total(it),
        Finding::Frozen(it) => Sentence::new(
            "{0} {1} trong {2} tháng liền",
            "{0} {1} in {2} months in a row",
            [Cell::code(&it.measure), Cell::count(it.value), Cell::count(it.period_count)],
        ),
        Finding::Copied(it) => {
            let named = Named::new(it.original.clone())?;
            Sentence::new(
                "{0} số đếm giống hệt {1} ({2}): {3}",
                "{0} measures as in {1} ({2}): {3}",
                [
                    Cell::count(it.measures.len() as i128),
                    named.cell(),
                    Cell::code(named.code),
                    names(&it.measures),
                ],
            )
        }
        Finding::Eve(it) => {
            let deadline = match it.deadline.as_str() {
                "" => words("kỳ báo cáo tháng", "the month's report").into(),
                deadline => Cell::code(deadline),
            };
            Sentence::new(
                "xanh, {0} tiêu chí mới đạt ngay trước {1} ({2}): {3}",
                "green, {0} criteria first met on the eve of {1} ({2}): {3}",
                [
                    Cell::count(it.criteria.len() as i128),
                    deadline,
                    Cell::time(reply::time(it.deadline_time)?),
                    names(&it.criteria),
                ],
            )
        }
    };
    Ok(sentence.into())
}

fn total(it: &v1::TotalFinding) -> Sentence {
    let (vi, en) = match it.sum_most {
        Some(most) if most == it.sum_least => ("", ""),
        Some(_) => (" đến {4}", " to {4}"),
        None => (" trở lên", " or more"),
    };
    Sentence::new(
        format!("{{0}} {{1}}, nhưng {{2}} của các xã là {{3}}{vi} ({{5}} xã đã rõ)"),
        format!("{{0}} {{1}}, but {{2}} of its communes {{3}}{en} ({{5}} known)"),
        [
            Cell::code(&it.declared),
            Cell::count(it.declared_value),
            Cell::code(&it.of),
            Cell::count(it.sum_least),
            it.sum_most.map(Cell::count).into(),
            Cell::part(it.reported_count, it.commune_count),
        ],
    )
}

fn names(ids: &[String]) -> Cell {
    let more = if ids.len() > NAMED_MAX { ", …" } else { "" };
    let named: Vec<_> = ids.iter().take(NAMED_MAX).map(String::as_str).collect();
    Cell::text(named.join(", ") + more)
}
