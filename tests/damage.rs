//! A bit of a store is another while nothing runs: what the record held is not shown but named, and
//! is right again once the collector has restated it.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use phuxanh_proto::v1;
use phuxanh_tests::harness::{
    Deployment, LOADED_WITHIN, Process, Redis, STARTED_WITHIN, Setup, StoreSetup, eventually,
};

/// 777,777 were received; a bit in it makes 777,841.
const FILE: &str = "locality,period,observed_time,applications_received,applications_online\n\
                    01273,2025-07,2025-07-31 16:00,777777,333333\n";
/// 777,777 as it lies in a batch.
const VALUE: [u8; 3] = [0xb1, 0xbc, 0x2f];
const RIGHT: f64 = 777_777.0;

fn flip(bytes: &mut [u8]) -> anyhow::Result<()> {
    let at = bytes.windows(VALUE.len()).position(|window| window == VALUE);
    bytes[at.context("the value")?] ^= 0x40;
    Ok(())
}

fn flip_in_file(path: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(path)?;
    flip(&mut bytes)?;
    Ok(fs::write(path, bytes)?)
}

/// The same in the stream of a log, which is written anew for it; what is cached is forgotten.
async fn flip_in_redis(redis: &Redis) -> anyhow::Result<()> {
    type Entry = (String, Vec<Vec<u8>>);
    let key = "phuxanh:{04}:log";
    let entries: Vec<Entry> = redis.ask(&["XRANGE", key, "-", "+"]).await?;
    redis.ask::<u64>(&["DEL", key, "phuxanh:{04}:snapshot"]).await?;
    let mut flipped = 0;
    for (id, mut fields) in entries {
        flipped += fields.iter_mut().filter_map(|field| flip(field).ok()).count();
        let mut command = vec![b"XADD".to_vec(), key.into(), id.into()];
        command.extend(fields);
        redis.ask_bytes::<String>(&command).await?;
    }
    ensure!(flipped == 1, "flipped {flipped} values");
    Ok(())
}

/// Returns the value received in the commune; `None` where nothing is known of it.
fn received(deployment: &Deployment) -> anyhow::Result<Option<f64>> {
    let answer = deployment.ask(&[
        "lowest",
        "--indicator",
        "online_submission_rate",
        "--level",
        "commune",
        "--within",
        "04",
        "--period",
        "2025-07",
    ])?;
    let sections = ["rows", "small", "untested"];
    let rows = sections.iter().filter_map(|section| answer[section].as_array()).flatten();
    let row = rows.filter(|row| row["code"] == "01273").find_map(|row| row["denominator"].as_f64());
    Ok(row)
}

