//! Exports of generated stores, compared with what was written into them.

use std::time::Duration;

use bytes::Bytes;
use phuxanh_core::{Batch, Cursor, LogId, Position, Record, frame::SessionId};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// Shape of a generated log: number of batches of each log of the reporter, number of trimmed
/// records, and the records behind which there is a checkpoint.
type Shape = (Vec<u8>, u8, Vec<bool>);

fn shape() -> impl Strategy<Value = Shape> {
    (vec(0_u8..4, 1..4), 0_u8..3, vec(any::<bool>(), 12))
}

fn time(count: u64) -> Timestamp {
    let start: Timestamp = "2025-07-31 16:00".parse().expect("a time");
    start.plus(Duration::from_secs(count))
}

fn record(log: LogId, position: Position, number: u64) -> Record {
    Record {
        receipt: time(number),
        log,
        log_epoch: 1,
        batch: Batch {
            sequence: position.sequence + 1,
            previous_chain: position.chain,
            observation_count: 1,
            complete_through: None,
            payload: Bytes::from(number.to_string()),
        },
        result: None,
        host: "alpha".to_owned(),
        catalogue_digest: [7; 32],
        gazetteer_digest: [8; 32],
    }
}

fn reporter(code: u32, (logs, trimmed, checkpoints): &Shape) -> Vec<Frame> {
    let mut records = Vec::new();
    let (mut log, mut position) = (LogId([0; 16]), Position::start(LogId([0; 16])));
    for (id, count) in (1..).zip(logs) {
        log = LogId([id; 16]);
        position = Position::start(log);
        for _ in 0..*count {
            let record = record(log, position, records.len() as u64 + 1);
            position = position.after(&record.batch);
            records.push(record);
        }
    }
    let count = records.len() as u64;
    let trimmed = count.min((*trimmed).into());
    let cursor = Cursor {
        log,
        log_epoch: 3,
        position,
        session: SessionId([1; 16]),
        host: "alpha".to_owned(),
        released: 0,
        record_count: count,
        receipt: (count > 0).then(|| time(count)),
        damaged: None,
    };
    let reporter = LocalityCode::from_number(code.into()).expect("a code");
    let mut frames = vec![Frame::Reporter { reporter, cursor, first_record: trimmed + 1 }];
    frames.extend(
        records.into_iter().map(Frame::Record).skip(usize::try_from(trimmed).expect("few")),
    );
    let kept = (1..=count).zip(checkpoints).filter(|(_, is_kept)| **is_kept);
    frames.extend(kept.map(|(record_count, _)| Frame::Checkpoint {
        record_count,
        receipt: time(record_count),
        bytes: record_count.to_string().into_bytes(),
    }));
    frames
}

fn frames() -> impl Strategy<Value = Vec<Frame>> {
    vec(shape(), 0..4).prop_map(|shapes| {
        let references = [1, 2].map(|id| Frame::Reference(([id; 32], vec![id; 3])));
        let reporters = (1..).zip(&shapes).flat_map(|(code, shape)| reporter(code, shape));
        references.into_iter().chain(reporters).collect()
    })
}

fn written(frames: &[Frame]) -> Result<(Vec<u8>, Tally), Error> {
    let mut writer = Writer::begin(Vec::new(), time(0))?;
    frames.iter().try_for_each(|frame| writer.put(frame.clone()))?;
    writer.finish()
}

fn read(bytes: &[u8]) -> Result<(Vec<Frame>, Tally), Error> {
    let mut reader = Reader::begin(bytes)?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        frames.push(frame);
    }
    assert_eq!(reader.exported(), time(0));
    Ok((frames, reader.tally()))
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(frames in frames()) {
        let (bytes, tally) = written(&frames).expect("an export");
        prop_assert_eq!(tally.bytes, bytes.len() as u64);
        let counted = tally.references + tally.reporters + tally.records + tally.checkpoints;
        prop_assert_eq!(counted, frames.len() as u64);
        prop_assert_eq!(read(&bytes).expect("it reads"), (frames, tally));
    }

    #[test]
    fn a_log_with_a_record_too_few_or_out_of_order_is_not_written(
        shapes in vec(shape(), 1..4),
        at in any::<Index>(),
    ) {
        let frames: Vec<_> =
            (1..).zip(&shapes).flat_map(|(code, shape)| reporter(code, shape)).collect();
        let records: Vec<_> = (0..frames.len())
            .filter(|at| matches!(frames[*at], Frame::Record(_)))
            .collect();
        prop_assume!(!records.is_empty());
        let at = *at.get(&records);
        let mut without = frames.clone();
        let taken = without.remove(at);
        prop_assert!(matches!(written(&without), Err(Error::Misplaced(_))));
        let mut doubled = frames.clone();
        doubled.insert(at, taken);
        prop_assert!(matches!(written(&doubled), Err(Error::Misplaced(_))));
        if let [Frame::Record(one), Frame::Record(next), ..] = &frames[at..]
            && one.log == next.log
        {
            let mut swapped = frames.clone();
            swapped.swap(at, at + 1);
            prop_assert!(matches!(written(&swapped), Err(Error::Misplaced(_))));
        }
    }
}

proptest! {
    // Each case tries every byte.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_byte_may_be_another_and_none_may_be_missing(frames in frames(), change in 1_u8..=255) {
        let (bytes, _) = written(&frames).expect("an export");
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= change;
            prop_assert!(read(&altered).is_err(), "byte {at}");
            prop_assert!(read(&bytes[..at]).is_err(), "cut behind {at}");
        }
        prop_assert!(read(&[&bytes[..], &[change]].concat()).is_err());
    }
}

#[test]
fn a_log_that_ends_elsewhere_than_its_cursor_is_not_written() {
    let mut frames = reporter(4, &(vec![3], 0, vec![]));
    let Frame::Reporter { cursor, .. } = &mut frames[0] else { panic!("a reporter") };
    cursor.position.chain = phuxanh_core::Chain([9; 32]);
    let error = written(&frames).expect_err("it ends elsewhere");
    assert_eq!(error.to_string(), "the log of 04 does not end where its cursor stands");
}

#[test]
fn another_format_is_named() {
    let mut writer = Writer { output: Vec::new(), seal: Seal::default() };
    let header = storage::ExportHeader { format: 2, export_micros: 0 };
    writer.write(Content::Header(header)).expect("written");
    let error = read(&writer.output).expect_err("a later format");
    let told = error.to_string();
    assert!(
        told.starts_with("the export was written by format 2, and this program reads format 1")
    );
}
