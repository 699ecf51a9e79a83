//! Delivery under attack, over real processes: each kind of fault once and shortly. `tests/soak`
//! runs the same scenarios for longer, over other seeds.
//!
//! What is proven after each one stands in `src/faults/proof.rs`: the rankings are the oracle's,
//! every observation was applied once, and both ends hold the same cells.

use std::{env, time::Duration};

use phuxanh_tests::{
    faults::{clones, crashes, disks, displaced, links, links::Break, moves, peers, restarts},
    proxy::Direction,
};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 20_250_731;

fn seed() -> anyhow::Result<u64> {
    Ok(env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?)
}

#[tokio::test]
async fn kills_at_random_moments_change_nothing() -> anyhow::Result<()> {
    let kill_count = crashes::kill_for(seed()?, Duration::from_secs(20)).await?;
    assert!(kill_count >= 24, "{kill_count} kills are no attack");
    Ok(())
}

#[tokio::test]
async fn a_link_that_stands_still_one_way_delays_and_loses_nothing() -> anyhow::Result<()> {
    let ways = [Direction::Up, Direction::Down];
    links::deliver_through(seed()?, &ways.map(Break::Stalled)).await
}

#[tokio::test]
async fn a_half_open_link_is_given_up_and_loses_nothing() -> anyhow::Result<()> {
    let ways = [Direction::Up, Direction::Down].map(Break::HalfOpen);
    links::deliver_through(seed()?, &[&ways[..], &[Break::Gone]].concat()).await
}

#[tokio::test]
async fn resets_in_mid_frame_and_cuts_lose_nothing() -> anyhow::Result<()> {
    let resets = [Direction::Up, Direction::Down].map(Break::Reset);
    links::deliver_through(seed()?, &[&resets[..], &[Break::Cut]].concat()).await
}

#[tokio::test]
async fn a_slow_link_delivers_all_the_same() -> anyhow::Result<()> {
    links::deliver_through(seed()?, &[Break::Slow]).await
}

#[tokio::test]
async fn a_batch_that_takes_longer_than_the_timers_arrives_all_the_same() -> anyhow::Result<()> {
    links::deliver_slowly(seed()?).await
}

#[tokio::test]
async fn a_spool_at_its_quota_holds_the_source_back() -> anyhow::Result<()> {
    disks::quota_reached(seed()?).await
}

#[tokio::test]
async fn a_spool_on_a_full_disk_holds_the_source_back_and_drains() -> anyhow::Result<()> {
    disks::disk_full(seed()?).await
}

#[tokio::test]
async fn a_spool_drains_on_a_disk_that_others_have_filled() -> anyhow::Result<()> {
    disks::disk_filled(seed()?).await
}

#[tokio::test]
async fn an_aggregator_on_a_full_disk_answers_and_says_that_it_takes_nothing() -> anyhow::Result<()>
{
    disks::store_disk_filled(seed()?).await
}

#[tokio::test]
async fn an_aggregator_starts_on_a_full_disk() -> anyhow::Result<()> {
    disks::started_on_a_full_disk(seed()?).await
}

#[tokio::test]
async fn a_store_whose_file_was_displaced_calls_nothing_durable() -> anyhow::Result<()> {
    displaced::moved_away(seed()?).await
}

#[tokio::test]
async fn a_copied_spool_waits_with_its_data_until_the_first_has_gone() -> anyhow::Result<()> {
    clones::copied_spool(seed()?).await
}

#[tokio::test]
async fn a_restored_spool_undoes_no_correction() -> anyhow::Result<()> {
    clones::restored_spool(seed()?).await
}

#[tokio::test]
async fn a_collector_that_never_reads_grows_nothing() -> anyhow::Result<()> {
    peers::collector_that_never_reads(400).await
}

#[tokio::test]
async fn an_aggregator_that_never_acknowledges_grows_nothing() -> anyhow::Result<()> {
    peers::aggregator_that_never_acknowledges(seed()?, 40).await
}

#[tokio::test]
async fn an_aggregator_ends_in_time_whoever_idles() -> anyhow::Result<()> {
    restarts::restart_with_idle_peers(seed()?).await
}

#[tokio::test]
async fn a_wiped_store_is_rebuilt_from_the_collectors() -> anyhow::Result<()> {
    restarts::wiped_store(seed()?).await
}

#[tokio::test]
async fn a_store_that_went_back_is_caught_up() -> anyhow::Result<()> {
    restarts::regressed_store(seed()?).await
}

#[tokio::test]
async fn a_deployment_moves_to_redis_and_back() -> anyhow::Result<()> {
    moves::moved_between_stores(seed()?).await
}

#[tokio::test]
async fn a_backup_that_knows_less_than_was_released_is_caught_up() -> anyhow::Result<()> {
    moves::backup_restored(seed()?).await
}
