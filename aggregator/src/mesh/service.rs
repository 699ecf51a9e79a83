//! `MeshService`: lists collectors and aggregators, and audits both ends of delivery.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use phuxanh_core::{
    Level, LocalityCode, Period, Timestamp,
    delivery::{
        alarm::{Alarm, Kind},
        audit::{Audit, Verdict},
        board::{Board, Heard, Presence},
        silence,
    },
    figures::{
        fold::{Position, taken_watermark},
        view::View,
    },
    frame::{Durability, Program},
    gazetteer::Locality,
};
use phuxanh_daemon::{clock::Clock, tls::Judge};
use phuxanh_proto::{
    convert::{to_audit, to_durability, to_ledger, wire_time},
    refusal::Expected,
    v1::{self, mesh_service_server::MeshService},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{
    Own, Peers, Replica, Sighting, at_rest,
    replica::{Sightings, merged, sightings},
};
use crate::{
    query::{
        Error,
        page::{Binding, Page},
    },
    store::{Trouble, WritesRefused},
    timekeeping::Timekeeping,
};

/// Detail of the alarm for a store that was wiped or replaced.
const REPLACED: &str = "the store was wiped or replaced: collectors restate their cells, earlier values and receipts are \
                        lost unless an export is imported";

/// The service over the board and the view.
#[derive(Debug, Clone)]
pub struct Service {
    pub board: watch::Receiver<Board>,
    pub view: watch::Receiver<Arc<View>>,
    pub clock: Clock,
    pub own: Own,
    /// The other aggregators of the store.
    pub peers: watch::Receiver<Peers>,
    pub store_kind: &'static str,
    pub durability: Durability,
    pub trouble: watch::Receiver<Option<Trouble>>,
    /// Reason why the store refuses writes, if it does.
    pub writes: watch::Receiver<Option<WritesRefused>>,
    /// Time at which the store was last found wiped or replaced, if it was.
    pub replaced: watch::Receiver<Option<Timestamp>>,
    pub timekeeping: Timekeeping,
    /// Knows what expires of the files of TLS, if TLS is served.
    pub judge: Option<Judge>,
    /// Silence after which the numbers of a collector are outdated.
    pub silence_max: Duration,
}

/// Request for a page of reporters.
struct Asked {
    /// `None` for all.
    reporter: Option<LocalityCode>,
    page: Page<LocalityCode>,
}

#[tonic::async_trait]
impl MeshService for Service {
    async fn list_collectors(
        &self,
        request: Request<v1::ListCollectorsRequest>,
    ) -> Result<Response<v1::ListCollectorsResponse>, Status> {
        let v1::ListCollectorsRequest { page_size, page_token } = request.into_inner();
        let page = Page::read(Binding::new("ListCollectors"), page_size, &page_token)?;
        let asked = Asked { reporter: None, page };
        let in_force = self.view.borrow().catalogue().digest();
        let now = (self.clock)();
        let view = Arc::clone(&self.view.borrow());
        let (collectors, next_page_token) = self.page(&asked, |locality, seen, position| {
            let unheard = self.unheard(&view, locality, seen.presence.as_ref(), position, now);
            let mut row = collector(locality, seen, position, in_force);
            row.alarms.extend(unheard.map(at_rest::to_alarm));
            row
        })?;
        let store_alarms = self.store_alarms();
        Ok(Response::new(v1::ListCollectorsResponse { collectors, next_page_token, store_alarms }))
    }

    async fn audit_collectors(
        &self,
        request: Request<v1::AuditCollectorsRequest>,
    ) -> Result<Response<v1::AuditCollectorsResponse>, Status> {
        let v1::AuditCollectorsRequest { reporter, page_size, page_token } = request.into_inner();
        let binding = Binding::new("AuditCollectors").text(&reporter);
        let page = Page::read(binding, page_size, &page_token)?;
        let asked = Asked { reporter: asked_reporter(&reporter)?, page };
        let store_alarms = self.store_alarms();
        let now = (self.clock)();
        let age_max = self.audit_age_max(now);
        let (audits, next_page_token) = self.page(&asked, |locality, seen, position| {
            let audit = Audit::new(seen.presence.as_ref(), position);
            audited(locality, &audit, audit.verdict(now, age_max))
        })?;
        Ok(Response::new(v1::AuditCollectorsResponse { audits, next_page_token, store_alarms }))
    }

    async fn list_replicas(
        &self,
        _: Request<v1::ListReplicasRequest>,
    ) -> Result<Response<v1::ListReplicasResponse>, Status> {
        let board = Arc::clone(&self.board.borrow());
        let view = Arc::clone(&self.view.borrow());
        let own = self.own.replica(&board, &view, (self.clock)());
        let peers = Arc::clone(&self.peers.borrow());
        let all: Vec<_> = std::iter::once(&own).chain(peers.iter()).collect();
        let mut replicas: Vec<_> = all.iter().map(|it| replica(it, &all, own.id)).collect();
        replicas
            .sort_by(|one, other| (&one.host, &one.address).cmp(&(&other.host, &other.address)));
        let trouble = self.trouble.borrow().clone();
        let store = v1::StoreState {
            kind: self.store_kind.to_owned(),
            durability: to_durability(self.durability).into(),
            trouble_since_time: trouble.as_ref().map(|trouble| wire_time(trouble.since)),
            trouble: trouble.map_or_else(String::new, |trouble| trouble.cause),
            alarms: self.store_alarms(),
        };
        Ok(Response::new(v1::ListReplicasResponse { replicas, store: Some(store) }))
    }
}

impl Service {
    /// Time since which an aggregator of the store has been there to hear collectors.
    fn listening(&self) -> Timestamp {
        let peers = self.peers.borrow();
        peers
            .iter()
            .map(|peer| peer.start)
            .min()
            .map_or(self.own.start, |at| at.min(self.own.start))
    }

    /// The alarm of a province in force of which nothing was heard for long.
    pub(crate) fn unheard(
        &self,
        view: &View,
        locality: &Locality,
        presence: Option<&Presence>,
        position: &Position,
        now: Timestamp,
    ) -> Option<Alarm> {
        let is_expected = view.gazetteer().in_force(locality, Period::containing(now));
        let (rules, receipt) = (&self.own.rules, position.receipt);
        silence::alarm(rules, presence, receipt, self.listening(), now).filter(|_| is_expected)
    }

    /// Age from which an audit is outdated; `None` while no batch is taken, which outdates none.
    pub(crate) fn audit_age_max(&self, now: Timestamp) -> Option<Duration> {
        let is_taking = self.writes.borrow().is_none() && self.timekeeping.distrust(now).is_none();
        is_taking.then_some(self.silence_max)
    }

    fn store_alarms(&self) -> Vec<v1::Alarm> {
        let now = (self.clock)();
        let refused = self.writes.borrow();
        let alarm = |refused: &WritesRefused| Alarm {
            kind: Kind::StoreRefusesWrites,
            since: Some(refused.since),
            detail: refused.cause.clone(),
        };
        let distrust = self.timekeeping.distrust(now).map(|distrust| Alarm {
            kind: Kind::AggregatorClock,
            since: None,
            detail: distrust.to_string(),
        });
        let replaced = *self.replaced.borrow();
        let replaced = replaced.filter(|at| now.since(*at) < self.own.rules.hold).map(|at| Alarm {
            kind: Kind::StoreReplaced,
            since: Some(at),
            detail: REPLACED.to_owned(),
        });
        let expiring = self.judge.iter().flat_map(|judge| {
            judge.warnings(now).into_iter().map(|(validity, detail)| Alarm {
                kind: Kind::CertificateExpires,
                since: judge.warned_since(&validity),
                detail,
            })
        });
        let alarms = refused.iter().map(alarm).chain(distrust).chain(replaced).chain(expiring);
        alarms.map(at_rest::to_alarm).collect()
    }

    /// Returns one page of the requested reporters and the token of the next page. `word` turns a
    /// reporter's sighting and position into a row.
    fn page<T>(
        &self,
        asked: &Asked,
        word: impl Fn(&Locality, &Sighting, &Position) -> T,
    ) -> Result<(Vec<T>, String), Error> {
        // Read the board before the view: collectors may appear behind the fold, never far ahead.
        let board = Arc::clone(&self.board.borrow());
        let view = Arc::clone(&self.view.borrow());
        let own = sightings(&board, &self.own.rules, &view, (self.clock)());
        let seen = merged(own, &self.peers.borrow());
        if let Some(code) = asked.reporter
            && view.gazetteer().locality(code).is_none()
        {
            return Err(Error::UnknownLocality(code));
        }
        let reporters = view.gazetteer().localities().filter(|locality| match asked.reporter {
            Some(code) => code == locality.code,
            None => is_shown(locality.code, &seen, &view),
        });
        let (reporters, next_page_token) = asked.page.select(reporters, |locality| locality.code);
        let answer = |locality: &&Locality| {
            let rollup = view.reporter(locality.code);
            let position = rollup.map(|rollup| *rollup.position()).unwrap_or_default();
            let nothing = Sighting::default();
            word(locality, seen.get(&locality.code).unwrap_or(&nothing), &position)
        };
        Ok((reporters.iter().map(answer).collect(), next_page_token))
    }
}

/// True for every province, even a silent one, and for the central office once it was heard of.
#[must_use]
pub fn is_shown(code: LocalityCode, seen: &Sightings, view: &View) -> bool {
    match code.level() {
        Level::Province => true,
        Level::Nation => view.reporter(code).is_some() || seen.contains_key(&code),
        Level::Commune => false,
    }
}

fn asked_reporter(text: &str) -> Result<Option<LocalityCode>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let code = text.parse::<LocalityCode>().ok();
    match code.filter(|code| code.level() != Level::Commune) {
        Some(code) => Ok(Some(code)),
        None => Err(Error::malformed(
            "reporter",
            Expected::Reporter,
            "00, the code of a province, or nothing for all",
        )),
    }
}

