use std::time::Duration;

use super::*;
use crate::{
    delivery::audit::{Audit, Folded, Verdict},
    frame::{CollectorAudit, IntakeTrouble, Ledger},
};

const REPORTER: LocalityCode = LocalityCode::NATION;
const RULES: Rules = Rules {
    hold: Duration::from_mins(5),
    clock_offset_max: Duration::from_secs(30),
    flapping_count: 3,
    flapping_window: Duration::from_mins(10),
    silent_after: Duration::from_hours(1_000),
};

fn second(count: i64) -> Timestamp {
    Timestamp::from_micros(count * 1_000_000).expect("1970")
}

fn session(number: u8) -> SessionId {
    SessionId([number; 16])
}

fn log(number: u8) -> LogId {
    LogId([number; 16])
}

/// A board that is told one event after the other.
#[derive(Default)]
struct Told(BTreeMap<LocalityCode, Entry>);

impl Told {
    fn note(&mut self, event: Event) {
        note(&mut self.0, &RULES, event);
    }

    fn connect(&mut self, number: u8, log_number: u8, host: &str, at: i64) {
        self.note(Event::Connected {
            reporter: REPORTER,
            session: session(number),
            log: log(log_number),
            host: host.to_owned(),
            program: Program::default(),
            produced: 3,
            at: second(at),
        });
    }

    fn disconnect(&mut self, number: u8, at: i64) {
        let session = session(number);
        self.note(Event::Disconnected { reporter: REPORTER, session, at: second(at) });
    }

    fn refuse(&mut self, log_number: u8, same_log: bool, at: i64) {
        self.note(Event::Refused {
            reporter: REPORTER,
            log: log(log_number),
            host: "b".to_owned(),
            owner: "a".to_owned(),
            same_log,
            at: second(at),
        });
    }

    fn beat(&mut self, number: u8, at: i64, change: impl FnOnce(&mut Heartbeat)) {
        let mut heartbeat = Heartbeat {
            produced_through: 3,
            spool_batch_count: 0,
            spool_bytes: 0,
            dead_letter_count: 0,
            sent: second(at),
            complete_through: None,
            audit: Some(CollectorAudit::default()),
            intake_trouble: IntakeTrouble::default(),
        };
        change(&mut heartbeat);
        let (session, at) = (session(number), second(at));
        self.note(Event::Beat { reporter: REPORTER, session, heartbeat, at });
    }

    fn presence(&self) -> &Presence {
        self.0[&REPORTER].presence().expect("welcomed")
    }

    fn alarms(&self, now: i64) -> Vec<Alarm> {
        self.alarms_at(&Position::default(), now)
    }

    fn alarms_at(&self, position: &Position, now: i64) -> Vec<Alarm> {
        self.0[&REPORTER].alarms(&RULES, position, second(now))
    }
}

fn alarm(kind: Kind, since: i64, detail: &str) -> Alarm {
    Alarm { kind, since: Some(second(since)), detail: detail.to_owned() }
}

#[test]
fn an_older_session_ends_without_touching_the_newer_one() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    told.connect(2, 1, "a", 1);
    told.disconnect(1, 2);
    told.beat(1, 3, |heartbeat| heartbeat.dead_letter_count = 9);
    let presence = told.presence();
    assert_eq!((presence.connected, presence.since), (true, second(1)));
    assert_eq!(presence.heard, None);
    assert_eq!(told.alarms(3), []);
    told.disconnect(2, 4);
    assert_eq!((told.presence().connected, told.presence().since), (false, second(4)));
}

#[test]
fn another_host_that_is_refused_is_a_second_collector() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    told.refuse(2, false, 10);
    told.refuse(2, false, 70);
    let detail = "b wants to deliver for the reporter of a, which is alive";
    assert_eq!(told.alarms(71), [alarm(Kind::TwoCollectors, 10, detail)]);
    assert_eq!(told.alarms(370), []);
}

#[test]
fn a_refused_host_with_the_owners_log_has_a_cloned_spool() {
    let detail = "b wants to deliver the same log as a, which is alive";
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    told.refuse(1, false, 10);
    assert_eq!(told.alarms(11), [alarm(Kind::ClonedSpool, 10, detail)]);
    let mut restarted = Told::default();
    restarted.refuse(1, true, 10);
    assert_eq!(restarted.alarms(11), [alarm(Kind::ClonedSpool, 10, detail)]);
    assert_eq!(restarted.0[&REPORTER].presence(), None);
}

