use std::{sync::Arc, time::Duration};

use phuxanh_core::figures::{
    insight::fixture::{Told, view},
    rollup::fixture::{code, july},
};
use phuxanh_proto::v1::get_cause_response::Split;
use tokio::sync::watch;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::query::{heavy, recent_views};

/// Hà Nội declares everything and measures nothing; Cao Bằng has one green commune, one blocked by
/// "a" alone, one that has not said "c", one that lacks "a" and "b"; Tuyên Quang is silent.
fn told() -> Vec<Told> {
    let (yes, no) = (Some(true), Some(false));
    let all = [
        ("00001", "01", [yes; 6], [Some(0), Some(4), Some(1), Some(1), Some(2), None]),
        ("00004", "01", [yes; 6], [Some(1), Some(4), Some(1), Some(1), Some(3), None]),
        ("00006", "01", [yes; 6], [Some(0), Some(8), None, None, None, None]),
        ("00007", "01", [yes; 6], [None; 6]),
        ("00011", "01", [yes; 6], [None; 6]),
        ("00002", "04", [yes; 6], [Some(2), Some(4), Some(0), Some(0), None, None]),
        ("00005", "04", [no, yes, yes, yes, yes, None], [None; 6]),
        ("00009", "04", [yes, yes, None, yes, yes, None], [None; 6]),
        ("00010", "04", [no, no, yes, yes, yes, None], [None; 6]),
        ("00003", "08", [None; 6], [None; 6]),
    ];
    let told = all.map(|(commune, province, criteria, measures)| Told {
        code: code(commune),
        province: code(province),
        criteria,
        measures,
    });
    told.to_vec()
}

fn serve(all: &[Told]) -> Insights {
    let (_, view) = watch::channel(Arc::new(view(all)));
    let stale_after = Duration::from_hours(24 * 365);
    let recent_views = recent_views::Rules { count_max: 1, span: stale_after };
    let heavy = heavy::Rules { running_max: 1, waiting_max: 1 };
    Insights::new(Context::new(view, || july(9), stale_after, recent_views, heavy))
}

/// Returns what a caller learns: the code, and the field or the resource that is meant.
fn refusal<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> (Code, String) {
    let status = result.expect_err("a refusal");
    let details = status.get_error_details();
    let field = details.bad_request().map(|found| found.field_violations[0].field.clone());
    let resource = details.resource_info().map(|found| found.resource_name.clone());
    assert!(details.error_info().is_some());
    (status.code(), field.or(resource).unwrap_or_default())
}

fn code_of(named: Option<&v1::NamedLocality>) -> &str {
    named.map_or("", |named| &named.code)
}

async fn distribution(
    request: v1::GetDistributionRequest,
) -> Result<Response<v1::GetDistributionResponse>, Status> {
    serve(&told()).get_distribution(Request::new(request)).await
}

#[tokio::test]
async fn provinces_are_spread_and_named_by_band() {
    let answer = distribution(v1::GetDistributionRequest::default()).await.expect("an answer");
    let answer = answer.into_inner();
    assert_eq!((answer.indicator.as_str(), answer.period.as_str()), ("green_coverage", "2025-07"));
    assert_eq!((answer.green_from, answer.yellow_from), (0.7, 0.5));
    assert_eq!((answer.level(), answer.direction()), (v1::Level::Province, v1::Direction::Up));
    assert!(answer.provinces.is_empty());
    let total = answer.total.expect("a total");
    assert_eq!((code_of(total.scope.as_ref()), total.locality_count), ("00", 4));
    let bands: Vec<_> = total
        .bands
        .iter()
        .map(|band| {
            let codes = band.provinces.iter().map(|named| named.code.as_str());
            (band.band(), band.at_least_count, codes.collect::<Vec<_>>())
        })
        .collect();
    let expected = [
        (v1::Band::Full, 1, vec!["01"]),
        (v1::Band::Green, 1, vec![]),
        (v1::Band::Yellow, 1, vec![]),
        (v1::Band::Below, 2, vec!["04"]),
        (v1::Band::Unknown, 0, vec!["08", "12"]),
        (v1::Band::Untested, 0, vec![]),
    ];
    assert_eq!(bands, expected);
}

