//! What the log still holds of one cell.

use std::{collections::VecDeque, sync::Arc};

use phuxanh_core::{
    CellKey, Level, LocalityCode, MetricId, Record, Timestamp,
    catalogue::Catalogue,
    figures::{
        fold::history::{Fate, Sighting, fates, is_sighted, sightings},
        insight::receipt::{Place, Receipt},
    },
};
use phuxanh_proto::{
    convert::{decode_batch, to_refusal, wire_time},
    refusal::Expected,
    v1,
};
use tokio::runtime::Handle;

use super::{
    super::{
        Error,
        answer::{Reader, count},
        hint::{self, Kind},
        request,
    },
    receipt::write_value,
};
use crate::store::{self, Archive};

/// Most observations of an answer.
const OBSERVATIONS_MAX: usize = 1_000;
/// Records that are read at once.
const PART_COUNT: u64 = 64;
/// Bytes that a record counts beside its payload.
const RECORD_OVERHEAD_BYTES: usize = 4 << 10;

/// The log that histories are read from.
#[derive(Debug, Clone)]
pub struct Log {
    pub archive: Arc<dyn Archive>,
    /// Bytes of records that one answer reads, 4 KiB for each beside its payload.
    pub bytes_max: usize,
}

/// Observations of a cell in the newest records of a log.
#[derive(Debug, Default)]
struct Read {
    /// The newest, in the order of the log.
    sightings: VecDeque<Sighting>,
    /// All of them.
    observation_count: usize,
    record_count: usize,
    since: Option<Timestamp>,
}

pub(super) fn list(
    reader: &Reader,
    log: &Log,
    request: &v1::ListHistoryRequest,
) -> Result<v1::ListHistoryResponse, Error> {
    let view = &reader.view;
    let locality = request::locality("code", &request.code, view.gazetteer())?;
    let metric = metric(&request.metric, locality.code, view.catalogue())?;
    let period = reader.period(&request.period)?;
    let owner = locality.province.unwrap_or(locality.code);
    let reporter = view.reporter(owner);
    let through = reporter.map_or(0, |reporter| reporter.fold().position().record_count);
    let key = CellKey { locality: locality.code, metric, period };
    let mut read = Handle::current().block_on(log.read(owner, through, &key))?;
    let place = Place { locality: key.locality, metric: key.metric, period };
    let in_force = reporter.and_then(|reporter| Receipt::of(reporter, place.clone()));
    let is_earlier = read.put_in_force(in_force.as_ref());
    let sightings = read.sightings.make_contiguous();
    let rows = sightings.iter().zip(fates(sightings)).enumerate();
    let observations = rows.map(|(at, (sighting, fate))| {
        let receipt = match &in_force {
            // It alone tells since when the value has been the same.
            Some(in_force) if fate == Fate::InForce => in_force.clone(),
            _ => of_sighting(owner, &place, sighting),
        };
        write(reader, &receipt, fate, is_earlier && at == 0)
    });
    Ok(v1::ListHistoryResponse {
        observations: observations.collect(),
        locality: Some(reader.named(place.locality)),
        metric: place.metric.to_string(),
        period: period.to_string(),
        view_version: view.version().to_owned(),
        record_count: i64::try_from(through).unwrap_or(i64::MAX),
        read_count: i64::try_from(read.record_count).unwrap_or(i64::MAX),
        read_since_time: read.since.map(wire_time),
        observation_count: i64::try_from(read.observation_count).unwrap_or(i64::MAX),
    })
}

/// The metric of a criterion or measure that localities of this level report.
fn metric(id: &str, code: LocalityCode, catalogue: &Catalogue) -> Result<MetricId, Error> {
    let criterion = catalogue.criteria.iter().find(|one| one.definition.id == id);
    let (metric, level) = if let Some(criterion) = criterion {
        (&criterion.metric, Level::Commune)
    } else {
        let measure = catalogue.measures.iter().find(|one| one.definition.id == id);
        let measure = measure.ok_or_else(|| {
            let hint = hint::of_name(id, &[Kind::Criterion, Kind::Measure], catalogue);
            Error::UnknownMetric(id.to_owned()).hinted(hint)
        })?;
        if !measure.sum.is_empty() {
            let parts: Vec<_> = measure.sum.iter().map(MetricId::as_str).collect();
            let parts = parts.join(", ");
            let expected = format!("one that is reported: {id} is the sum of {parts}");
            let refused = Error::malformed("metric", Expected::ReportedMetric, expected);
            return Err(refused.with("id", &id).with("parts", &parts));
        }
        (&measure.metric, measure.level)
    };
    if code.level() == level {
        return Ok(metric.clone());
    }
    let expected = format!("the code of a {level}: {id} is reported by each {level}");
    let refused = Error::malformed("code", Expected::ReportingLocality, expected);
    Err(refused.with("id", &id).with("level", &level))
}

