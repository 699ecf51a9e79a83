//! Files that lie in the inbox: how many, and for how long.

use std::{
    io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use phuxanh_core::Timestamp;
use phuxanh_daemon::ops::Sample;
use tokio::fs::read_dir;

use crate::metrics::{INBOX_FILES, INBOX_OLDEST_AGE};

/// Entries of the folder that a look considers.
const ENTRY_COUNT_MAX: usize = 10_000;

/// Series of the inbox now; none where it cannot be read, which readiness tells.
pub(super) async fn look(inbox: &Path, now: Timestamp) -> Vec<Sample> {
    match changes(inbox).await {
        Ok(changes) => samples(&changes, now),
        Err(_) => Vec::new(),
    }
}

/// Series of files by the times of their last change.
fn samples(changes: &[Timestamp], now: Timestamp) -> Vec<Sample> {
    // A file of the future has just come.
    let oldest = changes.iter().min().map_or(0, |at| (now.micros() - at.micros()).max(0));
    let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
    vec![INBOX_FILES.count(&[], count), INBOX_OLDEST_AGE.time(&[], oldest)]
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?).ok()
}

async fn changes(inbox: &Path) -> io::Result<Vec<Timestamp>> {
    let mut entries = read_dir(inbox).await?;
    let mut changes = Vec::new();
    for _ in 0..ENTRY_COUNT_MAX {
        let Some(entry) = entries.next_entry().await? else { break };
        // A file may be filed while its folder is read.
        let Ok(metadata) = entry.metadata().await else { continue };
        if metadata.is_file() {
            changes.extend(metadata.modified().ok().and_then(timestamp));
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000).expect("1970")
    }

    fn told(changes: &[i64], now: i64) -> Vec<Sample> {
        let changes: Vec<_> = changes.iter().copied().map(second).collect();
        samples(&changes, second(now))
    }

    #[test]
    fn the_file_that_lies_there_for_longest_is_told() {
        let expected = |count: u64, age: i64| {
            vec![INBOX_FILES.count(&[], count), INBOX_OLDEST_AGE.time(&[], age * 1_000_000)]
        };
        assert_eq!(told(&[70, 40, 90], 100), expected(3, 60));
        assert_eq!(told(&[], 100), expected(0, 0));
        assert_eq!(told(&[130], 100), expected(1, 0));
    }
}
