//! `phuxanh flags`: data that are implausible, for inspection.

mod finding;

use std::{collections::BTreeMap, mem::take};

use phuxanh_proto::v1::{self, FlagRule, ListFlagsRequest, ListFlagsResponse};
use serde::Serialize;

use super::receipt::{Receipt, ReceiptJson};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    insight::{Named, part},
    lowest,
    marks::{self, Marks},
    number,
    paging::{self, Version},
    reply,
    row_table::{self, Provinces},
    table::{self, Table},
    words,
};
use finding::{Finding, FindingJson};

const INSPECTION: &str =
    "Flags are for inspection: they change no value and say nothing of why data are as they are.";

#[derive(Debug)]
struct Flags {
    /// The first page, without its flags.
    head: ListFlagsResponse,
    counts: Vec<(FlagRule, i32)>,
    rows: Vec<Row>,
    /// Number of all that was asked for.
    listed_count: i32,
    version: Version,
}

#[derive(Debug)]
struct Row {
    rule: FlagRule,
    locality: Named,
    province_code: String,
    extent: i64,
    finding: Finding,
    evidence: Vec<Receipt>,
}

pub async fn answer(client: &Client, ask: &args::Flags, format: Format) -> Result<Answer, Error> {
    let rule = ask.rule.map_or(FlagRule::Unspecified, rule);
    let request = ListFlagsRequest {
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
        rule: rule.into(),
        ..Default::default()
    };
    let found = fetch(client, request, (ask.limit > 0).then_some(ask.limit)).await?;
    let warning = found.version.warning();
    let answer = match format {
        Format::Json => Answer::json(&FlagsJson::from(&found))?,
        Format::Table { colour } => {
            let within = &found.head.within;
            let provinces = lowest::provinces(client, v1::Level::Commune, within).await?;
            let scope = client.locality(within.clone()).await?;
            let scope = format!("{} ({})", scope.name, scope.code);
            Answer::table(text(&found, &scope, provinces.as_ref(), colour))
        }
    };
    Ok(answer.warning(warning))
}

const fn rule(rule: args::FlagRule) -> FlagRule {
    match rule {
        args::FlagRule::Part => FlagRule::Part,
        args::FlagRule::Total => FlagRule::Total,
        args::FlagRule::Frozen => FlagRule::Frozen,
        args::FlagRule::Copied => FlagRule::Copied,
        args::FlagRule::Eve => FlagRule::Eve,
    }
}

async fn fetch(
    client: &Client,
    request: ListFlagsRequest,
    limit: Option<u32>,
) -> Result<Flags, Error> {
    let mut version = Version::default();
    let ask = async |page_size, page_token| {
        client.flags(ListFlagsRequest { page_size, page_token, ..request.clone() }).await
    };
    let (head, rows) = paging::walk(limit, &mut version, ask, |page| {
        (take(&mut page.flags), take(&mut page.next_page_token), page.view_version.clone())
    })
    .await?;
    let counts = head
        .counts
        .iter()
        .map(|one| Ok((reply::known("rule", one.rule)?, one.flag_count)))
        .collect::<Result<Vec<_>, Error>>()?;
    let asked = request.rule();
    let listed = counts.iter().filter(|(rule, _)| asked == FlagRule::Unspecified || asked == *rule);
    let listed_count = listed.map(|(_, count)| count).sum();
    let rows = rows.into_iter().map(Row::try_from).collect::<Result<_, _>>()?;
    Ok(Flags { head, counts, rows, listed_count, version })
}

impl TryFrom<v1::Flag> for Row {
    type Error = Error;

    fn try_from(flag: v1::Flag) -> Result<Self, Error> {
        Ok(Self {
            rule: reply::known("rule", flag.rule)?,
            locality: Named::new(flag.locality)?,
            province_code: flag.province_code,
            extent: flag.extent,
            finding: Finding::new(part("a finding", flag.finding)?)?,
            evidence: flag.evidence.into_iter().map(Receipt::try_from).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Debug, Serialize)]
struct FlagsJson<'a> {
    within: &'a str,
    period: &'a str,
    view_version: &'a str,
    counts: BTreeMap<&'static str, i32>,
    flags: Vec<RowJson<'a>>,
}

#[derive(Debug, Serialize)]
struct RowJson<'a> {
    rule: &'static str,
    #[serde(flatten)]
    locality: &'a Named,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    extent: i64,
    #[serde(flatten)]
    finding: FindingJson<'a>,
    evidence: Vec<ReceiptJson<'a>>,
}

impl<'a> From<&'a Flags> for FlagsJson<'a> {
    fn from(found: &'a Flags) -> Self {
        let flags = found.rows.iter().map(|row| RowJson {
            rule: words::flag_rule(row.rule),
            locality: &row.locality,
            province: &row.province_code,
            extent: row.extent,
            finding: FindingJson::from(&row.finding),
            evidence: row.evidence.iter().map(ReceiptJson::from).collect(),
        });
        Self {
            within: &found.head.within,
            period: &found.head.period,
            view_version: &found.head.view_version,
            counts: found
                .counts
                .iter()
                .map(|(rule, count)| (words::flag_rule(*rule), *count))
                .collect(),
            flags: flags.collect(),
        }
    }
}

fn text(found: &Flags, scope: &str, provinces: Option<&Provinces>, colour: bool) -> String {
    let counts: Vec<_> = found
        .counts
        .iter()
        .map(|(rule, count)| format!("{} {}", words::flag_rule(*rule), number::grouped(*count)))
        .collect();
    let heading = table::safe(&format!(
        "Implausible data of {scope}, {}: {}",
        found.head.period,
        counts.join(", ")
    ));
    let rows = match found.rows.len() {
        0 => String::new(),
        _ => format!("\n{}", table(&found.rows, provinces, colour)),
    };
    let cut = if usize::try_from(found.listed_count).is_ok_and(|count| found.rows.len() < count) {
        let all = number::grouped(found.listed_count);
        format!("\n{} of {all}; --limit 0 shows all", found.rows.len())
    } else {
        String::new()
    };
    let marks = found.rows.iter().flat_map(marks_of);
    format!("{heading}\n{rows}{cut}\n{INSPECTION}\n{}", marks::footer(marks))
}

fn table(rows: &[Row], provinces: Option<&Provinces>, colour: bool) -> String {
    let mut table = Table::new(colour);
    table.left("Rule", rows.iter().map(|row| words::flag_rule(row.rule)));
    table.left("Code", rows.iter().map(|row| &row.locality.code));
    table.left("Name", rows.iter().map(|row| &row.locality.name));
    if let Some(provinces) = provinces {
        let province = |row: &Row| match row.province_code.as_str() {
            "" => String::new(),
            code => row_table::province(code, provinces),
        };
        table.left("Province", rows.iter().map(province));
    }
    table.left("Finding", rows.iter().map(|row| row.finding.text()));
    table.left_if_any("Notes", rows.iter().map(|row| marks::merged(&marks_of(row))));
    table.render()
}

fn marks_of(row: &Row) -> Vec<Marks> {
    row.evidence.iter().map(Receipt::marks).chain(row.finding.marks()).collect()
}
