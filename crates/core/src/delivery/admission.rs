//! Admission to a reporter's log: the rules that make delivery exactly-once.
//!
//! Pure decisions over a [`Cursor`]; the store makes each one and its effect a single atomic
//! write. Nothing is ever appended that does not continue the cursor's position, in the log in
//! force, by the session that owns it.

use std::time::Duration;

use crate::{
    Batch, Cursor, LocalityCode, LogId, Position, Timestamp,
    figures::fold,
    frame::{BatchResult, Generation, Hello, ResyncReason, SessionId},
};

/// A batch that a session offers to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Time at which the aggregator received the batch, by the clock that judged it.
    pub received: Timestamp,
    pub reporter: LocalityCode,
    pub session: SessionId,
    pub log: LogId,
    /// Epoch that Welcome gave the log.
    pub log_epoch: u64,
    /// Host of the session.
    pub host: String,
    pub batch: Batch,
    /// The batch decoded, with what is refused of it.
    pub contents: fold::Contents,
    /// The same refusals, as the collector is told them.
    pub result: Option<BatchResult>,
}

/// When something becomes durable: once the store calls this ticket or a later one durable. One
/// store's tickets rise in the order in which it admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// Answer of the log to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    pub verdict: Verdict,
    /// Ticket at which the appended records are durable.
    pub ticket: Ticket,
}

/// Answer of the log to a Hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    Welcome {
        cursor: Cursor,
        generation: Generation,
        /// Ticket at which the cursor and all before it is durable.
        ticket: Ticket,
        /// Stored results behind the collector's released position, by sequence.
        results: Vec<BatchResult>,
    },
    Resync(ResyncReason),
    /// Another host holds the reporter's lease.
    Owned {
        host: String,
    },
}

/// Decision on a Hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// The session owns the log; this cursor must be durable before it is told so.
    Welcome(Cursor),
    /// The logs do not fit together.
    Resync(ResyncReason),
}

/// Decision on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The batch continues the log: append it; the position becomes this.
    Append(Position),
    /// The batch is in the log already: acknowledge it again.
    Duplicate,
    /// Another session owns the log.
    Fenced,
    /// The batch skips others.
    Gap { expected: u64 },
    /// The batch follows another one than the log's last, or another log is in force.
    Conflict(ResyncReason),
}

/// Furthest that a log's epoch may lie ahead of the store's, which falls behind where it is rolled
/// back or wiped. An epoch further ahead was not given by this store, and would use up the numbers.
pub const EPOCH_AHEAD_MAX: u64 = 1 << 20;
/// Last epoch that is counted on from; far below the largest number of the wire.
const EPOCH_MAX: u64 = 1 << 52;
/// Last epoch that [`open`] gives to a log, whatever was told and stored.
pub const EPOCH_GIVEN_MAX: u64 = EPOCH_MAX + EPOCH_AHEAD_MAX;

/// Decides on a Hello. `session` is the id that its session shall have.
#[must_use]
pub fn open(cursor: Option<Cursor>, hello: &Hello, session: SessionId) -> Opening {
    let fresh = |log_epoch: u64, earlier: Option<&Cursor>| {
        Opening::Welcome(Cursor {
            log: hello.log,
            log_epoch,
            position: Position::start(hello.log),
            session,
            host: hello.host.clone(),
            released: 0,
            record_count: earlier.map_or(0, |cursor| cursor.record_count),
            receipt: earlier.and_then(|cursor| cursor.receipt),
            damaged: earlier.and_then(|cursor| cursor.damaged),
        })
    };
    let released_any = hello.released.sequence > 0;
    let held = cursor.as_ref().map_or(0, |cursor| cursor.log_epoch.min(EPOCH_MAX));
    let is_far_ahead = hello.log_epoch > held + EPOCH_AHEAD_MAX;
    match cursor {
        None if released_any => Opening::Resync(ResyncReason::StoreLost),
        None => fresh(hello.log_epoch.clamp(1, EPOCH_AHEAD_MAX), None),
        Some(cursor) if cursor.log == hello.log => match mismatch(&cursor, hello) {
            Some(reason) => Opening::Resync(reason),
            None => Opening::Welcome(Cursor {
                log_epoch: if is_far_ahead { held } else { held.max(hello.log_epoch) },
                session,
                host: hello.host.clone(),
                released: hello.released.sequence,
                ..cursor
            }),
        },
        // A log that was given its epoch before the one in force has been replaced by it.
        Some(_) if 0 < hello.log_epoch && (hello.log_epoch <= held || is_far_ahead) => {
            Opening::Resync(ResyncReason::LogReplaced)
        }
        Some(_) if released_any => Opening::Resync(ResyncReason::StoreLost),
        Some(cursor) if hello.log_epoch > 0 => fresh(hello.log_epoch, Some(&cursor)),
        Some(cursor) => fresh(held + 1, Some(&cursor)),
    }
}