fn collector(
    locality: &Locality,
    seen: &Sighting,
    position: &Position,
    in_force: [u8; 32],
) -> v1::Collector {
    let presence = seen.presence.as_ref();
    let heard = presence.and_then(|presence| presence.heard.as_ref());
    let heartbeat = heard.map(|heard| &heard.heartbeat);
    let complete_through = heard
        .and_then(|heard| taken_watermark(heard.heartbeat.complete_through, heard.at))
        .filter(|_| presence.is_some_and(|seen| seen.produced_through <= position.sequence))
        .max(position.receipt.and_then(|at| taken_watermark(position.complete_through, at)));
    v1::Collector {
        reporter: locality.code.to_string(),
        name: locality.name.clone(),
        name_en: locality.name_en.clone(),
        connected: presence.is_some_and(|presence| presence.connected),
        since_time: presence.map(|presence| wire_time(presence.since)),
        host: presence.map_or_else(String::new, |presence| presence.host.clone()),
        complete_through_time: complete_through.map(wire_time),
        last_receipt_time: position.receipt.map(wire_time),
        applied_through: position.sequence,
        produced_through: presence.map_or(0, |presence| presence.produced_through),
        ledger: Some(to_ledger(position.ledger)),
        record_count: position.record_count,
        spool_batch_count: heartbeat.map_or(0, |heartbeat| heartbeat.spool_batch_count),
        spool_bytes: heartbeat.map_or(0, |heartbeat| heartbeat.spool_bytes),
        dead_letter_count: heartbeat.map_or(0, |heartbeat| heartbeat.dead_letter_count),
        clock_offset: heard.map(clock_offset),
        alarms: seen.alarms.iter().cloned().map(at_rest::to_alarm).collect(),
        software: presence.map_or_else(String::new, |it| it.program.software.clone()),
        catalogue: presence.and_then(|presence| catalogue(&presence.program, in_force)),
    }
}

