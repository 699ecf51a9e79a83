mod hostile;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::{
    LocalityCode, Position,
    frame::{Ack, BatchResult, Credit, Durability, Generation, Ledger, Refused, SessionId},
    validation::Refusal,
};

const LOG: LogId = LogId([1; 16]);
const ACK_TIMEOUT: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Now {
    let wall = "2025-07-31 16:00".parse().expect("a time");
    Now { monotonic: Duration::from_secs(seconds), wall }
}

fn config() -> Config {
    Config {
        reporter: LocalityCode::NATION,
        host: "alpha".to_owned(),
        software: "test".to_owned(),
        catalogue_digest: [0; 32],
        catalogue_version: 1,
        least_durability: Durability::Always,
        endpoint_count: 1,
        connect_timeout: Duration::from_secs(5),
        welcome_timeout: Duration::from_secs(10),
        ack_timeout: ACK_TIMEOUT,
        link_bytes_per_second_min: 10,
        backoff_min: Duration::from_millis(100),
        backoff_max: Duration::from_secs(10),
        backoff_refused: Duration::from_mins(1),
        stop_timeout: Duration::from_secs(5),
        stream_age_max: Duration::from_hours(1),
        superseded_interval: Duration::from_mins(10),
    }
}

/// The batches of a log, each of which holds `fill`.
fn batches(fill: &'static [u8], count: u64) -> Vec<Batch> {
    let mut end = Position::start(LOG);
    let batch = |sequence| {
        let batch = Batch {
            sequence,
            previous_chain: end.chain,
            observation_count: 1,
            complete_through: None,
            payload: Bytes::from_static(fill),
        };
        end = end.after(&batch);
        batch
    };
    (1..=count).map(batch).collect()
}

fn end(batches: &[Batch]) -> Position {
    batches.iter().fold(Position::start(LOG), Position::after)
}

fn log(produced: &[Batch]) -> LogState {
    LogState {
        log: LOG,
        log_epoch: 1,
        produced: end(produced),
        released: Position::start(LOG),
        is_restating: false,
        batch_count: 0,
        spool_bytes: 0,
        dead_letter_count: 0,
        complete_through: None,
        audit: None,
    }
}

fn ack(through: u64) -> Input {
    let ledger = Ledger::default();
    Input::Frame(FromAggregator::Ack(Ack {
        applied_through: through,
        durable_through: through,
        folded_through: 0,
        ledger,
    }))
}

fn outputs(sender: &mut Sender) -> Vec<Output> {
    std::iter::from_fn(|| sender.next_output()).collect()
}

/// A sender that was welcomed where the aggregator's log ends.
fn welcomed(log: LogState, applied: Position) -> Sender {
    let mut sender = Sender::new(config(), log, 7, at(0));
    greeted(&mut sender, 0, applied);
    outputs(&mut sender);
    sender
}

/// A Welcome where the aggregator's log ends.
fn welcome(applied: Position) -> Welcome {
    Welcome {
        session: SessionId([2; 16]),
        generation: Generation([3; 16]),
        log_epoch: 1,
        applied,
        durability: Durability::Always,
        credit: Credit {
            batch_count_max: 4,
            payload_bytes_max: 1_000,
            batch_payload_bytes_max: 100,
            batch_observation_count_max: 10,
        },
        heartbeat_interval: Duration::from_secs(10),
        catalogue_digest: [0; 32],
    }
}

/// Connects, and is welcomed at once.
fn greeted(sender: &mut Sender, second: u64, applied: Position) {
    sender.handle(at(second), Input::Tick);
    sender.handle(at(second), Input::Connected);
    sender.handle(at(second), Input::Frame(FromAggregator::Welcome(welcome(applied))));
    let ack = Ack {
        applied_through: applied.sequence,
        durable_through: 0,
        folded_through: 0,
        ledger: Ledger::default(),
    };
    sender.handle(at(second), Input::Frame(FromAggregator::Ack(ack)));
}