#[tokio::test]
async fn communes_are_counted_by_province() {
    let communes =
        || v1::GetDistributionRequest { level: v1::Level::Commune.into(), ..Default::default() };
    let answer = distribution(communes()).await.expect("an answer").into_inner();
    let counts = |found: &v1::Distribution| {
        assert!(found.bands.iter().all(|band| band.provinces.is_empty()));
        found.bands.iter().map(|band| band.locality_count).collect::<Vec<_>>()
    };
    assert_eq!(answer.total.as_ref().map(counts), Some(vec![6, 0, 0, 2, 2, 0]));
    let provinces: Vec<_> = answer
        .provinces
        .iter()
        .map(|one| (code_of(one.scope.as_ref()), one.locality_count, counts(one)))
        .collect();
    let expected = [
        ("01", 5, vec![5, 0, 0, 0, 0, 0]),
        ("04", 4, vec![1, 0, 0, 2, 1, 0]),
        ("08", 1, vec![0, 0, 0, 0, 1, 0]),
        ("12", 0, vec![0; 6]),
    ];
    assert_eq!(provinces, expected);

    let within = v1::GetDistributionRequest { within: "04".into(), ..communes() };
    let answer = distribution(within).await.expect("an answer").into_inner();
    assert_eq!(answer.total.as_ref().map(counts), Some(vec![1, 0, 0, 2, 1, 0]));
    assert!(answer.provinces.is_empty());
}

#[tokio::test]
async fn an_indicator_without_a_legend_has_no_bands() {
    let request = v1::GetDistributionRequest { indicator: "load".into(), ..Default::default() };
    let status = distribution(request).await.expect_err("a refusal");
    assert_eq!(
        status.message(),
        "load has no legend, so that it has no bands: expected one of green_coverage, rate, burden"
    );
    assert_eq!(refusal::<()>(Err(status)), (Code::InvalidArgument, "indicator".to_owned()));
}

#[tokio::test]
async fn shortfalls_tell_who_would_turn_green() {
    let served = serve(&told());
    let nation = served.get_shortfalls(Request::new(v1::GetShortfallsRequest::default())).await;
    let nation = nation.expect("an answer").into_inner();
    let counts = |scope: &v1::ScopeShortfalls| {
        let all = scope.shortfalls.iter().map(|one| {
            (one.unmet_count, one.unknown_count, one.flip_count, one.flip_unknown_count)
        });
        all.collect::<Vec<_>>()
    };
    let total = nation.total.expect("a total");
    let expected =
        [(2, 1, 1, 0), (1, 1, 0, 0), (0, 2, 0, 1), (0, 1, 0, 0), (0, 1, 0, 0), (0, 4, 0, 0)];
    assert_eq!(counts(&total), expected);
    assert_eq!(total.shortfalls[0].criterion, "a");
    assert!(total.shortfalls[0].required && !total.shortfalls[5].required);
    let coverage = total.coverage.expect("coverage");
    assert_eq!((coverage.numerator, coverage.denominator), (6, 10));
    let codes: Vec<_> = nation.provinces.iter().map(|one| code_of(one.scope.as_ref())).collect();
    assert_eq!(codes, ["01", "04", "08", "12"]);

    let within = v1::GetShortfallsRequest { within: "04".into(), ..Default::default() };
    let within = served.get_shortfalls(Request::new(within)).await.expect("an answer").into_inner();
    assert_eq!(within.total, Some(nation.provinces[1].clone()));
    assert!(within.provinces.is_empty());
}

#[tokio::test]
async fn a_path_lists_the_cheapest_communes() {
    let served = serve(&told());
    let request =
        v1::GetPathRequest { code: "04".into(), target_percent: 70, ..Default::default() };
    let path = served.get_path(Request::new(request)).await.expect("an answer").into_inner();
    assert_eq!((path.target_count, path.needed_count), (3, 2));
    let communes: Vec<_> = path
        .communes
        .iter()
        .map(|one| (code_of(one.commune.as_ref()), one.unmet.join(), one.unknown.join()))
        .collect();
    let expected = [("00005", "a".into(), String::new()), ("00009", String::new(), "c".into())];
    assert_eq!(communes, expected);
    assert_eq!((path.unmet_fix_count, path.unknown_fix_count), (1, 1));
    let set = path.criterion_set.expect("a set");
    // "a" and "b" turn two communes green with three fixes, "a" and "c" with three too.
    assert_eq!((set.criteria.join(), set.exact, set.lower_bound), ("ab".into(), true, 2));
    assert_eq!((set.turned_count, set.unmet_fix_count, set.unknown_fix_count), (2, 3, 0));
}

