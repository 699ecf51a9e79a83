use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    Observation, Record, Timestamp,
    figures::{
        fold::{self, Changes, Fold},
        rollup::{
            ProvinceRollup,
            fixture::{catalogue, code, gazetteer, july, observation},
        },
        view::View,
    },
};
use phuxanh_proto::{
    convert::decode_batch,
    v1::{self, Fate, quality_service_server::QualityService},
};
use tokio::sync::watch;
use tonic::{Code, Request, Status};

use super::{
    super::{super::Context, Quality},
    fixture::{Kept, record},
};
use crate::query::{heavy, recent_views};

const EVERYTHING: usize = usize::MAX;

fn told(value: Option<i64>, day: u32) -> Observation {
    observation("00001", "m", "2025-07", value, july(day))
}

/// Set, set again, corrected, then older news, a withdrawal, and one that is refused.
fn records() -> Vec<Record> {
    let other = observation("00004", "m", "2025-07", Some(9), july(1));
    let news = [
        (vec![told(Some(1), 1)], &[][..]),
        (vec![other.clone(), told(Some(1), 1)], &[]),
        (vec![told(Some(2), 5)], &[]),
        (vec![told(Some(3), 3)], &[]),
        (vec![other, told(None, 8), told(Some(-4), 9)], &[2]),
    ];
    let numbered = (1..).zip(news).map(|(sequence, (all, refused))| {
        let receipt = july(9).plus(Duration::from_mins(sequence));
        record(sequence, receipt, &all, refused)
    });
    numbered.collect()
}

/// The service over a view of all records.
fn serve(kept: Kept, bytes_max: usize) -> Quality {
    let mut fold = Fold::default();
    for record in &kept.records {
        fold.apply(&fold::Record::read(record, decode_batch));
    }
    let empty = View::empty(catalogue(), gazetteer());
    let (catalogue, gazetteer) = (empty.catalogue(), empty.gazetteer());
    let rollup =
        ProvinceRollup::build(code("01"), &fold, catalogue, gazetteer, None, &Changes::new());
    let (_, view) = watch::channel(Arc::new(empty.with(vec![Arc::new(rollup)])));
    let hour = Duration::from_hours(1);
    let recent_views = recent_views::Rules { count_max: 1, span: hour };
    let heavy = heavy::Rules { running_max: 1, waiting_max: 1 };
    let clock = || -> Timestamp { "2025-08-05 12:00".parse().expect("a time") };
    Quality::new(Context::new(view, clock, hour, recent_views, heavy), kept.log(bytes_max))
}

async fn history(
    kept: Kept,
    bytes_max: usize,
    [code, metric]: [&str; 2],
) -> Result<v1::ListHistoryResponse, Status> {
    let request = v1::ListHistoryRequest {
        code: code.to_owned(),
        metric: metric.to_owned(),
        period: "2025-07".to_owned(),
    };
    Ok(serve(kept, bytes_max).list_history(Request::new(request)).await?.into_inner())
}

/// Batch, value, fate and the other's place of each.
fn rows(answer: &v1::ListHistoryResponse) -> Vec<(u64, Option<i64>, Fate, Option<i32>)> {
    let rows = answer.observations.iter().map(|one| {
        let receipt = one.receipt.as_ref().expect("a receipt");
        let value = (!one.withdrawn).then_some(receipt.value);
        (receipt.sequence, value, one.fate(), one.other)
    });
    rows.collect()
}

