//! The trend service: how a locality moves from month to month, and within a month.

mod comparison;
mod days;

use phuxanh_core::{
    Period,
    figures::{
        insight::{change::Change, trend::Turns},
        rollup::{COVERAGE, Value},
    },
};
use phuxanh_proto::{
    refusal::Expected,
    v1::{self, trend_service_server::TrendService},
};
use tonic::{Request, Response, Status};

use super::{
    Context, Error,
    answer::{Reader, communes, count},
    request,
};

/// Months of a trend where the request does not say.
const MONTHS_DEFAULT: u32 = 12;
/// Most months of a trend.
const MONTHS_MAX: u32 = 60;
/// Flapping communes that are named.
const FLAPPING_MAX: usize = 100;

/// Says how localities move.
#[derive(Debug, Clone)]
pub struct Trends {
    context: Context,
}

impl Trends {
    #[must_use]
    pub const fn new(context: Context) -> Self {
        Self { context }
    }
}

#[tonic::async_trait]
impl TrendService for Trends {
    async fn get_trend(
        &self,
        request: Request<v1::GetTrendRequest>,
    ) -> Result<Response<v1::GetTrendResponse>, Status> {
        self.context.heavy(request, |it, asked| trend(&it.reader(), asked)).await
    }

    async fn compare_periods(
        &self,
        request: Request<v1::ComparePeriodsRequest>,
    ) -> Result<Response<v1::ComparePeriodsResponse>, Status> {
        self.context.heavy(request, |it, asked| comparison::answer(&it.reader(), asked)).await
    }

    async fn list_days(
        &self,
        request: Request<v1::ListDaysRequest>,
    ) -> Result<Response<v1::ListDaysResponse>, Status> {
        self.context.heavy(request, days::list).await
    }
}

fn trend(reader: &Reader, request: &v1::GetTrendRequest) -> Result<v1::GetTrendResponse, Error> {
    let catalogue = reader.view.catalogue();
    let locality = request::locality("code", &request.code, reader.view.gazetteer())?;
    let at = request::indicator(&request.indicator, catalogue)?;
    let indicator = &catalogue.indicators[at];
    let mut turns = Turns::default();
    let mut points = Vec::new();
    let mut earlier = None;
    for period in months(request, reader)? {
        let nation = reader.view.nation(period);
        if at == COVERAGE {
            turns.add(communes(&nation, locality).into_iter());
        }
        let rollup = nation.rollup(locality, at);
        let difference = match (rollup.value(), earlier) {
            (Value::Known(up), Some(Value::Known(down))) => Some(Change { up, down }.to_f64()),
            (_, _) => None,
        };
        earlier = Some(rollup.value());
        let turned = turns.months.last().copied().unwrap_or_default();
        points.push(v1::TrendPoint {
            period: period.to_string(),
            rollup: Some(reader.rollup(indicator, &rollup)),
            difference,
            turned_green_count: count(turned.green_count),
            turned_not_green_count: count(turned.not_green_count),
        });
    }
    let flapping = turns.flapping();
    Ok(v1::GetTrendResponse {
        locality: Some(reader.named(locality.code)),
        province_code: locality.province.map(|code| code.to_string()).unwrap_or_default(),
        indicator: indicator.definition.id.clone(),
        view_version: reader.view.version().to_owned(),
        points,
        flapping_count: count(flapping.len()),
        flapping: flapping
            .into_iter()
            .take(FLAPPING_MAX)
            .map(|(code, turn_count)| v1::CommuneTurns {
                commune: Some(reader.named(code)),
                turn_count: count(turn_count),
            })
            .collect(),
    })
}

/// The months asked for, rising.
fn months(
    request: &v1::GetTrendRequest,
    reader: &Reader,
) -> Result<impl Iterator<Item = Period>, Error> {
    let last = request::period("to_period", &request.to_period, reader.now)?
        .unwrap_or_else(|| reader.default_period());
    let first =
        request::period("from_period", &request.from_period, reader.now)?.unwrap_or_else(|| {
            let reported = reader.view.first_period().unwrap_or(last).min(last);
            let usual = i64::from(last.number()) - i64::from(MONTHS_DEFAULT) + 1;
            Period::from_number(usual).map_or(reported, |usual| usual.max(reported))
        });
    let (first, last) = (first.number(), last.number());
    if first > last || last - first >= MONTHS_MAX {
        let expected = format!("a month up to {} before to_period", MONTHS_MAX - 1);
        let refused = Error::malformed("from_period", Expected::MonthWithin, expected);
        return Err(refused.with("months", &(MONTHS_MAX - 1)));
    }
    Ok((first..=last).filter_map(|number| Period::from_number(number.into()).ok()))
}

#[cfg(test)]
mod tests;
