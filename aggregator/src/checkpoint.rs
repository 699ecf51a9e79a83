//! Checkpoints: encoded folds, so that a restart need not fold the whole log.

use std::collections::BTreeMap;

use phuxanh_core::{
    LocalityCode, LogId, Period, Timestamp,
    delivery::{log::Checkpoint, restamp::Restamp},
    figures::fold::{Cell, Earlier, Fold, Kept, MetricKey, Moment, Origin, Position},
};
use phuxanh_proto::{
    convert::{self, basis_number, from_ledger, to_ledger},
    storage::v1 as storage,
};
use prost::Message;
use sha2::{Digest, Sha256};

/// Number of the format that is written.
const FORMAT: u32 = 2;
/// Start of the seal: a frame that zstd skips, with a SHA-256 over the bytes before it.
const SEAL_HEAD: [u8; 8] = [0x5a, 0x2a, 0x4d, 0x18, 32, 0, 0, 0];

/// A checkpoint that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// Encodes and compresses a fold. It compresses well because a cell repeats most bytes of the one
/// before it.
///
/// # Panics
/// Never: writing to memory cannot fail.
#[must_use]
pub fn encode(fold: &Fold) -> Vec<u8> {
    let position = fold.position();
    let cells = fold.cells().map(|((locality, metric, period), cell)| storage::Cell {
        locality: locality.number(),
        metric: metric.0,
        period: period.number(),
        value: cell.value,
        observed_micros: cell.observed.micros(),
        revision: cell.revision,
        basis: basis_number(cell.basis),
        log_epoch: cell.log_epoch,
        sequence: cell.sequence,
        index: cell.index,
        receipt_micros: cell.receipt.micros(),
        unchanged_since_micros: cell.unchanged_since.micros(),
        earlier: fold.earlier(locality, metric, period).map(to_earlier),
    });
    let first_receipts =
        fold.first_receipts().map(|((locality, period), receipt)| storage::FirstReceipt {
            locality: locality.number(),
            period: period.number(),
            receipt_micros: receipt.micros(),
        });
    let origins = fold.origins().iter().map(|origin| storage::Origin {
        since_micros: origin.since.micros(),
        log_id: origin.log.0.to_vec(),
        catalogue_digest: origin.catalogue_digest.to_vec(),
        host: origin.host.clone(),
    });
    let kept = storage::Checkpoint {
        record_count: position.record_count,
        metrics: fold.metrics().iter().map(ToString::to_string).collect(),
        cells: cells.collect(),
        ledger: Some(to_ledger(position.ledger)),
        log_ledger: Some(to_ledger(position.log_ledger)),
        log_id: position.log.map_or_else(Vec::new, |log| log.0.to_vec()),
        folded_through: position.sequence,
        receipt_micros: position.receipt.map_or(0, Timestamp::micros),
        complete_through_micros: position.complete_through.map_or(0, Timestamp::micros),
        format: FORMAT,
        first_receipts: first_receipts.collect(),
        origins: origins.collect(),
    };
    compressed(&kept)
}

fn compressed(kept: &storage::Checkpoint) -> Vec<u8> {
    let bytes = zstd::encode_all(kept.encode_to_vec().as_slice(), zstd::DEFAULT_COMPRESSION_LEVEL);
    sealed(bytes.expect("writing to memory cannot fail"))
}

/// Seals a checkpoint that has no seal yet.
#[must_use]
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if split(&bytes).is_none() {
        let seal = Sha256::digest(&bytes);
        bytes.extend(SEAL_HEAD);
        bytes.extend(seal);
    }
    bytes
}

/// Splits a checkpoint into contents and seal; `None` if it has no seal, like those written before
/// there were format numbers.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (contents, end) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_HEAD.len() + 32)?)?;
    end.strip_prefix(&SEAL_HEAD).map(|seal| (contents, seal))
}

