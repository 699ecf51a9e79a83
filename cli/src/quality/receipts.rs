//! `phuxanh receipts`: the observations under a number, and where each came from.

use std::mem::take;

use phuxanh_proto::v1::{
    self, CountedReceipt, ListReceiptsRequest, ListReceiptsResponse,
    list_receipts_request::Subject, list_receipts_response::Number as Wire,
};
use serde::Serialize;

use super::receipt::{Receipt, ReceiptJson};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    insight::{Named, part},
    marks, number,
    paging::{self, Version},
    reply::{self, Reading},
    resolve::{self, Among},
    row_json::ReadingJson,
    table::{self, Table},
    terms::Terms,
};

#[derive(Debug)]
struct Receipts {
    /// The first page, without its rows.
    head: ListReceiptsResponse,
    locality: Named,
    number: Number,
    rows: Vec<Row>,
    version: Version,
}

/// The number that they stand under.
#[derive(Debug)]
enum Number {
    Indicator(Reading),
    Criterion(v1::CriterionRollup),
    Measure(v1::MeasureSum),
}

#[derive(Debug)]
struct Row {
    receipt: Receipt,
    numerator_factor: u32,
    denominator_factor: u32,
}

pub async fn answer(
    client: &Client,
    ask: &args::Receipts,
    format: Format,
) -> Result<Answer, Error> {
    let indicator = ask.indicator.clone().map(Subject::Indicator);
    let request = ListReceiptsRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        subject: ask.metric.clone().map(Subject::Metric).or(indicator),
        period: ask.period.clone().unwrap_or_default(),
        ..Default::default()
    };
    let found = fetch(client, request, (ask.limit > 0).then_some(ask.limit)).await?;
    let warning = found.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&ReceiptsJson::from(&found))?,
        Format::Table { colour } => {
            let terms = Terms::fetch(client).await?;
            Answer::table(text(&found, &terms, colour))
        }
    };
    Ok(answer.warning(warning))
}

async fn fetch(
    client: &Client,
    request: ListReceiptsRequest,
    limit: Option<u32>,
) -> Result<Receipts, Error> {
    let mut version = Version::default();
    let ask = async |page_size, page_token| {
        client.receipts(ListReceiptsRequest { page_size, page_token, ..request.clone() }).await
    };
    let (mut head, rows) = paging::walk(limit, &mut version, ask, |page| {
        (take(&mut page.receipts), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await?;
    Ok(Receipts {
        locality: Named::new(head.locality.take())?,
        number: Number::try_from(part("a number", head.number.take())?)?,
        rows: rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?,
        head,
        version,
    })
}

impl TryFrom<Wire> for Number {
    type Error = Error;

    fn try_from(number: Wire) -> Result<Self, Error> {
        Ok(match number {
            Wire::Rollup(rollup) => Self::Indicator(reply::reading(Some(rollup))?),
            Wire::Criterion(rollup) => Self::Criterion(rollup),
            Wire::Measure(sum) => Self::Measure(sum),
        })
    }
}

impl TryFrom<CountedReceipt> for Row {
    type Error = Error;

    fn try_from(row: CountedReceipt) -> Result<Self, Error> {
        Ok(Self {
            receipt: Receipt::try_from(part("a receipt", row.receipt)?)?,
            numerator_factor: row.numerator_factor,
            denominator_factor: row.denominator_factor,
        })
    }
}

#[derive(Debug, Serialize)]
struct ReceiptsJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    period: &'a str,
    view_version: &'a str,
    #[serde(flatten)]
    number: NumberJson<'a>,
    observations: i32,
    receipts: Vec<RowJson<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum NumberJson<'a> {
    Indicator {
        indicator: &'a str,
        number: Box<ReadingJson>,
    },
    Criterion {
        criterion: &'a str,
        met: i32,
        unmet: i32,
        unknown: i32,
    },
    Measure {
        measure: &'a str,
        /// Only of those that reported it, so that there is none where nobody did.
        #[serde(skip_serializing_if = "Option::is_none")]
        sum: Option<i64>,
        reported: i32,
        localities: i32,
    },
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    #[serde(flatten)]
    receipt: ReceiptJson<'a>,
    numerator_factor: u32,
    denominator_factor: u32,
}

impl<'a> From<&'a Receipts> for ReceiptsJson<'a> {
    fn from(found: &'a Receipts) -> Self {
        let rows = found.rows.iter().map(|row| RowJson {
            receipt: ReceiptJson::from(&row.receipt),
            numerator_factor: row.numerator_factor,
            denominator_factor: row.denominator_factor,
        });
        Self {
            locality: &found.locality,
            period: &found.head.period,
            view_version: &found.head.view_version,
            number: NumberJson::from(&found.number),
            observations: found.head.receipt_count,
            receipts: rows.collect(),
        }
    }
}

impl<'a> From<&'a Number> for NumberJson<'a> {
    fn from(number: &'a Number) -> Self {
        match number {
            Number::Indicator(reading) => Self::Indicator {
                indicator: &reading.indicator,
                number: Box::new(ReadingJson::new(reading, false)),
            },
            Number::Criterion(rollup) => Self::Criterion {
                criterion: &rollup.criterion,
                met: rollup.met_count,
                unmet: rollup.unmet_count,
                unknown: rollup.unknown_count,
            },
            Number::Measure(sum) => Self::Measure {
                measure: &sum.measure,
                sum: known(sum),
                reported: sum.reported_count,
                localities: sum.locality_count,
            },
        }
    }
}

