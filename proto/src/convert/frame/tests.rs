use bytes::Bytes;
use phuxanh_core::{Batch, Chain, frame::round_trip_bytes, validation::Refusal};
use prost::Message;

use super::*;

#[test]
fn numbers_and_durations_without_bounds_are_refused_by_their_field() {
    let position = || Some(v1::LogPosition { sequence: NUMBER_MAX, chain: vec![0; 32] });
    let hello = |log_epoch| v1::Hello {
        reporter: "04".to_owned(),
        log_id: vec![1; 16],
        log_epoch,
        produced: position(),
        released: position(),
        catalogue_digest: vec![2; 32],
        ..v1::Hello::default()
    };
    assert!(from_hello(&hello(NUMBER_MAX)).is_ok());
    let refused = from_hello(&hello(NUMBER_MAX + 1)).expect_err("a number too large");
    assert_eq!(refused.field, "hello.log_epoch");
    let batch =
        v1::Batch { sequence: u64::MAX, previous_chain: vec![0; 32], ..v1::Batch::default() };
    assert_eq!(from_batch(batch).expect_err("a number too large").field, "batch.sequence");
    let retry_delay = Some(prost_types::Duration { seconds: i64::MAX, nanos: 0 });
    let throttle = v1::Throttle { retry_delay, reason: String::new() };
    let frame = deliver_response::Frame::Throttle(throttle);
    let read = from_aggregator(v1::DeliverResponse { frame: Some(frame) });
    assert_eq!(read.expect_err("a duration too long").field, "throttle.retry_delay");
}

#[test]
fn texts_of_the_other_end_are_cut_and_cleaned() {
    let hello = v1::Hello {
        reporter: "04".to_owned(),
        log_id: vec![1; 16],
        produced: Some(v1::LogPosition { sequence: 0, chain: vec![0; 32] }),
        released: Some(v1::LogPosition { sequence: 0, chain: vec![0; 32] }),
        catalogue_digest: vec![2; 32],
        host: "h".repeat(300_000),
        software: "a\u{1b}[31mb".to_owned(),
        ..v1::Hello::default()
    };
    let read = from_hello(&hello).expect("a Hello");
    assert_eq!((read.host.len(), read.software.as_str()), (HOST_BYTES_MAX, "a[31mb"));
}

#[test]
fn what_a_heartbeat_says_of_stuck_files_is_cut_and_cleaned_and_not_refused() {
    let mut sent = v1::Heartbeat {
        sent_time: Some(prost_types::Timestamp::default()),
        intake_trouble_count: 3,
        intake_trouble: format!("\u{1b}[31ma.csv: {}", "x".repeat(10_000)),
        ..Default::default()
    };
    let beat = from_heartbeat(&sent).expect("it is taken");
    let expected = format!("[31ma.csv: {}", "x".repeat(189));
    assert_eq!(beat.intake_trouble, IntakeTrouble { file_count: 3, first: expected });
    assert_eq!(from_heartbeat(&to_heartbeat(&beat)), Ok(beat));
    sent.intake_trouble_count = 0;
    let beat = from_heartbeat(&sent).expect("it is taken");
    assert_eq!(beat.intake_trouble, IntakeTrouble::default());
}

#[test]
fn a_refusal_takes_no_more_bytes_than_links_are_given_time_for() {
    let observation_count = 100_000;
    let refused = (0..observation_count).map(|index| (index, Refusal::ImpossiblePeriod));
    let refused = Refused::Observations(refused.collect());
    let result = to_aggregator(FromAggregator::BatchResult(BatchResult { sequence: 1, refused }));
    let batch = Batch {
        sequence: 1,
        previous_chain: Chain([0; 32]),
        observation_count,
        complete_through: None,
        payload: Bytes::new(),
    };
    let frame_bytes = 32;
    let bytes = u64::try_from(result.encoded_len()).expect("64 bits fit");
    assert!(bytes <= round_trip_bytes(&batch) + frame_bytes, "{bytes} bytes");
}
