//! The storage under the file: it knows how long the file is, lets it grow to a bound and no
//! further, and remembers that a write failed for want of space.

use std::{
    io,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use redb::{BackendError, StorageBackend};

/// Space that a write wanted and did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// The disk, or its owner's share of it, is full.
    Disk,
    /// The file is at its bound.
    Quota,
}

impl Want {
    /// Word for logs.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Quota => "quota",
        }
    }
}

/// Measures of the file while redb has it.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    file_bytes: AtomicU64,
    file_bytes_max: AtomicU64,
    want: AtomicU8,
}

impl Gauge {
    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    /// Sets the bound. A file that is longer already may shrink and not grow.
    pub(super) fn set_bound(&self, file_bytes_max: u64) {
        self.file_bytes_max.store(file_bytes_max, Ordering::Relaxed);
    }

    /// Returns what has been wanted in vain since this was asked last.
    pub(super) fn take_want(&self) -> Option<Want> {
        match self.want.swap(0, Ordering::Relaxed) {
            0 => None,
            1 => Some(Want::Disk),
            _ => Some(Want::Quota),
        }
    }

    fn note(&self, want: Want) {
        let number = match want {
            Want::Disk => 1,
            Want::Quota => 2,
        };
        self.want.store(number, Ordering::Relaxed);
    }
}

/// A storage with a bound.
#[derive(Debug)]
pub(super) struct Bounded {
    storage: Box<dyn StorageBackend>,
    gauge: Arc<Gauge>,
}

impl Bounded {
    pub(super) fn new(storage: Box<dyn StorageBackend>, gauge: Arc<Gauge>) -> io::Result<Self> {
        gauge.file_bytes.store(storage.len()?, Ordering::Relaxed);
        Ok(Self { storage, gauge })
    }

    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && is_full(error)
        {
            self.gauge.note(Want::Disk);
        }
        result
    }
}

impl StorageBackend for Bounded {
    fn len(&self) -> io::Result<u64> {
        self.storage.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.storage.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let grows = len > self.gauge.file_bytes();
        if grows && len > self.gauge.file_bytes_max.load(Ordering::Relaxed) {
            self.gauge.note(Want::Quota);
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.watch(self.storage.set_len(len))?;
        self.gauge.file_bytes.store(len, Ordering::Relaxed);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.watch(self.storage.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.watch(self.storage.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.storage.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.query_lock_range(start, end)
    }
}

/// True if an error says that there is no room.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