async fn a_flipped_bit(store: StoreSetup) -> anyhow::Result<()> {
    let is_file = store == StoreSetup::Embedded;
    let setup = Setup { store, ..Setup::default() };
    let mut deployment = Deployment::start_with(&["04"], &setup).await?;
    let collector = Process::collector("04");
    deployment.put_file("04", "in.csv", FILE.as_bytes())?;
    eventually("the value is answered", LOADED_WITHIN, async || {
        let found = received(&deployment)?;
        ensure!(found == Some(RIGHT), "{found:?}");
        Ok(())
    })
    .await?;
    deployment.terminate(&Process::Aggregator).await?;
    deployment.terminate(&collector).await?;
    if is_file {
        flip_in_file(&deployment.data_dir(&Process::Aggregator).join("store.redb"))?;
    } else {
        flip_in_redis(deployment.redis()?).await?;
    }

    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    let found = received(&deployment)?;
    ensure!(found.is_none(), "{found:?} is answered of a damaged record");
    deployment.says(&Process::Aggregator, "damaged records: their values are not shown").await?;
    let collectors = deployment.client()?.collectors().await?;
    let alarm = collectors.iter().flat_map(|one| &one.alarms).next().context("an alarm")?;
    ensure!(alarm.kind() == v1::AlarmKind::DamagedRecords, "{alarm:?}");
    ensure!(alarm.detail.contains("of reporter 04 (batch"), "{alarm:?}");
    // Nothing that the damage could be restated from may be forgotten by another start.
    deployment.kill(&Process::Aggregator)?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;

    deployment.restart(&collector)?;
    eventually("the value is right again, and both ends agree", STARTED_WITHIN, async || {
        let found = received(&deployment)?;
        ensure!(found == Some(RIGHT), "{found:?}");
        let audits = deployment.client()?.audits().await?;
        let audit = audits.iter().find(|audit| audit.reporter == "04").context("an audit")?;
        ensure!(audit.verdict() == v1::AuditVerdict::Agrees, "{audit:?}");
        Ok(())
    })
    .await?;
    let audit = deployment.phuxanh(&["audit", "04"])?;
    ensure!(audit.status.success(), "{audit:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_the_embedded_store_is_never_answered() -> anyhow::Result<()> {
    a_flipped_bit(StoreSetup::Embedded).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_redis_is_never_answered() -> anyhow::Result<()> {
    a_flipped_bit(StoreSetup::Redis(Vec::new())).await
}

/// An export of a damaged store names the record.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_a_damaged_store_names_the_record() -> anyhow::Result<()> {
    let setup = Setup { store: StoreSetup::Embedded, ..Setup::default() };
    let mut deployment = Deployment::start_with(&["04"], &setup).await?;
    deployment.put_file("04", "in.csv", FILE.as_bytes())?;
    eventually("the value is answered", LOADED_WITHIN, async || {
        ensure!(received(&deployment)? == Some(RIGHT));
        Ok(())
    })
    .await?;
    deployment.terminate(&Process::Aggregator).await?;
    let data_dir = deployment.data_dir(&Process::Aggregator);
    flip_in_file(&data_dir.join("store.redb"))?;
    let exported =
        std::process::Command::new(phuxanh_tests::harness::binary("phuxanh-aggregator")?)
            .args(["--data-dir", &data_dir.display().to_string(), "export-store"])
            .arg(data_dir.join("export"))
            .output()?;
    let told = String::from_utf8_lossy(&exported.stderr);
    ensure!(!exported.status.success() && !data_dir.join("export").exists(), "{told}");
    ensure!(told.contains("of reporter 04") && told.contains("checksum mismatch"), "{told}");
    Ok(())
}

/// A file of another province.
const OTHER_FILE: &str = "locality,period,observed_time,applications_received\n\
                          03127,2025-07,2025-07-31 16:00,55\n";

/// Waits until the value received in the commune is answered.
async fn answers(deployment: &Deployment, value: f64) -> anyhow::Result<()> {
    eventually("the value is answered", LOADED_WITHIN, async || {
        let found = received(deployment)?;
        ensure!(found == Some(value), "{found:?}");
        Ok(())
    })
    .await
}

/// Waits until both ends agree about a province.
async fn agrees(deployment: &Deployment, reporter: &str) -> anyhow::Result<()> {
    eventually("both ends agree", STARTED_WITHIN, async || {
        let audits = deployment.client()?.audits().await?;
        let audit = audits.iter().find(|audit| audit.reporter == reporter).context("an audit")?;
        ensure!(audit.verdict() == v1::AuditVerdict::Agrees, "{audit:?}");
        Ok(())
    })
    .await
}

/// Waits for an alarm for damage of a province's log that says something.
async fn damage_says(deployment: &Deployment, reporter: &str, text: &str) -> anyhow::Result<()> {
    eventually("an alarm", STARTED_WITHIN, async || {
        let collectors = deployment.client()?.collectors().await?;
        let collector = collectors.iter().find(|one| one.reporter == reporter).context("listed")?;
        let damaged = |alarm: &&v1::Alarm| alarm.kind() == v1::AlarmKind::DamagedRecords;
        let alarm = collector.alarms.iter().find(damaged).context("an alarm")?;
        ensure!(alarm.detail.contains(text), "{alarm:?}");
        Ok(())
    })
    .await
}

/// While all run, Redis loses the cursor and keeps the log: the collector restates, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_redis_lost_is_rebuilt_while_all_run() -> anyhow::Result<()> {
    let setup = Setup { store: StoreSetup::Redis(Vec::new()), ..Setup::default() };
    let deployment = Deployment::start_with(&["04"], &setup).await?;
    deployment.put_file("04", "in.csv", FILE.as_bytes())?;
    answers(&deployment, RIGHT).await?;
    let lost: u64 = deployment.redis()?.ask(&["DEL", "phuxanh:{04}:cursor"]).await?;
    ensure!(lost == 1);
    deployment.put_file("04", "later.csv", FILE.replace("777777", "777778").as_bytes())?;
    answers(&deployment, RIGHT + 1.0).await?;
    agrees(&deployment, "04").await?;
    damage_says(&deployment, "04", "the cursor was lost or damaged and is rebuilt").await
}

/// A log that cannot be read at all keeps the aggregator neither from starting nor from serving the
/// other provinces.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_is_set_aside() -> anyhow::Result<()> {
    let setup = Setup { store: StoreSetup::Redis(Vec::new()), ..Setup::default() };
    let mut deployment = Deployment::start_with(&["04", "11"], &setup).await?;
    deployment.put_file("04", "in.csv", FILE.as_bytes())?;
    deployment.put_file("11", "in.csv", OTHER_FILE.as_bytes())?;
    answers(&deployment, RIGHT).await?;
    eventually("the other province is listed", LOADED_WITHIN, async || {
        let collectors = deployment.client()?.collectors().await?;
        ensure!(collectors.iter().any(|it| it.reporter == "11" && it.record_count > 0));
        Ok(())
    })
    .await?;
    deployment.terminate(&Process::Aggregator).await?;
    let redis = deployment.redis()?;
    redis.ask::<u64>(&["DEL", "phuxanh:{11}:log", "phuxanh:{11}:snapshot"]).await?;
    redis.ask::<String>(&["SET", "phuxanh:{11}:log", "5"]).await?;
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    ensure!(received(&deployment)? == Some(RIGHT));
    damage_says(&deployment, "11", "the log is not followed until it can be read").await?;
    deployment.put_file("04", "later.csv", FILE.replace("777777", "777778").as_bytes())?;
    answers(&deployment, RIGHT + 1.0).await
}
