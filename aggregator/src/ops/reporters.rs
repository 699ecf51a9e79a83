//! Series of each reporter: what the board and the view know of it, as numbers.

use std::time::Duration;

use phuxanh_core::{
    Timestamp,
    delivery::{
        alarm::Kind,
        audit::{Audit, Verdict},
        board::{Board, Heard, Presence},
    },
    figures::{
        fold::{Position, taken_watermark},
        view::View,
    },
    gazetteer::Locality,
};
use phuxanh_daemon::ops::Sample;

use crate::{
    mesh::{Sightings, is_shown},
    metrics::{
        ALARM, AUDIT, CELLS, CLOCK_OFFSET, COMPLETE, DEAD_LETTERS, HEARD, LAG, OBSERVATIONS,
        RECEIPT, RECORDS, SESSION_OPEN, SPOOL_BYTES,
    },
};

/// Kinds of alarms that a reporter can have.
const KINDS: [Kind; 10] = [
    Kind::TwoCollectors,
    Kind::ClonedSpool,
    Kind::RejectedData,
    Kind::ClockOffset,
    Kind::Flapping,
    Kind::FileStuck,
    Kind::DamagedRecords,
    Kind::QuotaUsedUp,
    Kind::IdentityRefused,
    Kind::CertificateExpires,
];

/// Knowledge that the series are made from.
pub(super) struct Known<'a> {
    pub(super) board: &'a Board,
    pub(super) view: &'a View,
    /// Sightings of all aggregators.
    pub(super) seen: &'a Sightings,
    pub(super) now: Timestamp,
    /// Age from which an audit is outdated; `None` while no batch is taken.
    pub(super) audit_age_max: Option<Duration>,
    /// Tells whether the alarm of a silent province stands.
    pub(super) is_unheard: &'a dyn Fn(&Locality, Option<&Presence>, &Position) -> bool,
}

/// Series of every province, and of the central office once it was heard of.
pub(super) fn samples(known: &Known<'_>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for locality in known.view.gazetteer().localities() {
        if is_shown(locality.code, known.seen, known.view) {
            known.reporter(&mut samples, locality);
        }
    }
    samples
}

impl Known<'_> {
    fn reporter(&self, samples: &mut Vec<Sample>, locality: &Locality) {
        let code = locality.code;
        let reporter = code.to_string();
        let position = self.view.reporter(code).map(|rollup| *rollup.position());
        let position = position.unwrap_or_default();
        let seen = self.seen.get(&code);
        let presence = seen.and_then(|seen| seen.presence.as_ref());
        let here = self.board.get(&code).and_then(|entry| entry.presence());
        let is_open = here.is_some_and(|presence| presence.connected);
        samples.push(SESSION_OPEN.flag(&[&reporter], is_open));
        let heard = heard(presence, &position).map_or(0, Timestamp::micros);
        samples.push(HEARD.time(&[&reporter], heard));
        folded(samples, &reporter, &position);
        if let Some(presence) = presence {
            told(samples, &reporter, presence, &position);
        }
        let is_unheard = (self.is_unheard)(locality, presence, &position);
        samples.push(ALARM.flag(&[&reporter, word(Kind::Unheard)], is_unheard));
        let Some(seen) = seen else { return };
        for kind in KINDS {
            let stands = seen.alarms.iter().any(|alarm| alarm.kind == kind);
            samples.push(ALARM.flag(&[&reporter, word(kind)], stands));
        }
        let audit = Audit::new(presence, &position);
        let verdict = match audit.verdict(self.now, self.audit_age_max) {
            Verdict::Agrees => "agrees",
            Verdict::Pending => "pending",
            Verdict::Disagrees => "disagrees",
            Verdict::Silent => "silent",
            Verdict::Outdated => "outdated",
        };
        samples.push(AUDIT.flag(&[&reporter, verdict], true));
    }
}

/// Last sign of life. The board begins anew with the aggregator, the receipts are kept.
fn heard(presence: Option<&Presence>, position: &Position) -> Option<Timestamp> {
    let beat = presence.and_then(|it| it.heard.as_ref()).map(|heard| heard.at);
    presence.map(|presence| presence.since).max(beat).max(position.receipt)
}

/// Series of what was folded.
fn folded(samples: &mut Vec<Sample>, reporter: &str, position: &Position) {
    let ledger = &position.ledger;
    for (outcome, count) in [
        ("applied", ledger.applied),
        ("repeated", ledger.repeated),
        ("superseded", ledger.superseded),
        ("rejected", ledger.rejected),
    ] {
        samples.push(OBSERVATIONS.total(&[reporter, outcome], count));
    }
    samples.push(RECORDS.total(&[reporter], position.record_count));
    samples.push(CELLS.count(&[reporter], position.cells.count));
    let receipt = position.receipt;
    samples.extend(receipt.map(|at| RECEIPT.time(&[reporter], at.micros())));
    let through = receipt.and_then(|at| taken_watermark(position.complete_through, at));
    samples.extend(through.map(|at| COMPLETE.time(&[reporter], at.micros())));
}

/// Series of what the collector said of itself.
fn told(samples: &mut Vec<Sample>, reporter: &str, presence: &Presence, position: &Position) {
    let folded = if Some(presence.log) == position.log { position.sequence } else { 0 };
    samples.push(LAG.count(&[reporter], presence.produced_through.saturating_sub(folded)));
    let Some(heard) = &presence.heard else { return };
    let Heard { heartbeat, .. } = heard;
    samples.push(SPOOL_BYTES.count(&[reporter], heartbeat.spool_bytes));
    samples.push(DEAD_LETTERS.count(&[reporter], heartbeat.dead_letter_count));
    samples.push(CLOCK_OFFSET.time(&[reporter], heard.clock_offset_micros()));
}

