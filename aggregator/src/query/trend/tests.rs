use std::{sync::Arc, time::Duration};

use phuxanh_core::figures::{
    insight::fixture::{Told, view_of},
    rollup::fixture::{code, july},
};
use phuxanh_proto::convert::wire_time;
use tokio::sync::watch;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::query::{heavy, recent_views};

/// A commune's report: whether it meets all criteria, and its measures "m" and "n".
fn told(commune: &str, province: &str, met: Option<bool>, m: Option<i64>, n: Option<i64>) -> Told {
    Told {
        code: code(commune),
        province: code(province),
        criteria: [met; 6],
        measures: [m, n, None, None, None, None],
    }
}

/// May to July. 00001 swings from green to not green and back; 00004 turns green in July; 00002
/// reports ever fewer, 00005 has said nothing of July.
fn serve() -> Trends {
    let (yes, no) = (Some(true), Some(false));
    let may = [
        told("00001", "01", yes, Some(1), Some(4)),
        told("00004", "01", no, None, None),
        told("00002", "04", yes, Some(9), Some(9)),
    ];
    let june = [
        told("00001", "01", no, Some(2), Some(4)),
        told("00004", "01", None, None, None),
        told("00002", "04", None, Some(42), Some(60)),
        told("00005", "04", None, Some(63), Some(70)),
    ];
    let july_told = [
        told("00001", "01", yes, Some(23), Some(46)),
        told("00004", "01", yes, Some(1), Some(0)),
        told("00002", "04", None, Some(40), Some(50)),
    ];
    let view = view_of(&[("2025-05", &may), ("2025-06", &june), ("2025-07", &july_told)]);
    let (_, view) = watch::channel(Arc::new(view));
    let stale_after = Duration::from_hours(24 * 365);
    let recent_views = recent_views::Rules { count_max: 1, span: stale_after };
    let heavy = heavy::Rules { running_max: 1, waiting_max: 1 };
    Trends::new(Context::new(view, || july(9), stale_after, recent_views, heavy))
}

async fn trend(request: v1::GetTrendRequest) -> Result<v1::GetTrendResponse, Status> {
    Ok(serve().get_trend(Request::new(request)).await?.into_inner())
}

async fn compare(request: v1::ComparePeriodsRequest) -> Result<v1::ComparePeriodsResponse, Status> {
    Ok(serve().compare_periods(Request::new(request)).await?.into_inner())
}

/// Returns what a caller learns: the code, and the field or the resource that is meant.
fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.expect_err("a refusal");
    let details = status.get_error_details();
    let field = details.bad_request().map(|found| found.field_violations[0].field.clone());
    let resource = details.resource_info().map(|found| found.resource_name.clone());
    (status.code(), field.or(resource).unwrap_or_default())
}

fn of(code: &str, from_period: &str, to_period: &str) -> v1::GetTrendRequest {
    let [code, from_period, to_period] = [code, from_period, to_period].map(str::to_owned);
    v1::GetTrendRequest { code, from_period, to_period, ..Default::default() }
}

#[tokio::test]
async fn a_trend_tells_the_value_of_every_month_and_who_turned() {
    let answer = trend(of("01", "", "2025-07")).await.expect("a trend");
    let points: Vec<_> = answer
        .points
        .iter()
        .map(|point| {
            let rollup = point.rollup.as_ref().expect("a rollup");
            let value = (rollup.numerator, rollup.denominator, point.difference);
            (point.period.as_str(), value, point.turned_green_count, point.turned_not_green_count)
        })
        .collect();
    let fifth = 1.0 / 5.0;
    let expected = [
        ("2025-05", (1, 5, None), 0, 0),
        ("2025-06", (0, 5, Some(-fifth)), 0, 1),
        ("2025-07", (2, 5, Some(2.0 * fifth)), 2, 0),
    ];
    assert_eq!(points, expected);
    assert_eq!(answer.flapping_count, 1);
    let flapping = &answer.flapping[0];
    assert_eq!(flapping.commune.as_ref().map(|one| one.code.as_str()), Some("00001"));
    assert_eq!((flapping.turn_count, answer.indicator.as_str()), (2, "green_coverage"));

    let nation = trend(of("00", "2025-06", "2025-07")).await.expect("a trend");
    // What 00001 was in May is not asked for, so that it does not flap; what 00004 said in May
    // holds in June.
    let turned: Vec<_> = nation.points.iter().map(|point| point.turned_green_count).collect();
    assert_eq!((turned, nation.flapping_count), (vec![0, 2], 0));
    let commune = trend(of("00004", "2025-05", "2025-07")).await.expect("a trend");
    assert_eq!((commune.points[2].turned_green_count, commune.province_code.as_str()), (1, "01"));
}

#[tokio::test]
async fn a_trend_of_a_ratio_has_months_without_a_value() {
    let rate = v1::GetTrendRequest { indicator: "rate".into(), ..of("01", "2025-04", "2025-07") };
    let answer = trend(rate).await.expect("a trend");
    let differences: Vec<_> = answer.points.iter().map(|point| point.difference).collect();
    // June is 2 of 4, July 24 of 46.
    assert_eq!(differences, [None, None, Some(0.25), Some(2.0 / 92.0)]);
    let first = answer.points[0].rollup.as_ref().expect("a rollup");
    assert_eq!(first.state(), v1::RollupState::Unknown);
    assert!(answer.flapping.is_empty());
}