/// Catalogue of a collector; `None` if an aggregator of an earlier version saw the collector.
fn catalogue(program: &Program, in_force: [u8; 32]) -> Option<v1::CollectorCatalogue> {
    let digest = program.catalogue_digest;
    (!program.software.is_empty()).then(|| v1::CollectorCatalogue {
        version: program.catalogue_version,
        digest: digest.to_vec(),
        same: digest == in_force,
    })
}

/// Row of an aggregator, compared with all of them.
fn replica(replica: &Replica, all: &[&Replica], own_id: [u8; 16]) -> v1::Replica {
    let mut furthest = BTreeMap::<_, u64>::new();
    for (reporter, &record_count) in all.iter().flat_map(|it| &it.positions) {
        let count = furthest.entry(*reporter).or_default();
        *count = record_count.max(*count);
    }
    let folded = |reporter| replica.positions.get(reporter).copied().unwrap_or(0);
    let delivers = |seen: &Sighting| seen.presence.as_ref().is_some_and(|it| it.connected);
    let sessions = replica.sightings.iter().filter(|(_, seen)| delivers(seen));
    v1::Replica {
        replica_id: replica.id.to_vec(),
        host: replica.host.clone(),
        address: replica.address.clone(),
        is_self: replica.id == own_id,
        start_time: Some(wire_time(replica.start)),
        seen_time: Some(wire_time(replica.seen)),
        view_version: replica.view_version.clone(),
        behind_count: furthest.iter().map(|(reporter, count)| count - folded(reporter)).sum(),
        positions: at_rest::positions(&replica.positions),
        sessions: sessions.map(|(reporter, _)| reporter.to_string()).collect(),
    }
}

/// Clock offset in wire format; seconds and nanoseconds have the same sign.
fn clock_offset(heard: &Heard) -> prost_types::Duration {
    let micros = heard.clock_offset_micros();
    let nanos = i32::try_from(micros % 1_000_000 * 1_000).expect("below 10^9");
    prost_types::Duration { seconds: micros / 1_000_000, nanos }
}

fn audited(locality: &Locality, audit: &Audit, verdict: Verdict) -> v1::Audit {
    let verdict = match verdict {
        Verdict::Agrees => v1::AuditVerdict::Agrees,
        Verdict::Pending => v1::AuditVerdict::Pending,
        Verdict::Disagrees => v1::AuditVerdict::Disagrees,
        Verdict::Silent => v1::AuditVerdict::Silent,
        Verdict::Outdated => v1::AuditVerdict::Outdated,
    };
    let folded = audit.folded;
    v1::Audit {
        reporter: locality.code.to_string(),
        name: locality.name.clone(),
        name_en: locality.name_en.clone(),
        verdict: verdict.into(),
        log_id: audit.log.map_or_else(Vec::new, |log| log.0.to_vec()),
        collector: audit.told.map(|told| to_audit(&told.audit)),
        folded_through: folded.through,
        ledger: Some(to_ledger(folded.ledger)),
        pending_observation_count: audit.pending_observation_count(),
        cell_count: folded.cells.count,
        cell_digest: folded.cells.sum.to_be_bytes().to_vec(),
        told_time: audit.told.map(|told| wire_time(told.at)),
    }
}

#[cfg(test)]
mod tests;