/// Decodes a fold of the current format; any other format is an error.
pub fn decode(bytes: &[u8]) -> Result<Fold, Error> {
    if let Some((contents, seal)) = split(bytes)
        && Sha256::digest(contents)[..] != *seal
    {
        return Err(faulty("checksum mismatch"));
    }
    let bytes = zstd::decode_all(bytes).map_err(faulty)?;
    let kept = storage::Checkpoint::decode(bytes.as_slice()).map_err(faulty)?;
    if kept.format != FORMAT {
        return Err(Error(format!("format {}: expected {FORMAT}", kept.format)));
    }
    let metrics =
        kept.metrics.iter().map(|id| id.parse().map_err(faulty)).collect::<Result<Vec<_>, _>>()?;
    let mut cells = BTreeMap::new();
    let mut earlier = BTreeMap::new();
    for kept in &kept.cells {
        let (place, cell) = cell(kept)?;
        cells.insert(place, cell);
        if let Some(kept) = &kept.earlier {
            earlier.insert(place, from_earlier(kept)?);
        }
    }
    if cells.keys().any(|(_, MetricKey(metric), _)| *metric as usize >= metrics.len()) {
        return Err(Error("a cell refers to an unknown metric".to_owned()));
    }
    let log = match kept.log_id.as_slice() {
        [] => None,
        id => Some(LogId(id.try_into().map_err(faulty)?)),
    };
    Ok(Fold::restore(Kept {
        metrics,
        cells,
        earlier,
        first_receipts: kept.first_receipts.iter().map(first_receipt).collect::<Result<_, _>>()?,
        origins: kept.origins.iter().map(origin).collect::<Result<_, _>>()?,
        position: Position {
            record_count: kept.record_count,
            log,
            sequence: kept.folded_through,
            receipt: optional_time(kept.receipt_micros)?,
            complete_through: optional_time(kept.complete_through_micros)?,
            ledger: from_ledger(kept.ledger.unwrap_or_default()),
            log_ledger: from_ledger(kept.log_ledger.unwrap_or_default()),
            ..Position::default()
        },
    }))
}

/// Checkpoint with restamped receipts; its own is that of its last record.
pub fn restamped(kept: &[u8], restamp: &Restamp) -> Result<(Timestamp, Vec<u8>), Error> {
    // Reads all of it, so that nothing is carried on that could not be read later.
    decode(kept)?;
    let bytes = zstd::decode_all(kept).map_err(faulty)?;
    let mut kept = storage::Checkpoint::decode(bytes.as_slice()).map_err(faulty)?;
    let micros = receipts_of(&mut kept).into_iter().map(|micros| time(*micros));
    let by_old = restamp.checkpoint(micros.collect::<Result<_, _>>()?);
    for micros in receipts_of(&mut kept) {
        if let Some(now) = by_old.get(&time(*micros)?) {
            *micros = now.micros();
        }
    }
    Ok((time(kept.receipt_micros)?, compressed(&kept)))
}

/// All receipt times of a checkpoint, in microseconds since 1970 UTC.
fn receipts_of(kept: &mut storage::Checkpoint) -> Vec<&mut i64> {
    let cells = kept.cells.iter_mut().map(|cell| &mut cell.receipt_micros);
    let first = kept.first_receipts.iter_mut().map(|first| &mut first.receipt_micros);
    let origins = kept.origins.iter_mut().map(|origin| &mut origin.since_micros);
    let own = std::iter::once(&mut kept.receipt_micros);
    cells.chain(first).chain(origins).chain(own).collect()
}

/// Returns the highest log epoch among the cells of a checkpoint; logs the reason and returns `None`
/// if the checkpoint cannot be decoded.
#[must_use]
pub fn epoch(reporter: LocalityCode, kept: &Checkpoint) -> Option<u64> {
    let record_count = kept.mark.record_count;
    match decode(&kept.bytes) {
        Ok(fold) => Some(fold.cells().map(|(_, cell)| cell.log_epoch).max().unwrap_or(0)),
        Err(error) => {
            tracing::warn!(%reporter, record_count, %error, "cannot read a checkpoint");
            None
        }
    }
}