#[tokio::test]
async fn each_observation_says_what_became_of_it() {
    let kept = Kept { records: records(), ..Kept::default() };
    let answer = history(kept, EVERYTHING, ["00001", "m"]).await.expect("an answer");
    assert_eq!(
        rows(&answer),
        [
            (1, Some(1), Fate::Replaced, Some(2)),
            (2, Some(1), Fate::Repeated, Some(0)),
            (3, Some(2), Fate::Replaced, Some(4)),
            (4, Some(3), Fate::Superseded, Some(2)),
            (5, None, Fate::InForce, None),
            (5, Some(-4), Fate::Refused, None),
        ]
    );
    assert_eq!((answer.record_count, answer.read_count, answer.observation_count), (5, 5, 6));
    assert!(answer.observations.iter().all(|one| !one.earlier));
    let refused = answer.observations[5].refusal();
    assert_eq!(refused, v1::RejectionReason::ImpossibleValue);
    let hosts = answer.observations.iter().map(|one| one.receipt.as_ref().expect("one"));
    assert!(hosts.into_iter().all(|receipt| receipt.host == "máy một"));
}

/// The one in force is shown though its record is gone, and the answer says how much was read.
#[tokio::test]
async fn what_is_in_force_stands_first_where_its_record_was_trimmed() {
    let mut records = records();
    records.truncate(4);
    let kept = Kept { records, trimmed_count: 3, ..Kept::default() };
    let answer = history(kept, EVERYTHING, ["00001", "m"]).await.expect("an answer");
    assert_eq!(
        rows(&answer),
        [(3, Some(2), Fate::InForce, None), (4, Some(3), Fate::Superseded, Some(0))]
    );
    assert!(answer.observations[0].earlier && !answer.observations[1].earlier);
    assert_eq!((answer.record_count, answer.read_count), (4, 1));
}

/// More records than are read at once, of which the limit allows some.
#[tokio::test]
async fn the_newest_records_are_read_up_to_the_limit() {
    let all = (1..=200).map(|sequence| {
        let receipt = july(9).plus(Duration::from_mins(sequence));
        record(sequence, receipt, &[told(i64::try_from(sequence).ok(), 1)], &[])
    });
    let kept = || Kept { records: all.clone().collect(), ..Kept::default() };
    let whole = history(kept(), EVERYTHING, ["00001", "m"]).await.expect("an answer");
    let places: Vec<_> = rows(&whole).iter().map(|row| row.0).collect();
    assert_eq!(places, (1..=200).collect::<Vec<_>>());
    let cut = history(kept(), 100 * (4 << 10), ["00001", "m"]).await.expect("an answer");
    assert_eq!((cut.read_count, cut.record_count), (128, 200));
    assert_eq!(rows(&cut).first().map(|row| row.0), Some(73));
}

/// More observations than are listed came after the one in force, all of them older news.
#[tokio::test]
async fn what_is_in_force_stands_first_where_it_came_before_all_that_are_listed() {
    let late: Vec<_> = (0..1_001).map(|value| told(Some(value), 1)).collect();
    let records =
        vec![record(1, july(9), &[told(Some(7), 5)], &[]), record(2, july(10), &late, &[])];
    let kept = Kept { records, ..Kept::default() };
    let answer = history(kept, EVERYTHING, ["00001", "m"]).await.expect("an answer");
    assert_eq!((answer.observations.len(), answer.observation_count), (1_001, 1_002));
    assert_eq!(rows(&answer)[0], (1, Some(7), Fate::InForce, None));
    assert!(answer.observations[0].earlier && !answer.observations[1].earlier);
    assert_eq!(rows(&answer)[1], (2, Some(1), Fate::Superseded, Some(0)));
}

#[tokio::test]
async fn questions_that_no_cell_answers_are_refused() {
    for (asked, code, says) in [
        (["00001", "x"], Code::InvalidArgument, "no criterion or measure \"x\""),
        (["01", "m"], Code::InvalidArgument, "the code of a commune"),
        (["99999", "m"], Code::NotFound, "99999"),
    ] {
        let refused = history(Kept::default(), EVERYTHING, asked).await.expect_err("a refusal");
        assert_eq!(refused.code(), code, "{refused:?}");
        assert!(refused.message().contains(says), "{refused:?}");
    }
    let down = Kept { is_down: true, ..Kept::default() };
    let refused = history(down, EVERYTHING, ["00001", "m"]).await.expect_err("a refusal");
    assert_eq!(refused.code(), Code::Unavailable);
}
