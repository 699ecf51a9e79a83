//! The frames of a delivery session.

use std::time::Duration;

use phuxanh_core::{
    Batch, CellDigest, Chain, LogId, Position,
    frame::{
        Ack, BatchResult, CollectorAudit, Credit, DETAIL_BYTES_MAX, Durability, FromAggregator,
        FromCollector, Generation, HOST_BYTES_MAX, Heartbeat, Hello, IntakeTrouble, Ledger,
        Refused, ResyncReason, SOFTWARE_BYTES_MAX, SessionId, Welcome, bounded,
    },
    validation::Refusal,
};

use super::{FieldError, bytes, locality, optional_time, wire_time};
use crate::v1::{self, deliver_request, deliver_response};

/// Largest number that is taken: such as a double, and so a script in Redis, holds exactly.
const NUMBER_MAX: u64 = (1 << 53) - 1;
/// Longest duration that is taken.
const DURATION_MAX: Duration = Duration::from_hours(366 * 24);

/// Reads a count or a place in a log. Its bound leaves room for all that is added to it.
fn number(field: &'static str, number: u64) -> Result<u64, FieldError> {
    let expected = || FieldError::new(field, format!("a number up to {NUMBER_MAX}"));
    (number <= NUMBER_MAX).then_some(number).ok_or_else(expected)
}

/// Reads a frame from a collector.
pub fn from_collector(frame: v1::DeliverRequest) -> Result<FromCollector, FieldError> {
    use deliver_request::Frame;
    Ok(match frame.frame {
        None => FromCollector::Unknown,
        Some(Frame::Hello(hello)) => FromCollector::Hello(from_hello(&hello)?),
        Some(Frame::Batch(batch)) => FromCollector::Batch(from_batch(batch)?),
        Some(Frame::Heartbeat(beat)) => FromCollector::Heartbeat(from_heartbeat(&beat)?),
    })
}

/// Reads a heartbeat.
pub fn from_heartbeat(beat: &v1::Heartbeat) -> Result<Heartbeat, FieldError> {
    Ok(Heartbeat {
        produced_through: number("heartbeat.produced_through", beat.produced_through)?,
        spool_batch_count: number("heartbeat.spool_batch_count", beat.spool_batch_count)?,
        spool_bytes: number("heartbeat.spool_bytes", beat.spool_bytes)?,
        dead_letter_count: number("heartbeat.dead_letter_count", beat.dead_letter_count)?,
        sent: optional_time("heartbeat.sent_time", beat.sent_time.as_ref())?
            .ok_or_else(|| FieldError::new("heartbeat.sent_time", "a time"))?,
        complete_through: optional_time(
            "heartbeat.complete_through_time",
            beat.complete_through_time.as_ref(),
        )?,
        audit: beat.audit.as_ref().map(from_audit).transpose()?,
        // Cut and not refused: what is too long is no reason to end a session.
        intake_trouble: IntakeTrouble::bounded(
            number("heartbeat.intake_trouble_count", beat.intake_trouble_count)?,
            &beat.intake_trouble,
        ),
    })
}

/// Writes a heartbeat.
#[must_use]
pub fn to_heartbeat(beat: &Heartbeat) -> v1::Heartbeat {
    v1::Heartbeat {
        produced_through: beat.produced_through,
        spool_batch_count: beat.spool_batch_count,
        spool_bytes: beat.spool_bytes,
        dead_letter_count: beat.dead_letter_count,
        sent_time: Some(wire_time(beat.sent)),
        complete_through_time: beat.complete_through.map(wire_time),
        audit: beat.audit.as_ref().map(to_audit),
        intake_trouble_count: beat.intake_trouble.file_count,
        intake_trouble: beat.intake_trouble.first.clone(),
    }
}

