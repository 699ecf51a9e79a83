//! Encoding of cursors and records in Redis.

use std::collections::BTreeMap;

use phuxanh_core::{
    Chain, Cursor, LocalityCode, LogId, Position, Record, Timestamp, delivery::damage::Fault,
    frame::SessionId,
};
use phuxanh_proto::convert::{self, Place, Unsealed};
use prost::Message;
use redis::streams::StreamId;

use super::Error;

/// Cursor of a reporter, and the hash over all its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) cursor: Cursor,
    pub(super) tip: String,
}

/// Record of a stream, with the hashes before and behind it. If it is damaged, the hashes may be
/// any text.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) previous: String,
    pub(super) tip: String,
    pub(super) record: Result<Record, Fault>,
}

/// Fields of a cursor, by name.
pub(super) type Fields = BTreeMap<String, Vec<u8>>;

impl Kept {
    /// Reads the fields of the hash; returns `None` if there is no cursor.
    pub(super) fn read(fields: &Fields) -> Result<Option<Self>, Error> {
        if !fields.contains_key("session") {
            return Ok(None);
        }
        let bytes = |name| fields.get(name).map_or(&[][..], Vec::as_slice);
        let wrong = |_| Error::corrupt("cursor");
        let log = LogId(bytes("log").try_into().map_err(wrong)?);
        let record_count = number(bytes("record_count"))?;
        let cursor = Cursor {
            log,
            log_epoch: number(bytes("log_epoch"))?,
            position: Position {
                sequence: number(bytes("sequence"))?,
                chain: Chain(bytes("chain").try_into().map_err(wrong)?),
            },
            session: SessionId(bytes("session").try_into().map_err(wrong)?),
            host: text(bytes("host"))?,
            released: number(bytes("released"))?,
            record_count,
            receipt: match record_count {
                0 => None,
                _ => Some(time(bytes("receipt"))?),
            },
            damaged: match bytes("damaged") {
                [] => None,
                id => Some(LogId(id.try_into().map_err(wrong)?)),
            },
        };
        Ok(Some(Self { cursor, tip: text(bytes("tip"))? }))
    }

    /// Fields of a cursor. Only the scripts write `tip` and `lease`.
    pub(super) fn fields(cursor: &Cursor) -> Vec<(&'static str, Vec<u8>)> {
        let digits = |number: u64| number.to_string().into_bytes();
        let mut fields = vec![
            ("log", cursor.log.0.to_vec()),
            ("log_epoch", digits(cursor.log_epoch)),
            ("sequence", digits(cursor.position.sequence)),
            ("chain", cursor.position.chain.0.to_vec()),
            ("session", cursor.session.0.to_vec()),
            ("host", cursor.host.clone().into_bytes()),
            ("released", digits(cursor.released)),
            ("record_count", digits(cursor.record_count)),
        ];
        if let Some(damaged) = cursor.damaged {
            fields.push(("damaged", damaged.0.to_vec()));
        }
        if let Some(receipt) = cursor.receipt {
            fields.push(("receipt", receipt.micros().to_string().into_bytes()));
        }
        fields
    }
}

impl Entry {
    /// Reads and checks an entry of a reporter's stream: the record's seal, and the hash over the
    /// log, which the script computes from the receipt time and the chain behind the batch.
    pub(super) fn read(reporter: LocalityCode, entry: &StreamId) -> Result<Self, Error> {
        let field = |name: &str| -> Vec<u8> {
            let value = entry.map.get(name).cloned();
            value.and_then(|value| redis::from_redis_value(value).ok()).unwrap_or_default()
        };
        let (previous, tip, receipt) = (field("previous"), field("tip"), field("receipt"));
        let number = entry.id.split('-').next().and_then(|number| number.parse().ok());
        let read = convert::open_record(place(reporter), &field("record"));
        let record = read.and_then(|Unsealed { record, behind, .. }| {
            let mut hash = sha1_smol::Sha1::from(&previous);
            hash.update(&receipt);
            hash.update(&behind.0);
            if hash.digest().to_string().as_bytes() != tip {
                return Err(Fault::Mismatch);
            }
            let undecodable = |_| Fault::Undecodable("receipt time".to_owned());
            Ok(Record { receipt: time(&receipt).map_err(undecodable)?, ..record })
        });
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Self {
            number: number.ok_or_else(|| Error::corrupt("record"))?,
            previous: lossy(&previous),
            tip: lossy(&tip),
            record,
        })
    }
}

/// Encodes a record. The script stores its receipt time and number beside it.
pub(super) fn encode(reporter: LocalityCode, record: Record, behind: Chain) -> Vec<u8> {
    let epoch = Timestamp::from_micros(0).expect("1970 is in range");
    let record = Record { receipt: epoch, ..record };
    convert::seal_record(place(reporter), record, behind).encode_to_vec()
}

const fn place(reporter: LocalityCode) -> Place {
    Place { reporter, number: 0 }
}

fn text(bytes: &[u8]) -> Result<String, Error> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::corrupt("text"))
}

fn number(bytes: &[u8]) -> Result<u64, Error> {
    text(bytes)?.parse().map_err(|_| Error::corrupt("number"))
}

pub(super) fn time(bytes: &[u8]) -> Result<Timestamp, Error> {
    let micros = text(bytes)?.parse().map_err(|_| Error::corrupt("time"))?;
    Timestamp::from_micros(micros).map_err(|_| Error::corrupt("time"))
}