fn cell(kept: &storage::Cell) -> Result<((LocalityCode, MetricKey, Period), Cell), Error> {
    let locality = LocalityCode::from_number(kept.locality.into()).map_err(faulty)?;
    let period = Period::from_number(kept.period.into()).map_err(faulty)?;
    let cell = Cell {
        value: kept.value,
        observed: time(kept.observed_micros)?,
        revision: kept.revision,
        basis: convert::basis(kept.basis).ok_or_else(|| Error("unknown basis".to_owned()))?,
        log_epoch: kept.log_epoch,
        sequence: kept.sequence,
        index: kept.index,
        receipt: time(kept.receipt_micros)?,
        unchanged_since: time(kept.unchanged_since_micros)?,
    };
    Ok(((locality, MetricKey(kept.metric), period), cell))
}

fn to_earlier(earlier: &Earlier) -> storage::Earlier {
    let moments = earlier.moments.iter().map(|moment| storage::Moment {
        observed_micros: moment.observed.micros(),
        revision: moment.revision,
        value: moment.value,
    });
    storage::Earlier { moments: moments.collect(), is_cut: earlier.is_cut }
}

fn from_earlier(kept: &storage::Earlier) -> Result<Earlier, Error> {
    let moments = kept.moments.iter().map(|moment| {
        let (revision, value) = (moment.revision, moment.value);
        Ok(Moment { observed: time(moment.observed_micros)?, revision, value })
    });
    Ok(Earlier { moments: moments.collect::<Result<_, Error>>()?, is_cut: kept.is_cut })
}

fn first_receipt(
    kept: &storage::FirstReceipt,
) -> Result<((LocalityCode, Period), Timestamp), Error> {
    let locality = LocalityCode::from_number(kept.locality.into()).map_err(faulty)?;
    let period = Period::from_number(kept.period.into()).map_err(faulty)?;
    Ok(((locality, period), time(kept.receipt_micros)?))
}

fn origin(kept: &storage::Origin) -> Result<Origin, Error> {
    Ok(Origin {
        since: time(kept.since_micros)?,
        log: LogId(kept.log_id.as_slice().try_into().map_err(faulty)?),
        host: kept.host.clone(),
        catalogue_digest: kept.catalogue_digest.as_slice().try_into().map_err(faulty)?,
    })
}

fn optional_time(micros: i64) -> Result<Option<Timestamp>, Error> {
    if micros == 0 { Ok(None) } else { time(micros).map(Some) }
}

fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_micros(micros).map_err(faulty)
}