#[test]
fn a_log_that_went_back_forked_or_changed_its_host_is_a_cloned_spool() {
    let resynced = |reason| {
        let mut told = Told::default();
        told.connect(1, 1, "a", 0);
        told.note(Event::Resynced {
            reporter: REPORTER,
            reason,
            host: "b".to_owned(),
            at: second(5),
        });
        told.alarms(6)
    };
    let regressed = "the log of b has gone back; a delivered last";
    assert_eq!(resynced(ResyncReason::LogRegressed), [alarm(Kind::ClonedSpool, 5, regressed)]);
    let forked = "the log of b holds other batches than those delivered before; a delivered last";
    assert_eq!(resynced(ResyncReason::ChainBroken), [alarm(Kind::ClonedSpool, 5, forked)]);
    let copied =
        "the log of b was delivered by another host before: copied, or moved; a delivered last";
    assert_eq!(resynced(ResyncReason::HostChanged), [alarm(Kind::ClonedSpool, 5, copied)]);
    assert_eq!(resynced(ResyncReason::StoreLost), []);
    assert_eq!(resynced(ResyncReason::LogReplaced), []);
}

#[test]
fn dead_letters_are_an_alarm_until_a_heartbeat_says_there_are_none() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    told.beat(1, 10, |heartbeat| heartbeat.dead_letter_count = 1);
    told.beat(1, 20, |heartbeat| heartbeat.dead_letter_count = 2);
    let detail = "2 observations lie in the dead letters of a";
    assert_eq!(told.alarms(9_000), [alarm(Kind::RejectedData, 10, detail)]);
    told.beat(1, 30, |_| {});
    assert_eq!(told.alarms(31), []);
}

#[test]
fn a_stuck_file_is_an_alarm_until_a_heartbeat_says_there_is_none() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    let stuck = |count, first: &'static str| {
        move |heartbeat: &mut Heartbeat| {
            heartbeat.intake_trouble = IntakeTrouble::bounded(count, first);
        }
    };
    told.beat(1, 10, stuck(1, "x.csv: permission denied"));
    let detail = "1 file cannot be read or filed at a; first: x.csv: permission denied";
    assert_eq!(told.alarms(9_000), [alarm(Kind::FileStuck, 10, detail)]);
    told.beat(1, 20, stuck(2, "x.csv: permission denied"));
    let detail = "2 files cannot be read or filed at a; first: x.csv: permission denied";
    assert_eq!(told.alarms(9_000), [alarm(Kind::FileStuck, 10, detail)]);
    told.beat(1, 30, |_| {});
    assert_eq!(told.alarms(31), []);
}

#[test]
fn the_ledger_speaks_for_a_collector_that_has_said_nothing() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    let log_ledger = Ledger { rejected: 4, ..Ledger::default() };
    let position = Position { log_ledger, ..Position::default() };
    let detail = "4 observations of the log in force were refused".to_owned();
    let by_ledger = Alarm { kind: Kind::RejectedData, since: None, detail };
    assert_eq!(told.alarms_at(&position, 1), [by_ledger]);
    told.beat(1, 10, |_| {});
    assert_eq!(told.alarms_at(&position, 11), []);
}

#[test]
fn a_clock_beyond_the_tolerance_is_an_alarm_with_its_direction() {
    let mut told = Told::default();
    told.connect(1, 1, "a", 0);
    told.beat(1, 100, |heartbeat| heartbeat.sent = second(130));
    assert_eq!(told.alarms(101), []);
    assert_eq!(told.presence().heard.as_ref().expect("heard").clock_offset_micros(), 30_000_000);
    told.beat(1, 110, |heartbeat| heartbeat.sent = second(141));
    told.beat(1, 120, |heartbeat| heartbeat.sent = second(60));
    let detail = "the clock of a is 60 s behind the aggregator's";
    assert_eq!(told.alarms(121), [alarm(Kind::ClockOffset, 110, detail)]);
    told.beat(1, 130, |_| {});
    assert_eq!(told.alarms(131), []);
}

