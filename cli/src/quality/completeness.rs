//! `phuxanh completeness`: how many communes reported a month, by its deadline and since.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, GetCompletenessRequest};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    insight::{Named, part},
    lowest, number, reply,
    table::{self, Table},
};

#[derive(Debug)]
struct Completeness {
    period: String,
    view_version: String,
    deadline: Timestamp,
    deadline_passed: bool,
    total: Scope,
    /// Empty for one province.
    provinces: Vec<Scope>,
}

#[derive(Debug)]
struct Scope {
    locality: Named,
    counts: v1::Completeness,
    first_receipt: Option<Timestamp>,
}

pub async fn answer(
    client: &Client,
    ask: &args::Completeness,
    format: Format,
) -> Result<Answer, Error> {
    let request = GetCompletenessRequest {
        within: lowest::scope(client, ask.within.as_deref()).await?,
        period: ask.period.clone().unwrap_or_default(),
    };
    let found = Completeness::try_from(client.completeness(request).await?)?;
    match format {
        Format::Json => Answer::json(&CompletenessJson::from(&found)),
        Format::Table { colour } => Ok(Answer::table(text(&found, colour))),
    }
}

impl TryFrom<v1::GetCompletenessResponse> for Completeness {
    type Error = Error;

    fn try_from(answer: v1::GetCompletenessResponse) -> Result<Self, Error> {
        Ok(Self {
            period: answer.period,
            view_version: answer.view_version,
            deadline: part("a deadline", reply::time(answer.deadline_time)?)?,
            deadline_passed: answer.deadline_passed,
            total: Scope::try_from(part("a total", answer.total)?)?,
            provinces: answer
                .provinces
                .into_iter()
                .map(Scope::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<v1::Completeness> for Scope {
    type Error = Error;

    fn try_from(mut counts: v1::Completeness) -> Result<Self, Error> {
        let locality = Named::new(counts.scope.take())?;
        let first_receipt = reply::time(counts.first_receipt_time.take())?;
        Ok(Self { locality, counts, first_receipt })
    }
}

#[derive(Debug, Serialize)]
struct CompletenessJson<'a> {
    period: &'a str,
    view_version: &'a str,
    deadline: String,
    deadline_passed: bool,
    total: ScopeJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    provinces: Vec<ScopeJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ScopeJson<'a> {
    #[serde(flatten)]
    locality: &'a Named,
    communes: i32,
    in_time: i32,
    reported: i32,
    in_time_share: f64,
    reported_share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_receipt: Option<String>,
}

impl<'a> From<&'a Completeness> for CompletenessJson<'a> {
    fn from(found: &'a Completeness) -> Self {
        Self {
            period: &found.period,
            view_version: &found.view_version,
            deadline: found.deadline.to_string(),
            deadline_passed: found.deadline_passed,
            total: ScopeJson::from(&found.total),
            provinces: found.provinces.iter().map(ScopeJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Scope> for ScopeJson<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self {
            locality: &scope.locality,
            communes: scope.counts.commune_count,
            in_time: scope.counts.in_time_count,
            reported: scope.counts.reported_count,
            in_time_share: scope.counts.in_time_share,
            reported_share: scope.counts.reported_share,
            first_receipt: scope.first_receipt.map(|time| time.to_string()),
        }
    }
}

fn text(found: &Completeness, colour: bool) -> String {
    let passed = if found.deadline_passed { "passed" } else { "not yet passed" };
    let scopes: Vec<_> = found.provinces.iter().chain([&found.total]).collect();
    let share =
        |part: i32, scope: &Scope| number::percent(part.into(), scope.counts.commune_count.into());
    let mut table = Table::new(colour);
    table.left("Code", scopes.iter().map(|scope| &scope.locality.code));
    table.left("Name", scopes.iter().map(|scope| &scope.locality.name));
    table.right("Communes", scopes.iter().map(|scope| number::grouped(scope.counts.commune_count)));
    table.right("In time", scopes.iter().map(|scope| number::grouped(scope.counts.in_time_count)));
    table.right("", scopes.iter().map(|scope| share(scope.counts.in_time_count, scope)));
    table.right("By now", scopes.iter().map(|scope| number::grouped(scope.counts.reported_count)));
    table.right("", scopes.iter().map(|scope| share(scope.counts.reported_count, scope)));
    table.left("First received", scopes.iter().map(|scope| table::time(scope.first_receipt)));
    format!(
        "Communes of {} that reported {}, by the deadline and since\n\n{}\n\
         Deadline: received before {} ({passed}). Who is silent: phuxanh silent --period {}\n",
        table::safe(&found.total.locality.text()),
        found.period,
        table.render(),
        table::time(Some(found.deadline)),
        found.period,
    )
}
