//! Encoding of an aggregator's announcement in the store.

use std::collections::BTreeMap;

use phuxanh_core::{
    LocalityCode, LogId, Timestamp,
    delivery::{
        alarm::{Alarm, Kind},
        board::{Heard, Presence},
    },
    frame::{Program, SessionId},
};
use phuxanh_proto::{
    convert::{self, FieldError, model_time, wire_time},
    storage::v1 as storage,
    v1,
};
use prost::Message;

use super::{Replica, Sighting};

/// Announcement that cannot be read; another version may have written it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// Encodes a replica.
#[must_use]
pub(super) fn encode(replica: &Replica) -> Vec<u8> {
    storage::Replica {
        replica_id: replica.id.to_vec(),
        host: replica.host.clone(),
        address: replica.address.clone(),
        start_micros: replica.start.micros(),
        seen_micros: replica.seen.micros(),
        view_version: replica.view_version.clone(),
        positions: positions(&replica.positions),
        sightings: replica
            .sightings
            .iter()
            .map(|(reporter, sighting)| storage::Sighting {
                reporter: reporter.to_string(),
                presence: sighting.presence.as_ref().map(to_presence),
                alarms: sighting.alarms.iter().cloned().map(to_alarm).collect(),
            })
            .collect(),
    }
    .encode_to_vec()
}

/// Decodes a replica.
pub(super) fn decode(bytes: &[u8]) -> Result<Replica, Error> {
    let said = storage::Replica::decode(bytes).map_err(|error| Error(error.to_string()))?;
    let positions = said
        .positions
        .iter()
        .map(|position| Ok((reporter(&position.reporter)?, position.record_count)))
        .collect::<Result<_, Error>>()?;
    let sightings = said
        .sightings
        .iter()
        .map(|sighting| {
            let seen = Sighting {
                presence: sighting.presence.as_ref().map(from_presence).transpose()?,
                alarms: sighting.alarms.iter().map(from_alarm).collect::<Result<_, _>>()?,
            };
            Ok((reporter(&sighting.reporter)?, seen))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Replica {
        id: sixteen(&said.replica_id)?,
        host: said.host,
        address: said.address,
        start: time(said.start_micros)?,
        seen: time(said.seen_micros)?,
        view_version: said.view_version,
        positions,
        sightings,
    })
}

/// Positions of the folds, in wire format.
pub(super) fn positions(positions: &BTreeMap<LocalityCode, u64>) -> Vec<v1::ReplicaPosition> {
    let positions = positions.iter().map(|(reporter, &record_count)| v1::ReplicaPosition {
        reporter: reporter.to_string(),
        record_count,
    });
    positions.collect()
}

/// Alarm in wire format.
pub(super) fn to_alarm(alarm: Alarm) -> v1::Alarm {
    let kind = match alarm.kind {
        Kind::TwoCollectors => v1::AlarmKind::TwoCollectors,
        Kind::ClonedSpool => v1::AlarmKind::ClonedSpool,
        Kind::RejectedData => v1::AlarmKind::RejectedData,
        Kind::ClockOffset => v1::AlarmKind::ClockOffset,
        Kind::Flapping => v1::AlarmKind::Flapping,
        Kind::StoreRefusesWrites => v1::AlarmKind::StoreRefusesWrites,
        Kind::FileStuck => v1::AlarmKind::FileStuck,
        Kind::DamagedRecords => v1::AlarmKind::DamagedRecords,
        Kind::AggregatorClock => v1::AlarmKind::AggregatorClock,
        Kind::StoreReplaced => v1::AlarmKind::StoreReplaced,
        Kind::QuotaUsedUp => v1::AlarmKind::QuotaUsedUp,
        Kind::IdentityRefused => v1::AlarmKind::IdentityRefused,
        Kind::CertificateExpires => v1::AlarmKind::CertificateExpires,
        Kind::Unheard => v1::AlarmKind::Unheard,
    };
    v1::Alarm { kind: kind.into(), since_time: alarm.since.map(wire_time), detail: alarm.detail }
}

fn from_alarm(alarm: &v1::Alarm) -> Result<Alarm, Error> {
    let kind = match alarm.kind() {
        v1::AlarmKind::TwoCollectors => Kind::TwoCollectors,
        v1::AlarmKind::ClonedSpool => Kind::ClonedSpool,
        v1::AlarmKind::RejectedData => Kind::RejectedData,
        v1::AlarmKind::ClockOffset => Kind::ClockOffset,
        v1::AlarmKind::Flapping => Kind::Flapping,
        v1::AlarmKind::StoreRefusesWrites => Kind::StoreRefusesWrites,
        v1::AlarmKind::FileStuck => Kind::FileStuck,
        v1::AlarmKind::DamagedRecords => Kind::DamagedRecords,
        v1::AlarmKind::AggregatorClock => Kind::AggregatorClock,
        v1::AlarmKind::StoreReplaced => Kind::StoreReplaced,
        v1::AlarmKind::QuotaUsedUp => Kind::QuotaUsedUp,
        v1::AlarmKind::IdentityRefused => Kind::IdentityRefused,
        v1::AlarmKind::CertificateExpires => Kind::CertificateExpires,
        v1::AlarmKind::Unheard => Kind::Unheard,
        v1::AlarmKind::Unspecified => return Err(Error("unknown kind of alarm".to_owned())),
    };
    let since = alarm.since_time.as_ref().map(|since| model_time("alarm.since_time", since));
    Ok(Alarm { kind, since: since.transpose()?, detail: alarm.detail.clone() })
}

fn to_presence(presence: &Presence) -> storage::Presence {
    storage::Presence {
        session: presence.session.0.to_vec(),
        log_id: presence.log.0.to_vec(),
        connected: presence.connected,
        since_micros: presence.since.micros(),
        host: presence.host.clone(),
        produced_through: presence.produced_through,
        heartbeat: presence.heard.as_ref().map(|heard| convert::to_heartbeat(&heard.heartbeat)),
        heard_micros: presence.heard.as_ref().map_or(0, |heard| heard.at.micros()),
        beats_at_rest: presence.beats_at_rest,
        software: presence.program.software.clone(),
        catalogue_version: presence.program.catalogue_version,
        catalogue_digest: presence.program.catalogue_digest.to_vec(),
    }
}

fn from_presence(presence: &storage::Presence) -> Result<Presence, Error> {
    let heard = presence.heartbeat.as_ref().map(|heartbeat| {
        let heartbeat = convert::from_heartbeat(heartbeat)?;
        Ok::<_, Error>(Heard { heartbeat, at: time(presence.heard_micros)? })
    });
    Ok(Presence {
        session: SessionId(sixteen(&presence.session)?),
        log: LogId(sixteen(&presence.log_id)?),
        connected: presence.connected,
        since: time(presence.since_micros)?,
        host: presence.host.clone(),
        program: Program {
            software: presence.software.clone(),
            catalogue_version: presence.catalogue_version,
            catalogue_digest: presence.catalogue_digest.as_slice().try_into().unwrap_or_default(),
        },
        produced_through: presence.produced_through,
        heard: heard.transpose()?,
        beats_at_rest: presence.beats_at_rest,
    })
}

fn reporter(code: &str) -> Result<LocalityCode, Error> {
    Ok(convert::locality("reporter", code)?)
}

fn sixteen(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| Error("expected 16 bytes".to_owned()))
}

fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_micros(micros).map_err(|error| Error(error.to_string()))
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self(error.to_string())
    }
}
