use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    Observation, Timestamp,
    catalogue::Catalogue,
    figures::{
        insight::fixture::deliveries::{Delivery, view},
        rollup::fixture::{catalogue, gazetteer, july, observation},
        view::View,
    },
};
use phuxanh_proto::v1::{list_receipts_request::Subject, list_receipts_response::Number};
use tokio::sync::watch;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::query::{heavy, recent_views};

/// Returns what a caller learns: the code, and the field that is meant.
fn refusal<T: std::fmt::Debug>(result: Result<Response<T>, Status>) -> (Code, String) {
    let status = result.expect_err("a refusal");
    let details = status.get_error_details();
    let field = details.bad_request().map(|found| found.field_violations[0].field.clone());
    (status.code(), field.unwrap_or_default())
}

fn code_of(named: Option<&v1::NamedLocality>) -> &str {
    named.map_or("", |named| &named.code)
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn told(locality: &str, month: &str) -> Observation {
    observation(locality, "m", month, Some(1), july(1))
}

/// Two communes report July in time and one late; Tuyên Quang has only reported May.
fn reported() -> Vec<Delivery> {
    let in_time = vec![told("00001", "2025-07"), told("00002", "2025-07")];
    let late = vec![told("00004", "2025-07"), told("00002", "2025-07"), told("00003", "2025-05")];
    vec![
        Delivery { receipt: time("2025-08-05 23:59"), all: in_time },
        Delivery { receipt: time("2025-08-06 00:00"), all: late },
    ]
}

fn serve() -> Quality {
    serve_view(view(catalogue(), &gazetteer(), &reported()))
}

fn serve_view(view: View) -> Quality {
    let (_, view) = watch::channel(Arc::new(view));
    let stale_after = Duration::from_hours(24 * 365);
    let clock = || "2025-08-05 23:59:59".parse().expect("a time");
    let recent_views = recent_views::Rules { count_max: 1, span: stale_after };
    let heavy = heavy::Rules { running_max: 1, waiting_max: 1 };
    let context = Context::new(view, clock, stale_after, recent_views, heavy);
    Quality::new(context, Kept::default().log(0))
}

async fn completeness(within: &str) -> Result<Response<v1::GetCompletenessResponse>, Status> {
    let request =
        v1::GetCompletenessRequest { within: within.to_owned(), period: "2025-07".to_owned() };
    serve().get_completeness(Request::new(request)).await
}

#[tokio::test]
async fn reports_are_counted_in_time_and_since() {
    let answer = completeness("").await.expect("an answer").into_inner();
    let deadline = answer.deadline_time.expect("a deadline");
    assert_eq!(deadline.seconds * 1_000_000, time("2025-08-06 00:00").micros());
    assert!(!answer.deadline_passed);
    let counts = |found: &v1::Completeness| {
        let counts = [found.commune_count, found.in_time_count, found.reported_count];
        (code_of(found.scope.as_ref()).to_owned(), counts)
    };
    let total = answer.total.expect("a total");
    assert_eq!(counts(&total), ("00".to_owned(), [7, 2, 3]));
    assert!((total.reported_share - 3.0 / 7.0).abs() < 1e-12);
    let provinces: Vec<_> = answer.provinces.iter().map(counts).collect();
    let expected = [("01", [3, 1, 2]), ("04", [3, 1, 1]), ("08", [1, 0, 0]), ("12", [0, 0, 0])];
    assert_eq!(provinces, expected.map(|(code, counts)| (code.to_owned(), counts)));
    assert_eq!(answer.provinces[2].first_receipt_time, None);
    assert!(answer.provinces[3].reported_share.abs() < 1e-12);

    let within = completeness("01").await.expect("an answer").into_inner();
    assert_eq!(within.total.as_ref(), answer.provinces.first());
    assert!(within.provinces.is_empty());
    assert_eq!(refusal(completeness("00001").await), (Code::InvalidArgument, "within".into()));
}

async fn silent(request: v1::ListSilentRequest) -> v1::ListSilentResponse {
    serve().list_silent(Request::new(request)).await.expect("an answer").into_inner()
}

fn july_of(level: v1::Level) -> v1::ListSilentRequest {
    v1::ListSilentRequest {
        level: level.into(),
        period: "2025-07".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn who_is_silent_is_listed_page_by_page() {
    let mut codes = Vec::new();
    let mut request = v1::ListSilentRequest { page_size: 3, ..july_of(v1::Level::Commune) };
    loop {
        let page = silent(request.clone()).await;
        assert_eq!((page.silent_count, page.locality_count), (4, 7));
        codes.extend(page.rows.iter().map(|row| code_of(row.locality.as_ref()).to_owned()));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(codes, ["00003", "00005", "00007", "00009"]);
    let foreign = v1::ListSilentRequest { by_deadline: true, page_token: "00".into(), ..request };
    let refused = serve().list_silent(Request::new(foreign)).await;
    assert_eq!(refusal(refused), (Code::InvalidArgument, "page_token".into()));

    let provinces = silent(july_of(v1::Level::Province)).await;
    let rows: Vec<_> = provinces
        .rows
        .iter()
        .map(|row| (code_of(row.locality.as_ref()), row.last_period.as_str()))
        .collect();
    assert_eq!(rows, [("08", "2025-05"), ("12", "")]);
}

#[tokio::test]
async fn by_the_deadline_the_late_ones_are_listed_too() {
    let within = v1::ListSilentRequest {
        within: "01".into(),
        by_deadline: true,
        ..july_of(v1::Level::Commune)
    };
    let answer = silent(within).await;
    let rows: Vec<_> = answer
        .rows
        .iter()
        .map(|row| (code_of(row.locality.as_ref()), row.first_receipt_time.is_some()))
        .collect();
    assert_eq!(rows, [("00004", true), ("00007", false)]);
    assert_eq!(answer.rows[0].province_code, "01");
}

/// By the built-in catalogue: Hà Nội synchronises more than it received and turns green on the eve
/// of the report, a ward reports the same three months long, another one copies it, and Cao Bằng
/// declares less than its communes.
fn implausible() -> Quality {
    let month = |locality, metric, month, value| {
        observation(locality, metric, month, Some(value), july(31))
    };
    let at = |locality, metric, value| month(locality, metric, "2025-07", value);
    let catalogue = Arc::new(Catalogue::builtin());
    let mut all = vec![
        at("00001", "applications_received", 40),
        at("00001", "records_synchronised", 42),
        at("00002", "applications_received", 9),
        at("04", "declared_applications_received", 8),
        month("00004", "applications_post", "2025-05", 70),
        month("00004", "applications_post", "2025-06", 70),
    ];
    let copied = ["applications_post", "fees_due", "petitions_received", "results_due"];
    for (value, metric) in (70..).zip(copied.into_iter().chain(["applications_completed"])) {
        all.extend(["00004", "00007"].map(|locality| at(locality, metric, value)));
    }
    let criteria = catalogue.criteria.iter();
    all.extend(criteria.map(|criterion| at("00001", &criterion.definition.id, 1)));
    let deliveries = [Delivery { receipt: time("2025-08-01 08:00"), all }];
    serve_view(view(catalogue, &gazetteer(), &deliveries))
}

async fn flags(request: v1::ListFlagsRequest) -> Result<Response<v1::ListFlagsResponse>, Status> {
    let request = v1::ListFlagsRequest { period: "2025-07".to_owned(), ..request };
    implausible().list_flags(Request::new(request)).await
}

#[tokio::test]
async fn flags_are_listed_page_by_page_with_their_counts() {
    let mut found = Vec::new();
    let mut request = v1::ListFlagsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = flags(request.clone()).await.expect("a page").into_inner();
        let counts: Vec<_> = page.counts.iter().map(|one| (one.rule(), one.flag_count)).collect();
        let expected = [
            (v1::FlagRule::Part, 1),
            (v1::FlagRule::Total, 1),
            (v1::FlagRule::Frozen, 1),
            (v1::FlagRule::Copied, 1),
            (v1::FlagRule::Eve, 1),
        ];
        assert_eq!(counts, expected);
        found.extend(page.flags);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let told: Vec<_> = found
        .iter()
        .map(|flag| (flag.rule(), code_of(flag.locality.as_ref()), flag.extent))
        .collect();
    let expected = [
        (v1::FlagRule::Part, "00001", 2),
        (v1::FlagRule::Total, "04", 1),
        (v1::FlagRule::Frozen, "00004", 3),
        (v1::FlagRule::Copied, "00007", 5),
        (v1::FlagRule::Eve, "00001", 13),
    ];
    assert_eq!(told, expected);
    let part = v1::PartFinding {
        part: "records_synchronised".into(),
        whole: "applications_received".into(),
        part_value: 42,
        whole_value: 40,
    };
    assert_eq!(found[0].finding, Some(v1::flag::Finding::Part(part)));
    assert_eq!(found.iter().map(|flag| flag.evidence.len()).collect::<Vec<_>>(), [2, 1, 3, 10, 13]);
    let Some(v1::flag::Finding::Total(total)) = &found[1].finding else { panic!("{found:?}") };
    assert_eq!((total.declared_value, total.sum_least, total.sum_most), (8, 9, None));
    let Some(v1::flag::Finding::Eve(eve)) = &found[4].finding else { panic!("{found:?}") };
    assert_eq!((eve.deadline.as_str(), eve.criteria.len()), ("report_2025_07", 13));
    let foreign = v1::ListFlagsRequest { rule: v1::FlagRule::Eve.into(), ..request };
    assert_eq!(refusal(flags(foreign).await), (Code::InvalidArgument, "page_token".into()));
}

#[tokio::test]
async fn flags_are_listed_by_rule_and_province() {
    let ask = |within: &str, rule: v1::FlagRule| v1::ListFlagsRequest {
        within: within.to_owned(),
        rule: rule.into(),
        ..Default::default()
    };
    let answer = flags(ask("04", v1::FlagRule::Unspecified)).await.expect("an answer").into_inner();
    assert_eq!(answer.flags.len(), 1);
    assert_eq!(answer.counts.iter().map(|one| one.flag_count).collect::<Vec<_>>(), [0, 1, 0, 0, 0]);
    let answer = flags(ask("", v1::FlagRule::Frozen)).await.expect("an answer").into_inner();
    let periods = answer.flags[0].evidence.iter().map(|receipt| receipt.period.as_str());
    assert_eq!(periods.collect::<Vec<_>>(), ["2025-07", "2025-06", "2025-05"]);
    let unknown = v1::ListFlagsRequest { rule: 99, ..Default::default() };
    assert_eq!(refusal(flags(unknown).await), (Code::InvalidArgument, "rule".into()));
}

async fn receipts(
    code: &str,
    subject: Option<Subject>,
    page_size: i32,
    page_token: &str,
) -> Result<Response<v1::ListReceiptsResponse>, Status> {
    let request = v1::ListReceiptsRequest {
        code: code.to_owned(),
        subject,
        period: "2025-07".to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    implausible().list_receipts(Request::new(request)).await
}

#[tokio::test]
async fn the_receipts_of_a_ratio_add_up_to_it() {
    let rate = Some(Subject::Indicator("synchronisation_rate".to_owned()));
    let answer = receipts("01", rate, 0, "").await.expect("an answer").into_inner();
    let Some(Number::Rollup(rollup)) = &answer.number else { panic!("{answer:?}") };
    assert_eq!((rollup.numerator, rollup.denominator), (42, 40));
    let told: Vec<_> = answer
        .receipts
        .iter()
        .map(|one| {
            let receipt = one.receipt.as_ref().expect("a receipt");
            let factors = (one.numerator_factor, one.denominator_factor);
            (receipt.metric.as_str(), receipt.value, factors)
        })
        .collect();
    let expected = [("records_synchronised", 42, (1, 0)), ("applications_received", 40, (0, 1))];
    assert_eq!(told, expected);
    let receipt = answer.receipts[0].receipt.as_ref().expect("a receipt");
    assert_eq!(
        (receipt.reporter_code.as_str(), code_of(receipt.locality.as_ref())),
        ("01", "00001")
    );
    assert_eq!((receipt.host.as_str(), receipt.log_id.as_slice()), ("one", &[7; 16][..]));
    assert_eq!(receipt.log_epoch, 1);
    assert_eq!((receipt.sequence, receipt.index), (1, 1));
    // The log of the fixture names another catalogue than the built-in one.
    assert_eq!((receipt.catalogue_digest.as_slice(), receipt.catalogue_version), (&[3; 32][..], 0));
    let received = receipt.receipt_time.expect("a time");
    assert_eq!(received.seconds * 1_000_000, time("2025-08-01 08:00").micros());
}

#[tokio::test]
async fn receipts_are_listed_page_by_page() {
    let (mut metrics, mut token) = (Vec::new(), String::new());
    loop {
        let page = receipts("00", None, 5, &token).await.expect("a page").into_inner();
        assert_eq!(page.receipt_count, 13);
        let listed = page.receipts.iter().filter_map(|one| one.receipt.as_ref());
        metrics.extend(listed.map(|receipt| receipt.metric.clone()));
        if page.next_page_token.is_empty() {
            break;
        }
        token = page.next_page_token;
    }
    let criteria: Vec<_> =
        Catalogue::builtin().criteria.iter().map(|one| one.definition.id.clone()).collect();
    assert_eq!(metrics, criteria);
    let foreign = receipts("01", None, 5, "00").await;
    assert_eq!(refusal(foreign), (Code::InvalidArgument, "page_token".into()));
}

#[tokio::test]
async fn a_criterion_and_a_measure_have_receipts_too() {
    let metric = |id: &str| Some(Subject::Metric(id.to_owned()));
    let answer = receipts("00", metric("applications_post"), 1, "").await.expect("an answer");
    let answer = answer.into_inner();
    let sum = |measure: &str, sum, reported_count, locality_count| {
        let measure = measure.to_owned();
        Some(Number::Measure(v1::MeasureSum { measure, sum, reported_count, locality_count }))
    };
    assert_eq!(answer.number, sum("applications_post", 140, 2, 7));
    assert_eq!((answer.receipts.len(), answer.receipt_count), (1, 2));
    let answer = receipts("01", metric("staff_assigned"), 0, "").await.expect("an answer");
    let Some(Number::Criterion(criterion)) = answer.into_inner().number else { panic!() };
    assert_eq!((criterion.met_count, criterion.unknown_count), (1, 2));
    let silent = receipts("08", metric("applications_post"), 0, "").await.expect("an answer");
    assert_eq!(silent.into_inner().number, sum("applications_post", 0, 0, 1));
    let declared = "declared_applications_received";
    for (code, reported) in [("04", sum(declared, 8, 1, 1)), ("00", sum(declared, 8, 1, 4))] {
        let answer = receipts(code, metric(declared), 0, "").await.expect("an answer");
        assert_eq!(answer.into_inner().number, reported);
    }
    let of_province = receipts("00002", metric(declared), 0, "").await;
    assert_eq!(refusal(of_province), (Code::InvalidArgument, "code".into()));
    let unknown = receipts("01", metric("happiness"), 0, "").await;
    assert_eq!(refusal(unknown), (Code::InvalidArgument, "metric".into()));
    let unknown = receipts("99", None, 0, "").await.expect_err("a refusal");
    assert_eq!(unknown.code(), Code::NotFound);
}
