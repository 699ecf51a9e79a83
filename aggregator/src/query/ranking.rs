//! The ranking service: which localities are lowest.

mod asked;
mod standing;

use phuxanh_core::{
    LocalityCode,
    figures::{
        insight::{
            change::{self, Change},
            confidence::{BILLION, Confidence, Interval},
        },
        ranking::Ranking,
        rollup::{Order, Ratio, Unranked, Value},
        view::NationRollup,
    },
};
use phuxanh_proto::{
    convert::query::{to_kind, to_level},
    v1::{self, ranking_service_server::RankingService},
};
use tonic::{Request, Response, Status};

use super::{
    Context, Error,
    answer::count,
    sheet::{Fetched, Place, Placed, Row, Section, Sheet},
    walk::{self, Walk},
};
use asked::{Asked, By};

/// Ranks localities by an indicator.
#[derive(Debug, Clone)]
pub struct Rankings {
    context: Context,
}

/// A page's rows, with how many localities there are of each kind.
struct Listed {
    rows: Vec<v1::RankedLocality>,
    next_page_token: String,
    ranked_count: usize,
    unranked_counts: [usize; Unranked::ALL.len()],
    stale_count: usize,
}

impl Rankings {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }
}

/// True if all localities of the nation are looked at one by one. By their value they are sorted once
/// for each version of the view.
fn is_heavy(request: &v1::RankLocalitiesRequest) -> bool {
    let by = [v1::RankBy::Unspecified, v1::RankBy::Value].map(i32::from);
    !by.contains(&request.by) || request.section == i32::from(v1::Section::Stale)
}

/// One page of a ranking.
fn rank(
    context: &Context,
    request: &v1::RankLocalitiesRequest,
) -> Result<v1::RankLocalitiesResponse, Error> {
    let present = context.reader();
    let asked = Asked::read(request, &present)?;
    let page = walk::Asked {
        binding: asked.binding(&present),
        period: &request.period,
        page_size: request.page_size,
        page_token: &request.page_token,
    };
    let walk = context.walk(&present, page)?;
    let (reader, period) = (&walk.reader, walk.period);
    let by = asked.by(period)?;
    let nation = reader.view.nation(period);
    let sheet = Sheet { reader, nation: &nation, query: &asked.query };
    let listed = list(&sheet, by, asked.section, &walk);
    let [unknown_count, untested_count, small_count, one_sided_count] =
        listed.unranked_counts.map(count);
    let query = asked.query;
    Ok(v1::RankLocalitiesResponse {
        rows: listed.rows,
        next_page_token: listed.next_page_token,
        indicator: sheet.indicator().definition.id.clone(),
        level: to_level(query.scope.level()).into(),
        within: query.scope.within().to_string(),
        period: period.to_string(),
        order: to_order(query.order).into(),
        view_version: reader.view.version().to_owned(),
        ranked_count: count(listed.ranked_count),
        unknown_count,
        untested_count,
        kind: query.kind.map_or(v1::LocalityKind::Unspecified, to_kind).into(),
        denominator_min: query.denominator_min,
        by: by.to_wire().into(),
        baseline_period: match by {
            By::Change(baseline) => baseline.to_string(),
            By::Value | By::Confidence => String::new(),
        },
        small_count,
        one_sided_count,
        stale_count: count(listed.stale_count),
        view_changed: walk.view_changed,
        reports: reader.reports(&nation, query.scope.within()),
    })
}
/// One page of the ranking asked for.
fn list(sheet: &Sheet<'_>, by: By, section: Section, walk: &Walk<'_, Place>) -> Listed {
    let (nation, query) = (sheet.nation, sheet.query);
    match by {
        By::Value => {
            let ranking = nation.ranking(query);
            let fetched = sheet.fetch(&ranking, section, &walk.page);
            Listed::new(sheet, walk, &ranking, fetched, |row, _| row)
        }
        By::Change(baseline) => {
            let before = sheet.reader.view.nation(baseline);
            let ranking = change::ranking(nation, &before, sheet.indicator(), query);
            let change = |code| Some(change_of(sheet, &before, code));
            let row = |row, code| v1::RankedLocality { change: change(code), ..row };
            let fetched = sheet.fetch(&ranking, section, &walk.page);
            Listed::new(sheet, walk, &ranking, fetched, row)
        }
        By::Confidence => {
            let found = Confidence::new(nation, query);
            let row = |row, code| v1::RankedLocality {
                confidence: confidence_of(sheet, &found, code),
                ..row
            };
            let fetched = sheet.fetch(&found.ranking, section, &walk.page);
            Listed::new(sheet, walk, &found.ranking, fetched, row)
        }
    }
}

impl Listed {
    /// The rows of a page, each completed by `complete`.
    fn new<V: Placed>(
        sheet: &Sheet<'_>,
        walk: &Walk<'_, Place>,
        ranking: &Ranking<V>,
        fetched: Fetched,
        complete: impl Fn(v1::RankedLocality, LocalityCode) -> v1::RankedLocality,
    ) -> Self {
        let (page, next_page_token) = walk.cut(fetched.rows, Row::place);
        let row = |row: &Row| Some(complete(sheet.row(row.rank, row.code())?, row.code()));
        Self {
            rows: page.iter().filter_map(row).collect(),
            next_page_token,
            ranked_count: ranking.ranked_count(),
            unranked_counts: Unranked::ALL.map(|why| ranking.unranked_count(why)),
            stale_count: fetched.stale_count,
        }
    }
}

fn change_of(sheet: &Sheet<'_>, before: &NationRollup<'_>, code: LocalityCode) -> v1::Change {
    let earlier = Sheet { nation: before, ..*sheet }.rollup(code);
    let difference = match (sheet.rollup(code).value(), earlier.value()) {
        (Value::Known(up), Value::Known(down)) => Some(Change { up, down }.to_f64()),
        (_, _) => None,
    };
    let baseline = Some(sheet.reader.rollup(sheet.indicator(), &earlier));
    v1::Change { baseline, difference }
}

/// `None` for a commune without a rank.
fn confidence_of(
    sheet: &Sheet<'_>,
    confidence: &Confidence,
    code: LocalityCode,
) -> Option<v1::Confidence> {
    let interval = Interval::of(sheet.query.ranked(&sheet.rollup(code)).ok()?);
    let (rank_from, rank_to) = confidence.ranks(interval);
    let [lower, upper] = [interval.lower, interval.upper]
        .map(|end| Ratio::new(end, BILLION).map_or(0.0, super::answer::to_f64));
    Some(v1::Confidence { lower, upper, rank_from: count(rank_from), rank_to: count(rank_to) })
}

const fn to_order(order: Order) -> v1::Order {
    match order {
        Order::Lowest => v1::Order::Lowest,
        Order::Highest => v1::Order::Highest,
    }
}

#[tonic::async_trait]
impl RankingService for Rankings {
    async fn rank_localities(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Result<Response<v1::RankLocalitiesResponse>, Status> {
        if is_heavy(request.get_ref()) {
            self.context.heavy(request, rank).await
        } else {
            self.context.light(&request, rank)
        }
    }

    async fn get_standing(
        &self,
        request: Request<v1::GetStandingRequest>,
    ) -> Result<Response<v1::GetStandingResponse>, Status> {
        self.context.light(&request, |it, asked| standing::answer(&it.reader(), asked))
    }
}
