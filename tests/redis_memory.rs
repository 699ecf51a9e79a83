//! Cost of a locality in Redis, as ARCHITECTURE.md says it. The figures are shown by `cargo test -p
//! phuxanh-tests --test redis_memory -- --nocapture`.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use phuxanh_tests::{
    harness::{Deployment, LOADED_WITHIN, Redis, Setup, eventually, settings},
    sample::Sample,
};

const PROVINCES: [&str; 4] = ["04", "12", "37", "48"];
/// Files that each province's sample is cut into, so that it comes in about as many batches.
const PIECES: usize = 6;
/// Most that a locality may cost for each month: in the log, once for each time that it reports the
/// month, and in a checkpoint.
const LOG_BYTES_MAX: u64 = 400;
const CHECKPOINT_BYTES_MAX: u64 = 300;

#[tokio::test]
async fn a_locality_costs_what_is_documented() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let redis = Redis::start(folder.path(), &[]).await?;
    let setup = Setup {
        aggregator: settings(&[
            ("STORE__KIND", "redis"),
            ("STORE__REDIS__URLS", &redis.url()),
            ("STORE__CHECKPOINT_EVERY", "1"),
        ]),
        ..Setup::default()
    };
    let deployment = Deployment::start_with(&PROVINCES, &setup).await?;
    let before = used_bytes(&redis).await?;
    // A checkpoint is made before the next record, so the newest one is without the last piece.
    let (mut reported, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..PIECES {
        kept.clone_from(&reported);
        for province in PROVINCES {
            let piece = Sample::of(province)?.pieces(PIECES).swap_remove(round);
            deployment.put_file(province, &format!("piece-{round}.csv"), piece.as_bytes())?;
            reported.extend(piece.lines().skip(1).map(place));
        }
        eventually("every province has one more record", LOADED_WITHIN, async || {
            for province in PROVINCES {
                let count: usize = redis.ask(&["XLEN", &key(province, "log")]).await?;
                ensure!(count > round, "{province} has {count}");
            }
            Ok(())
        })
        .await?;
    }

    let (mut log, mut checkpoint) = (0, 0);
    for province in PROVINCES {
        log += key_bytes(&redis, &key(province, "log")).await?;
        checkpoint += newest_checkpoint_bytes(&redis, province).await?;
    }
    let (log, checkpoint) = (log / reported.len() as u64, checkpoint / kept.len() as u64);
    show(&format!(
        "a locality and month: {log} bytes of log, {checkpoint} bytes of a checkpoint; {} of them \
         with all their checkpoints: {} bytes of Redis",
        reported.len(),
        used_bytes(&redis).await?.saturating_sub(before)
    ));
    ensure!((1..=LOG_BYTES_MAX).contains(&log), "{log} bytes of log");
    ensure!((1..=CHECKPOINT_BYTES_MAX).contains(&checkpoint), "{checkpoint} bytes of checkpoint");
    Ok(())
}

/// Locality and period of a row.
fn place(row: &str) -> String {
    row.split(',').take(2).collect::<Vec<_>>().join(" ")
}

fn key(province: &str, what: &str) -> String {
    format!("phuxanh:{{{province}}}:{what}")
}

async fn newest_checkpoint_bytes(redis: &Redis, province: &str) -> anyhow::Result<u64> {
    let newest = eventually("the last checkpoint is kept", LOADED_WITHIN, async || {
        let counts: Vec<usize> = redis.ask(&["HKEYS", &key(province, "checkpoints")]).await?;
        let newest = counts.iter().max().filter(|count| **count >= PIECES - 1);
        newest.copied().with_context(|| format!("{province} has {counts:?}"))
    })
    .await?;
    key_bytes(redis, &key(province, &format!("checkpoint:{newest}"))).await
}

async fn key_bytes(redis: &Redis, key: &str) -> anyhow::Result<u64> {
    let bytes: Option<u64> = redis.ask(&["MEMORY", "USAGE", key, "SAMPLES", "0"]).await?;
    bytes.with_context(|| format!("{key} is not there"))
}

async fn used_bytes(redis: &Redis) -> anyhow::Result<u64> {
    let told: String = redis.ask(&["INFO", "memory"]).await?;
    let line = told.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("used_memory")?.trim().parse()?)
}

#[expect(clippy::print_stdout, reason = "the figures that are documented")]
fn show(figures: &str) {
    println!("{figures}");
}
