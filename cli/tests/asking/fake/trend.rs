//! Changes from month to month.

use phuxanh_proto::v1::{self, trend_service_server::TrendService};
use tonic::{Request, Response};

use super::{
    Replies, Reply, coverage,
    insight::{VERSION, synthetic},
    ratio,
};

#[tonic::async_trait]
impl TrendService for Replies {
    async fn get_trend(
        &self,
        request: Request<v1::GetTrendRequest>,
    ) -> Reply<v1::GetTrendResponse> {
        let ask = request.into_inner();
        self.find(&ask.code)?;
        let rollup = |numerator: i32| match ask.indicator.as_str() {
            "green_coverage" => coverage(numerator, 56 - numerator),
            indicator => ratio(indicator, numerator.into(), 56),
        };
        let point = |period: &str, numerator, difference| v1::TrendPoint {
            period: period.to_owned(),
            rollup: Some(rollup(numerator)),
            difference,
            turned_green_count: 1,
            turned_not_green_count: 4,
        };
        let named = vec![v1::CommuneTurns { commune: Some(self.named("01273")), turn_count: 3 }];
        let of_coverage = ask.indicator == "green_coverage";
        Ok(Response::new(v1::GetTrendResponse {
            locality: Some(self.named(&ask.code)),
            indicator: ask.indicator.clone(),
            view_version: VERSION.to_owned(),
            points: vec![point("2025-06", 6, None), point("2025-07", 3, Some(-3.0 / 56.0))],
            flapping_count: if of_coverage { 2 } else { 0 },
            flapping: if of_coverage { named } else { Vec::new() },
            ..Default::default()
        }))
    }

    async fn list_days(
        &self,
        request: Request<v1::ListDaysRequest>,
    ) -> Reply<v1::ListDaysResponse> {
        let ask = request.into_inner();
        self.find(&ask.code)?;
        let days = |code: &str, met_day_count, turn_count| v1::CommuneDays {
            commune: Some(self.named(code)),
            province_code: "04".to_owned(),
            met_day_count,
            unmet_day_count: 20 - met_day_count,
            unknown_day_count: 11,
            turn_count,
            cut: turn_count > 2,
            provenance: Some(synthetic()),
        };
        let (row, next_page_token) = match ask.page_token.as_str() {
            "" => (days("01273", 8, 3), "next".to_owned()),
            _ => (days("01279", 20, 0), String::new()),
        };
        Ok(Response::new(v1::ListDaysResponse {
            rows: vec![row],
            next_page_token,
            locality: Some(self.named(&ask.code)),
            criterion: ask.criterion,
            period: "2025-07".to_owned(),
            view_version: VERSION.to_owned(),
            day_count: 31,
            commune_count: 2,
            flapping_count: 1,
            view_changed: false,
            reports: None,
        }))
    }

    async fn compare_periods(
        &self,
        request: Request<v1::ComparePeriodsRequest>,
    ) -> Reply<v1::ComparePeriodsResponse> {
        let ask = request.into_inner();
        self.find(&ask.code)?;
        let days = |period: &str, day_count, holidays: &[&str]| v1::WorkingDays {
            period: period.to_owned(),
            day_count,
            weekday_count: day_count + 1,
            holidays: holidays.iter().map(|name| (*name).to_owned()).collect(),
            holidays_listed: ask.baseline_period.is_empty(),
        };
        let sum = |sum, days: i32| v1::ComparedSum {
            sum,
            per_working_day: 0.5,
            reported_count: days,
            provenance: Some(synthetic()),
        };
        let silent = v1::Comparison {
            locality: Some(self.named("04")),
            commune_count: 56,
            now: Some(sum(0, 0)),
            before: Some(sum(0, 0)),
            ..Default::default()
        };
        let fell = |code: &str| v1::Comparison {
            locality: Some(self.named(code)),
            compared_count: 167,
            commune_count: 168,
            now: Some(sum(173_577, 23)),
            before: Some(sum(176_611, 21)),
            movement: v1::Movement::Fell.into(),
            difference: -863.23,
            relative_difference: Some(-0.1026),
        };
        Ok(Response::new(v1::ComparePeriodsResponse {
            measure: ask.measure.clone(),
            view_version: VERSION.to_owned(),
            period: Some(days("2025-07", 23, &["Quốc khánh"])),
            baseline: Some(days("2025-06", 21, &[])),
            total: Some(fell(&ask.code)),
            parts: vec![fell("79"), silent],
            reports: None,
        }))
    }
}