/// Writes a frame of a collector.
#[must_use]
pub fn to_collector(frame: FromCollector) -> v1::DeliverRequest {
    use deliver_request::Frame;
    let frame = match frame {
        FromCollector::Unknown => None,
        FromCollector::Hello(hello) => Some(Frame::Hello(v1::Hello {
            protocol: hello.protocol,
            reporter: hello.reporter.to_string(),
            log_id: hello.log.0.to_vec(),
            log_epoch: hello.log_epoch,
            produced: Some(to_position(hello.produced)),
            released: Some(to_position(hello.released)),
            host: hello.host,
            catalogue_digest: hello.catalogue_digest.to_vec(),
            least_durability: to_durability(hello.least_durability).into(),
            software: hello.software,
            catalogue_version: hello.catalogue_version,
        })),
        FromCollector::Batch(batch) => Some(Frame::Batch(to_batch(batch))),
        FromCollector::Heartbeat(beat) => Some(Frame::Heartbeat(to_heartbeat(&beat))),
    };
    v1::DeliverRequest { frame }
}

/// Reads a frame from an aggregator.
pub fn from_aggregator(frame: v1::DeliverResponse) -> Result<FromAggregator, FieldError> {
    use deliver_response::Frame;
    Ok(match frame.frame {
        None => FromAggregator::Unknown,
        Some(Frame::Welcome(welcome)) => FromAggregator::Welcome(from_welcome(&welcome)?),
        Some(Frame::BatchResult(result)) => FromAggregator::BatchResult(from_result(&result)?),
        Some(Frame::Ack(ack)) => FromAggregator::Ack(Ack {
            applied_through: number("ack.applied_through", ack.applied_through)?,
            durable_through: number("ack.durable_through", ack.durable_through)?,
            folded_through: number("ack.folded_through", ack.folded_through)?,
            ledger: from_ledger(ack.ledger.unwrap_or_default()),
        }),
        Some(Frame::Throttle(throttle)) => FromAggregator::Throttle {
            retry_delay: from_duration("throttle.retry_delay", throttle.retry_delay)?,
            reason: bounded(&throttle.reason, DETAIL_BYTES_MAX),
        },
        Some(Frame::Drain(drain)) => {
            FromAggregator::Drain { deadline: from_duration("drain.deadline", drain.deadline)? }
        }
        Some(Frame::ResyncRequired(resync)) => FromAggregator::ResyncRequired {
            reason: from_resync_reason(resync.reason())?,
            detail: bounded(&resync.detail, DETAIL_BYTES_MAX),
        },
        Some(Frame::FrameRefused(refused)) => {
            FromAggregator::FrameRefused { frame_number: refused.frame_number }
        }
    })
}

/// Writes a frame of an aggregator.
#[must_use]
pub fn to_aggregator(frame: FromAggregator) -> v1::DeliverResponse {
    use deliver_response::Frame;
    let frame = match frame {
        FromAggregator::Unknown => None,
        FromAggregator::Welcome(welcome) => Some(Frame::Welcome(to_welcome(&welcome))),
        FromAggregator::BatchResult(result) => Some(Frame::BatchResult(to_result(result))),
        FromAggregator::Ack(ack) => Some(Frame::Ack(v1::Ack {
            applied_through: ack.applied_through,
            durable_through: ack.durable_through,
            folded_through: ack.folded_through,
            ledger: Some(to_ledger(ack.ledger)),
        })),
        FromAggregator::Throttle { retry_delay, reason } => Some(Frame::Throttle(v1::Throttle {
            retry_delay: Some(to_duration(retry_delay)),
            reason,
        })),
        FromAggregator::Drain { deadline } => {
            Some(Frame::Drain(v1::Drain { deadline: Some(to_duration(deadline)) }))
        }
        FromAggregator::ResyncRequired { reason, detail } => {
            Some(Frame::ResyncRequired(v1::ResyncRequired {
                reason: to_resync_reason(reason).into(),
                detail,
            }))
        }
        FromAggregator::FrameRefused { frame_number } => {
            Some(Frame::FrameRefused(v1::FrameRefused { frame_number }))
        }
    };
    v1::DeliverResponse { frame }
}

