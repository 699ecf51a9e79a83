//! Deformed CSV files: every value is taken right, or refused and named. They are explained in
//! `src/deformation.rs`.

use std::env;

use anyhow::ensure;
use phuxanh_tests::deformation::{
    campaign::{Campaign, file, show},
    sequence::{self, Happened},
};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 1;
const FILES: u64 = 6_000;
const SEQUENCES: u64 = 40;
/// Deformations that the files of a campaign have between them, at least.
const DEFORMATIONS_MIN: usize = 110;

fn seed() -> anyhow::Result<u64> {
    Ok(env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?)
}

#[test]
fn every_value_is_taken_right_or_refused_and_named() -> anyhow::Result<()> {
    let campaign = Campaign { first_seed: seed()?, file_count: FILES, thread_count: 2 };
    let progress = campaign.run(|_| {});
    if let Some(failure) = progress.failures.first() {
        panic!("{}", show(failure.seed));
    }
    let ends = progress.ends;
    ensure!(ends.taken_count > 3 * FILES && ends.refused_count > 3 * FILES, "{ends:?}");
    let count = progress.deformations.len();
    ensure!(count >= DEFORMATIONS_MIN, "{count}: {:?}", progress.deformations.keys());
    Ok(())
}

#[test]
fn a_seed_gives_the_same_file_again() {
    for seed in 1..=100 {
        assert_eq!(file(seed).bytes, file(seed).bytes, "seed {seed}");
    }
}

#[tokio::test]
async fn the_spool_holds_what_was_meant_after_sequences_of_files() -> anyhow::Result<()> {
    let mut all = Happened::default();
    let first = seed()?;
    for seed in first..first + SEQUENCES {
        all.add(&sequence::run(seed).await?);
    }
    let Happened { repeat_count, partial_count, superseded_count, withdrawn_count, .. } = all;
    let counts = [repeat_count, partial_count, superseded_count, withdrawn_count];
    ensure!(counts.iter().all(|count| *count >= 10), "{all:?}");
    Ok(())
}
