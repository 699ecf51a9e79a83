//! `phuxanh path`: the fewest fixes that lift a province to a target.

use phuxanh_proto::v1::{self, GetPathRequest};
use serde::Serialize;

use super::{Named, part};
use crate::{
    answer::{Answer, Format},
    args,
    client::Client,
    error::Error,
    marks::{self, Marks},
    number,
    reply::{self, Reading},
    resolve::{self, Among},
    row_json::ReadingJson,
    table::{self, Cell, Table},
    terms::Terms,
};

#[derive(Debug)]
struct Path {
    province: Named,
    coverage: Reading,
    communes: Vec<Step>,
    set: v1::CriterionSet,
    said: v1::GetPathResponse,
}

#[derive(Debug, Serialize)]
struct Step {
    #[serde(flatten)]
    commune: Named,
    unmet: Vec<String>,
    unknown: Vec<String>,
}

pub async fn answer(client: &Client, ask: &args::Path, format: Format) -> Result<Answer, Error> {
    let request = GetPathRequest {
        code: resolve::code(client, &ask.province, Among::Scopes).await?,
        target_percent: ask.target.into(),
        period: ask.period.clone().unwrap_or_default(),
    };
    let path = Path::try_from(client.path(request).await?)?;
    match format {
        Format::Json => Answer::json(&PathJson::from(&path)),
        Format::Table { colour } => {
            Ok(Answer::table(text(&Terms::fetch(client).await?, &path, colour)))
        }
    }
}

impl TryFrom<v1::GetPathResponse> for Path {
    type Error = Error;

    fn try_from(mut said: v1::GetPathResponse) -> Result<Self, Error> {
        let communes = std::mem::take(&mut said.communes).into_iter().map(|step| {
            let (unmet, unknown) = (step.unmet, step.unknown);
            Ok(Step { commune: Named::new(step.commune)?, unmet, unknown })
        });
        Ok(Self {
            communes: communes.collect::<Result<_, Error>>()?,
            province: Named::new(said.province.take())?,
            coverage: reply::reading(said.coverage.take())?,
            set: part("the set of criteria", said.criterion_set.take())?,
            said,
        })
    }
}

#[derive(Debug, Serialize)]
struct PathJson<'a> {
    #[serde(flatten)]
    province: &'a Named,
    period: &'a str,
    view_version: &'a str,
    target_percent: i32,
    coverage: ReadingJson,
    target: i32,
    needed: i32,
    unmet_fixes: i32,
    unknown_fixes: i32,
    communes: &'a [Step],
    criterion_set: SetJson<'a>,
}

#[derive(Debug, Serialize)]
struct SetJson<'a> {
    criteria: &'a [String],
    exact: bool,
    lower_bound: i32,
    turned: i32,
    unmet_fixes: i32,
    unknown_fixes: i32,
}

impl<'a> From<&'a Path> for PathJson<'a> {
    fn from(path: &'a Path) -> Self {
        let Path { province, coverage, communes, set, said } = path;
        Self {
            province,
            period: &said.period,
            view_version: &said.view_version,
            target_percent: said.target_percent,
            coverage: ReadingJson::new(coverage, false),
            target: said.target_count,
            needed: said.needed_count,
            unmet_fixes: said.unmet_fix_count,
            unknown_fixes: said.unknown_fix_count,
            communes,
            criterion_set: SetJson {
                criteria: &set.criteria,
                exact: set.exact,
                lower_bound: set.lower_bound,
                turned: set.turned_count,
                unmet_fixes: set.unmet_fix_count,
                unknown_fixes: set.unknown_fix_count,
            },
        }
    }
}

fn text(terms: &Terms, path: &Path, colour: bool) -> String {
    let Path { province, coverage, communes, said, .. } = path;
    let mut text = format!(
        "{}, {}: {} green ({}); {} % asks for {}\n\n",
        province.text(),
        said.period,
        terms.ratio(coverage),
        terms.value(coverage),
        said.target_percent,
        number::grouped(said.target_count),
    );
    if communes.is_empty() {
        text += "The target is reached.\n";
    } else {
        text += &steps(path, colour);
        text += &everywhere(terms, &path.set);
    }
    text + &marks::footer([Marks::from(coverage)].into_iter())
}

fn steps(path: &Path, colour: bool) -> String {
    let rows = || path.communes.iter();
    let mut table = Table::new(colour);
    table.left("Code", rows().map(|row| &row.commune.code));
    table.left("Name", rows().map(|row| &row.commune.name));
    table.left_if_any("To fix", rows().map(|row| Cell::from(row.unmet.join(", "))));
    table.left_if_any("Not reported", rows().map(|row| Cell::from(row.unknown.join(", "))));
    format!(
        "The cheapest way: {}, {}\n\n{}",
        number::counted(path.said.needed_count, "commune", "communes"),
        fixes(path.said.unmet_fix_count, path.said.unknown_fix_count),
        table.render(),
    )
}

fn fixes(unmet: i32, unknown: i32) -> String {
    let unmet = number::counted(unmet, "unmet criterion", "unmet criteria");
    let unknown = number::counted(unknown, "unreported one", "unreported ones");
    format!("{unmet} to fix, {unknown} to meet and report")
}

fn everywhere(terms: &Terms, set: &v1::CriterionSet) -> String {
    let certainty = if set.exact {
        "no smaller set reaches the target".to_owned()
    } else {
        format!("found greedily; no set of fewer than {} reaches it", set.lower_bound)
    };
    let mut text = format!(
        "\nOr criterion by criterion, in the whole province ({certainty}):\n{}; {} turn \
         green\n\n",
        fixes(set.unmet_fix_count, set.unknown_fix_count),
        number::counted(set.turned_count, "commune", "communes"),
    );
    for id in &set.criteria {
        text += &table::safe(&format!("  {} ({id})", terms.criterion(id)));
        text.push('\n');
    }
    text
}
