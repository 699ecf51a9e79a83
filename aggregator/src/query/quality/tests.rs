use std::{sync::Arc, time::Duration};

use phuxanh_proto::model::{Observation, Timestamp};
use tokio::sync::watch;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::{
    insight::fixture::deliveries::{Delivery, view},
    rollup::fixture::{catalogue, gazetteer, july, observation},
};

/// What a caller learns: the code, and the field that is meant.
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
    let view = view(catalogue(), &gazetteer(), &reported());
    let (_, view) = watch::channel(Arc::new(view));
    let stale_after = Duration::from_hours(24 * 365);
    let clock = || "2025-08-05 23:59:59".parse().expect("a time");
    Quality::new(Context { view, clock, stale_after })
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