#[test]
fn nothing_is_released_for_the_acks_of_another_log_of_the_same_numbers() {
    let (ours, theirs) = (batches(b"ours", 3), batches(b"theirs", 2));
    let mut sender = welcomed(log(&ours), end(&theirs));
    let result = BatchResult {
        sequence: 2,
        refused: Refused::Observations(vec![(0, Refusal::UnknownMetric)]),
    };
    sender.handle(at(0), Input::Frame(FromAggregator::BatchResult(result)));
    sender.handle(at(0), ack(2));
    assert!(!outputs(&mut sender).iter().any(|output| matches!(output, Output::Settle { .. })));
    sender.handle(at(0), Input::Loaded { log: LOG, after: 2, batches: ours[2..].to_vec() });
    let detail = "the store holds another batch 2 of this log".to_owned();
    let resync = Resync { reason: ResyncReason::ChainBroken, detail };
    let expected = [Output::Disconnect, Output::BeginLog(resync)];
    assert_eq!(outputs(&mut sender), expected);
}

#[test]
fn acks_release_once_the_next_batch_shows_that_the_log_is_the_same() {
    let ours = batches(b"ours", 3);
    let mut sender = welcomed(log(&ours), end(&ours[..2]));
    sender.handle(at(0), ack(2));
    assert!(!outputs(&mut sender).iter().any(|output| matches!(output, Output::Settle { .. })));
    sender.handle(at(0), Input::Loaded { log: LOG, after: 2, batches: ours[2..].to_vec() });
    let expected = [
        Output::Send(FromCollector::Batch(ours[2].clone())),
        Output::Settle { through: 2, results: Vec::new() },
    ];
    assert_eq!(outputs(&mut sender), expected);
}

#[test]
fn an_older_word_of_the_spool_does_not_replace_a_newer_one() {
    let ours = batches(b"ours", 2);
    let (older, newer) = (log(&ours[..1]), log(&ours));
    let mut sender = welcomed(older, older.produced);
    sender.handle(at(0), ack(1));
    let settle = Output::Settle { through: 1, results: Vec::new() };
    assert!(outputs(&mut sender).contains(&settle));
    // A batch is appended behind the settling, and the watch tells of it before the answer comes.
    sender.handle(at(0), Input::Log(LogState { released: older.produced, ..newer }));
    assert!(matches!(outputs(&mut sender)[..], [Output::Load { after: 1, .. }]));
    sender.handle(at(0), Input::Loaded { log: LOG, after: 1, batches: Vec::new() });
    outputs(&mut sender);
    sender.handle(at(0), Input::Done(LogState { released: older.produced, ..older }));
    assert_eq!(sender.log.produced, newer.produced);
}

#[test]
fn a_hello_waits_for_what_an_earlier_stream_releases() {
    let ours = batches(b"ours", 2);
    let before = log(&ours);
    let mut sender = welcomed(before, end(&ours));
    sender.handle(at(0), ack(2));
    assert!(matches!(outputs(&mut sender)[..], [Output::Settle { through: 2, .. }]));
    sender.handle(at(1), Input::Disconnected(Cause::Closed));
    assert_eq!(sender.deadline(), None);
    sender.handle(at(9), Input::Tick);
    assert_eq!(outputs(&mut sender), []);
    let after = LogState { released: before.produced, ..before };
    sender.handle(at(9), Input::Done(after));
    sender.handle(at(9), Input::Tick);
    sender.handle(at(9), Input::Connected);
    let outputs = outputs(&mut sender);
    let [Output::Connect { .. }, Output::Send(FromCollector::Hello(hello))] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(hello.released, before.produced);
}

#[test]
fn a_throttle_holds_batches_until_it_ends_and_for_minutes_at_most() {
    let ours = batches(b"ours", 1);
    let is_loading = |sender: &mut Sender| {
        outputs(sender).iter().any(|output| matches!(output, Output::Load { .. }))
    };
    let throttle = |seconds| {
        let retry_delay = Duration::from_secs(seconds);
        Input::Frame(FromAggregator::Throttle { retry_delay, reason: "the clock".to_owned() })
    };
    for (asked, ends_at) in [(30, 30), (1_000_000, 300)] {
        let mut sender = welcomed(log(&[]), Position::start(LOG));
        sender.handle(at(0), throttle(asked));
        sender.handle(at(0), Input::Log(log(&ours)));
        assert!(!is_loading(&mut sender));
        assert_eq!(sender.peer().expect("a stream").hold.as_deref(), Some("the clock"));
        sender.handle(at(ends_at - 1), ack(0));
        assert!(!is_loading(&mut sender));
        sender.handle(at(ends_at), Input::Tick);
        assert!(is_loading(&mut sender));
        assert_eq!(sender.peer().expect("a stream").hold, None);
    }
    let mut sender = welcomed(log(&ours), Position::start(LOG));
    sender.handle(at(1), throttle(30));
    outputs(&mut sender);
    sender.handle(at(1), Input::Loaded { log: LOG, after: 0, batches: ours });
    assert_eq!(outputs(&mut sender), []);
    sender.handle(at(2), throttle(0));
    assert!(is_loading(&mut sender));
}

