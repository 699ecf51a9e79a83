//! Data from before format numbers are opened, and data of a later version are left alone.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use phuxanh_aggregator::{
    checkpoint,
    store::Store,
    transfer::{self, Changes, Reader},
};
use phuxanh_core::{LogId, frame::Durability};
use phuxanh_proto::convert;
use phuxanh_tests::harness::Redis;

use crate::{
    damage::{Damage, record_bytes},
    fixture::{Fixture, Follower, Kind, config, embedded, fill, reporter, shared, terms},
};

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/earlier").join(name)
}

fn unpacked(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(fs::File::open(kept(name))?)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The earlier store: the records of one log, of which the first brings 777,777.
async fn is_as_it_was(store: &dyn Store) -> anyhow::Result<()> {
    let held = store.held().await?;
    ensure!(held.len() == 1 && held[0].reporter == reporter(), "{held:?}");
    let (held, records) = (&held[0], store.records(reporter(), 0, 100).await?);
    ensure!(held.cursor.record_count == 6 && records.len() == 6, "{held:?}");
    ensure!(held.cursor.log != LogId([0; 16]) && held.cursor.position.sequence == 6);
    let batch = &records[0].batch;
    let observations = convert::decode(&batch.payload, batch.observation_count)?;
    ensure!(observations.iter().any(|it| it.value == Some(777_777)), "{observations:?}");
    for head in &held.checkpoints {
        let kept = store.checkpoint(reporter(), head.record_count).await?.context("kept")?;
        ensure!(checkpoint::epoch(reporter(), &kept).is_some());
    }
    ensure!(held.checkpoints.len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_number_is_brought_up_to_date() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store.redb");
    fs::write(&path, unpacked("store.redb.zst")?)?;
    let before = record_bytes(&path)?;
    {
        let store = embedded(folder.path().to_owned()).await?;
        is_as_it_was(store.as_ref()).await?;
        ensure!(store.references().await?.len() == 2);
        store.close().await;
    }
    // Whatever was opened once is sealed, and opens again as it is.
    let after = eventually_closed(&path).await?;
    ensure!(before.iter().zip(&after).all(|(before, after)| before.len() < after.len()));
    let store = embedded(folder.path().to_owned()).await?;
    is_as_it_was(store.as_ref()).await
}

/// A record that was damaged before is not called whole.
#[tokio::test(flavor = "multi_thread")]
async fn damage_from_before_numbers_is_found() -> anyhow::Result<()> {
    for record in 1..=6 {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store.redb");
        fs::write(&path, unpacked("store.redb.zst")?)?;
        // In the chain before the batch or in its payload. Of the former, the record before it is to
        // blame as much.
        Damage::Bit { record, from_end: 8 * 90 }.in_file(&path)?;
        let store = embedded(folder.path().to_owned()).await?;
        let error = store.records(reporter(), 0, 10).await.err().context("an error")?.to_string();
        let blames = |number: u64| error.contains(&format!("record {number} of reporter 04"));
        ensure!(blames(record) || blames(record - 1), "{record}: {error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_from_before_numbers_is_imported() -> anyhow::Result<()> {
    for kind in [Kind::Embedded, Kind::Redis] {
        let fixture = Fixture::new(kind).await?;
        let bytes = unpacked("export.zst")?;
        let mut reader = Reader::begin(&bytes[..])?;
        transfer::import(fixture.store.as_ref(), &mut reader, &Changes::default(), |_, _, _| ())
            .await?;
        is_as_it_was(fixture.store.as_ref()).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_without_a_number_are_read_and_get_one() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let redis = Redis::start(folder.path(), &[]).await?;
    for line in fs::read_to_string(kept("redis.txt"))?.lines() {
        redis.ask_bytes::<redis::Value>(&words(line)?).await?;
    }
    let config = phuxanh_aggregator::store::redis::Config {
        key_prefix: "phuxanh".to_owned(),
        ..config(&redis, Durability::Always)
    };
    let store = shared(config, terms()).await?;
    is_as_it_was(&store).await?;
    let told = Follower::new(&store).await?.next_ones(4).await?;
    ensure!(told == ["restored 4", "5: 183/5", "6: 183/6", "caught up"], "{told:?}");
    ensure!(redis.ask::<String>(&["GET", "phuxanh:format"]).await? == "1");
    Ok(())
}

/// The words of a line for `redis-cli`: bare, or in quotation marks with `\xHH` for bytes.
fn words(line: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.bytes().peekable();
    while let Some(first) = rest.next() {
        let mut word = Vec::new();
        if first == b'"' {
            loop {
                match rest.next().context("a closing mark")? {
                    b'"' => break,
                    b'\\' => {
                        let hex = [rest.nth(1), rest.next()].map(|digit| digit.map(char::from));
                        let [Some(high), Some(low)] = hex else { anyhow::bail!("two digits") };
                        word.push(u8::from_str_radix(&format!("{high}{low}"), 16)?);
                    }
                    byte => word.push(byte),
                }
            }
        } else {
            word.push(first);
            while let Some(byte) = rest.next_if(|byte| *byte != b' ') {
                word.push(byte);
            }
        }
        words.push(word);
        rest.next_if(|byte| *byte == b' ');
    }
    Ok(words)
}

/// A store of a later version is named as that and not touched.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_later_format_is_left_alone() -> anyhow::Result<()> {
    let fixture = Fixture::new(Kind::Embedded).await?;
    fill(fixture.store.as_ref(), 3).await?;
    fixture.store.close().await;
    let error = fixture.damaged(Damage::Format("9")).await.err().context("an error")?.to_string();
    ensure!(error.contains("written by format 9, and this program reads format 1"), "{error}");

    let fixture = Fixture::new(Kind::Redis).await?;
    fill(fixture.store.as_ref(), 3).await?;
    let error = fixture.damaged(Damage::Format("9")).await.err().context("an error")?.to_string();
    ensure!(error.contains("written by format 9"), "{error}");
    Ok(())
}

/// The records of a store whose writer is about to end.
async fn eventually_closed(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    phuxanh_tests::harness::eventually(
        "the file is free",
        std::time::Duration::from_secs(10),
        async || record_bytes(path),
    )
    .await
}