fn from_hello(hello: &v1::Hello) -> Result<Hello, FieldError> {
    let least_durability = match hello.least_durability() {
        v1::Durability::Unspecified => Durability::None,
        other => from_durability("hello.least_durability", other)?,
    };
    Ok(Hello {
        protocol: hello.protocol,
        reporter: locality("hello.reporter", &hello.reporter)?,
        log: LogId(bytes("hello.log_id", &hello.log_id)?),
        log_epoch: number("hello.log_epoch", hello.log_epoch)?,
        produced: from_position("hello.produced", hello.produced.as_ref())?,
        released: from_position("hello.released", hello.released.as_ref())?,
        host: bounded(&hello.host, HOST_BYTES_MAX),
        catalogue_digest: bytes("hello.catalogue_digest", &hello.catalogue_digest)?,
        least_durability,
        software: bounded(&hello.software, SOFTWARE_BYTES_MAX),
        catalogue_version: hello.catalogue_version,
    })
}

fn from_welcome(welcome: &v1::Welcome) -> Result<Welcome, FieldError> {
    let credit = welcome.credit.ok_or_else(|| FieldError::new("welcome.credit", "a message"))?;
    Ok(Welcome {
        session: SessionId(bytes("welcome.session", &welcome.session)?),
        generation: Generation(bytes("welcome.store_generation", &welcome.store_generation)?),
        log_epoch: number("welcome.log_epoch", welcome.log_epoch)?,
        applied: from_position("welcome.applied", welcome.applied.as_ref())?,
        durability: from_durability("welcome.durability", welcome.durability())?,
        credit: Credit {
            batch_count_max: credit.batch_count_max,
            payload_bytes_max: credit.payload_bytes_max,
            batch_payload_bytes_max: credit.batch_payload_bytes_max,
            batch_observation_count_max: credit.batch_observation_count_max,
        },
        heartbeat_interval: from_duration(
            "welcome.heartbeat_interval",
            welcome.heartbeat_interval,
        )?,
        catalogue_digest: bytes("welcome.catalogue_digest", &welcome.catalogue_digest)?,
    })
}

fn to_welcome(welcome: &Welcome) -> v1::Welcome {
    v1::Welcome {
        session: welcome.session.0.to_vec(),
        store_generation: welcome.generation.0.to_vec(),
        log_epoch: welcome.log_epoch,
        applied: Some(to_position(welcome.applied)),
        durability: to_durability(welcome.durability).into(),
        credit: Some(v1::Credit {
            batch_count_max: welcome.credit.batch_count_max,
            payload_bytes_max: welcome.credit.payload_bytes_max,
            batch_payload_bytes_max: welcome.credit.batch_payload_bytes_max,
            batch_observation_count_max: welcome.credit.batch_observation_count_max,
        }),
        heartbeat_interval: Some(to_duration(welcome.heartbeat_interval)),
        catalogue_digest: welcome.catalogue_digest.to_vec(),
    }
}

fn from_audit(audit: &v1::CollectorAudit) -> Result<CollectorAudit, FieldError> {
    let sum = u128::from_be_bytes(bytes("heartbeat.audit.cell_digest", &audit.cell_digest)?);
    Ok(CollectorAudit {
        produced_through: number("heartbeat.audit.produced_through", audit.produced_through)?,
        produced_observation_count: number(
            "heartbeat.audit.produced_observation_count",
            audit.produced_observation_count,
        )?,
        rejected_observation_count: number(
            "heartbeat.audit.rejected_observation_count",
            audit.rejected_observation_count,
        )?,
        cells: CellDigest { count: number("heartbeat.audit.cell_count", audit.cell_count)?, sum },
    })
}

/// A collector's side of the audit as a message.
#[must_use]
pub fn to_audit(audit: &CollectorAudit) -> v1::CollectorAudit {
    v1::CollectorAudit {
        produced_through: audit.produced_through,
        produced_observation_count: audit.produced_observation_count,
        rejected_observation_count: audit.rejected_observation_count,
        cell_count: audit.cells.count,
        cell_digest: audit.cells.sum.to_be_bytes().to_vec(),
    }
}

