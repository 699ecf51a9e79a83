//! Reads a store page by page and writes it as frames of a file.

use std::{fmt::Write as _, io::Write};

use phuxanh_core::{
    LocalityCode,
    delivery::{
        log::{Checkpoint, CheckpointHead, Held},
        order::Frame,
    },
};

use sha2::{Digest, Sha256};

use super::{Error, PAGE_COUNT, file::Writer};
use crate::store::Archive;

/// Writes the contents of a store; calls `told` after each reporter. If the store is in use, each
/// log is written through the cursor that was read at the beginning.
pub async fn export<W: Write>(
    store: &dyn Archive,
    writer: &mut Writer<W>,
    mut told: impl FnMut(&Held),
) -> Result<(), Error> {
    let all = store.held().await?;
    if all.is_empty() {
        return Err(Error::Empty);
    }
    // Read after the cursors, so that the references of every exported record are there.
    for reference in store.references().await? {
        if Sha256::digest(&reference.1)[..] != reference.0 {
            return Err(Error::DamagedReference(hex(&reference.0)));
        }
        writer.put(Frame::Reference(reference))?;
    }
    for held in all {
        reporter(store, &held, writer).await?;
        told(&held);
    }
    Ok(())
}

async fn reporter<W: Write>(
    store: &dyn Archive,
    held: &Held,
    writer: &mut Writer<W>,
) -> Result<(), Error> {
    let &Held { reporter, ref cursor, ref checkpoints, first_record } = held;
    writer.put(Frame::Reporter { reporter, cursor: cursor.clone(), first_record })?;
    let mut through = first_record - 1;
    while through < cursor.record_count {
        let left = cursor.record_count - through;
        let count = usize::try_from(left).unwrap_or(PAGE_COUNT).min(PAGE_COUNT);
        let page = store.records(reporter, through, count).await?;
        if page.is_empty() {
            break;
        }
        through += page.len() as u64;
        for record in page {
            writer.put(Frame::Record(record))?;
        }
    }
    let in_log = |head: &&CheckpointHead| head.record_count <= cursor.record_count;
    for head in checkpoints.iter().filter(in_log) {
        if let Some(Checkpoint { mark, receipt, bytes }) =
            checkpoint(store, reporter, head.record_count).await?
        {
            let record_count = mark.record_count;
            writer.put(Frame::Checkpoint { record_count, receipt, bytes })?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// Returns a checkpoint if it is part of this log. It is not if it covers a tail that was lost.
async fn checkpoint(
    store: &dyn Archive,
    reporter: LocalityCode,
    record_count: u64,
) -> Result<Option<Checkpoint>, Error> {
    let checkpoint = store.checkpoint(reporter, record_count).await?;
    let mark = store.mark(reporter, record_count).await?;
    Ok(checkpoint.filter(|kept| mark.is_none_or(|mark| mark == kept.mark)))
}
