//! The board: which collector is connected, since when, from where, and what is wrong with it.
//!
//! Sessions tell it what they see. What an event means is decided here by the times that the events
//! bring, never by a clock.

use std::{collections::BTreeMap, sync::Arc};

use super::alarm::{Alarm, Causes, Kind, Replacements, Rules};
use crate::{
    LocalityCode, LogId, Timestamp,
    figures::fold::Position,
    frame::{CollectorAudit, Heartbeat, Program, ResyncReason, SessionId},
};

/// Heartbeats without a batch between them after which the collector has heard of every refusal:
/// the first answers a Welcome, the second may have been sent before the last refusal came, the third
/// was sent later.
const SETTLED_BEATS: u32 = 3;

/// Event that a session tells the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session was welcomed.
    Connected {
        reporter: LocalityCode,
        session: SessionId,
        log: LogId,
        host: String,
        program: Program,
        produced: u64,
        at: Timestamp,
    },
    /// A batch came.
    Produced { reporter: LocalityCode, session: SessionId, through: u64 },
    /// A heartbeat came.
    Beat { reporter: LocalityCode, session: SessionId, heartbeat: Heartbeat, at: Timestamp },
    /// A welcomed session has ended.
    Disconnected { reporter: LocalityCode, session: SessionId, at: Timestamp },
    /// A host was not welcomed because another one, the owner, delivers for the reporter.
    Refused {
        reporter: LocalityCode,
        log: LogId,
        host: String,
        owner: String,
        /// True if it would have delivered the log that is in force.
        same_log: bool,
        at: Timestamp,
    },
    /// Records, checkpoints or the cursor of the reporter's log cannot be used.
    Damaged { reporter: LocalityCode, detail: String, at: Timestamp },
    /// No batch of the reporter is taken, since its quota is used up.
    QuotaUsedUp { reporter: LocalityCode, detail: String, at: Timestamp },
    /// Somebody wanted to speak for the reporter without an identity that may, or no longer may.
    IdentityRefused { reporter: LocalityCode, detail: String, at: Timestamp },
    /// The certificate by which somebody speaks for the reporter was looked at. `warning` tells of an
    /// expiry that is near.
    Certified { reporter: LocalityCode, warning: Option<String>, at: Timestamp },
    /// A host was asked to restate its cells.
    Resynced { reporter: LocalityCode, reason: ResyncReason, host: String, at: Timestamp },
}

/// Knowledge of one reporter's collector since this aggregator started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    presence: Option<Presence>,
    causes: Causes,
    replacements: Replacements,
}

/// The last session that was welcomed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    pub session: SessionId,
    pub log: LogId,
    pub connected: bool,
    /// Since when it is connected, or not.
    pub since: Timestamp,
    pub host: String,
    pub program: Program,
    /// Batches that its log holds, by its own word.
    pub produced_through: u64,
    /// The last heartbeat of that log from that host.
    pub heard: Option<Heard>,
    /// Heartbeats since the last batch or Hello.
    pub beats_at_rest: u32,
}

/// A heartbeat as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub heartbeat: Heartbeat,
    pub at: Timestamp,
}

/// The collector's side of the audit, as it told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub audit: CollectorAudit,
    pub at: Timestamp,
    /// True if every refusal that was sent before must have reached the collector by then.
    pub is_settled: bool,
}

/// Every reporter of which anything was heard.
pub type Board = Arc<BTreeMap<LocalityCode, Entry>>;

/// Takes what a session tells.
pub fn note(board: &mut BTreeMap<LocalityCode, Entry>, rules: &Rules, event: Event) {
    match event {
        Event::Connected { reporter, session, log, host, program, produced, at } => {
            let presence = Presence {
                session,
                log,
                connected: true,
                since: at,
                host,
                program,
                produced_through: produced,
                heard: None,
                beats_at_rest: 0,
            };
            board.entry(reporter).or_default().connect(rules, presence);
        }
        Event::Refused { reporter, log, host, owner, same_log, at } => {
            board.entry(reporter).or_default().refuse(rules, log, &host, &owner, same_log, at);
        }
        Event::Resynced { reporter, reason, host, at } => {
            board.entry(reporter).or_default().resync(rules, reason, &host, at);
        }
        Event::Damaged { reporter, detail, at } => {
            let entry = board.entry(reporter).or_default();
            entry.causes.see(rules, Kind::DamagedRecords, at, detail);
        }
        Event::QuotaUsedUp { reporter, detail, at } => {
            let entry = board.entry(reporter).or_default();
            entry.causes.see(rules, Kind::QuotaUsedUp, at, detail);
        }
        Event::IdentityRefused { reporter, detail, at } => {
            let entry = board.entry(reporter).or_default();
            entry.causes.see(rules, Kind::IdentityRefused, at, detail);
        }
        Event::Certified { reporter, warning: Some(detail), at } => {
            let entry = board.entry(reporter).or_default();
            entry.causes.see(rules, Kind::CertificateExpires, at, detail);
        }
        Event::Certified { reporter, warning: None, .. } => {
            if let Some(entry) = board.get_mut(&reporter) {
                entry.causes.clear(Kind::CertificateExpires);
            }
        }
        Event::Produced { reporter, session, through } => {
            if let Some((presence, _)) = of_session(board, reporter, session) {
                presence.produced_through = presence.produced_through.max(through);
                presence.beats_at_rest = 0;
            }
        }
        Event::Beat { reporter, session, heartbeat, at } => {
            if let Some((presence, causes)) = of_session(board, reporter, session) {
                let heard = Heard { heartbeat, at };
                look_at_heartbeat(causes, rules, &presence.host, &heard);
                presence.hear(heard);
            }
        }
        Event::Disconnected { reporter, session, at } => {
            if let Some((presence, _)) = of_session(board, reporter, session) {
                presence.connected = false;
                presence.since = at;
            }
        }
    }
}

