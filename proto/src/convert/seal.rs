//! Seals: hashes by which damage of what is kept at rest is noticed when it is read.
//!
//! A seal covers every field, and the place that the value is kept at. Of a record's payload it
//! covers the chain behind the batch, which is computed for every batch anyway; so sealing costs a
//! hash of the few bytes beside it, and reading hashes each payload once.

use phuxanh_core::{Chain, Cursor, LocalityCode, Record, delivery::damage::Fault};
use prost::Message;
use sha2::{Digest, Sha256};

use super::storage::{from_cursor, from_record, to_cursor, to_record};
use crate::storage::v1 as storage;

/// Place at which a record is kept; its seal holds nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub reporter: LocalityCode,
    /// Number of the record; 0 where the store gives it and vouches for it.
    pub number: u64,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsealed {
    pub record: Record,
    /// Chain behind its batch.
    pub behind: Chain,
    /// True if a seal was checked; there is none in what was written before format numbers.
    pub is_sealed: bool,
}

/// Writes a record with its seal; `behind` is the chain behind its batch.
#[must_use]
pub fn seal_record(place: Place, record: Record, behind: Chain) -> storage::Record {
    let mut message = to_record(record);
    message.seal = record_seal(place, &mut message, behind).to_vec();
    message
}

/// Reads a record, and checks its seal if it has one.
pub fn open_record(place: Place, bytes: &[u8]) -> Result<Unsealed, Fault> {
    let mut message = storage::Record::decode(bytes).map_err(undecodable)?;
    let sealed = std::mem::take(&mut message.seal);
    let record = from_record(message.clone()).map_err(undecodable)?;
    let behind = record.batch.before().after(&record.batch).chain;
    let is_sealed = !sealed.is_empty();
    if is_sealed && sealed != record_seal(place, &mut message, behind) {
        return Err(Fault::Mismatch);
    }
    Ok(Unsealed { record, behind, is_sealed })
}

/// Writes a cursor with its seal.
#[must_use]
pub fn seal_cursor(reporter: LocalityCode, cursor: Cursor) -> storage::Cursor {
    let mut message = to_cursor(cursor);
    message.seal = cursor_seal(reporter, &message).to_vec();
    message
}

/// Reads a cursor, and checks its seal.
pub fn open_cursor(reporter: LocalityCode, bytes: &[u8]) -> Result<Cursor, Fault> {
    let mut message = storage::Cursor::decode(bytes).map_err(undecodable)?;
    let sealed = std::mem::take(&mut message.seal);
    if sealed.is_empty() {
        return Err(Fault::Unsealed);
    } else if sealed != cursor_seal(reporter, &message) {
        return Err(Fault::Mismatch);
    }
    from_cursor(message).map_err(undecodable)
}

/// The seal of a message whose own is empty. Its payload is left out and put back.
fn record_seal(place: Place, message: &mut storage::Record, behind: Chain) -> [u8; 32] {
    let payload = message.batch.as_mut().map(|batch| std::mem::take(&mut batch.payload));
    let seal = Sha256::new()
        .chain_update(place.reporter.number().to_be_bytes())
        .chain_update(place.number.to_be_bytes())
        .chain_update(behind.0)
        .chain_update(message.encode_to_vec())
        .finalize();
    if let (Some(batch), Some(payload)) = (&mut message.batch, payload) {
        batch.payload = payload;
    }
    seal.into()
}

fn cursor_seal(reporter: LocalityCode, message: &storage::Cursor) -> [u8; 32] {
    let place = reporter.number().to_be_bytes();
    Sha256::new().chain_update(place).chain_update(message.encode_to_vec()).finalize().into()
}

fn undecodable(error: impl std::fmt::Display) -> Fault {
    Fault::Undecodable(error.to_string())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use phuxanh_core::{
        Batch, LogId, Position, Timestamp,
        frame::{BatchResult, Refused, SessionId},
        validation::Refusal,
    };

    const REPORTER: LocalityCode = LocalityCode::NATION;
    const PLACE: Place = Place { reporter: REPORTER, number: 7 };

    fn time() -> Timestamp {
        "2025-07-31 16:00".parse().expect("a time")
    }

    fn record() -> (Record, Chain) {
        let before = Position::start(LogId([1; 16]));
        let batch = Batch {
            sequence: 1,
            previous_chain: before.chain,
            observation_count: 1,
            complete_through: Some(time()),
            payload: Bytes::from_static(b"payload"),
        };
        let behind = before.after(&batch).chain;
        let refused = Refused::Observations(vec![(0, Refusal::UnknownMetric)]);
        let record = Record {
            receipt: time(),
            log: LogId([1; 16]),
            log_epoch: 3,
            batch,
            result: Some(BatchResult { sequence: 1, refused }),
            host: "alpha".to_owned(),
            catalogue_digest: [3; 32],
            gazetteer_digest: [4; 32],
        };
        (record, behind)
    }

    #[test]
    fn a_record_is_read_where_it_was_kept_and_nowhere_else() {
        let (record, behind) = record();
        let bytes = seal_record(PLACE, record.clone(), behind).encode_to_vec();
        assert_eq!(open_record(PLACE, &bytes), Ok(Unsealed { record, behind, is_sealed: true }));
        let elsewhere = Place { number: 8, ..PLACE };
        assert_eq!(open_record(elsewhere, &bytes), Err(Fault::Mismatch));
        let another = Place { reporter: "04".parse().expect("a code"), ..PLACE };
        assert_eq!(open_record(another, &bytes), Err(Fault::Mismatch));
    }

    /// Whichever bit is another, the record is refused or the one that was kept.
    #[test]
    fn no_bit_of_a_record_or_a_cursor_can_be_another() {
        let (record, behind) = record();
        let bytes = seal_record(PLACE, record.clone(), behind).encode_to_vec();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = open_record(PLACE, &damaged).ok().filter(|read| read.is_sealed);
            assert!(read.is_none_or(|read| read.record == record), "bit {bit}");
        }
        let cursor = Cursor {
            log: LogId([1; 16]),
            log_epoch: 3,
            position: Position { sequence: 1, chain: behind },
            session: SessionId([2; 16]),
            host: "alpha".to_owned(),
            released: 1,
            record_count: 9,
            receipt: Some(time()),
            damaged: Some(LogId([9; 16])),
        };
        let bytes = seal_cursor(REPORTER, cursor.clone()).encode_to_vec();
        assert_eq!(open_cursor(REPORTER, &bytes), Ok(cursor.clone()));
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let read = open_cursor(REPORTER, &damaged);
            assert!(read.is_err() || read.as_ref() == Ok(&cursor), "bit {bit}");
        }
    }
}
