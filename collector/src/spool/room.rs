//! Room: whether an append fits under the quota, and when compacting is worth its time.
//!
//! The bound is on the file. redb copies what it changes and frees the old pages two commits
//! later, and it doubles a file that is full. So an append is taken only while it, and whatever
//! the log may need afterwards to drain, fits into a file that is the last doubling under the
//! quota: between half of the quota and all of it can be used. What the log may need to drain is
//! the worst case, in which everything that waits is refused and becomes dead letters, or in
//! which a new log begins and every waiting batch is written anew.

/// Room that is taken for a page.
const PAGE_BYTES: u64 = 4_096;
/// A cell's row with its key and a metric id of usual length; twice, for pages that are half full.
const CELL_BYTES: u64 = 2 * 72;
/// Bytes of the value that an observation replaced, with its place; twice.
const REPLACED_BYTES: u64 = 2 * 48;
/// A dead letter; twice.
const DEAD_LETTER_BYTES: u64 = 2 * 104;
/// The paths down to the rows, redb's own tables, a watermark, an accepted file.
const SLACK_BYTES: u64 = 32 * PAGE_BYTES;

/// Content of the spool that an estimate depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) cell_count: u64,
    pub(super) waiting_observation_count: u64,
    pub(super) waiting_payload_bytes: u64,
}

/// Load that is to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) batch_count: u64,
    pub(super) observation_count: u64,
    pub(super) payload_bytes: u64,
}

impl Load {
    /// Both, in one commit.
    pub(super) const fn and(&self, other: &Self) -> Self {
        Self {
            batch_count: self.batch_count + other.batch_count,
            observation_count: self.observation_count + other.observation_count,
            payload_bytes: self.payload_bytes + other.payload_bytes,
        }
    }
}

/// Bytes that an append adds to what the file holds, at most.
pub(super) const fn growth(load: &Load) -> u64 {
    2 * (load.payload_bytes + load.batch_count * PAGE_BYTES)
        + load.observation_count * (CELL_BYTES + REPLACED_BYTES)
}

/// Bytes that must be free before an append: its growth, the copies that its commit and the one
/// before make, and what the log may need to drain afterwards.
pub(super) fn need(holding: &Holding, load: &Load) -> u64 {
    let cell_count = holding.cell_count + load.observation_count;
    let waiting = holding.waiting_observation_count + load.observation_count;
    let waiting_bytes = holding.waiting_payload_bytes + load.payload_bytes;
    let refusing = letters(waiting) + copies(waiting, cell_count);
    let renumbering = batch_bytes(waiting_bytes) + waiting * REPLACED_BYTES;
    growth(load)
        + 2 * copies(load.observation_count, cell_count)
        + refusing.max(renumbering)
        + SLACK_BYTES
}

/// Bytes that dead letters add to what the file holds, at most.
pub(super) const fn letters(count: u64) -> u64 {
    count * DEAD_LETTER_BYTES
}

/// The longest that a file may get by doubling and stay under the quota.
pub(super) const fn capacity(file_bytes: u64, quota_bytes: u64) -> u64 {
    if file_bytes > quota_bytes {
        return 0;
    }
    let mut reached = if file_bytes > PAGE_BYTES { file_bytes } else { PAGE_BYTES };
    while 2 * reached <= quota_bytes {
        reached *= 2;
    }
    reached
}

/// True if a drained spool's file is worth compacting: much longer than what it holds, and long
/// enough to matter.
pub(super) const fn is_worth_compacting(
    file_bytes: u64,
    used_bytes: u64,
    compact_ratio: u64,
    compact_bytes_min: u64,
) -> bool {
    file_bytes >= compact_bytes_min && file_bytes / compact_ratio >= used_bytes
}

/// Pages of cells that are copied when so many of them change: one each at most, and never more
/// than there are.
fn copies(changed_count: u64, cell_count: u64) -> u64 {
    (changed_count * PAGE_BYTES).min(cell_count * CELL_BYTES)
}

/// Payloads in pages of powers of two.
const fn batch_bytes(payload_bytes: u64) -> u64 {
    2 * payload_bytes + PAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Holding =
        Holding { cell_count: 0, waiting_observation_count: 0, waiting_payload_bytes: 0 };
    const LOAD: Load = Load { batch_count: 1, observation_count: 1_000, payload_bytes: 15_000 };

    #[test]
    fn a_file_is_as_long_as_doublings_under_the_quota_make_it() {
        assert_eq!(capacity(73_728, 1 << 20), 8 * 73_728);
        assert_eq!(capacity(0, 1 << 20), 1 << 20);
        assert_eq!(capacity(700_000, 1 << 20), 700_000);
        assert_eq!(capacity((1 << 20) + 1, 1 << 20), 0);
    }

    #[test]
    fn what_waits_and_what_is_held_make_an_append_need_more() {
        let alone = need(&EMPTY, &LOAD);
        assert!(alone > growth(&LOAD));
        let waiting =
            Holding { waiting_observation_count: 5_000, waiting_payload_bytes: 75_000, ..EMPTY };
        assert!(need(&waiting, &LOAD) >= alone + 5_000 * DEAD_LETTER_BYTES);
        let held = Holding { cell_count: 100_000, ..EMPTY };
        let copied = need(&held, &LOAD) - alone;
        assert!(copied <= 3 * 1_000 * PAGE_BYTES, "one page for each change at most");
    }

    #[test]
    fn only_a_long_and_empty_file_is_compacted() {
        assert!(is_worth_compacting(8 << 20, 1 << 20, 4, 4 << 20));
        assert!(!is_worth_compacting(8 << 20, 3 << 20, 4, 4 << 20));
        assert!(!is_worth_compacting(1 << 20, 1 << 10, 4, 4 << 20));
    }
}