fn faulty(error: impl std::fmt::Display) -> Error {
    Error(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use phuxanh_core::{
        Basis, CellKey, Observation,
        delivery::log::Mark,
        figures::fold::{Contents, Record},
    };

    use super::*;

    #[test]
    fn a_fold_survives_being_kept() {
        let mut fold = Fold::default();
        assert_eq!(decode(&encode(&fold)), Ok(fold.clone()));
        let observation = |metric: &str, value, basis| Observation {
            key: CellKey {
                locality: "00004".parse().expect("a code"),
                metric: metric.parse().expect("an id"),
                period: "2025-07".parse().expect("a period"),
            },
            value,
            observed: "2025-07-31 16:00".parse().expect("a time"),
            revision: 2,
            basis,
        };
        let record = Record {
            receipt: "2025-07-31 16:01".parse().expect("a time"),
            log: LogId([1; 16]),
            log_epoch: 3,
            sequence: 7,
            complete_through: Some("2025-07-31 16:00".parse().expect("a time")),
            host: "centre".to_owned(),
            catalogue_digest: [3; 32],
            contents: Contents::Observations {
                all: vec![
                    observation("b", Some(1), Basis::Synthetic),
                    observation("a", None, Basis::Reported),
                    observation("c", Some(1), Basis::Reported),
                ]
                .into_iter()
                .collect(),
                refused: [2].into(),
            },
        };
        fold.apply(&record);
        // Forty more days, so that the earliest moments are dropped.
        let forever = (1..=40).map(|day| {
            let again = observation("b", Some(day % 2), Basis::Synthetic);
            let hours = Duration::from_hours(24 * u64::try_from(day).expect("few"));
            Observation { observed: again.observed.plus(hours), ..again }
        });
        let contents =
            Contents::Observations { all: forever.collect(), refused: BTreeSet::default() };
        fold.apply(&Record { sequence: 8, contents, ..record });
        let (place, _) = fold.cells().find(|(_, cell)| cell.value.is_some()).expect("a cell");
        assert!(fold.earlier(place.0, place.1, place.2).is_some_and(|earlier| earlier.is_cut));
        assert_eq!(fold.cells().count(), 2);
        assert_eq!(fold.position().ledger.rejected, 1);
        assert_eq!(fold.position().cells.count, 2);
        assert_eq!((fold.first_receipts().count(), fold.origins().len()), (1, 1));
        let (mark, receipt) = (Mark::default(), "2025-07-31 16:01".parse().expect("a time"));
        let kept = Checkpoint { mark, receipt, bytes: encode(&fold) };
        assert_eq!(epoch("01".parse().expect("a code"), &kept), Some(3));
        assert_eq!(decode(&kept.bytes), Ok(fold));
    }

    #[test]
    fn no_bit_of_a_checkpoint_can_be_another() {
        let fold = Fold::default();
        let bytes = encode(&fold);
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Some bits of the compression headers do not affect the contents.
            assert!(decode(&damaged).map_or(true, |read| read == fold), "bit {bit}");
        }
    }

    #[test]
    fn a_checkpoint_from_before_seals_is_read_and_gets_one() {
        let bytes = encode(&Fold::default());
        let (bare, _) = split(&bytes).expect("a seal");
        assert_eq!(decode(bare), Ok(Fold::default()));
        assert_eq!(sealed(bare.to_vec()), bytes);
    }

    /// `ARCHITECTURE.md` says so, and operators plan by it.
    #[test]
    fn an_earlier_day_takes_13_bytes_here_and_16_in_memory() {
        assert_eq!(size_of::<Moment>(), 16);
        let midnight: Timestamp = "2025-07-01".parse().expect("a time");
        let moments = (0..31).map(|day| Moment {
            observed: midnight.plus(Duration::from_hours(24 * day + 9)),
            revision: 0,
            value: Some(day % 2 == 0),
        });
        let kept = Earlier { moments: moments.collect(), is_cut: false };
        assert_eq!(to_earlier(&kept).encoded_len(), 31 * 13);
    }

    #[test]
    fn an_origin_that_was_kept_without_a_host_has_an_empty_one() {
        let kept = storage::Checkpoint {
            origins: vec![storage::Origin {
                log_id: vec![1; 16],
                catalogue_digest: vec![3; 32],
                ..storage::Origin::default()
            }],
            format: FORMAT,
            ..storage::Checkpoint::default()
        };
        let fold = decode(&compressed(&kept)).expect("it is read");
        assert_eq!(fold.origins().iter().map(|one| one.host.as_str()).collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn another_shape_is_refused() {
        for format in [0, FORMAT + 1] {
            let kept =
                storage::Checkpoint { record_count: 7, format, ..storage::Checkpoint::default() };
            let expected = Error(format!("format {format}: expected {FORMAT}"));
            assert_eq!(decode(&compressed(&kept)), Err(expected));
        }
    }

    #[test]
    fn a_cell_of_no_metric_is_refused() {
        let time = Timestamp::from_micros(0).expect("1970");
        let kept = storage::Checkpoint {
            cells: vec![storage::Cell {
                period: "2025-07".parse::<Period>().expect("a period").number(),
                observed_micros: time.micros(),
                ..storage::Cell::default()
            }],
            format: FORMAT,
            ..storage::Checkpoint::default()
        };
        let expected = Error("a cell refers to an unknown metric".to_owned());
        assert_eq!(decode(&compressed(&kept)), Err(expected));
    }
}
