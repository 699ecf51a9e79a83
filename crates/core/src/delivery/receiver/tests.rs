use super::*;
use crate::{
    LocalityCode, Position,
    catalogue::Catalogue,
    frame::{Durability, Generation},
    gazetteer::Gazetteer,
};

const LOG: LogId = LogId([1; 16]);
const SESSION: SessionId = SessionId([2; 16]);

/// Three heartbeats are 30 s, and the largest batch takes 64 s on the slowest link.
fn terms() -> Terms {
    Terms {
        catalogue: Arc::new(Catalogue::builtin()),
        gazetteer: Arc::new(Gazetteer::builtin()),
        durability: Durability::Always,
        credit: Credit {
            batch_count_max: 4,
            payload_bytes_max: 1 << 20,
            batch_payload_bytes_max: 256 << 10,
            batch_observation_count_max: 10_000,
        },
        hello_timeout: Duration::from_secs(10),
        heartbeat_interval: Duration::from_secs(10),
        link_bytes_per_second_min: 4_096,
        ahead_max: Duration::from_mins(5),
        restated_months_max: 1,
        decode: |_| None,
    }
}

fn at(seconds: u64) -> Now {
    let wall = "2025-07-31 16:00".parse().expect("a time");
    Now { monotonic: Duration::from_secs(seconds), wall }
}

fn welcomed() -> Receiver {
    let mut receiver = Receiver::new(Arc::new(terms()), SESSION, at(0));
    welcome(&mut receiver);
    outputs(&mut receiver);
    receiver
}

fn welcome(receiver: &mut Receiver) {
    let start = Position::start(LOG);
    receiver.handle(
        at(0),
        Input::Frame(FromCollector::Hello(Hello {
            protocol: PROTOCOL,
            reporter: LocalityCode::NATION,
            log: LOG,
            log_epoch: 1,
            produced: start,
            released: start,
            host: "alpha".to_owned(),
            catalogue_digest: [0; 32],
            least_durability: Durability::Always,
            software: String::new(),
            catalogue_version: 1,
        })),
    );
    let cursor = crate::Cursor {
        log: LOG,
        log_epoch: 1,
        position: start,
        session: SESSION,
        host: "alpha".to_owned(),
        released: 0,
        record_count: 0,
        receipt: None,
        damaged: None,
    };
    let generation = Generation([3; 16]);
    let opened =
        Opened::Welcome { cursor, generation, ticket: Ticket::default(), results: Vec::new() };
    receiver.handle(at(0), Input::Opened(opened));
}

fn batch() -> Batch {
    Batch {
        sequence: 1,
        previous_chain: Position::start(LOG).chain,
        observation_count: 1,
        complete_through: None,
        payload: bytes::Bytes::from_static(b"nothing that can be read"),
    }
}

fn outputs(receiver: &mut Receiver) -> Vec<Output> {
    std::iter::from_fn(|| receiver.next_output()).collect()
}

#[test]
fn a_batch_that_the_store_took_at_a_try_without_answer_is_told_like_any_other() {
    let mut receiver = welcomed();
    receiver.handle(at(1), Input::Frame(FromCollector::Batch(batch())));
    outputs(&mut receiver);
    let admitted = Admitted { verdict: Verdict::Duplicate, ticket: Ticket::default() };
    receiver.handle(at(1), Input::Admitted(admitted));
    let said = outputs(&mut receiver);
    let [Output::Send(FromAggregator::BatchResult(result)), Output::Send(FromAggregator::Ack(ack))] =
        &said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!((result.sequence, ack.applied_through, ack.durable_through), (1, 1, 1));
}

#[test]
fn silence_lasts_as_long_as_the_largest_batch_needs_on_the_slowest_link() {
    let mut receiver = welcomed();
    receiver.handle(at(93), Input::Tick);
    assert_eq!(outputs(&mut receiver), []);
    receiver.handle(at(94), Input::Tick);
    let silent = Ending::Silent(Duration::from_secs(94));
    assert_eq!(outputs(&mut receiver), [Output::End(silent)]);
}

fn throttle(seconds: u64, reason: &str) -> Output {
    let (retry_delay, reason) = (Duration::from_secs(seconds), reason.to_owned());
    Output::Send(FromAggregator::Throttle { retry_delay, reason })
}

#[test]
fn a_hold_is_told_behind_welcome_renewed_and_ended() {
    let mut receiver = Receiver::new(Arc::new(terms()), SESSION, at(0));
    receiver.handle(at(0), Input::Hold(Some("the clock".to_owned())));
    welcome(&mut receiver);
    let said = outputs(&mut receiver);
    assert_eq!(said.last(), Some(&throttle(30, "the clock")), "{said:?}");
    assert_eq!(receiver.deadline(), Some(Duration::from_secs(15)));
    // A reason in other words is no news, but told in time.
    receiver.handle(at(14), Input::Hold(Some("the clock still".to_owned())));
    assert_eq!(outputs(&mut receiver), []);
    receiver.handle(at(15), Input::Tick);
    assert_eq!(outputs(&mut receiver), [throttle(30, "the clock still")]);
    receiver.handle(at(16), Input::Hold(None));
    assert_eq!(outputs(&mut receiver), [throttle(0, "")]);
    assert_eq!(receiver.deadline(), Some(Duration::from_secs(94)));
    receiver.handle(at(17), Input::Hold(None));
    assert_eq!(outputs(&mut receiver), []);
}

#[test]
fn a_batch_that_comes_during_a_hold_is_neither_judged_nor_stamped() {
    let mut receiver = welcomed();
    receiver.handle(at(1), Input::Hold(Some("the clock".to_owned())));
    assert_eq!(outputs(&mut receiver), [throttle(30, "the clock")]);
    receiver.handle(at(1), Input::Frame(FromCollector::Batch(batch())));
    let held = Ending::Held { sequence: 1, reason: "the clock".to_owned() };
    assert_eq!(outputs(&mut receiver), [Output::End(held)]);
}
