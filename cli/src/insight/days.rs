//! `phuxanh days`: on how many days of a month communes were green, and how often they turned.

use std::mem::take;

use phuxanh_proto::v1::{CommuneDays, Level, ListDaysRequest, ListDaysResponse};
use serde::Serialize;

use super::{Behind, BehindJson, Named};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    lowest,
    marks::{self, Marks},
    number,
    paging::{self, Version},
    resolve::{self, Among},
    row_table::{self, Provinces},
    table::{self, Cell, Paint, Table},
    terms::Terms,
};

const CUT: &str = "
cut: older days are unknown, since only the last days are kept on which a criterion was observed
";

#[derive(Debug)]
struct Days {
    /// The first page, without its rows.
    head: ListDaysResponse,
    locality: Named,
    rows: Vec<Row>,
    version: Version,
}

#[derive(Debug)]
struct Row {
    commune: Named,
    behind: Behind,
    /// The rest, as it came.
    told: CommuneDays,
}

pub async fn answer(client: &Client, ask: &args::Days, format: Format) -> Result<Answer, Error> {
    let request = ListDaysRequest {
        code: resolve::code(client, &ask.locality, Among::All).await?,
        criterion: ask.criterion.clone().unwrap_or_default(),
        period: ask.period.clone().unwrap_or_default(),
        ..Default::default()
    };
    let found = fetch(client, request, (ask.limit > 0).then_some(ask.limit)).await?;
    let warning = found.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&DaysJson::from(&found))?,
        Format::Table { colour } => {
            let terms = Terms::fetch(client).await?;
            let provinces = lowest::provinces(client, Level::Commune, &found.locality.code).await?;
            Answer::table(text(&found, &terms, provinces.as_ref(), colour))
        }
    };
    Ok(answer.warning(warning))
}

async fn fetch(
    client: &Client,
    request: ListDaysRequest,
    limit: Option<u32>,
) -> Result<Days, Error> {
    let mut version = Version::default();
    let ask = async |page_size, page_token| {
        client.days(ListDaysRequest { page_size, page_token, ..request.clone() }).await
    };
    let (mut head, rows) = paging::walk(limit, &mut version, ask, |page| {
        (take(&mut page.rows), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await?;
    Ok(Days {
        locality: Named::new(head.locality.take())?,
        rows: rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?,
        head,
        version,
    })
}

impl TryFrom<CommuneDays> for Row {
    type Error = Error;

    fn try_from(mut told: CommuneDays) -> Result<Self, Error> {
        Ok(Self {
            commune: Named::new(told.commune.take())?,
            behind: Behind::new(told.provenance.take())?,
            told,
        })
    }
}

#[derive(Debug, Serialize)]
struct DaysJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    criterion: &'a str,
    period: &'a str,
    view_version: &'a str,
    days: i32,
    communes: i32,
    flapping: i32,
    rows: Vec<RowJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    #[serde(flatten)]
    commune: &'a Named,
    province: &'a str,
    met: i32,
    unmet: i32,
    unknown: i32,
    turns: i32,
    cut: bool,
    #[serde(flatten)]
    behind: BehindJson,
}

impl<'a> From<&'a Days> for DaysJson<'a> {
    fn from(found: &'a Days) -> Self {
        let rows = found.rows.iter().map(|Row { commune, behind, told }| RowJson {
            commune,
            province: &told.province_code,
            met: told.met_day_count,
            unmet: told.unmet_day_count,
            unknown: told.unknown_day_count,
            turns: told.turn_count,
            cut: told.cut,
            behind: BehindJson::from(*behind),
        });
        Self {
            locality: &found.locality,
            criterion: &found.head.criterion,
            period: &found.head.period,
            view_version: &found.head.view_version,
            days: found.head.day_count,
            communes: found.head.commune_count,
            flapping: found.head.flapping_count,
            rows: rows.collect(),
        }
    }
}

fn text(found: &Days, terms: &Terms, provinces: Option<&Provinces>, colour: bool) -> String {
    let Days { head, locality, rows, .. } = found;
    let what = match head.criterion.as_str() {
        "" => "were green".to_owned(),
        id => format!("met {} ({id})", terms.criterion(id)),
    };
    let heading = table::safe(&format!(
        "{}: days of {} on which communes {what}, of {} that have begun",
        locality.text(),
        head.period,
        number::grouped(head.day_count),
    ));
    let (communes, flapping) = (head.commune_count, number::grouped(head.flapping_count));
    let hint = match usize::try_from(communes) {
        Ok(count) if rows.len() < count => "; --limit 0 shows all",
        Ok(_) | Err(_) => "",
    };
    let shown = format!("{} of {} communes{hint}", rows.len(), number::grouped(communes));
    let cut = if rows.iter().any(|row| row.told.cut) { CUT } else { "" };
    let footer = marks::footer(rows.iter().map(|row| Marks::from(row.behind)));
    format!(
        "{heading}\n\n{}\n{shown}\nFlapping, turned twice or more: {flapping}\n{cut}{footer}",
        table(rows, head.criterion.is_empty(), provinces, colour),
    )
}

fn table(rows: &[Row], of_green: bool, provinces: Option<&Provinces>, colour: bool) -> String {
    let days =
        |of: fn(&CommuneDays) -> i32| rows.iter().map(move |row| number::grouped(of(&row.told)));
    let [met, unmet] = if of_green { ["Green", "Not green"] } else { ["Met", "Unmet"] };
    let mut table = Table::new(colour);
    table.left("Code", rows.iter().map(|row| &row.commune.code));
    table.left("Name", rows.iter().map(|row| &row.commune.name));
    if let Some(provinces) = provinces {
        let province = |row: &Row| row_table::province(&row.told.province_code, provinces);
        table.left("Province", rows.iter().map(province));
    }
    table.right(met, days(|told| told.met_day_count));
    table.right(unmet, days(|told| told.unmet_day_count));
    table.right("Unknown", days(|told| told.unknown_day_count));
    table.right("Turns", days(|told| told.turn_count));
    table.left("Data time", rows.iter().map(|row| table::time(row.behind.data_time)));
    let notes = |row: &Row| {
        let cut = row.told.cut.then_some("cut".to_owned());
        let marks = Some(Marks::from(row.behind).text()).filter(|text| !text.is_empty());
        let notes: Vec<_> = cut.into_iter().chain(marks).collect();
        Cell::new(notes.join(", "), Paint::Middling)
    };
    table.left_if_any("Notes", rows.iter().map(notes));
    table.render()
}
