//! A Redis under attack, over real processes: each kind of fault once and shortly. `tests/soak` runs
//! the same scenarios in rounds, over other seeds.

use std::env;

use phuxanh_tests::faults::{
    refusals::{self, Cause},
    starts,
    stores::{self, Sync},
};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 20_250_731;

fn seed() -> anyhow::Result<u64> {
    Ok(env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?)
}

#[tokio::test]
async fn a_killed_redis_that_syncs_always_loses_nothing() -> anyhow::Result<()> {
    stores::killed(seed()?, Sync::Always).await
}

#[tokio::test]
async fn a_killed_redis_that_syncs_every_second_loses_nothing() -> anyhow::Result<()> {
    stores::killed(seed()?, Sync::Everysec).await
}

#[tokio::test]
async fn a_file_that_was_synced_always_and_cut_is_restated() -> anyhow::Result<()> {
    stores::cut(seed()?, Sync::Always).await
}

#[tokio::test]
async fn a_file_that_was_synced_every_second_and_cut_is_restated() -> anyhow::Result<()> {
    stores::cut(seed()?, Sync::Everysec).await
}

#[tokio::test]
async fn a_flushed_redis_is_rebuilt_and_its_history_is_said_to_be_lost() -> anyhow::Result<()> {
    stores::flushed(seed()?).await
}

#[tokio::test]
async fn a_redis_that_stands_still_keeps_no_question_waiting() -> anyhow::Result<()> {
    stores::stopped(seed()?).await
}

#[tokio::test]
async fn an_aggregator_starts_while_its_connections_to_redis_are_lost() -> anyhow::Result<()> {
    starts::interrupted(seed()?).await
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() -> anyhow::Result<()> {
    stores::locked_out(seed()?).await
}

#[tokio::test]
async fn a_full_redis_takes_nothing_until_there_is_room() -> anyhow::Result<()> {
    stores::full(seed()?).await
}

#[tokio::test]
async fn a_redis_without_memory_is_an_alarm_until_it_has_some() -> anyhow::Result<()> {
    refusals::refused(seed()?, Cause::Memory).await
}

#[tokio::test]
async fn a_redis_that_misses_its_replicas_is_an_alarm_until_it_does_not() -> anyhow::Result<()> {
    refusals::refused(seed()?, Cause::Replicas).await
}

#[tokio::test]
async fn a_redis_that_became_a_copy_is_an_alarm_until_it_is_a_master() -> anyhow::Result<()> {
    refusals::refused(seed()?, Cause::Copy).await
}

#[tokio::test]
async fn a_redis_that_denies_scripts_is_an_alarm_until_it_allows_them() -> anyhow::Result<()> {
    refusals::refused(seed()?, Cause::Permission).await
}

#[tokio::test]
async fn a_redis_without_config_serves_only_where_nothing_durable_is_asked() -> anyhow::Result<()> {
    stores::managed(seed()?).await
}