/// Else every session of a hold would end at its first batch.
#[test]
fn a_hold_lasts_into_the_next_stream_until_that_had_time_to_tell_of_it() {
    let ours = batches(b"ours", 1);
    let is_loading = |sender: &mut Sender| {
        outputs(sender).iter().any(|output| matches!(output, Output::Load { .. }))
    };
    let mut sender = welcomed(log(&ours), Position::start(LOG));
    let (retry_delay, reason) = (Duration::from_secs(30), "the quota".to_owned());
    sender.handle(at(1), Input::Frame(FromAggregator::Throttle { retry_delay, reason }));
    sender.handle(at(1), Input::Disconnected(Cause::Unavailable { retry_delay: None }));
    outputs(&mut sender);
    greeted(&mut sender, 10, Position::start(LOG));
    assert!(!is_loading(&mut sender));
    assert_eq!(sender.peer().expect("a stream").hold.as_deref(), Some("the quota"));
    sender.handle(at(11), Input::Tick);
    assert!(is_loading(&mut sender));
}

#[test]
fn the_aggregator_is_known_by_its_welcome_and_its_last_ack() {
    let ours = batches(b"ours", 2);
    let mut sender = welcomed(log(&ours), end(&ours));
    let ledger = Ledger { applied: 3, rejected: 1, ..Ledger::default() };
    let ack = Ack { applied_through: 2, durable_through: 0, folded_through: 2, ledger };
    sender.handle(at(1), Input::Frame(FromAggregator::Ack(ack)));
    let peer = sender.peer().expect("a stream");
    assert_eq!((peer.folded, peer.welcome.session), ((2, ledger), SessionId([2; 16])));
    sender.handle(at(2), Input::Disconnected(Cause::Closed));
    assert_eq!(sender.peer(), None);
}

#[test]
fn a_heartbeat_that_is_not_answered_ends_the_stream() {
    let ours = batches(b"ours", 1);
    let mut sender = welcomed(log(&ours), end(&ours));
    sender.handle(at(5), Input::Tick);
    assert!(matches!(outputs(&mut sender)[..], [Output::Send(FromCollector::Heartbeat(_))]));
    sender.handle(at(6), ack(1));
    sender.handle(at(10), Input::Tick);
    sender.handle(at(15), Input::Tick);
    outputs(&mut sender);
    sender.handle(at(10 + ACK_TIMEOUT.as_secs()), Input::Tick);
    assert_eq!(outputs(&mut sender)[0], Output::Disconnect);
}

#[test]
fn a_stuck_file_is_told_with_the_next_heartbeat_until_it_is_none() {
    let ours = batches(b"ours", 1);
    let mut sender = welcomed(log(&ours), end(&ours));
    let stuck = IntakeTrouble::bounded(1, "a.csv: permission denied");
    let told = |sender: &mut Sender, seconds| {
        sender.handle(at(seconds), Input::Tick);
        sender.handle(at(seconds), ack(1));
        let told = outputs(sender).into_iter().find_map(|output| match output {
            Output::Send(FromCollector::Heartbeat(beat)) => Some(beat.intake_trouble),
            _ => None,
        });
        told.expect("a heartbeat is due")
    };
    assert_eq!(told(&mut sender, 5), IntakeTrouble::default());
    sender.handle(at(6), Input::Trouble(stuck.clone()));
    assert_eq!(told(&mut sender, 10), stuck);
    assert_eq!(told(&mut sender, 15), stuck);
    sender.handle(at(16), Input::Trouble(IntakeTrouble::default()));
    assert_eq!(told(&mut sender, 20), IntakeTrouble::default());
}

/// Payload of a batch of one observation that takes 10 s on the slowest link, its refusal included.
const SLOW: &[u8] = &[7; 92];

/// A sender that has sent two such batches.
fn sending(produced: &[Batch], now: Now) -> Sender {
    let mut sender = welcomed(log(produced), Position::start(LOG));
    sender.handle(now, Input::Loaded { log: LOG, after: 0, batches: produced.to_vec() });
    outputs(&mut sender);
    sender
}