/// Reason why the log's ends in Hello contradict the log that is held.
fn mismatch(cursor: &Cursor, hello: &Hello) -> Option<ResyncReason> {
    let held = cursor.position;
    let broken = |told: Position| told.sequence == held.sequence && told.chain != held.chain;
    if is_damaged(cursor) {
        Some(ResyncReason::StoreLost)
    } else if hello.produced.sequence < held.sequence {
        Some(ResyncReason::LogRegressed)
    } else if hello.released.sequence > held.sequence {
        Some(ResyncReason::StoreLost)
    } else if broken(hello.produced) || broken(hello.released) {
        Some(ResyncReason::ChainBroken)
    } else if held.sequence > 0 && hello.host != cursor.host {
        // The refusals of these batches were told to the other host; this host may believe that a
        // lost store had taken them.
        Some(ResyncReason::HostChanged)
    } else {
        None
    }
}

/// True if records of the log in force cannot be read. The log is then treated as lost by the
/// store: the collector begins another log, which restates every cell that it holds.
#[must_use]
pub fn is_damaged(cursor: &Cursor) -> bool {
    cursor.damaged == Some(cursor.log)
}

/// Decides on a batch of a session that was welcomed with `log`.
#[must_use]
pub fn admit(cursor: &Cursor, session: SessionId, log: LogId, batch: &Batch) -> Verdict {
    let held = cursor.position;
    if cursor.session != session {
        Verdict::Fenced
    } else if cursor.log != log {
        Verdict::Conflict(ResyncReason::LogReplaced)
    } else if is_damaged(cursor) {
        Verdict::Conflict(ResyncReason::StoreLost)
    } else if batch.sequence <= held.sequence {
        Verdict::Duplicate
    } else if batch.sequence != held.sequence + 1 {
        Verdict::Gap { expected: held.sequence + 1 }
    } else if batch.previous_chain != held.chain {
        Verdict::Conflict(ResyncReason::ChainBroken)
    } else {
        Verdict::Append(held.after(batch))
    }
}

/// Decides on a heartbeat: where the log stands, if this session may still continue it.
#[must_use]
pub fn confirm(cursor: &Cursor, session: SessionId) -> Option<u64> {
    let may_continue = cursor.session == session && !is_damaged(cursor);
    may_continue.then_some(cursor.position.sequence)
}

