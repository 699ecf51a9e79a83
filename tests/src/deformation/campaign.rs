//! Many files, on several threads.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use fastrand::Rng;

use super::{
    sheet::Sheet,
    tables,
    verdict::{self, Ends, Fault},
    writing::{self, Written},
};

/// Failures after which a campaign ends.
const FAILURES_MAX: usize = 20;

/// Files of consecutive seeds.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    pub first_seed: u64,
    pub file_count: u64,
    pub thread_count: usize,
}

/// A file of which something was read wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    /// None where the reading panicked.
    pub fault: Option<Fault>,
}

/// Progress of a campaign.
#[derive(Debug, Default)]
pub struct Progress {
    pub file_count: u64,
    pub ends: Ends,
    /// Files with each deformation, and how their values ended.
    pub deformations: BTreeMap<&'static str, (u64, Ends)>,
    pub failures: Vec<Failure>,
}

/// The file of a seed.
#[must_use]
pub fn file(seed: u64) -> Written {
    let mut sheet = Sheet::new(Rng::with_seed(seed));
    tables::fill(&mut sheet);
    writing::write(sheet)
}

/// Gives a file to the collector.
pub fn try_file(seed: u64, written: &Written) -> Result<Ends, Fault> {
    let contents = verdict::read(&written.bytes, Rng::with_seed(seed));
    verdict::judge(written, &contents)
}

impl Campaign {
    /// Tries all files, or until some have failed; tells the count of those done now and then.
    #[must_use]
    pub fn run(&self, told: impl Fn(u64) + Sync) -> Progress {
        let next = AtomicU64::new(0);
        let is_over = AtomicBool::new(false);
        let work = || {
            let mut progress = Progress::default();
            while !is_over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.file_count {
                    break;
                }
                progress.add(self.first_seed.wrapping_add(number));
                told(number);
                if progress.failures.len() >= FAILURES_MAX {
                    is_over.store(true, Ordering::Relaxed);
                }
            }
            progress
        };
        let mut whole = Progress::default();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.thread_count).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                whole.merge(worker.join().expect("files are tried in catch_unwind"));
            }
        });
        whole.failures.sort_by_key(|failure| failure.seed);
        whole
    }
}

impl Progress {
    fn add(&mut self, seed: u64) {
        self.file_count += 1;
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let written = file(seed);
            let tried = try_file(seed, &written);
            (written, tried)
        }));
        match tried {
            Ok((written, Ok(ends))) => {
                self.ends.add(ends);
                for name in written.deformations {
                    let (count, all) = self.deformations.entry(name).or_default();
                    *count += 1;
                    all.add(ends);
                }
            }
            Ok((_, Err(fault))) => self.failures.push(Failure { seed, fault: Some(fault) }),
            Err(_) => self.failures.push(Failure { seed, fault: None }),
        }
    }

    fn merge(&mut self, other: Self) {
        self.file_count += other.file_count;
        self.ends.add(other.ends);
        for (name, (count, ends)) in other.deformations {
            let (all_count, all) = self.deformations.entry(name).or_default();
            *all_count += count;
            all.add(ends);
        }
        self.failures.extend(other.failures);
    }
}

/// A file as text for people: its deformations, and its lines as they are.
#[must_use]
pub fn show(seed: u64) -> String {
    let written = file(seed);
    let verdict = match try_file(seed, &written) {
        Ok(_) => "everything is taken right, or refused and named".to_owned(),
        Err(fault) => fault.to_string(),
    };
    let names = written.deformations.join(", ");
    let bytes = written.bytes.escape_ascii().to_string();
    let lines = bytes.replace("\\n", "\\n\n").replace("\\r", "\\r\n").replace("\\r\n\\n", "\\r\\n");
    let lines = lines.replace("\\t", "\t");
    let contents = verdict::read(&written.bytes, Rng::with_seed(seed));
    let listed = contents.entries.listed().iter();
    let told = listed.fold(String::new(), |told, entry| told + &format!("{entry:?}\n"));
    format!("seed {seed}: {verdict}\ndeformations: {names}\n{lines}\n{told}")
}
