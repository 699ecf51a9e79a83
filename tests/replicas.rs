//! Three aggregators over one Redis under attack, over real processes: each kind of fault once and
//! shortly. `tests/soak` runs the same scenarios in rounds, over other seeds.

use std::{env, time::Duration};

use phuxanh_tests::faults::replicas;

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 20_250_731;

fn seed() -> anyhow::Result<u64> {
    Ok(env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?)
}

#[tokio::test]
async fn killed_replicas_leave_all_others_with_the_same_answers() -> anyhow::Result<()> {
    let kill_count = replicas::killed_for(seed()?, Duration::from_secs(5)).await?;
    assert!(kill_count >= 12, "{kill_count} kills are no attack");
    Ok(())
}

#[tokio::test]
async fn a_rolling_restart_under_load_loses_nothing() -> anyhow::Result<()> {
    replicas::rolled(seed()?).await
}

#[tokio::test]
async fn a_replica_is_not_ready_before_its_view_is_complete() -> anyhow::Result<()> {
    replicas::ready_when_complete(seed()?).await
}

#[tokio::test]
async fn a_deleted_cache_comes_back_and_is_right() -> anyhow::Result<()> {
    replicas::cache_deleted(seed()?).await
}
