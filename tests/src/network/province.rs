//! A province: what it observes, and how far it has been read.

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use fastrand::Rng;
use phuxanh_core::{
    Basis, CellDigest, CellKey, LocalityCode, Observation, Timestamp, gazetteer::Gazetteer,
};

const METRICS: [&str; 2] = ["applications_received", "applications_online"];
const PERIODS: [&str; 2] = ["2025-07", "2025-08"];
const COMMUNES: usize = 8;

/// A province with its files.
#[derive(Debug)]
pub struct Province {
    pub code: String,
    pub directory: PathBuf,
    files: Vec<Vec<Observation>>,
    read_count: Cell<usize>,
}

impl Province {
    /// Draws what a province observes, in so many files. Each file is observed later than the one before and names a
    /// cell once, so each observation replaces what stood, and counts as applied.
    pub fn draw(
        random: &mut Rng,
        code: &str,
        directory: &Path,
        file_count: u64,
    ) -> anyhow::Result<Self> {
        let reporter: LocalityCode = code.parse()?;
        let gazetteer = Gazetteer::builtin();
        let communes: Vec<_> =
            gazetteer.communes(reporter).take(COMMUNES).map(|commune| commune.code).collect();
        let mut keys = Vec::new();
        for locality in communes {
            for metric in METRICS {
                for period in PERIODS {
                    keys.push(CellKey {
                        locality,
                        metric: metric.parse()?,
                        period: period.parse()?,
                    });
                }
            }
        }
        let began: Timestamp = "2025-09-02 08:00".parse()?;
        let mut files = Vec::new();
        for number in 0..file_count {
            random.shuffle(&mut keys);
            let observed = began.plus(Duration::from_secs(number));
            let count = random.usize(1..=keys.len());
            let observe = |key: &CellKey| Observation {
                key: key.clone(),
                value: (random.u32(0..10) > 0).then(|| random.i64(0..1_000_000)),
                observed,
                revision: 0,
                basis: Basis::Reported,
            };
            files.push(keys[..count].iter().map(observe).collect());
        }
        let directory = directory.join(code);
        Ok(Self { code: code.to_owned(), directory, files, read_count: Cell::new(0) })
    }

    /// The file to be read next.
    pub fn next_file(&self) -> Option<Vec<Observation>> {
        self.files.get(self.read_count.get()).cloned()
    }

    /// The spool has promised to keep the file.
    pub fn file_was_read(&self) {
        self.read_count.set(self.read_count.get() + 1);
    }

    pub const fn unread_count(&self) -> usize {
        self.files.len() - self.read_count.get()
    }

    pub fn observation_count(&self) -> u64 {
        self.files.iter().map(|file| file.len() as u64).sum()
    }

    /// The cells that must stand in the end: of each the last observation.
    pub fn cells(&self) -> CellDigest {
        let last: BTreeMap<_, _> =
            self.files.iter().flatten().map(|it| (it.key.clone(), it)).collect();
        last.into_values().fold(CellDigest::default(), CellDigest::with)
    }
}
