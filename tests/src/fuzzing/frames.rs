//! Frames of the delivery stream, as either end takes them, and the payloads of batches.

use phuxanh_core::frame::{FromAggregator, FromCollector};
use phuxanh_proto::{convert, v1};
use prost::Message;

/// Reads the bytes as a frame of either end. A frame that is taken has only one meaning.
pub(super) fn run(bytes: &[u8]) {
    if let Ok(message) = v1::DeliverRequest::decode(bytes)
        && let Ok(frame) = convert::from_collector(message)
    {
        if let FromCollector::Batch(batch) = &frame {
            payload(&batch.payload, batch.observation_count);
        }
        if frame != FromCollector::Unknown {
            let again = convert::from_collector(convert::to_collector(frame.clone()));
            assert_eq!(again.as_ref(), Ok(&frame));
        }
    }
    if let Ok(message) = v1::DeliverResponse::decode(bytes)
        && let Ok(frame) = convert::from_aggregator(message)
        && frame != FromAggregator::Unknown
    {
        let again = convert::from_aggregator(convert::to_aggregator(frame.clone()));
        assert_eq!(again.as_ref(), Ok(&frame));
    }
    // The payload of a batch comes behind its count.
    if let Some((&count, payload_bytes)) = bytes.split_first() {
        payload(payload_bytes, count.into());
    }
}

fn payload(bytes: &[u8], count: u32) {
    let Ok(observations) = convert::decode(bytes, count) else { return };
    assert_eq!(observations.len(), count as usize);
    let written = convert::encode(&observations);
    assert_eq!(convert::decode(&written, count).as_ref(), Ok(&observations));
}