/// Word of an alarm's kind.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::TwoCollectors => "two_collectors",
        Kind::ClonedSpool => "cloned_spool",
        Kind::RejectedData => "rejected_data",
        Kind::ClockOffset => "clock_offset",
        Kind::Flapping => "flapping",
        Kind::StoreRefusesWrites => "store_refuses_writes",
        Kind::FileStuck => "file_stuck",
        Kind::DamagedRecords => "damaged_records",
        Kind::AggregatorClock => "aggregator_clock",
        Kind::StoreReplaced => "store_replaced",
        Kind::QuotaUsedUp => "quota_used_up",
        Kind::IdentityRefused => "identity_refused",
        Kind::CertificateExpires => "certificate_expires",
        Kind::Unheard => "unheard",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use phuxanh_core::{
        LogId,
        catalogue::Catalogue,
        delivery::alarm::Alarm,
        frame::{Heartbeat, IntakeTrouble, Ledger, Program, SessionId},
        gazetteer::Gazetteer,
    };
    use phuxanh_daemon::ops::Value;

    use super::*;
    use crate::mesh::Sighting;

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000).expect("1970")
    }

    fn presence(log: LogId, produced_through: u64) -> Presence {
        let heartbeat = Heartbeat {
            sent: second(102),
            spool_batch_count: 4,
            spool_bytes: 4_096,
            dead_letter_count: 3,
            produced_through,
            complete_through: None,
            audit: None,
            intake_trouble: IntakeTrouble::default(),
        };
        Presence {
            session: SessionId([1; 16]),
            log,
            connected: true,
            since: second(90),
            host: "alpha".to_owned(),
            program: Program::default(),
            produced_through,
            heard: Some(Heard { heartbeat, at: second(100) }),
            beats_at_rest: 0,
        }
    }

    fn seen(alarms: &[Kind]) -> Sightings {
        let alarm = |&kind: &Kind| Alarm { kind, since: None, detail: String::new() };
        let sighting = Sighting {
            presence: Some(presence(LogId([7; 16]), 9)),
            alarms: alarms.iter().map(alarm).collect(),
        };
        [("04".parse().expect("a code"), sighting)].into()
    }

    fn all(seen: &Sightings) -> Vec<Sample> {
        let (catalogue, gazetteer) = (Catalogue::builtin(), Gazetteer::builtin());
        let view = View::empty(Arc::new(catalogue), Arc::new(gazetteer));
        let board = Arc::new(BTreeMap::new());
        samples(&Known {
            board: &board,
            view: &view,
            seen,
            now: second(110),
            audit_age_max: None,
            is_unheard: &|_, _, _| false,
        })
    }

    #[test]
    fn a_province_that_was_never_heard_of_has_a_series_that_says_so() {
        let samples = all(&Sightings::new());
        let of = |metric| samples.iter().filter(|it| it.metric == metric).collect::<Vec<_>>();
        let (heard, open) = (of(&HEARD), of(&SESSION_OPEN));
        assert_eq!((heard.len(), open.len()), (34, 34));
        let is_zero = |value| matches!(value, Value::Total(0)) || value == Value::Level(0.0);
        assert!(samples.iter().all(|it| is_zero(it.value) && it.labels[0].len() == 2));
    }

    #[test]
    fn alarms_and_the_verdict_of_a_reporter_are_told_by_their_words() {
        let samples = all(&seen(&[Kind::FileStuck]));
        let standing: Vec<_> = samples
            .iter()
            .filter(|it| it.metric == &ALARM && it.value == Value::Level(1.0))
            .map(|it| &it.labels[..])
            .collect();
        assert_eq!(standing, [["04", "file_stuck"]]);
        // Every province tells whether it is unheard, and one that was heard of tells of all kinds.
        let count = samples.iter().filter(|it| it.metric == &ALARM).count();
        assert_eq!(count, 34 + KINDS.len());
        assert!(samples.contains(&AUDIT.flag(&["04", "silent"], true)));
        assert!(samples.contains(&HEARD.time(&["04"], 100_000_000)));
    }

    #[test]
    fn lag_counts_what_was_not_folded_of_the_log_in_force() {
        let lag = |position: &Position| {
            let mut samples = Vec::new();
            told(&mut samples, "04", &presence(LogId([7; 16]), 9), position);
            assert!(samples.contains(&DEAD_LETTERS.count(&["04"], 3)));
            assert!(samples.contains(&CLOCK_OFFSET.time(&["04"], 2_000_000)));
            samples.into_iter().find(|it| it.metric == &LAG).map(|it| it.value)
        };
        let position = |log| Position { log: Some(log), sequence: 6, ..Position::default() };
        assert_eq!(lag(&position(LogId([7; 16]))), Some(Value::Level(3.0)));
        assert_eq!(lag(&position(LogId([8; 16]))), Some(Value::Level(9.0)));
    }

    #[test]
    fn the_ledger_is_counted_by_outcome() {
        let ledger = Ledger { applied: 4, repeated: 3, superseded: 2, rejected: 1 };
        let position = Position {
            ledger,
            record_count: 5,
            receipt: Some(second(60)),
            complete_through: Some(second(50)),
            ..Position::default()
        };
        let mut samples = Vec::new();
        folded(&mut samples, "04", &position);
        for (outcome, count) in
            [("applied", 4), ("repeated", 3), ("superseded", 2), ("rejected", 1)]
        {
            assert!(samples.contains(&OBSERVATIONS.total(&["04", outcome], count)), "{outcome}");
        }
        assert!(samples.contains(&RECORDS.total(&["04"], 5)));
        assert!(samples.contains(&COMPLETE.time(&["04"], 50_000_000)));
    }
}
