//! `phuxanh silent`: who has not reported a month.

use std::mem::take;

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{Level, ListSilentRequest, ListSilentResponse, SilentLocality};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    insight::{Named, part},
    lowest, number,
    paging::{self, Version},
    reply,
    row_table::{self, Provinces},
    table::{self, Table},
    words,
};

#[derive(Debug)]
struct Silent {
    /// The first page, without its rows.
    head: ListSilentResponse,
    level: Level,
    deadline: Timestamp,
    by_deadline: bool,
    rows: Vec<Row>,
    version: Version,
}

#[derive(Debug)]
struct Row {
    locality: Named,
    province_code: String,
    first_receipt: Option<Timestamp>,
    last_period: String,
}

pub async fn answer(client: &Client, ask: &args::Silent, format: Format) -> Result<Answer, Error> {
    let level = match ask.level {
        args::Level::Province => Level::Province,
        args::Level::Commune => Level::Commune,
    };
    let request = ListSilentRequest {
        level: level.into(),
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
        by_deadline: ask.by_deadline,
        ..Default::default()
    };
    let found = fetch(client, request, (ask.limit > 0).then_some(ask.limit)).await?;
    let warning = found.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&SilentJson::from(&found))?,
        Format::Table { colour } => {
            let within = &found.head.within;
            let provinces = lowest::provinces(client, found.level, within).await?;
            let scope = client.locality(within.clone()).await?;
            let scope = format!("{} ({})", scope.name, scope.code);
            Answer::table(text(&found, &scope, provinces.as_ref(), colour))
        }
    };
    Ok(answer.warning(warning))
}

async fn fetch(
    client: &Client,
    request: ListSilentRequest,
    limit: Option<u32>,
) -> Result<Silent, Error> {
    let mut version = Version::default();
    let ask = async |page_size, page_token| {
        client.silent(ListSilentRequest { page_size, page_token, ..request.clone() }).await
    };
    let (head, rows) = paging::walk(limit, &mut version, ask, |page| {
        (take(&mut page.rows), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await?;
    Ok(Silent {
        level: reply::known("level", head.level)?,
        deadline: part("a deadline", reply::time(head.deadline_time)?)?,
        by_deadline: request.by_deadline,
        rows: rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?,
        head,
        version,
    })
}

impl TryFrom<SilentLocality> for Row {
    type Error = Error;

    fn try_from(row: SilentLocality) -> Result<Self, Error> {
        Ok(Self {
            locality: Named::new(row.locality)?,
            province_code: row.province_code,
            first_receipt: reply::time(row.first_receipt_time)?,
            last_period: row.last_period,
        })
    }
}

#[derive(Debug, Serialize)]
struct SilentJson<'a> {
    level: &'static str,
    within: &'a str,
    period: &'a str,
    view_version: &'a str,
    deadline: String,
    by_deadline: bool,
    silent: i32,
    localities: i32,
    rows: Vec<RowJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_receipt: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_period: &'a str,
}

impl<'a> From<&'a Silent> for SilentJson<'a> {
    fn from(found: &'a Silent) -> Self {
        let rows = found.rows.iter().map(|row| RowJson {
            locality: &row.locality,
            province: &row.province_code,
            first_receipt: row.first_receipt.map(|time| time.to_string()),
            last_period: &row.last_period,
        });
        Self {
            level: words::level(found.level),
            within: &found.head.within,
            period: &found.head.period,
            view_version: &found.head.view_version,
            deadline: found.deadline.to_string(),
            by_deadline: found.by_deadline,
            silent: found.head.silent_count,
            localities: found.head.locality_count,
            rows: rows.collect(),
        }
    }
}

fn text(found: &Silent, scope: &str, provinces: Option<&Provinces>, colour: bool) -> String {
    let Silent { head, rows, .. } = found;
    let verb = if found.by_deadline {
        format!("had not reported it by {}", table::time(Some(found.deadline)))
    } else {
        "have not reported it".to_owned()
    };
    let heading = table::safe(&format!(
        "Silent on {}: {} of {} {} of {scope} {verb}",
        head.period,
        number::grouped(head.silent_count),
        number::grouped(head.locality_count),
        words::levels(found.level),
    ));
    let rows = match rows.len() {
        0 => String::new(),
        _ => format!("\n{}", table(found, provinces, colour)),
    };
    let cut = if usize::try_from(head.silent_count).is_ok_and(|count| found.rows.len() < count) {
        format!("\n{} of them; --limit 0 shows all\n", found.rows.len())
    } else {
        String::new()
    };
    format!("{heading}\n{rows}{cut}")
}

fn table(found: &Silent, provinces: Option<&Provinces>, colour: bool) -> String {
    let rows = || found.rows.iter();
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.locality.code));
    table.left("Name", rows().map(|row| &row.locality.name));
    if let Some(provinces) = provinces {
        table
            .left("Province", rows().map(|row| row_table::province(&row.province_code, provinces)));
    }
    let last = |row: &Row| match row.last_period.as_str() {
        "" => "never".to_owned(),
        period => period.to_owned(),
    };
    table.left("Last reported", rows().map(last));
    if found.by_deadline {
        table.left("Received", rows().map(|row| table::time(row.first_receipt)));
    }
    table.render()
}