pub(super) fn from_batch(batch: v1::Batch) -> Result<Batch, FieldError> {
    Ok(Batch {
        sequence: number("batch.sequence", batch.sequence)?,
        previous_chain: Chain(bytes("batch.previous_chain", &batch.previous_chain)?),
        observation_count: batch.observation_count,
        complete_through: optional_time(
            "batch.complete_through_time",
            batch.complete_through_time.as_ref(),
        )?,
        payload: batch.payload,
    })
}

pub(super) fn to_batch(batch: Batch) -> v1::Batch {
    v1::Batch {
        sequence: batch.sequence,
        previous_chain: batch.previous_chain.0.to_vec(),
        observation_count: batch.observation_count,
        complete_through_time: batch.complete_through.map(wire_time),
        payload: batch.payload,
    }
}

pub(super) fn from_position(
    field: &'static str,
    position: Option<&v1::LogPosition>,
) -> Result<Position, FieldError> {
    let position = position.ok_or_else(|| FieldError::new(field, "a position"))?;
    let sequence = number(field, position.sequence)?;
    Ok(Position { sequence, chain: Chain(bytes(field, &position.chain)?) })
}

pub(super) fn to_position(position: Position) -> v1::LogPosition {
    v1::LogPosition { sequence: position.sequence, chain: position.chain.0.to_vec() }
}

pub(super) fn from_result(result: &v1::BatchResult) -> Result<BatchResult, FieldError> {
    let sequence = number("batch_result.sequence", result.sequence)?;
    if result.undecodable {
        return Ok(BatchResult { sequence, refused: Refused::Everything });
    }
    let refused = result
        .rejections
        .iter()
        .map(|rejection| Ok((rejection.index, from_rejection(rejection)?)))
        .collect::<Result<Vec<_>, FieldError>>()?;
    Ok(BatchResult { sequence, refused: Refused::Observations(refused) })
}

pub(super) fn to_result(result: BatchResult) -> v1::BatchResult {
    let (rejections, undecodable) = match result.refused {
        Refused::Everything => (Vec::new(), true),
        Refused::Observations(refused) => (refused.into_iter().map(to_rejection).collect(), false),
    };
    v1::BatchResult { sequence: result.sequence, rejections, undecodable }
}

/// The counts of a message.
#[must_use]
pub const fn from_ledger(ledger: v1::Ledger) -> Ledger {
    Ledger {
        applied: ledger.applied_count,
        repeated: ledger.repeated_count,
        superseded: ledger.superseded_count,
        rejected: ledger.rejected_count,
    }
}

/// The counts as a message.
#[must_use]
pub const fn to_ledger(ledger: Ledger) -> v1::Ledger {
    v1::Ledger {
        applied_count: ledger.applied,
        repeated_count: ledger.repeated,
        superseded_count: ledger.superseded,
        rejected_count: ledger.rejected,
    }
}

/// The exact reason where this version knows it, else the closest one.
fn from_rejection(rejection: &v1::Rejection) -> Result<Refusal, FieldError> {
    from_refusal(rejection.exact_reason()).or_else(|_| from_refusal(rejection.reason()))
}

fn to_rejection((index, refusal): (u32, Refusal)) -> v1::Rejection {
    let exact = to_refusal(refusal);
    let reason = closest(exact);
    let exact_reason = if exact == reason { v1::RejectionReason::Unspecified } else { exact };
    v1::Rejection { index, reason: reason.into(), exact_reason: exact_reason.into() }
}

fn from_refusal(reason: v1::RejectionReason) -> Result<Refusal, FieldError> {
    use v1::RejectionReason as Reason;
    match reason {
        Reason::Unspecified => Err(FieldError::new("rejection.reason", "a reason")),
        Reason::UnknownLocality => Ok(Refusal::UnknownLocality),
        Reason::ForeignLocality => Ok(Refusal::ForeignLocality),
        Reason::UnknownMetric => Ok(Refusal::UnknownMetric),
        Reason::WrongLevel => Ok(Refusal::WrongLevel),
        Reason::ImpossibleValue => Ok(Refusal::ImpossibleValue),
        Reason::ObservedAhead => Ok(Refusal::ObservedAhead),
        Reason::ImpossiblePeriod => Ok(Refusal::ImpossiblePeriod),
        Reason::ObservedBeforeLocality => Ok(Refusal::ObservedBeforeLocality),
        Reason::PeriodOutsideLocality => Ok(Refusal::PeriodOutsideLocality),
    }
}

