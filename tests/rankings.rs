//! Rankings of random data sets equal those of the oracle: reports in files of both shapes, read by
//! real collectors, delivered, folded and ranked by a real aggregator.

use std::env;

use anyhow::ensure;
use fastrand::Rng;
use phuxanh_tests::{
    country::Country,
    harness::{Deployment, LOADED_WITHIN, eventually},
};

/// Seeds that run always; `PHUXANH_TEST_SEED` adds one.
const SEEDS: [u64; 3] = [1, 2, 3];
/// Files of each province.
const FILES: usize = 4;
/// Rows on a page, few enough that most rankings have several.
const PAGE_SIZE: i32 = 2;

#[tokio::test]
async fn rankings_equal_the_oracles() -> anyhow::Result<()> {
    let chosen = env::var("PHUXANH_TEST_SEED").ok().map(|seed| seed.parse()).transpose()?;
    for seed in SEEDS.into_iter().chain(chosen) {
        let compared = load_and_compare(seed).await;
        let compared = compared.map_err(|error| error.context(format!("seed {seed}")))?;
        assert!(compared > 100, "seed {seed} compared only {compared} rankings");
    }
    Ok(())
}

async fn load_and_compare(seed: u64) -> anyhow::Result<usize> {
    let mut random = Rng::with_seed(seed);
    let country = Country::random(&mut random);
    let codes: Vec<_> = country.provinces.iter().map(|province| province.code.as_str()).collect();
    let deployment = Deployment::start(&codes, &country.facts()).await?;
    let mut reports = Vec::new();
    for number in 0..FILES {
        for province in &country.provinces {
            let file = province.random_file(&mut random);
            let name = format!("report-{number}.csv");
            deployment.put_file(&file.province, &name, file.text.as_bytes())?;
            reports.extend(file.reports);
        }
        // Two files of one province in one inbox would be read in an order of the collector's.
        deployment.files_are_read().await?;
    }
    let oracle = country.oracle(&reports)?;
    let client = deployment.client()?;
    let questions = oracle.questions(&Country::periods());
    let compared = eventually("the rankings are the oracle's", LOADED_WITHIN, async || {
        client.agrees(&oracle, &questions, PAGE_SIZE).await
    })
    .await?;
    ensure!(Some(client.default_period().await?) == oracle.default_period());
    Ok(compared)
}
