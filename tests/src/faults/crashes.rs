//! SIGKILL at random moments: the aggregator, its collectors, or both at once.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::reporting::Reporting;
use crate::harness::{Deployment, random_moment};

/// Longest pause around a kill: a few batches, or a part of a start.
const PAUSE: Duration = Duration::from_millis(200);
const KILLS_A_ROUND: usize = 3;
/// Rounds between two proofs.
const ROUNDS: usize = 8;

/// Kills whoever a die names for a span of time, while a random country reports, contradicts and
/// corrects itself; proves between the rounds and in the end that nothing was lost or doubled.
/// Returns how many kills that were.
pub async fn kill_for(seed: u64, span: Duration) -> anyhow::Result<usize> {
    let mut random = Rng::with_seed(seed);
    let mut attack = Attack::begin(&mut random).await?;
    let end = Instant::now() + span;
    while Instant::now() < end {
        for _ in 0..ROUNDS {
            attack.round(&mut random).await?;
        }
        attack.reporting.stands(&attack.deployment).await?;
    }
    Ok(attack.kill_count)
}

struct Attack {
    reporting: Reporting,
    deployment: Deployment,
    kill_count: usize,
}

impl Attack {
    async fn begin(random: &mut Rng) -> anyhow::Result<Self> {
        let reporting = Reporting::new(random);
        let setup = reporting.setup();
        let deployment = Deployment::start_with(&reporting.codes(), &setup).await?;
        Ok(Self { reporting, deployment, kill_count: 0 })
    }

    async fn round(&mut self, random: &mut Rng) -> anyhow::Result<()> {
        self.reporting.feed(random, &self.deployment)?;
        for _ in 0..KILLS_A_ROUND {
            self.kill(random).await?;
        }
        Ok(())
    }

    /// Kills one process or two, and starts them again.
    async fn kill(&mut self, random: &mut Rng) -> anyhow::Result<()> {
        let mut victims = self.deployment.processes();
        random.shuffle(&mut victims);
        victims.truncate(random.usize(1..=2));
        random_moment(random, PAUSE).await;
        for victim in &victims {
            self.deployment.kill(victim)?;
        }
        random_moment(random, PAUSE).await;
        for victim in &victims {
            self.deployment.restart(victim)?;
        }
        self.kill_count += victims.len();
        Ok(())
    }
}