/// Nothing where nobody reported it.
fn known(sum: &v1::MeasureSum) -> Option<i64> {
    (sum.reported_count > 0).then_some(sum.sum)
}

impl Number {
    fn text(&self, terms: &Terms) -> String {
        match self {
            Self::Indicator(reading) => format!(
                "{} ({}) {}, {}",
                terms.indicator(&reading.indicator),
                reading.indicator,
                terms.value(reading),
                terms.ratio(reading),
            ),
            Self::Criterion(rollup) => format!(
                "{} ({}) met {}, unmet {}, unknown {}",
                terms.criterion(&rollup.criterion),
                rollup.criterion,
                number::grouped(rollup.met_count),
                number::grouped(rollup.unmet_count),
                number::grouped(rollup.unknown_count),
            ),
            Self::Measure(sum) => format!(
                "{} ({}) {}, reported by {} of {}",
                terms.measure(&sum.measure),
                sum.measure,
                known(sum).map_or_else(|| "unknown".to_owned(), number::grouped),
                number::grouped(sum.reported_count),
                number::grouped(sum.locality_count),
            ),
        }
    }
}

fn text(found: &Receipts, terms: &Terms, colour: bool) -> String {
    let count = found.head.receipt_count;
    let heading = table::safe(&format!(
        "{}: {}, {}: {} observations",
        found.locality.text(),
        found.number.text(terms),
        found.head.period,
        number::grouped(count),
    ));
    let rows = match found.rows.len() {
        0 => String::new(),
        _ => format!("\n{}", table(&found.rows, colour)),
    };
    let cut = if usize::try_from(count).is_ok_and(|count| found.rows.len() < count) {
        let all = number::grouped(count);
        format!("\n{} of {all}; --limit 0 shows all\n", found.rows.len())
    } else {
        String::new()
    };
    let marks = found.rows.iter().map(|row| row.receipt.marks());
    format!("{heading}\n{rows}{cut}{}", marks::footer(marks))
}

fn table(rows: &[Row], colour: bool) -> String {
    let receipts = || rows.iter().map(|row| &row.receipt);
    let mut table = Table::new(colour);
    table.left("Code", receipts().map(|one| &one.locality.code));
    table.left("Name", receipts().map(|one| &one.locality.name));
    table.left("Metric", receipts().map(|one| &one.told.metric));
    table.left("Month", receipts().map(|one| &one.told.period));
    table.right("Value", receipts().map(|one| number::grouped(one.told.value)));
    table.left("Observed", receipts().map(|one| table::time(Some(one.observed))));
    table.left("Received", receipts().map(|one| table::time(Some(one.received))));
    table.left("Collector", receipts().map(|one| &one.told.reporter_code));
    table.left_if_any("Host", receipts().map(|one| (&one.told.host).into()));
    table.left("Log (epoch)", receipts().map(Receipt::log));
    table.right("Batch/place", receipts().map(Receipt::batch));
    table.right("Catalogue", receipts().map(Receipt::catalogue));
    table.left_if_any("Notes", receipts().map(|one| one.marks().cell()));
    table.render()
}