trait Join {
    fn join(&self) -> String;
}

impl Join for Vec<String> {
    fn join(&self) -> String {
        self.concat()
    }
}

#[tokio::test]
async fn a_cause_is_split_over_criteria_with_the_obstacles_beside_it() {
    let served = serve(&told());
    let request = v1::GetCauseRequest { code: "04".into(), ..Default::default() };
    let cause = served.get_cause(Request::new(request)).await.expect("an answer").into_inner();
    let Some(Split::Criteria(split)) = cause.split else { panic!("{:?}", cause.split) };
    // 6/10 − 1/4 = 7/20, in hundredths: a 3/8 − 3/20 = 22.5, b 1/8 − 1/20 = 7.5; unknown c
    // 1/4 − 3/25 = 13 and a, b, d, e −2 each, from Tuyên Quang.
    assert_eq!((split.distance_numerator, split.denominator), (70, 200));
    let parts: Vec<_> = split
        .parts
        .iter()
        .map(|part| (part.criterion.as_str(), part.unmet_numerator, part.unknown_numerator))
        .collect();
    let expected = [("a", 45, -4), ("c", 0, 26), ("b", 15, -4), ("d", 0, -4), ("e", 0, -4)];
    assert_eq!(parts, expected);
    assert_eq!((split.unmet_numerator, split.unknown_numerator), (60, 10));
    assert!((split.distance - 0.35).abs() < 1e-12);

    let request = v1::GetCauseRequest { code: "01".into(), ..Default::default() };
    let hanoi = served.get_cause(Request::new(request)).await.expect("an answer").into_inner();
    let obstacles: Vec<_> = hanoi
        .obstacles
        .iter()
        .map(|one| (one.measure.as_str(), one.reported, one.reported_count, one.commune_count))
        .collect();
    assert_eq!(obstacles, [("o1", 5, 2, 5), ("o2", 0, 0, 5)]);
}

#[tokio::test]
async fn a_ratio_is_split_over_communes_and_the_rest_is_summed() {
    let served = serve(&told());
    let request = v1::GetCauseRequest {
        code: "01".into(),
        indicator: "rate".into(),
        part_max: 1,
        ..Default::default()
    };
    let cause = served.get_cause(Request::new(request)).await.expect("an answer").into_inner();
    let Some(Split::Communes(split)) = cause.split else { panic!("{:?}", cause.split) };
    // 3/20 − 1/16 = 7/80, of which 00006 has 3/20 × 8 ÷ 16 = 6/80.
    assert_eq!((split.distance_numerator, split.denominator), (7, 80));
    let first = &split.parts[0];
    assert_eq!((code_of(first.commune.as_ref()), first.numerator), ("00006", 6));
    assert_eq!((first.commune_numerator, first.commune_denominator), (0, 8));
    assert_eq!((split.parts.len(), split.rest_count, split.rest_numerator), (1, 2, 1));

    let silent =
        v1::GetCauseRequest { code: "08".into(), indicator: "rate".into(), ..Default::default() };
    let silent = served.get_cause(Request::new(silent)).await.expect("an answer").into_inner();
    assert_eq!(silent.split, None);
    let commune = v1::GetCauseRequest { code: "00010".into(), ..Default::default() };
    let commune = served.get_cause(Request::new(commune)).await.expect("an answer").into_inner();
    assert_eq!(commune.province_code, "04");
    let Some(Split::Criteria(split)) = commune.split else { panic!("{:?}", commune.split) };
    assert_eq!((5 * split.distance_numerator, split.parts.len()), (3 * split.denominator, 5));
}