/// When a record counts as received. Receipt times rise, whatever the clock does, so that "as known
/// at" is a prefix of the log.
#[must_use]
pub fn next_receipt(now: Timestamp, previous: Option<Timestamp>) -> Timestamp {
    let next = previous.map(|previous| previous.plus(Duration::from_micros(1)));
    next.map_or(now, |next| next.max(now))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Chain, LocalityCode, frame::Durability};

    const LOG: LogId = LogId([1; 16]);
    const OTHER_LOG: LogId = LogId([2; 16]);
    const SESSION: SessionId = SessionId([3; 16]);

    fn batch(sequence: u64, previous_chain: Chain) -> Batch {
        Batch {
            sequence,
            previous_chain,
            observation_count: 0,
            complete_through: None,
            payload: Bytes::new(),
        }
    }

    /// The position behind `count` empty batches of a log.
    fn position(log: LogId, count: u64) -> Position {
        (1..=count).fold(Position::start(log), |at, sequence| at.after(&batch(sequence, at.chain)))
    }

    fn hello(log: LogId, log_epoch: u64, released: u64, produced: u64) -> Hello {
        Hello {
            protocol: 1,
            reporter: LocalityCode::NATION,
            log,
            log_epoch,
            produced: position(log, produced),
            released: position(log, released),
            host: "host".into(),
            catalogue_digest: [0; 32],
            least_durability: Durability::Always,
            software: String::new(),
            catalogue_version: 1,
        }
    }

    fn cursor(log: LogId, log_epoch: u64, count: u64) -> Cursor {
        Cursor {
            log,
            log_epoch,
            position: position(log, count),
            session: SESSION,
            host: "host".into(),
            released: 0,
            record_count: 40,
            receipt: None,
            damaged: None,
        }
    }

    fn opened(cursor: Option<Cursor>, hello: &Hello) -> Result<(u64, u64), ResyncReason> {
        match open(cursor, hello, SessionId([9; 16])) {
            Opening::Welcome(cursor) => {
                assert_eq!((cursor.log, cursor.session), (hello.log, SessionId([9; 16])));
                Ok((cursor.log_epoch, cursor.position.sequence))
            }
            Opening::Resync(reason) => Err(reason),
        }
    }

    #[test]
    fn a_hello_is_welcomed_where_the_log_stands_or_told_why_not() {
        use ResyncReason::{ChainBroken, HostChanged, LogRegressed, LogReplaced, StoreLost};
        let broken = Hello { produced: position(OTHER_LOG, 3), ..hello(LOG, 1, 2, 3) };
        let elsewhere = Hello { host: "elsewhere".to_owned(), ..hello(LOG, 1, 0, 5) };
        let damaged = Cursor { damaged: Some(LOG), ..cursor(LOG, 1, 3) };
        let cases = [
            (None, hello(LOG, 0, 0, 5), Ok((1, 0))),
            (None, hello(LOG, 7, 0, 5), Ok((7, 0))),
            (None, hello(LOG, 1, 3, 5), Err(StoreLost)),
            (Some(cursor(LOG, 1, 3)), hello(LOG, 1, 2, 5), Ok((1, 3))),
            (Some(cursor(LOG, 1, 3)), hello(LOG, 0, 0, 3), Ok((1, 3))),
            (Some(cursor(LOG, 1, 3)), hello(LOG, 1, 2, 2), Err(LogRegressed)),
            (Some(cursor(LOG, 1, 3)), hello(LOG, 1, 4, 5), Err(StoreLost)),
            (Some(cursor(LOG, 1, 3)), broken, Err(ChainBroken)),
            (Some(cursor(LOG, 4, 3)), hello(OTHER_LOG, 0, 0, 1), Ok((5, 0))),
            (Some(cursor(LOG, 4, 3)), hello(OTHER_LOG, 6, 0, 1), Ok((6, 0))),
            (Some(cursor(LOG, 4, 3)), hello(OTHER_LOG, 6, 1, 1), Err(StoreLost)),
            (Some(cursor(LOG, 4, 3)), hello(OTHER_LOG, 4, 0, 1), Err(LogReplaced)),
            (Some(cursor(LOG, 1, 3)), elsewhere.clone(), Err(HostChanged)),
            (Some(cursor(LOG, 1, 0)), elsewhere, Ok((1, 0))),
            // Epochs that no log of this store can have been given do not count.
            (None, hello(LOG, u64::MAX, 0, 5), Ok((EPOCH_AHEAD_MAX, 0))),
            (Some(cursor(LOG, 4, 3)), hello(LOG, u64::MAX, 2, 5), Ok((4, 3))),
            (Some(cursor(LOG, 4, 3)), hello(OTHER_LOG, u64::MAX, 0, 1), Err(LogReplaced)),
            // A store that took one before they were bounded goes on.
            (Some(cursor(LOG, u64::MAX, 3)), hello(OTHER_LOG, 0, 0, 1), Ok((EPOCH_MAX + 1, 0))),
            (Some(damaged.clone()), hello(LOG, 1, 0, 5), Err(StoreLost)),
            (Some(damaged), hello(OTHER_LOG, 0, 0, 1), Ok((2, 0))),
        ];
        for (number, (cursor, hello, expected)) in cases.into_iter().enumerate() {
            assert_eq!(opened(cursor, &hello), expected, "case {number}");
        }
    }

    #[test]
    fn only_the_owner_appends_and_only_what_continues_the_log() {
        let held = cursor(LOG, 1, 3);
        let next = batch(4, held.position.chain);
        let admitted = |session, log, batch: &Batch| admit(&held, session, log, batch);
        assert_eq!(admitted(SESSION, LOG, &next), Verdict::Append(position(LOG, 4)));
        assert_eq!(admitted(SessionId([4; 16]), LOG, &next), Verdict::Fenced);
        assert_eq!(
            admitted(SESSION, OTHER_LOG, &next),
            Verdict::Conflict(ResyncReason::LogReplaced)
        );
        assert_eq!(admitted(SESSION, LOG, &batch(3, Chain([0; 32]))), Verdict::Duplicate);
        assert_eq!(
            admitted(SESSION, LOG, &batch(5, held.position.chain)),
            Verdict::Gap { expected: 4 }
        );
        assert_eq!(
            admitted(SESSION, LOG, &batch(4, Chain([0; 32]))),
            Verdict::Conflict(ResyncReason::ChainBroken)
        );
    }

    #[test]
    fn a_log_with_a_damaged_record_is_not_continued_and_another_one_is() {
        let held = cursor(LOG, 1, 3);
        let next = batch(4, held.position.chain);
        let damaged = Cursor { damaged: Some(LOG), ..held.clone() };
        let lost = Verdict::Conflict(ResyncReason::StoreLost);
        assert_eq!(admit(&damaged, SESSION, LOG, &next), lost);
        assert_eq!(confirm(&damaged, SESSION), None);
        let since = Cursor { damaged: Some(OTHER_LOG), ..held };
        assert_eq!(admit(&since, SESSION, LOG, &next), Verdict::Append(position(LOG, 4)));
        assert_eq!(confirm(&since, SESSION), Some(3));
        assert_eq!(confirm(&since, SessionId([4; 16])), None);
    }
}
