//! The columns of a batch.

use std::collections::BTreeMap;

use phuxanh_core::{
    Basis, Batch, LocalityCode, MetricId, Observation, Observations, Period, Row, Timestamp,
    figures::superseding::OtherLog,
    frame::{HOST_BYTES_MAX, bounded},
};
use prost::Message;

use super::{FieldError, basis, basis_number};
use crate::v1;

/// Encodes observations as a payload, in their order.
#[must_use]
pub fn encode(observations: &[Observation]) -> Vec<u8> {
    let mut columns = v1::Observations::default();
    let mut metrics = BTreeMap::<&MetricId, u32>::new();
    let (mut locality, mut period, mut observed) = (0_i64, 0_i64, 0_i64);
    for (row, observation) in (0_u32..).zip(observations) {
        let key = &observation.key;
        let next = u32::try_from(metrics.len()).expect("fewer metrics than rows");
        let metric = *metrics.entry(&key.metric).or_insert_with(|| {
            columns.metrics.push(key.metric.to_string());
            next
        });
        columns.metric.push(metric);
        columns.locality_delta.push(delta(&mut locality, key.locality.number()));
        columns.period_delta.push(delta(&mut period, key.period.number()));
        // Wraps only for times that no clock shows; decoding wraps back.
        columns.observed_delta.push(observation.observed.micros().wrapping_sub(observed));
        observed = observation.observed.micros();
        columns.value.push(observation.value.unwrap_or(0));
        if observation.value.is_none() {
            columns.withdrawn.push(row);
        }
        columns.revision.push(observation.revision);
        columns.basis.push(basis_number(observation.basis));
    }
    for sparse in [&mut columns.revision, &mut columns.basis] {
        if sparse.iter().all(|entry| *entry == 0) {
            sparse.clear();
        }
    }
    columns.encode_to_vec()
}

/// The message of values that another log brought.
#[must_use]
pub fn to_other_log(log: &OtherLog) -> v1::OtherLog {
    v1::OtherLog {
        log_epoch: log.log_epoch,
        host: log.host.clone(),
        observation_count: u32::try_from(log.observations.len()).expect("a page of them"),
        payload: encode(&log.observations),
    }
}

/// Values that another log brought.
pub fn from_other_log(log: &v1::OtherLog) -> Result<OtherLog, FieldError> {
    Ok(OtherLog {
        log_epoch: log.log_epoch,
        host: bounded(&log.host, HOST_BYTES_MAX),
        observations: decode(&log.payload, log.observation_count)?,
    })
}

/// Decodes a payload that claims to hold `count` observations.
pub fn decode(payload: &[u8], count: u32) -> Result<Vec<Observation>, FieldError> {
    decode_rows(payload, count).map(|observations| observations.iter().collect())
}

/// The observations of a batch; none where its payload cannot be read.
#[must_use]
pub fn decode_batch(batch: &Batch) -> Option<Observations> {
    decode_rows(&batch.payload, batch.observation_count).ok()
}

/// Decodes a payload that claims to hold `count` observations, and names each metric once.
pub fn decode_rows(payload: &[u8], count: u32) -> Result<Observations, FieldError> {
    let columns = v1::Observations::decode(payload)
        .map_err(|_| FieldError::new("batch.payload", "an encoded Observations message"))?;
    let rows = usize::try_from(count).expect("32 bits fit");
    check_lengths(&columns, rows)?;
    let metrics = columns
        .metrics
        .iter()
        .map(|id| id.parse::<MetricId>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| FieldError::new("observations.metrics", error.to_string()))?;
    let mut withdrawn = columns.withdrawn.iter().copied().peekable();
    let (mut locality, mut period, mut observed) = (0_i64, 0_i64, 0_i64);
    let mut decoded = Vec::with_capacity(rows);
    for (index, row) in (0..rows).zip(0_u32..) {
        locality += i64::from(columns.locality_delta[index]);
        period += i64::from(columns.period_delta[index]);
        observed = observed.wrapping_add(columns.observed_delta[index]);
        let metric = columns.metric[index];
        if metric as usize >= metrics.len() {
            return Err(FieldError::new("observations.metric", "an index into metrics"));
        }
        let is_withdrawn = withdrawn.next_if_eq(&row).is_some();
        decoded.push(Row {
            locality: LocalityCode::from_number(locality).map_err(|error| {
                FieldError::new("observations.locality_delta", error.to_string())
            })?,
            metric,
            period: Period::from_number(period)
                .map_err(|error| FieldError::new("observations.period_delta", error.to_string()))?,
            value: (!is_withdrawn).then(|| columns.value[index]),
            observed: Timestamp::from_micros(observed).map_err(|error| {
                FieldError::new("observations.observed_delta", error.to_string())
            })?,
            revision: columns.revision.get(index).copied().unwrap_or(0),
            basis: columns
                .basis
                .get(index)
                .map_or(Some(Basis::Reported), |at| basis(*at))
                .ok_or_else(|| {
                    FieldError::new("observations.basis", "a number of phuxanh.v1.Basis")
                })?,
        });
    }
    match withdrawn.next() {
        None => Ok(Observations::new(metrics, decoded)),
        Some(_) => Err(FieldError::new("observations.withdrawn", "rising places of rows")),
    }
}