#[tokio::test]
async fn a_comparison_is_per_working_day_over_those_who_reported_both() {
    let request = |code: &str| v1::ComparePeriodsRequest {
        code: code.into(),
        measure: "m".into(),
        ..Default::default()
    };
    let july = |code: &str| v1::ComparePeriodsRequest { period: "2025-07".into(), ..request(code) };
    let answer = compare(july("00")).await.expect("a comparison");
    let [now, before] = [&answer.period, &answer.baseline].map(|month| {
        let month = month.as_ref().expect("a month");
        (month.period.as_str(), month.day_count, month.weekday_count, month.holidays_listed)
    });
    // The catalogue of the fixture lists no holidays.
    assert_eq!([now, before], [("2025-07", 23, 23, false), ("2025-06", 21, 21, false)]);
    let row = |one: &v1::Comparison| {
        let sums = [&one.now, &one.before].map(|sum| sum.as_ref().map_or(-1, |sum| sum.sum));
        let code = one.locality.as_ref().map_or("", |named| &named.code).to_owned();
        (code, sums, one.compared_count, one.movement())
    };
    let parts: Vec<_> = answer.parts.iter().map(row).collect();
    let expected = [
        ("04".to_owned(), [40, 42], 1, v1::Movement::Fell),
        ("01".to_owned(), [23, 2], 1, v1::Movement::Rose),
        ("08".to_owned(), [0, 0], 0, v1::Movement::Unspecified),
        ("12".to_owned(), [0, 0], 0, v1::Movement::Unspecified),
    ];
    assert_eq!(parts, expected);
    let total = answer.total.as_ref().expect("a total");
    assert_eq!(row(total), ("00".to_owned(), [63, 44], 2, v1::Movement::Rose));
    let reported = [&total.now, &total.before].map(|sum| sum.as_ref().map(|it| it.reported_count));
    assert_eq!((reported, total.commune_count), ([Some(3), Some(3)], 10));
    assert!((total.difference - (63.0 / 23.0 - 44.0 / 21.0)).abs() < 1e-12);

    let province = compare(july("04")).await.expect("a comparison");
    let fell = &province.parts[0];
    assert_eq!(row(fell), ("00002".to_owned(), [40, 42], 1, v1::Movement::Fell));
    let relative = fell.relative_difference.expect("June is above 0");
    assert!((relative - (40.0 / 23.0 / 2.0 - 1.0)).abs() < 1e-12, "{relative}");
    assert_eq!(province.parts.len(), 4);
    let commune = compare(july("00001")).await.expect("a comparison");
    assert_eq!((commune.parts.len(), commune.total.map(|one| row(&one).1)), (0, Some([23, 2])));
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_by_name() {
    let asks = [
        (of("99", "", ""), "99"),
        (of("1", "", ""), "code"),
        (of("01", "2025-08", "2025-07"), "from_period"),
        (of("01", "2020-07", "2025-07"), "from_period"),
        (of("01", "", "July"), "to_period"),
        (of("01", "", "2025-08"), "to_period"),
    ];
    for (request, name) in asks {
        assert_eq!(refusal(trend(request.clone()).await).1, name, "{request:?}");
    }
    assert_eq!(trend(of("01", "2020-08", "2025-07")).await.expect("a trend").points.len(), 60);
    let measure = |measure: &str, baseline_period: &str| v1::ComparePeriodsRequest {
        code: "01".into(),
        measure: measure.into(),
        period: "2025-06".into(),
        baseline_period: baseline_period.into(),
    };
    let asks = [
        (measure("rate", ""), "measure"),
        (measure("", ""), "measure"),
        (measure("m", "2025-06"), "baseline_period"),
        (measure("m", "then"), "baseline_period"),
    ];
    for (request, name) in asks {
        let found = refusal(compare(request.clone()).await);
        assert_eq!(found, (Code::InvalidArgument, name.to_owned()), "{request:?}");
    }
}

/// All was observed at noon on the first of July, for whichever month.
#[tokio::test]
async fn days_are_listed_page_by_page() {
    let list = async |page_token: String| {
        let (code, page_size) = ("01".to_owned(), 2);
        let ask = v1::ListDaysRequest { code, page_size, page_token, ..Default::default() };
        let request = v1::ListDaysRequest { period: "2025-07".to_owned(), ..ask };
        serve().list_days(Request::new(request)).await.expect("a page").into_inner()
    };
    let (mut rows, mut token) = (Vec::new(), String::new());
    loop {
        let page = list(token).await;
        // The clock says noon on the ninth.
        assert_eq!((page.day_count, page.commune_count, page.flapping_count), (9, 5, 0));
        for row in &page.rows {
            let behind = row.provenance.as_ref().expect("a provenance");
            let observed = (row.unknown_day_count == 0).then(|| wire_time(july(1)));
            assert_eq!(behind.data_time, observed, "{row:?}");
        }
        rows.extend(page.rows.iter().map(|row| {
            let commune = row.commune.as_ref().expect("a commune").code.clone();
            (commune, [row.met_day_count, row.unmet_day_count, row.unknown_day_count])
        }));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let silent = ["00006", "00007", "00011"].map(|code| (code.to_owned(), [0, 0, 9]));
    let green = ["00001", "00004"].map(|code| (code.to_owned(), [9, 0, 0]));
    assert_eq!(rows, [&silent[..], &green].concat());
}

#[tokio::test]
async fn days_of_what_is_no_criterion_are_refused() {
    let list = async |code: &str, criterion: &str| {
        let [code, criterion] = [code, criterion].map(str::to_owned);
        let request = v1::ListDaysRequest { code, criterion, ..Default::default() };
        serve().list_days(Request::new(request)).await
    };
    let found = list("00001", "a").await.expect("a page").into_inner();
    assert_eq!((found.rows.len(), found.criterion.as_str()), (1, "a"));
    let refused = list("01", "m").await;
    assert_eq!(refusal(refused), (Code::InvalidArgument, "criterion".to_owned()));
    assert_eq!(refusal(list("99", "a").await), (Code::NotFound, "99".to_owned()));
}