#[tokio::test]
async fn gaps_are_told_by_criterion_and_ranked() {
    let served = serve(&told());
    let of =
        |code: &str| Request::new(v1::GetGapRequest { code: code.into(), ..Default::default() });
    let hanoi = served.get_gap(of("01")).await.expect("an answer").into_inner();
    let gaps: Vec<_> = hanoi
        .criteria
        .iter()
        .map(|one| (one.criterion.as_str(), one.state(), one.gap_billionths))
        .collect();
    // rate 1/16 of 1/2: 1 − 1/8; load 2/2; other 1/2 of 0.8: 1 − 5/8.
    let expected = [
        ("a", v1::GapState::Known, 875_000_000),
        ("c", v1::GapState::Known, 0),
        ("x", v1::GapState::Known, 375_000_000),
    ];
    assert_eq!(gaps, expected);
    let gap = hanoi.gap.expect("a gap");
    assert_eq!(
        (gap.state(), gap.numerator, gap.denominator),
        (v1::RollupState::Known, 1_250_000_000, 3_000_000_000)
    );
    assert_eq!((gap.criterion_count, gap.without_gap_count), (3, 0));
    let cao_bang = served.get_gap(of("04")).await.expect("an answer").into_inner();
    let states: Vec<_> = cao_bang.criteria.iter().map(v1::CriterionGap::state).collect();
    assert_eq!(states, [v1::GapState::Known, v1::GapState::Untested, v1::GapState::Untested]);

    let rank = |section: v1::Section, page_size, page_token: String| {
        let section = section.into();
        Request::new(v1::RankGapsRequest { section, page_size, page_token, ..Default::default() })
    };
    let first = served.rank_gaps(rank(v1::Section::Ranked, 1, String::new())).await;
    let first = first.expect("a page").into_inner();
    let rows = |answer: &v1::RankGapsResponse| {
        let rows = answer.rows.iter();
        rows.map(|row| (row.rank, code_of(row.locality.as_ref()).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(rows(&first), [(1, "01".to_owned())]);
    assert_eq!(first.rows[0].widest_criterion, "a");
    assert_eq!(first.rows[0].widest_gap_billionths, 875_000_000);
    assert_eq!((first.ranked_count, first.unknown_count, first.untested_count), (2, 2, 0));
    let token = first.next_page_token;
    let next = served.rank_gaps(rank(v1::Section::Ranked, 1, token.clone())).await;
    let next = next.expect("a page").into_inner();
    assert_eq!((rows(&next), next.next_page_token.as_str()), (vec![(2, "04".to_owned())], ""));
    let unknown = served.rank_gaps(rank(v1::Section::Unknown, 9, String::new())).await;
    let unknown = unknown.expect("a page").into_inner();
    assert_eq!(rows(&unknown), [(0, "08".to_owned()), (0, "12".to_owned())]);
    let foreign = served.rank_gaps(rank(v1::Section::Unknown, 1, token)).await;
    assert_eq!(refusal(foreign), (Code::InvalidArgument, "page_token".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_named() {
    let served = serve(&told());
    let path = async |code: &str, target_percent| {
        let request =
            v1::GetPathRequest { code: code.into(), target_percent, ..Default::default() };
        refusal(served.get_path(Request::new(request)).await)
    };
    let invalid = |field: &str| (Code::InvalidArgument, field.to_owned());
    assert_eq!(path("00002", 70).await, invalid("code"));
    assert_eq!(path("00", 70).await, invalid("code"));
    assert_eq!(path("99", 70).await, (Code::NotFound, "99".to_owned()));
    assert_eq!(path("04", 0).await, invalid("target_percent"));
    assert_eq!(path("04", 101).await, invalid("target_percent"));
    let cause = async |code: &str, indicator: &str, part_max| {
        let (code, indicator) = (code.into(), indicator.into());
        let request = v1::GetCauseRequest { code, indicator, part_max, ..Default::default() };
        refusal(served.get_cause(Request::new(request)).await)
    };
    assert_eq!(cause("00", "", 0).await, invalid("code"));
    assert_eq!(cause("04", "happiness", 0).await, invalid("indicator"));
    assert_eq!(cause("04", "", -1).await, invalid("part_max"));
    let shortfalls = v1::GetShortfallsRequest { within: "00002".into(), ..Default::default() };
    let refused = refusal(served.get_shortfalls(Request::new(shortfalls)).await);
    assert_eq!(refused, invalid("within"));
    let gaps = v1::RankGapsRequest { level: v1::Level::Nation.into(), ..Default::default() };
    assert_eq!(refusal(served.rank_gaps(Request::new(gaps)).await), invalid("level"));
}

#[tokio::test]
async fn what_does_not_fit_into_64_bits_is_out_of_range() {
    let mut all = told();
    for (told, count) in all.iter_mut().zip([i64::MAX / 8, i64::MAX / 8 - 1]) {
        told.measures[0] = Some(count);
        told.measures[1] = Some(count - 2);
    }
    let request =
        v1::GetCauseRequest { code: "01".into(), indicator: "rate".into(), ..Default::default() };
    let refused = refusal(serve(&all).get_cause(Request::new(request)).await);
    assert_eq!(refused, (Code::OutOfRange, String::new()));
}