impl Log {
    /// Reads the newest of a reporter's first `through` records, the newest first.
    async fn read(
        &self,
        reporter: LocalityCode,
        through: u64,
        key: &CellKey,
    ) -> Result<Read, Error> {
        let mut read = Read::default();
        let held = self.archive.held_of(reporter).await.map_err(|error| out_of_reach(&error))?;
        let first = held.map_or(through + 1, |held| held.first_record);
        let (mut end, mut bytes) = (through, 0);
        while end >= first && bytes < self.bytes_max {
            let after = end.saturating_sub(PART_COUNT).max(first - 1);
            let asked = usize::try_from(end - after).unwrap_or(usize::MAX);
            let mut records = match self.archive.records(reporter, after, asked).await {
                // The follower raises an alarm for it.
                Err(error) if error.is_of_data() => break,
                found => found.map_err(|error| out_of_reach(&error))?,
            };
            // What was trimmed meanwhile is missing, and later records stand in its place.
            records.retain(|record| read.since.is_none_or(|since| record.receipt < since));
            bytes += records.iter().map(size).sum::<usize>();
            read.put_before(&records, key);
            if records.len() < asked {
                break;
            }
            end = after;
        }
        Ok(read)
    }
}

fn size(record: &Record) -> usize {
    record.batch.payload.len() + RECORD_OVERHEAD_BYTES
}

fn out_of_reach(error: &store::Error) -> Error {
    Error::StoreOutOfReach(error.to_string())
}

impl Read {
    /// Takes records that lie before those that were read.
    fn put_before(&mut self, records: &[Record], key: &CellKey) {
        for record in records.iter().rev() {
            for sighting in sightings(record, decode_batch, key).into_iter().rev() {
                self.observation_count += 1;
                if self.sightings.len() < OBSERVATIONS_MAX {
                    self.sightings.push_front(sighting);
                }
            }
        }
        self.record_count += records.len();
        self.since = records.first().map(|record| record.receipt).or(self.since);
    }

    /// Puts the observation in force first, where it is not among the newest that were read: it came
    /// before them.
    fn put_in_force(&mut self, in_force: Option<&Receipt>) -> bool {
        let Some(in_force) = in_force else { return false };
        if is_sighted(&in_force.cell, self.sightings.make_contiguous()) {
            return false;
        }
        let (cell, origin) = (in_force.cell.clone(), in_force.origin.clone());
        self.sightings.push_front(Sighting { cell, origin, refusal: None });
        true
    }
}

fn of_sighting(reporter: LocalityCode, place: &Place, sighting: &Sighting) -> Receipt {
    let Sighting { cell, origin, .. } = sighting.clone();
    Receipt { place: place.clone(), reporter, cell, origin }
}

fn write(reader: &Reader, receipt: &Receipt, fate: Fate, earlier: bool) -> v1::PastObservation {
    let (wire, other, refusal) = match fate {
        Fate::InForce => (v1::Fate::InForce, None, None),
        Fate::Replaced { by } => (v1::Fate::Replaced, Some(by), None),
        Fate::Superseded { by } => (v1::Fate::Superseded, Some(by), None),
        Fate::Repeated { of } => (v1::Fate::Repeated, Some(of), None),
        Fate::Refused(refusal) => (v1::Fate::Refused, None, Some(refusal)),
    };
    let mut told = write_value(reader, receipt, receipt.cell.value.unwrap_or_default());
    if fate != Fate::InForce {
        told.unchanged_since_time = None;
    }
    v1::PastObservation {
        receipt: Some(told),
        withdrawn: receipt.cell.value.is_none(),
        fate: wire.into(),
        other: other.map(count),
        refusal: refusal.map_or(v1::RejectionReason::Unspecified, to_refusal).into(),
        earlier,
    }
}

#[cfg(test)]
pub(super) mod fixture;
#[cfg(test)]
mod tests;
