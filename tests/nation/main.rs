//! Questions to a running product that holds the whole sample: what is shown in `docs/answers.md`
//! and `docs/tra-loi.md`, and how localities are spread, what they lack and why, against the
//! sample's files.
//!
//! `PHUXANH_UPDATE=1 cargo test -p phuxanh-tests --test nation` writes into the documents
//! whatever is answered otherwise than they show; read what changed before you commit it.

mod documented;
mod insights;

use anyhow::ensure;
use phuxanh_core::gazetteer::Gazetteer;
use phuxanh_tests::{
    harness::{Deployment, LOADED_WITHIN, Setup, eventually, settings},
    oracle::Report,
    sample::Sample,
};

const PROVINCES: usize = 34;

/// A deployment that holds the whole sample, with all that is in it. Both ends of every delivery
/// agree, so that nothing is on its way any more.
async fn loaded() -> anyhow::Result<(Deployment, Vec<Report>)> {
    let setup = Setup {
        // A collector says with a heartbeat what it holds.
        aggregator: settings(&[("HOST", "centre"), ("INGEST__HEARTBEAT_INTERVAL", "2s")]),
        collector: settings(&[("HOST", "province")]),
        ..Setup::default()
    };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let mut reports = Vec::new();
    for province in Gazetteer::builtin().provinces() {
        let code = province.code.to_string();
        let sample = Sample::of(&code)?;
        for file in sample.pieces(1) {
            deployment.report(&code, "sample.csv", file.as_bytes())?;
        }
        reports.extend(sample.reports()?);
    }
    eventually("the audits of all provinces agree", LOADED_WITHIN, async || {
        let answer = deployment.ask(&["audit"])?;
        let audits = answer["audits"].as_array().map_or(&[][..], Vec::as_slice);
        let agreed = audits.iter().filter(|one| one["verdict"] == "agrees").count();
        ensure!(agreed == PROVINCES, "{agreed} of {PROVINCES} agree");
        let held = deployment.ask(&["completeness"])?;
        ensure!(held["total"]["reported"] == held["total"]["communes"], "{}", held["total"]);
        Ok(())
    })
    .await?;
    Ok((deployment, reports))
}

#[tokio::test]
async fn the_whole_sample_is_answered_as_counted_and_as_shown() -> anyhow::Result<()> {
    let (deployment, reports) = loaded().await?;
    insights::equal_a_count_over_the_sample(&deployment, &insights::Facts::new(&reports)?)?;
    documented::answers_are_those_shown(&deployment)
}