/// A reason as the wire has it.
#[must_use]
pub const fn to_refusal(refusal: Refusal) -> v1::RejectionReason {
    use v1::RejectionReason as Reason;
    match refusal {
        Refusal::UnknownLocality => Reason::UnknownLocality,
        Refusal::ForeignLocality => Reason::ForeignLocality,
        Refusal::UnknownMetric => Reason::UnknownMetric,
        Refusal::WrongLevel => Reason::WrongLevel,
        Refusal::ImpossibleValue => Reason::ImpossibleValue,
        Refusal::ObservedAhead => Reason::ObservedAhead,
        Refusal::ImpossiblePeriod => Reason::ImpossiblePeriod,
        Refusal::ObservedBeforeLocality => Reason::ObservedBeforeLocality,
        Refusal::PeriodOutsideLocality => Reason::PeriodOutsideLocality,
    }
}

/// The reason that stands for another one where a peer may not know that one.
const fn closest(reason: v1::RejectionReason) -> v1::RejectionReason {
    use v1::RejectionReason as Reason;
    match reason {
        Reason::ObservedBeforeLocality | Reason::PeriodOutsideLocality => Reason::ImpossiblePeriod,
        Reason::Unspecified
        | Reason::UnknownLocality
        | Reason::ForeignLocality
        | Reason::UnknownMetric
        | Reason::WrongLevel
        | Reason::ImpossibleValue
        | Reason::ObservedAhead
        | Reason::ImpossiblePeriod => reason,
    }
}

fn from_durability(field: &'static str, level: v1::Durability) -> Result<Durability, FieldError> {
    match level {
        v1::Durability::Unspecified => Err(FieldError::new(field, "a level")),
        v1::Durability::None => Ok(Durability::None),
        v1::Durability::Everysec => Ok(Durability::Everysec),
        v1::Durability::Always => Ok(Durability::Always),
        v1::Durability::Replicated => Ok(Durability::Replicated),
    }
}

/// A level of durability as the wire has it.
#[must_use]
pub const fn to_durability(level: Durability) -> v1::Durability {
    match level {
        Durability::None => v1::Durability::None,
        Durability::Everysec => v1::Durability::Everysec,
        Durability::Always => v1::Durability::Always,
        Durability::Replicated => v1::Durability::Replicated,
    }
}

fn from_resync_reason(reason: v1::ResyncReason) -> Result<ResyncReason, FieldError> {
    match reason {
        v1::ResyncReason::Unspecified => Err(FieldError::new("resync_required.reason", "a reason")),
        v1::ResyncReason::StoreLost => Ok(ResyncReason::StoreLost),
        v1::ResyncReason::LogRegressed => Ok(ResyncReason::LogRegressed),
        v1::ResyncReason::ChainBroken => Ok(ResyncReason::ChainBroken),
        v1::ResyncReason::LogReplaced => Ok(ResyncReason::LogReplaced),
    }
}

const fn to_resync_reason(reason: ResyncReason) -> v1::ResyncReason {
    match reason {
        ResyncReason::StoreLost => v1::ResyncReason::StoreLost,
        ResyncReason::LogRegressed => v1::ResyncReason::LogRegressed,
        ResyncReason::ChainBroken => v1::ResyncReason::ChainBroken,
        ResyncReason::LogReplaced | ResyncReason::HostChanged => v1::ResyncReason::LogReplaced,
    }
}

fn from_duration(
    field: &'static str,
    duration: Option<prost_types::Duration>,
) -> Result<Duration, FieldError> {
    duration
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| *duration <= DURATION_MAX)
        .ok_or_else(|| FieldError::new(field, "a duration of 0 to 366 days"))
}

fn to_duration(duration: Duration) -> prost_types::Duration {
    let nanos = i32::try_from(duration.subsec_nanos()).expect("below 10^9");
    prost_types::Duration { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), nanos }
}

#[cfg(test)]
mod tests;
