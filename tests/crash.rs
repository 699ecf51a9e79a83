//! Nothing is lost and nothing is counted twice, whoever is killed while the sample loads.
//!
//! Real processes; after every kill the victim starts again on the data it left behind. In the end
//! the rankings are the oracle's, and the ledger counts every cell of the sample exactly once.

use std::{env, time::Duration};

use anyhow::ensure;
use fastrand::Rng;
use phuxanh_core::{Level, Period, catalogue::Catalogue, gazetteer::Gazetteer};
use phuxanh_tests::{
    harness::{Client, Deployment, Facts, LOADED_WITHIN, eventually, random_moment},
    oracle::{Oracle, Question},
    sample::Sample,
};

/// `PHUXANH_TEST_SEED` replaces it.
const SEED: u64 = 20_250_731;
const PROVINCES: [&str; 4] = ["04", "12", "37", "48"];
/// Files that each province's sample is cut into.
const ROUNDS: usize = 6;
const KILLS_A_ROUND: usize = 3;
/// Longest pause around a kill: about as long as a file takes.
const PAUSE: Duration = Duration::from_millis(250);
const PAGE_SIZE: i32 = 25;

#[tokio::test]
async fn kills_while_the_sample_loads_change_nothing() -> anyhow::Result<()> {
    let seed = env::var("PHUXANH_TEST_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?;
    load_and_kill(seed).await.map_err(|error| error.context(format!("seed {seed}")))
}

async fn load_and_kill(seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let samples: Vec<_> =
        PROVINCES.iter().map(|province| Sample::of(province)).collect::<anyhow::Result<_>>()?;
    let mut deployment = Deployment::start(&PROVINCES, &Facts::default()).await?;
    for round in 0..ROUNDS {
        for sample in &samples {
            if let Some(piece) = sample.pieces(ROUNDS).get(round) {
                let name = format!("piece-{round}.csv");
                deployment.put_file(&sample.province, &name, piece.as_bytes())?;
            }
        }
        for _ in 0..KILLS_A_ROUND {
            random_moment(&mut random, PAUSE).await;
            let victim = random.choice(deployment.processes()).expect("there are processes");
            deployment.kill(&victim)?;
            random_moment(&mut random, PAUSE).await;
            deployment.restart(&victim)?;
        }
    }
    deployment.files_are_read().await?;
    nothing_is_lost_or_doubled(&deployment.client()?, &samples).await
}

async fn nothing_is_lost_or_doubled(client: &Client, samples: &[Sample]) -> anyhow::Result<()> {
    let mut reports = Vec::new();
    for sample in samples {
        reports.extend(sample.reports()?);
    }
    let oracle = Oracle::new(Catalogue::builtin(), Gazetteer::builtin(), &reports);
    let questions = questions(&oracle)?;
    let compared = eventually("the rankings are the oracle's", LOADED_WITHIN, async || {
        client.agrees(&oracle, &questions, PAGE_SIZE).await
    })
    .await?;
    ensure!(compared > 100, "only {compared} rankings were compared");
    for sample in samples {
        let count = u64::try_from(sample.reports()?.len())?;
        let what = format!("{} has delivered {count} observations", sample.province);
        eventually(&what, LOADED_WITHIN, async || {
            counted_once(client, &sample.province, count).await
        })
        .await?;
    }
    Ok(())
}

/// True if the ledger of a reporter holds exactly this many observations, each one applied.
async fn counted_once(client: &Client, reporter: &str, count: u64) -> anyhow::Result<()> {
    let collectors = client.collectors().await?;
    let found = collectors.into_iter().find(|collector| collector.reporter == reporter);
    let ledger = found.and_then(|collector| collector.ledger).unwrap_or_default();
    let counts = [
        ledger.applied_count,
        ledger.repeated_count,
        ledger.superseded_count,
        ledger.rejected_count,
    ];
    ensure!(counts == [count, 0, 0, 0], "the ledger of {reporter} is {counts:?}");
    Ok(())
}

/// The nation's provinces, and the communes of those that report.
fn questions(oracle: &Oracle) -> anyhow::Result<Vec<Question>> {
    let periods: [Period; 2] = ["2025-06".parse()?, "2025-07".parse()?];
    let mut questions = oracle.questions(&periods);
    questions.retain(|question| {
        let within = question.within.to_string();
        question.level == Level::Province || PROVINCES.contains(&within.as_str())
    });
    Ok(questions)
}