/// True if the stream is given up at this time.
fn gives_up(sender: &mut Sender, now: Now) -> bool {
    sender.handle(now, Input::Tick);
    outputs(sender).contains(&Output::Disconnect)
}

#[test]
fn each_batch_is_waited_for_as_long_as_the_slowest_link_needs() {
    let mut sender = sending(&batches(SLOW, 2), at(0));
    assert!(!gives_up(&mut sender, at(39)));
    sender.handle(at(39), ack(1));
    assert!(!gives_up(&mut sender, at(78)));
    assert!(gives_up(&mut sender, at(79)));
}

#[test]
fn a_heartbeat_waits_behind_the_batch_that_is_on_its_way() {
    let mut sender = sending(&batches(SLOW, 2), at(0));
    sender.handle(at(5), Input::Tick);
    // Nothing is waited for but the answer to that heartbeat.
    sender.handle(at(30), ack(2));
    sender.handle(at(30), Input::Tick);
    outputs(&mut sender);
    assert!(!gives_up(&mut sender, at(59)));
    assert!(gives_up(&mut sender, at(60)));
}

#[test]
fn a_result_is_progress_since_its_ack_waits_behind_it() {
    let mut sender = sending(&batches(SLOW, 1), at(0));
    let result = BatchResult { sequence: 1, refused: Refused::Everything };
    sender.handle(at(39), Input::Frame(FromAggregator::BatchResult(result)));
    assert!(!gives_up(&mut sender, at(78)));
    assert!(gives_up(&mut sender, at(79)));
}

#[test]
fn a_stream_is_renewed_once_what_is_on_its_way_has_had_its_time() {
    let renewal = 3_600;
    let mut sender = sending(&batches(SLOW, 2), at(renewal));
    sender.handle(at(renewal), Input::Tick);
    // Two batches of 10 s, and 5 s beside.
    assert!(!gives_up(&mut sender, at(renewal + 24)));
    sender.handle(at(renewal + 24), ack(2));
    assert!(outputs(&mut sender).contains(&Output::HalfClose));
    let mut sender = sending(&batches(SLOW, 2), at(renewal));
    assert!(gives_up(&mut sender, at(renewal + 25)));
}

/// An ack of everything, with a ledger that counts superseded observations.
fn superseded(through: u64, superseded: u64) -> Input {
    let ledger = Ledger { superseded, ..Ledger::default() };
    Input::Frame(FromAggregator::Ack(Ack {
        applied_through: through,
        durable_through: through,
        folded_through: through,
        ledger,
    }))
}

/// Questions among what a sender wants next.
fn questions(sender: &mut Sender, second: u64, input: Input) -> usize {
    sender.handle(at(second), input);
    let wanted = outputs(sender);
    wanted.iter().filter(|output| matches!(output, Output::FindSuperseded { .. })).count()
}

#[test]
fn what_superseded_values_is_asked_once_all_is_folded_and_again_when_there_are_more() {
    let mut sender = sending(&batches(SLOW, 2), at(0));
    assert_eq!(questions(&mut sender, 1, superseded(1, 3)), 0, "a batch is not folded yet");
    assert_eq!(questions(&mut sender, 1, superseded(2, 3)), 1);
    assert_eq!(questions(&mut sender, 2, superseded(2, 4)), 0, "one at a time");
    assert_eq!(questions(&mut sender, 3, Input::Found), 0, "not so soon");
    assert_eq!(questions(&mut sender, 601, superseded(2, 4)), 1, "there are more by now");
    assert_eq!(questions(&mut sender, 602, Input::Found), 0);
    assert_eq!(questions(&mut sender, 1_300, superseded(2, 4)), 0);
}

#[test]
fn a_new_stream_is_asked_again_and_no_sooner_than_the_interval() {
    let produced = batches(SLOW, 2);
    let mut sender = sending(&produced, at(0));
    assert_eq!(questions(&mut sender, 1, superseded(2, 3)), 1);
    let released = LogState { released: end(&produced), ..log(&produced) };
    sender.handle(at(1), Input::Done(released));
    sender.handle(at(2), Input::Disconnected(Cause::Closed));
    greeted(&mut sender, 100, end(&produced));
    for second in (101..601).step_by(10) {
        assert_eq!(questions(&mut sender, second, superseded(2, 3)), 0, "not so soon");
    }
    assert_eq!(questions(&mut sender, 601, superseded(2, 3)), 1);
}