#[test]
fn sessions_that_keep_replacing_each_other_are_flapping() {
    let mut told = Told::default();
    for (number, host) in (1..).zip(["a", "b", "a", "b"]) {
        told.connect(number, number, host, i64::from(number));
    }
    let detail = "sessions of a and b keep replacing each other";
    assert_eq!(told.alarms(5), [alarm(Kind::Flapping, 4, detail)]);
}

#[test]
fn streams_that_end_before_the_next_begins_are_not_flapping() {
    let mut told = Told::default();
    for number in 1..9 {
        told.connect(number, 1, "a", i64::from(number));
        told.disconnect(number, i64::from(number));
    }
    assert_eq!(told.alarms(9), []);
}

#[test]
fn the_last_heartbeat_outlives_its_session_but_neither_its_log_nor_its_host() {
    for (log_number, host, is_kept) in [(1, "a", true), (2, "a", false), (1, "b", false)] {
        let mut told = Told::default();
        told.connect(1, 1, "a", 0);
        told.beat(1, 10, |_| {});
        told.disconnect(1, 11);
        told.connect(2, log_number, host, 12);
        assert_eq!(told.presence().told().is_some(), is_kept, "{log_number} {host}");
    }
}

#[test]
fn a_word_is_settled_after_three_heartbeats_without_a_batch() {
    let mut told = Told::default();
    let is_settled = |told: &Told| told.presence().told().map(|side| side.is_settled);
    told.connect(1, 1, "a", 0);
    assert_eq!(is_settled(&told), None);
    let mut seen = Vec::new();
    for at in [0, 10, 20] {
        told.beat(1, at, |_| {});
        seen.push(is_settled(&told));
    }
    told.note(Event::Produced { reporter: REPORTER, session: session(1), through: 4 });
    told.beat(1, 30, |_| {});
    seen.push(is_settled(&told));
    assert_eq!(seen, [Some(false), Some(false), Some(true), Some(false)]);
    assert_eq!(told.presence().produced_through, 4);
}

#[test]
fn a_collector_with_a_new_log_is_audited_by_that_log() {
    let mut told = Told::default();
    told.connect(1, 2, "a", 0);
    let ledger = Ledger { applied: 4, ..Ledger::default() };
    let cells = crate::CellDigest { count: 4, sum: 1 };
    let of_log = |number| Position {
        log: Some(log(number)),
        sequence: 6,
        log_ledger: ledger,
        cells,
        ..Position::default()
    };
    let audit = |position: &Position| Audit::new(Some(told.presence()), position);
    assert_eq!(audit(&of_log(2)).folded, Folded { through: 6, ledger, cells });
    let none_of_it = Folded { cells, ..Folded::default() };
    assert_eq!((audit(&of_log(1)).log, audit(&of_log(1)).folded), (Some(log(2)), none_of_it));
    let restarted = Audit::new(None, &of_log(1));
    assert_eq!((restarted.log, restarted.folded.through), (Some(log(1)), 6));
    assert_eq!(restarted.verdict(second(0), None), Verdict::Silent);
}

#[test]
fn an_expiry_is_an_alarm_until_another_certificate_is_shown_or_none() {
    let mut told = Told::default();
    let certified = |told: &mut Told, warning: Option<&str>, at: i64| {
        let warning = warning.map(ToOwned::to_owned);
        told.note(Event::Certified { reporter: REPORTER, warning, at: second(at) });
    };
    let details = |told: &Told, at: i64| -> Vec<_> {
        told.alarms(at).into_iter().map(|alarm| (alarm.kind, alarm.detail)).collect()
    };
    certified(&mut told, None, 0);
    assert!(told.0.is_empty(), "a certificate that lasts is no news");
    certified(&mut told, Some("it expires"), 1);
    certified(&mut told, Some("it expires"), 6);
    let expected = [(Kind::CertificateExpires, "it expires".to_owned())];
    assert_eq!(details(&told, 6 + 299), expected);
    assert_eq!(details(&told, 6 + 300), []);
    certified(&mut told, None, 7);
    assert_eq!(details(&told, 8), []);
}
