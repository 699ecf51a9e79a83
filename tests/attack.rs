//! An aggregator with small limits withstands all attacks at once, and whoever is honest notices little
//! of them. They are explained in `src/attack.rs`.

use std::{env, time::Duration};

use anyhow::Context;
use phuxanh_tests::attack::Attack;

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 1;
const SPAN: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_work_goes_on_under_all_attacks() -> anyhow::Result<()> {
    let seed = env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?;
    let attack = Attack { seed, span: SPAN, limits: Vec::new() };
    attack.run().await.with_context(|| format!("seed {seed}"))?;
    Ok(())
}
