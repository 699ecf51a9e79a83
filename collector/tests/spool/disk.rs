//! A disk in memory that keeps a journal of what was written and synced, and can be full.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};

use phuxanh_collector::spool::Medium;
use redb::{StorageBackend, backends::InMemoryBackend};

pub const SECTOR_BYTES: usize = 512;

/// Operation on the disk.
#[derive(Debug, Clone)]
pub enum Op {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
    Sync,
}

/// A disk. Clones are the same disk.
#[derive(Debug, Clone)]
pub struct Disk {
    bytes: Arc<InMemoryBackend>,
    journal: Sender<Op>,
    fullness: Arc<Fullness>,
    gate: Arc<Gate>,
}

/// Gate at which writes wait while it is held.
#[derive(Debug, Default)]
struct Gate {
    is_held: AtomicBool,
    /// True if one waits.
    is_reached: AtomicBool,
}

/// Writes that a full disk still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Writes where something was written before, as file systems do.
    OldBlocks,
}

/// From which write on there is no room, for as long as the ballast is there.
#[derive(Debug)]
struct Fullness {
    writes_left: AtomicU64,
    takes_old_blocks: AtomicBool,
    /// End of what was ever written.
    written_bytes: AtomicU64,
    is_full: AtomicBool,
    ballast: Option<PathBuf>,
}

impl Disk {
    /// A disk with these bytes on it, and its journal from here on.
    pub fn new(image: &[u8], ballast: Option<PathBuf>) -> (Self, Receiver<Op>) {
        let bytes = Arc::new(InMemoryBackend::new());
        bytes.set_len(image.len().try_into().expect("64 bits fit")).expect("in memory");
        bytes.write(0, image).expect("in memory");
        let (journal, ops) = channel();
        let fullness = Arc::new(Fullness {
            writes_left: AtomicU64::new(u64::MAX),
            takes_old_blocks: AtomicBool::new(false),
            written_bytes: AtomicU64::new(bytes.len().expect("in memory")),
            is_full: AtomicBool::new(false),
            ballast,
        });
        (Self { bytes, journal, fullness, gate: Arc::default() }, ops)
    }

    pub fn medium(&self) -> Medium {
        let (disk, ballast) = (self.clone(), self.fullness.ballast.clone());
        Medium::new(move || Ok(Box::new(disk.clone())), ballast)
    }

    pub fn image(&self) -> Vec<u8> {
        let length = self.bytes.len().expect("in memory");
        let mut image = vec![0; usize::try_from(length).expect("it is in memory")];
        self.bytes.read(0, &mut image).expect("in memory");
        image
    }

    /// Lets writes wait until they are released.
    pub fn hold(&self) {
        self.gate.is_held.store(true, Ordering::Release);
    }

    /// True if one waits.
    pub fn is_reached(&self) -> bool {
        self.gate.is_reached.load(Ordering::Acquire)
    }

    pub fn release(&self) {
        self.gate.is_held.store(false, Ordering::Release);
    }

    fn pass_gate(&self) {
        while self.gate.is_held.load(Ordering::Acquire) {
            self.gate.is_reached.store(true, Ordering::Release);
            std::thread::yield_now();
        }
        self.gate.is_reached.store(false, Ordering::Release);
    }

    /// Number of writes that still succeed; then none does while the ballast is there.
    pub fn fill_after(&self, writes: u64, takes: Takes) {
        self.fullness.takes_old_blocks.store(takes == Takes::OldBlocks, Ordering::Relaxed);
        self.fullness.writes_left.store(writes, Ordering::Relaxed);
    }

    /// There is room again.
    pub fn empty(&self) {
        self.fill_after(u64::MAX, Takes::Nothing);
        self.fullness.is_full.store(false, Ordering::Relaxed);
    }

    /// Returns the number of writes that still succeed.
    pub fn writes_left(&self) -> u64 {
        self.fullness.writes_left.load(Ordering::Relaxed)
    }

    /// True if a write has failed.
    pub fn was_full(&self) -> bool {
        self.fullness.is_full.load(Ordering::Relaxed)
    }

    /// Takes room for a write up to `end`.
    fn take_room(&self, end: u64) -> io::Result<()> {
        let Fullness { writes_left, takes_old_blocks, written_bytes, is_full, ballast } =
            &*self.fullness;
        let left = writes_left.load(Ordering::Relaxed);
        let is_old = end <= written_bytes.load(Ordering::Relaxed);
        if left == 0 && !(is_old && takes_old_blocks.load(Ordering::Relaxed)) {
            is_full.store(true, Ordering::Relaxed);
            if ballast.as_ref().is_none_or(|ballast| ballast.exists()) {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        if (1..u64::MAX).contains(&left) {
            writes_left.store(left - 1, Ordering::Relaxed);
        }
        written_bytes.fetch_max(end, Ordering::Relaxed);
        Ok(())
    }

    fn note(&self, op: Op) {
        // A test that does not read the journal has dropped it.
        drop(self.journal.send(op));
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // Growing takes no blocks yet; what is cut off gives its own back.
        self.fullness.written_bytes.fetch_min(len, Ordering::Relaxed);
        self.note(Op::SetLen(usize::try_from(len).expect("it is in memory")));
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Op::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.pass_gate();
        self.take_room(offset + u64::try_from(data.len()).expect("64 bits fit"))?;
        let offset_at = usize::try_from(offset).expect("it is in memory");
        self.note(Op::Write { offset: offset_at, bytes: data.to_vec() });
        self.bytes.write(offset, data)
    }
}

/// A disk that loses power: all that was synced, and of the rest what the choices leave of it,
/// sector by sector.
#[derive(Debug, Default, Clone)]
pub struct Platter {
    synced: Vec<u8>,
    pending: Vec<Op>,
}

/// Fate of writes that were not synced.
#[derive(Debug)]
pub enum Loss<'a> {
    Everything,
    Nothing,
    /// Some operations, and some sectors of others.
    Torn(&'a mut fastrand::Rng),
}

impl Platter {
    pub fn new(image: Vec<u8>) -> Self {
        Self { synced: image, pending: Vec::new() }
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Sync => {
                for op in std::mem::take(&mut self.pending) {
                    put(&mut self.synced, &op, |_| true);
                }
            }
            op => self.pending.push(op.clone()),
        }
    }

    pub fn lose(&self, loss: Loss<'_>) -> Vec<u8> {
        let mut image = self.synced.clone();
        match loss {
            Loss::Everything => {}
            Loss::Nothing => self.pending.iter().for_each(|op| put(&mut image, op, |_| true)),
            Loss::Torn(random) => {
                for op in &self.pending {
                    match random.u8(0..3) {
                        0 => {}
                        1 => put(&mut image, op, |_| true),
                        _ => put(&mut image, op, |_| random.bool()),
                    }
                }
            }
        }
        image
    }
}

fn put(image: &mut Vec<u8>, op: &Op, mut survives: impl FnMut(usize) -> bool) {
    match op {
        Op::Sync => {}
        Op::SetLen(length) => {
            if survives(0) {
                image.resize(*length, 0);
            }
        }
        Op::Write { offset, bytes } => {
            for (sector, piece) in bytes.chunks(SECTOR_BYTES).enumerate() {
                if survives(sector) {
                    let at = offset + sector * SECTOR_BYTES;
                    image.resize(image.len().max(at + piece.len()), 0);
                    image[at..at + piece.len()].copy_from_slice(piece);
                }
            }
        }
    }
}
