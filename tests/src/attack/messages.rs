//! Random messages of the contract: fields of any number and type, with values that some question
//! knows, so that they reach further than the decoder.

use bytes::{BufMut, Bytes, BytesMut};
use fastrand::Rng;

/// Texts that some field of some message takes.
const TEXTS: [&str; 14] = [
    "",
    "00",
    "01",
    "04",
    "01273",
    "99999",
    "2025-07",
    "2025-13",
    "2199-12",
    "green_coverage",
    "online_submission_rate",
    "applications_received",
    "Cao Bằng",
    "\u{0}\u{202e}%s",
];
/// Numbers at the ends of what fields hold.
const NUMBERS: [u64; 9] =
    [0, 1, 2, 100, 1_001, u32::MAX as u64, i64::MAX as u64, 1 << 63, u64::MAX];
const FIELD_NUMBER_MAX: u64 = 13;
const FIELDS_MAX: usize = 8;
const BYTES_MAX: usize = 600;
/// Messages within messages.
const DEPTH_MAX: usize = 4;

/// Returns a random message of protobuf.
pub(super) fn message(random: &mut Rng) -> Bytes {
    let mut bytes = BytesMut::new();
    fields(random, &mut bytes, 0);
    bytes.freeze()
}

/// Returns random bytes.
pub(super) fn noise(random: &mut Rng) -> Bytes {
    let mut bytes = vec![0; random.usize(0..BYTES_MAX)];
    random.fill(&mut bytes);
    bytes.into()
}

/// Frames a message as gRPC does.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(message.len() + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).expect("messages are short"));
    bytes.put_slice(message);
    bytes.freeze()
}

/// Returns a body that a call may have: framed or not, with the right length or not.
pub(super) fn body(random: &mut Rng) -> Bytes {
    match random.u8(0..8) {
        0 => noise(random),
        1 => {
            let mut bytes = BytesMut::new();
            bytes.put_u8(random.u8(..));
            bytes.put_u32(random.u32(..));
            bytes.put_slice(&noise(random));
            bytes.freeze()
        }
        2 => framed(&noise(random)),
        _ => framed(&message(random)),
    }
}

fn fields(random: &mut Rng, bytes: &mut BytesMut, depth: usize) {
    for _ in 0..random.usize(0..FIELDS_MAX) {
        let number = random.u64(1..=FIELD_NUMBER_MAX);
        match random.u8(0..8) {
            0..=2 => {
                varint(bytes, number << 3);
                let known = random.choice(NUMBERS).expect("some");
                varint(bytes, if random.bool() { known } else { random.u64(0..8) });
            }
            3 => {
                varint(bytes, number << 3 | 1);
                bytes.put_u64_le(random.u64(..));
            }
            4 => {
                // A type that may not exist, and no value.
                varint(bytes, number << 3 | random.u64(3..8));
            }
            _ => {
                varint(bytes, number << 3 | 2);
                let value = value(random, depth);
                varint(bytes, value.len() as u64);
                bytes.put_slice(&value);
            }
        }
    }
}

fn value(random: &mut Rng, depth: usize) -> Bytes {
    match random.u8(0..8) {
        0 => noise(random),
        1 | 2 if depth < DEPTH_MAX => {
            let mut bytes = BytesMut::new();
            fields(random, &mut bytes, depth + 1);
            bytes.freeze()
        }
        _ => Bytes::from_static(random.choice(TEXTS).expect("some").as_bytes()),
    }
}

fn varint(bytes: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        bytes.put_u8(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.put_u8(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn numbers_are_written_as_protobuf_does() {
        for number in NUMBERS {
            let mut bytes = BytesMut::new();
            varint(&mut bytes, number);
            assert_eq!(
                prost::decode_length_delimiter(&bytes[..]).ok(),
                usize::try_from(number).ok()
            );
        }
    }

    #[test]
    fn some_messages_are_understood_and_some_are_not() {
        let mut random = Rng::with_seed(1);
        let understood = (0..1_000).filter(|_| {
            phuxanh_proto::v1::RankLocalitiesRequest::decode(message(&mut random)).is_ok()
        });
        assert!((100..900).contains(&understood.count()));
    }
}
