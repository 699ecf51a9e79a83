//! `phuxanh search`: every locality that bears a name.

use phuxanh_proto::v1::{Locality, LocalityMatch, SearchLocalitiesRequest};
use serde::Serialize;

use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    paging::Walk,
    resolve,
    table::{Cell, Paint, Table},
    words,
};

/// A match whose locality is there.
#[derive(Debug)]
struct Found {
    locality: Locality,
    exact: bool,
}

pub async fn answer(client: &Client, ask: &args::Search, format: Format) -> Result<Answer, Error> {
    let matches = fetch(client, &ask.text).await?;
    match format {
        Format::Json => Answer::json(&SearchJson {
            text: &ask.text,
            matches: matches.iter().map(FoundJson::from).collect(),
        }),
        Format::Table { colour } => Ok(Answer::table(text(&ask.text, &matches, colour))),
    }
}

async fn fetch(client: &Client, text: &str) -> Result<Vec<Found>, Error> {
    let mut walk = Walk::new(None);
    let mut matches = Vec::new();
    loop {
        let (page_size, page_token) = walk.page();
        let request = SearchLocalitiesRequest { text: text.to_owned(), page_size, page_token };
        let page = client.search(request).await?;
        let goes_on = walk.goes_on(page.matches.len(), page.next_page_token)?;
        for found in page.matches {
            matches.push(Found::try_from(found)?);
        }
        if !goes_on {
            return Ok(matches);
        }
    }
}

impl TryFrom<LocalityMatch> for Found {
    type Error = Error;

    fn try_from(found: LocalityMatch) -> Result<Self, Error> {
        let locality =
            found.locality.ok_or_else(|| Error::Contract("a match has no locality".to_owned()))?;
        Ok(Self { locality, exact: found.exact })
    }
}

#[derive(Debug, Serialize)]
struct SearchJson<'a> {
    text: &'a str,
    matches: Vec<FoundJson<'a>>,
}

#[derive(Debug, Serialize)]
struct FoundJson<'a> {
    code: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_en: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    province: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    province_name: &'a str,
    exact: bool,
    valid_from: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    valid_until: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    served_by: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    aliases: &'a [String],
}

impl<'a> From<&'a Found> for FoundJson<'a> {
    fn from(found: &'a Found) -> Self {
        let locality = &found.locality;
        Self {
            code: &locality.code,
            name: &locality.name,
            name_en: &locality.name_en,
            kind: words::kind(locality.kind()),
            province: &locality.province_code,
            province_name: &locality.province_name,
            exact: found.exact,
            valid_from: &locality.valid_from,
            valid_until: &locality.valid_until,
            served_by: &locality.served_by,
            aliases: &locality.aliases,
        }
    }
}

fn text(wanted: &str, matches: &[Found], colour: bool) -> String {
    if matches.is_empty() {
        return format!("No locality matches \"{wanted}\".\n");
    }
    let rows = || matches.iter().map(|found| &found.locality);
    let name = |found: &Found| {
        let paint = if found.exact { Paint::Strong } else { Paint::Plain };
        Cell::new(&found.locality.name, paint)
    };
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.code));
    table.left("Name", matches.iter().map(name));
    table.left("Kind", rows().map(|row| words::kind(row.kind()).replace('_', " ")));
    table.left_if_any("Province", rows().map(|row| resolve::province(row).into()));
    table.left_if_any("Also known as", rows().map(|row| row.aliases.join(", ").into()));
    table.left_if_any("Until", rows().map(|row| Cell::from(&row.valid_until)));
    table.render()
}
