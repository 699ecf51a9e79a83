//! The file of a running store that is moved, replaced or deleted: nothing that goes into it any more
//! is called durable.

use std::fs;

use super::{
    bulk::Bulk,
    pace,
    proof::bulk_stands,
    refusals::{all_is_well, is_alarm_shown, is_shown},
    restarts::{deliver, one_province_with, restated},
};
use crate::harness::{Deployment, LOADED_WITHIN, Process, Setup, StoreSetup, eventually};

const DISPLACED: &str = "was deleted, replaced or emptied";

async fn alarm_comes(deployment: &Deployment) -> anyhow::Result<()> {
    eventually("the displaced file is noticed without a batch", LOADED_WITHIN, async || {
        is_alarm_shown(deployment, DISPLACED).await
    })
    .await
}

/// The file is moved away, another one is put in its place, and it comes back: what was reported
/// meanwhile waits and is applied. Then it is deleted, and the next start learns all cells anew.
pub async fn moved_away(seed: u64) -> anyhow::Result<()> {
    let setup = Setup { store: StoreSetup::Embedded, ..pace::brisk(Bulk::facts()) };
    let (mut bulk, mut deployment) = one_province_with(seed, &setup).await?;
    deliver(&mut bulk, &deployment)?;
    bulk_stands(&deployment.client()?, &bulk).await?;
    let file = deployment.data_dir(&Process::Aggregator).join("store.redb");
    let aside = file.with_extension("aside");

    fs::rename(&file, &aside)?;
    alarm_comes(&deployment).await?;
    deliver(&mut bulk, &deployment)?;
    deployment.files_are_read().await?;
    is_shown(&deployment, &bulk, DISPLACED).await?;
    fs::write(&file, "another file")?;
    is_shown(&deployment, &bulk, DISPLACED).await?;
    fs::rename(&aside, &file)?;
    bulk_stands(&deployment.client()?, &bulk).await?;
    eventually("all is well again", LOADED_WITHIN, async || all_is_well(&deployment, &bulk).await)
        .await?;

    fs::remove_file(&file)?;
    alarm_comes(&deployment).await?;
    deliver(&mut bulk, &deployment)?;
    deployment.files_are_read().await?;
    deployment.kill(&Process::Aggregator)?;
    restated(&mut bulk, &mut deployment).await
}
