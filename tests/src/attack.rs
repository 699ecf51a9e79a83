//! Attacks on a running aggregator, beside honest work that must not suffer.
//!
//! ```text
//! garbage, calls, frames, questions, silence ──▶ aggregator with small limits ◀── collectors
//!                                                       ▲                        (one by one row,
//!        Witness: acknowledgements, light answers, ─────┘                         one a backfill)
//!                 memory, descriptors
//! ```
//!
//! Each kind of attack is a function without end. Whoever runs it has an address and random numbers of
//! its own. `tests/attack.rs` runs all of them shortly, the program `attack` for as long as it
//! is told.

mod backfill;
mod calls;
mod frames;
mod garbage;
mod messages;
pub mod questions;
mod silence;
mod witness;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use fastrand::Rng;
use phuxanh_core::{LocalityCode, gazetteer::Gazetteer};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::harness::{Deployment, Process, Setup, eventually, settings};
use backfill::Backfill;
use witness::{Seen, Witness};

const AGGREGATOR: Process = Process::Aggregator;
/// Small limits, so that a short attack reaches them.
const LIMITS: [(&str, &str); 9] = [
    ("CONNECTION_COUNT_MAX", "120"),
    ("CONNECTIONS_PER_ADDRESS_MAX", "16"),
    ("PREFACE_TIMEOUT", "1s"),
    ("REQUEST_TIMEOUT", "2s"),
    ("STREAMS_PER_CONNECTION_MAX", "16"),
    ("REQUEST_BYTES_MAX", "8192"),
    ("HEAVY_RUNNING_MAX", "1"),
    ("HEAVY_WAITING_MAX", "8"),
    ("DESCRIPTORS_RESERVED", "64"),
];
/// First address of this host that attacks; the honest ones come from 127.0.0.1.
const FIRST_ADDRESS: u8 = 10;
/// Time in which the descriptors of an attack must be free.
const FREE_WITHIN: Duration = Duration::from_secs(15);
/// Descriptors that may be open afterwards beside those from before, such as those of questions.
const DESCRIPTORS_KEPT_MAX: usize = 8;

/// Attack of a seed.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    pub seed: u64,
    pub span: Duration,
    /// Limits of section `limits` in place of the small ones.
    pub limits: Vec<(String, String)>,
}

/// Kind of attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Garbage,
    Calls,
    Frames,
    Questions,
    UnreadAnswers,
    SilentConnections,
    HalfCalls,
}

/// Somebody who attacks from an address.
struct Assailant {
    server: String,
    /// Last number of an address 127.0.0.x.
    from: u8,
    random: Rng,
    blows: Arc<AtomicU64>,
}

/// All who attack.
#[derive(Default)]
struct Assault {
    attacking: JoinSet<()>,
    blows: Vec<(Kind, Arc<AtomicU64>)>,
}

/// Account of an attack that was withstood.
#[derive(Debug)]
pub struct Account {
    blows: Vec<(Kind, u64)>,
    seen: Seen,
    ranking_count: usize,
}

impl Kind {
    /// Each with the number of its assailants.
    const ALL: [(Self, u64); 7] = [
        (Self::Garbage, 2),
        (Self::Calls, 1),
        (Self::Frames, 1),
        (Self::Questions, 2),
        (Self::UnreadAnswers, 2),
        (Self::SilentConnections, 1),
        (Self::HalfCalls, 2),
    ];

    async fn attack(self, it: Assailant, methods: Vec<String>, scopes: Vec<LocalityCode>) {
        match self {
            Self::Garbage => garbage::send(it).await,
            Self::Calls => calls::send(it, methods).await,
            Self::Frames => frames::deliver(it).await,
            Self::Questions => questions::ask(it, scopes).await,
            Self::UnreadAnswers => questions::leave_unread(it, scopes).await,
            Self::SilentConnections => silence::hold(it).await,
            Self::HalfCalls => silence::halve(it, methods).await,
        }
    }
}

impl Assailant {
    /// Counts one attack.
    fn struck(&self) {
        self.blows.fetch_add(1, Ordering::Relaxed);
    }
}

impl Assault {
    /// Waits until all have ended. Returns how often each kind attacked, which all must have.
    async fn ended(mut self) -> anyhow::Result<Vec<(Kind, u64)>> {
        while let Some(ended) = self.attacking.join_next().await {
            ended.context("an assailant")?;
        }
        let counts = self.blows.iter().map(|(kind, blows)| (*kind, blows.load(Ordering::Relaxed)));
        let counts: Vec<_> = counts.collect();
        ensure!(counts.iter().all(|(_, count)| *count > 0), "some did not attack: {counts:?}");
        Ok(counts)
    }
}

impl Attack {
    /// Attacks a deployment of its own, and proves that nobody else suffers.
    pub async fn run(&self) -> anyhow::Result<Account> {
        let mut deployment = Deployment::start_with(&[], &self.setup()).await?;
        let mut backfill = Backfill::start(self.seed, &mut deployment)?;
        let mut witness = Witness::start(&mut deployment).await?;
        backfill.is_reported(&deployment).await?;
        let before = deployment.descriptor_count(&AGGREGATOR)?;
        let until = Instant::now() + self.span;
        let assault = self.begin(deployment.server(), until)?;
        backfill.put(&deployment)?;
        while Instant::now() < until {
            witness.look(&deployment).await?;
        }
        let blows = assault.ended().await?;
        eventually("the descriptors are free", FREE_WITHIN, async || {
            let after = deployment.descriptor_count(&AGGREGATOR)?;
            ensure!(after <= before + DESCRIPTORS_KEPT_MAX, "{before} became {after}");
            Ok(())
        })
        .await?;
        witness.look(&deployment).await?;
        let ranking_count = witness.proves(&deployment, &backfill).await?;
        Ok(Account { blows, seen: witness.seen, ranking_count })
    }

    fn setup(&self) -> Setup {
        let keys = LIMITS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let keys: Vec<_> = keys
            .into_iter()
            .chain(self.limits.clone())
            .map(|(key, value)| (format!("LIMITS__{key}"), value))
            .collect();
        let limits: Vec<_> =
            keys.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        Setup { aggregator: settings(&limits), ..Setup::default() }
    }

    /// Lets all of them attack until then.
    fn begin(&self, server: &str, until: Instant) -> anyhow::Result<Assault> {
        let mut assault = Assault::default();
        let methods = calls::methods()?;
        let scopes: Vec<_> =
            Gazetteer::builtin().provinces().map(|province| province.code).collect();
        for (address, (kind, count)) in (FIRST_ADDRESS..).zip(Kind::ALL) {
            let blows = Arc::new(AtomicU64::new(0));
            for number in 0..count {
                let seed = self.seed.wrapping_mul(1_000) + u64::from(address) * 10 + number;
                let it = Assailant {
                    server: server.to_owned(),
                    from: address,
                    random: Rng::with_seed(seed),
                    blows: Arc::clone(&blows),
                };
                let attack = kind.attack(it, methods.clone(), scopes.clone());
                // It has no other end.
                assault.attacking.spawn(async move { drop(timeout_at(until, attack).await) });
            }
            assault.blows.push((kind, blows));
        }
        Ok(assault)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.blows {
            writeln!(f, "{count:>9} {kind:?}")?;
        }
        writeln!(f, "{}", self.seen)?;
        write!(f, "{} rankings as they should be", self.ranking_count)
    }
}