fn delta(previous: &mut i64, number: u32) -> i32 {
    let number = i64::from(number);
    let delta = i32::try_from(number - *previous).expect("codes and months are below 2^31");
    *previous = number;
    delta
}

fn check_lengths(columns: &v1::Observations, rows: usize) -> Result<(), FieldError> {
    let sparse = |length: usize| length == rows || length == 0;
    let right = [
        ("observations.metric", columns.metric.len() == rows),
        ("observations.locality_delta", columns.locality_delta.len() == rows),
        ("observations.period_delta", columns.period_delta.len() == rows),
        ("observations.observed_delta", columns.observed_delta.len() == rows),
        ("observations.value", columns.value.len() == rows),
        ("observations.revision", sparse(columns.revision.len())),
        ("observations.basis", sparse(columns.basis.len())),
    ];
    match right.into_iter().find(|(_, right)| !right) {
        None => Ok(()),
        Some((field, _)) => Err(FieldError::new(field, format!("{rows} entries"))),
    }
}

#[cfg(test)]
mod tests {
    use phuxanh_core::CellKey;
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn observation() -> impl Strategy<Value = Observation> {
        let locality = prop_oneof![0_i64..100, 100_000_i64..200_000];
        let metric = prop_oneof!["a", "b", "applications_received"];
        let basis = prop_oneof![Just(Basis::Reported), Just(Basis::Synthetic)];
        let times = prop_oneof![Just(0_i64), any::<i32>().prop_map(i64::from), 0..1_i64 << 50];
        let months = 24_000_i64..26_400;
        (locality, metric, months, option::of(any::<i64>()), times, 0_u32..3, basis).prop_map(
            |(locality, metric, period, value, observed, revision, basis)| Observation {
                key: CellKey {
                    locality: LocalityCode::from_number(locality).expect("in range"),
                    metric: metric.parse().expect("an id"),
                    period: Period::from_number(period).expect("in range"),
                },
                value,
                observed: Timestamp::from_micros(observed).expect("in range"),
                revision,
                basis,
            },
        )
    }

    proptest! {
        #[test]
        fn values_of_another_log_are_read_as_written_but_for_marks_in_the_host_s_name(
            observations in vec(observation(), 0..5),
            log_epoch: u64,
        ) {
            let log = |host: &str| OtherLog {
                log_epoch,
                host: host.to_owned(),
                observations: observations.clone(),
            };
            prop_assert_eq!(from_other_log(&to_other_log(&log("host"))), Ok(log("host")));
            let forged = format!("a\u{1b}[31mb\n{}", "c".repeat(HOST_BYTES_MAX));
            let read = from_other_log(&to_other_log(&log(&forged))).expect("sound");
            prop_assert_eq!(read.host.len(), HOST_BYTES_MAX);
            prop_assert!(!read.host.contains(char::is_control));
            let short = v1::OtherLog { observation_count: 9, ..to_other_log(&log("host")) };
            prop_assert!(from_other_log(&short).is_err());
        }

        #[test]
        fn decode_after_encode_is_identity(observations in vec(observation(), 0..50)) {
            let count = u32::try_from(observations.len()).expect("small");
            let payload = encode(&observations);
            prop_assert_eq!(decode_rows(&payload, count), Ok(observations.iter().cloned().collect()));
            prop_assert_eq!(decode(&payload, count), Ok(observations));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(payload in vec(any::<u8>(), 0..200), count in 0_u32..50) {
            if let Ok(observations) = decode(&payload, count) {
                prop_assert_eq!(observations.len(), usize::try_from(count).expect("small"));
            }
        }
    }

    #[test]
    fn a_wrong_count_or_column_is_named() {
        let columns = v1::Observations { metrics: vec!["a".into()], ..v1::Observations::default() };
        let empty = columns.encode_to_vec();
        assert_eq!(decode(&empty, 1), Err(FieldError::new("observations.metric", "1 entries")));
        let beyond = v1::Observations { withdrawn: vec![3], ..columns }.encode_to_vec();
        assert_eq!(
            decode(&beyond, 0),
            Err(FieldError::new("observations.withdrawn", "rising places of rows"))
        );
    }
}
