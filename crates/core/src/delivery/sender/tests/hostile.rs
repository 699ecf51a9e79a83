//! Limits of what a wrong or hostile aggregator can make a sender do.

use super::*;

/// Answers every Hello of a sender with a demand for a new log, until a time; says how long the
/// sender waited before each next Hello.
fn pauses_between_resyncs(sender: &mut Sender, reason: ResyncReason, until: u64) -> Vec<Duration> {
    let mut now = at(1);
    let mut pauses = Vec::new();
    while now.monotonic < Duration::from_secs(until) {
        let required = FromAggregator::ResyncRequired { reason, detail: String::new() };
        sender.handle(now, Input::Frame(required));
        outputs(sender);
        let number = u64::try_from(pauses.len()).expect("a few") + 2;
        let mut fresh = [0; 16];
        fresh[..8].copy_from_slice(&number.to_be_bytes());
        let fresh = LogId(fresh);
        let start = Position::start(fresh);
        let begun = LogState { log: fresh, produced: start, released: start, ..log(&[]) };
        sender.handle(now, Input::Done(begun));
        let due = sender.deadline().expect("it waits");
        pauses.push(due.saturating_sub(now.monotonic));
        // A millisecond for the link, so that a sender without a back-off comes to an end.
        now = Now { monotonic: due + Duration::from_millis(1), ..now };
        sender.handle(now, Input::Tick);
        sender.handle(now, Input::Connected);
        let said = outputs(sender);
        let is_hello = |it: &Output| matches!(it, Output::Send(FromCollector::Hello(_)));
        assert!(said.iter().any(is_hello), "{said:?}");
    }
    pauses
}

#[test]
fn logs_that_others_keep_replacing_are_begun_ever_later() {
    let ours = batches(b"ours", 1);
    let mut sender = welcomed(log(&ours), end(&ours));
    let pauses = pauses_between_resyncs(&mut sender, ResyncReason::LogReplaced, 300);
    // Full jitter lies below each step, so only the sums tell.
    let [early, late] = [&pauses[..5], &pauses[5..10]].map(|part| part.iter().sum::<Duration>());
    assert!(late > 4 * early, "{pauses:?}");
}

#[test]
fn an_aggregator_that_asks_for_new_logs_for_ever_gets_few_hellos_and_a_first_one_at_once() {
    let reasons = [ResyncReason::StoreLost, ResyncReason::LogRegressed, ResyncReason::ChainBroken];
    for reason in reasons {
        let ours = batches(b"ours", 1);
        // One that welcomed the log before, and one that never does.
        for mut sender in [welcomed(log(&ours), end(&ours)), {
            let mut sender = Sender::new(config(), log(&ours), 7, at(0));
            sender.handle(at(1), Input::Tick);
            sender.handle(at(1), Input::Connected);
            sender
        }] {
            let pauses = pauses_between_resyncs(&mut sender, reason, 3_600);
            assert_eq!(pauses[0], Duration::ZERO, "an honest resync waits for nothing");
            let within = |span: Duration| {
                let ends = pauses.iter().scan(Duration::ZERO, |end, pause| {
                    *end += *pause;
                    Some(*end)
                });
                ends.take_while(|end| *end < span).count()
            };
            assert!(within(Duration::from_secs(13)) <= 20, "{reason}: {pauses:?}");
            assert!(pauses.len() <= 200, "{reason}: {} Hellos in an hour", pauses.len());
        }
    }
}

#[test]
fn a_log_that_has_lasted_is_replaced_at_once_again() {
    let ours = batches(b"ours", 1);
    let mut sender = welcomed(log(&ours), end(&ours));
    let pauses = pauses_between_resyncs(&mut sender, ResyncReason::StoreLost, 300);
    assert!(pauses.len() > 3, "{pauses:?}");
    let lasted = at(300 + 60 + 1 + 10 * 60);
    let lost =
        FromAggregator::ResyncRequired { reason: ResyncReason::StoreLost, detail: String::new() };
    sender.handle(lasted, Input::Frame(lost));
    let fresh = LogId([9; 16]);
    let start = Position::start(fresh);
    let begun = LogState { log: fresh, produced: start, released: start, ..log(&[]) };
    outputs(&mut sender);
    sender.handle(lasted, Input::Done(begun));
    assert_eq!(sender.deadline(), Some(lasted.monotonic));
}

/// Greets with a Welcome; returns what the sender does about it, and when it tries again.
fn answered(welcome: Welcome) -> (Vec<Output>, Option<Duration>) {
    let ours = batches(b"ours", 1);
    let mut sender = Sender::new(config(), log(&ours), 7, at(0));
    sender.handle(at(0), Input::Tick);
    sender.handle(at(0), Input::Connected);
    outputs(&mut sender);
    sender.handle(at(0), Input::Frame(FromAggregator::Welcome(welcome)));
    (outputs(&mut sender), sender.deadline())
}

#[test]
fn a_welcome_out_of_bounds_is_refused_by_its_field() {
    type Ask = fn(&mut Welcome);
    let cases: [(&str, Ask); 14] = [
        ("heartbeat_interval", |it| it.heartbeat_interval = Duration::ZERO),
        ("heartbeat_interval", |it| it.heartbeat_interval = Duration::from_hours(24 * 365)),
        ("log_epoch", |it| it.log_epoch = 0),
        ("log_epoch", |it| it.log_epoch = u64::MAX),
        ("credit.batch_count_max", |it| it.credit.batch_count_max = 0),
        ("credit.batch_count_max", |it| it.credit.batch_count_max = u32::MAX),
        ("credit.payload_bytes_max", |it| it.credit.payload_bytes_max = 99),
        ("credit.payload_bytes_max", |it| it.credit.payload_bytes_max = u64::MAX),
        ("credit.batch_payload_bytes_max", |it| it.credit.batch_payload_bytes_max = 0),
        ("credit.batch_payload_bytes_max", |it| it.credit.batch_payload_bytes_max = u32::MAX),
        ("credit.batch_observation_count_max", |it| it.credit.batch_observation_count_max = 0),
        ("credit.batch_observation_count_max", |it| {
            it.credit.batch_observation_count_max = u32::MAX;
        }),
        ("durability", |it| it.durability = Durability::Everysec),
        ("durability", |it| it.durability = Durability::None),
    ];
    for (field, ask) in cases {
        let mut asked = welcome(Position::start(LOG));
        ask(&mut asked);
        let (outputs, due) = answered(asked);
        let [Output::Refuse(unacceptable), Output::Disconnect] = &outputs[..] else {
            panic!("{field}: {outputs:?}");
        };
        assert_eq!(unacceptable.field, field);
        assert!(unacceptable.to_string().contains(&format!("Welcome.{field} is ")));
        assert!(due.is_some(), "{field}: tries again after a back-off");
    }
    let (outputs, _) = answered(welcome(Position::start(LOG)));
    assert!(!outputs.iter().any(|it| matches!(it, Output::Refuse(_) | Output::Disconnect)));
}

#[test]
fn a_drain_ends_a_stream_after_minutes_at_most() {
    let ours = batches(b"ours", 1);
    let mut sender = welcomed(log(&ours), end(&ours));
    let years = Duration::from_hours(24 * 365);
    sender.handle(at(1), Input::Frame(FromAggregator::Drain { deadline: years }));
    outputs(&mut sender);
    sender.handle(at(1), ack(1));
    assert_eq!(sender.deadline(), Some(Duration::from_secs(1) + bounds::DRAIN_MAX));
}