/// An older session's last words must not touch the presence of a newer one.
fn of_session(
    board: &mut BTreeMap<LocalityCode, Entry>,
    reporter: LocalityCode,
    session: SessionId,
) -> Option<(&mut Presence, &mut Causes)> {
    let entry = board.get_mut(&reporter)?;
    let presence = entry.presence.as_mut().filter(|presence| presence.session == session)?;
    Some((presence, &mut entry.causes))
}

impl Entry {
    /// The last session that was welcomed, if any was.
    #[must_use]
    pub const fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref()
    }

    /// The alarms that stand now. What the collector has not told is judged by the fold.
    #[must_use]
    pub fn alarms(&self, rules: &Rules, position: &Position, now: Timestamp) -> Vec<Alarm> {
        let mut alarms = self.causes.standing(rules, now);
        let is_known = alarms.iter().any(|alarm| alarm.kind == Kind::RejectedData)
            || self.presence.as_ref().is_some_and(|presence| presence.heard.is_some());
        let rejected_count = position.log_ledger.rejected;
        if !is_known && rejected_count > 0 {
            let detail = format!("{rejected_count} observations of the log in force were refused");
            alarms.push(Alarm { kind: Kind::RejectedData, since: None, detail });
            alarms.sort_by_key(|alarm| alarm.kind);
        }
        alarms
    }

    fn connect(&mut self, rules: &Rules, mut next: Presence) {
        if let Some(former) = self.presence.take() {
            let (same_log, same_host) = (former.log == next.log, former.host == next.host);
            let replaces = former.connected || !same_log || !same_host;
            if replaces && self.replacements.add(rules, next.since) {
                let detail = if same_host {
                    format!("sessions of {} keep replacing each other", next.host)
                } else {
                    format!(
                        "sessions of {} and {} keep replacing each other",
                        former.host, next.host
                    )
                };
                self.causes.see(rules, Kind::Flapping, next.since, detail);
            }
            next.heard = former.heard.filter(|_| same_log && same_host);
        }
        self.presence = Some(next);
    }

    fn refuse(
        &mut self,
        rules: &Rules,
        log: LogId,
        host: &str,
        owner: &str,
        same_log: bool,
        at: Timestamp,
    ) {
        let is_clone = same_log || self.presence.as_ref().is_some_and(|owner| owner.log == log);
        let (kind, what) = if is_clone {
            (Kind::ClonedSpool, "the same log as")
        } else {
            (Kind::TwoCollectors, "for the reporter of")
        };
        let detail = format!("{host} wants to deliver {what} {owner}, which is alive");
        self.causes.see(rules, kind, at, detail);
    }

    fn resync(&mut self, rules: &Rules, reason: ResyncReason, host: &str, at: Timestamp) {
        let what = match reason {
            ResyncReason::LogRegressed => "has gone back",
            ResyncReason::ChainBroken => "holds other batches than those delivered before",
            ResyncReason::HostChanged => "was delivered by another host before: copied, or moved",
            ResyncReason::StoreLost | ResyncReason::LogReplaced => return,
        };
        let before = match &self.presence {
            Some(presence) => format!("; {} delivered last", presence.host),
            None => String::new(),
        };
        let detail = format!("the log of {host} {what}{before}");
        self.causes.see(rules, Kind::ClonedSpool, at, detail);
    }
}

impl Presence {
    /// Its side of the audit, once a heartbeat has told it.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        let Heard { heartbeat, at } = self.heard.as_ref()?;
        let is_settled = self.beats_at_rest >= SETTLED_BEATS;
        Some(Told { audit: heartbeat.audit?, at: *at, is_settled })
    }

    fn hear(&mut self, heard: Heard) {
        self.produced_through = self.produced_through.max(heard.heartbeat.produced_through);
        self.heard = Some(heard);
        self.beats_at_rest = self.beats_at_rest.saturating_add(1);
    }
}

impl Heard {
    /// The collector's clock less the aggregator's, in microseconds.
    #[must_use]
    pub const fn clock_offset_micros(&self) -> i64 {
        self.heartbeat.sent.micros() - self.at.micros()
    }
}

fn look_at_heartbeat(causes: &mut Causes, rules: &Rules, host: &str, heard: &Heard) {
    let dead_letter_count = heard.heartbeat.dead_letter_count;
    if dead_letter_count > 0 {
        let detail = format!("{dead_letter_count} observations lie in the dead letters of {host}");
        causes.see(rules, Kind::RejectedData, heard.at, detail);
    } else {
        causes.clear(Kind::RejectedData);
    }
    let trouble = &heard.heartbeat.intake_trouble;
    if trouble.file_count > 0 {
        let files = if trouble.file_count == 1 { "file" } else { "files" };
        let detail = format!(
            "{} {files} cannot be read or filed at {host}; first: {}",
            trouble.file_count, trouble.first
        );
        causes.see(rules, Kind::FileStuck, heard.at, detail);
    } else {
        causes.clear(Kind::FileStuck);
    }
    let offset_micros = heard.clock_offset_micros();
    if u128::from(offset_micros.unsigned_abs()) > rules.clock_offset_max.as_micros() {
        let seconds = offset_micros.unsigned_abs() / 1_000_000;
        let side = if offset_micros > 0 { "ahead of" } else { "behind" };
        let detail = format!("the clock of {host} is {seconds} s {side} the aggregator's");
        causes.see(rules, Kind::ClockOffset, heard.at, detail);
    } else {
        causes.clear(Kind::ClockOffset);
    }
}

#[cfg(test)]
mod tests;
