//! The parts of delivery one by one, in this process: what the time between a spool and an ack can
//! be spent on.

use std::{
    fs::{self, File},
    future::poll_fn,
    io::Write,
    path::Path,
    task::Poll,
    time::Duration,
};

use anyhow::{Context, ensure};
use phuxanh_aggregator::store::{self, Embedded, Store};
use phuxanh_collector::{delivery::random, spool::Spool};
use phuxanh_core::{
    Batch, CellDigest, CellHash, Observations, Position, Row, Timestamp,
    delivery::{
        admission::{Admitted, Offer, Opened, Verdict},
        log::References,
    },
    figures::fold::{Contents, Fold, Record},
    frame::{Durability, Generation, Hello, PROTOCOL, SessionId},
    validation::Rules,
};
use phuxanh_daemon::clock;
use phuxanh_proto::convert;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    report::Report,
    spooled::{Spooled, load, open},
};

/// Parts, in the order in which a batch meets them.
pub const PARTS: [&str; 11] = [
    "collector: read from the spool",
    "collector: chain",
    "collector: release in the spool",
    "aggregator: decode",
    "aggregator: check",
    "aggregator: chain",
    "aggregator: admit, one commit a batch",
    "aggregator: admit, 32 batches a commit",
    "aggregator: fold, with the digest",
    "  of which the digest",
    "beside them: write and sync a plain file",
];
const AHEAD_MAX: Duration = Duration::from_mins(5);
const QUEUE_MAX: usize = 256;
/// Batches that an aggregator lets a collector have on their way.
const CREDIT_BATCHES: usize = 32;
const LEASE_SPAN: Duration = Duration::from_mins(1);

/// Times every part over all batches, once a round.
pub async fn measure(
    spooled: &Spooled<'_>,
    rounds: u32,
    root: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..rounds {
        let (read, release) = spool(spooled, &root.join("parts-spool")).await?;
        let (decode, decoded) = decode(&spooled.batches)?;
        let check = check(spooled, &decoded)?;
        let chain = chain(spooled);
        let digest = digest(&decoded);
        let records = records(spooled, decoded);
        let fold = fold(&records)?;
        let store = root.join("parts-store");
        let admit_one = admit(spooled, &records, 1, &store).await?;
        let admit_many = admit(spooled, &records, CREDIT_BATCHES, &store).await?;
        let sync = sync(&spooled.batches, &root.join("parts-file"))?;
        times.push([
            read, chain, release, decode, check, chain, admit_one, admit_many, fold, digest, sync,
        ]);
    }
    report.parts(spooled, &times)
}

async fn spool(spooled: &Spooled<'_>, copy: &Path) -> anyhow::Result<(Duration, Duration)> {
    spooled.copy(copy)?;
    let Spool { handle, end, .. } = open(spooled.workload.reporter, copy)?;
    let began = Instant::now();
    let batches = load(&handle).await?;
    let read = began.elapsed();
    ensure!(batches == spooled.batches);
    let began = Instant::now();
    for batch in &batches {
        handle.settle(batch.sequence, Vec::new()).await?;
    }
    let release = began.elapsed();
    drop(handle);
    end.await??;
    fs::remove_dir_all(copy)?;
    Ok((read, release))
}

fn decode(batches: &[Batch]) -> anyhow::Result<(Duration, Vec<Observations>)> {
    let began = Instant::now();
    let decoded: Result<_, _> = batches
        .iter()
        .map(|batch| convert::decode_rows(&batch.payload, batch.observation_count))
        .collect();
    Ok((began.elapsed(), decoded?))
}

fn check(spooled: &Spooled<'_>, decoded: &[Observations]) -> anyhow::Result<Duration> {
    let rules = Rules {
        reporter: spooled.workload.reporter,
        catalogue: &spooled.workload.catalogue,
        gazetteer: &spooled.workload.gazetteer,
        now: clock::now(),
        ahead_max: AHEAD_MAX,
        restated_months_max: 1,
    };
    let began = Instant::now();
    let refusals: Vec<_> = decoded.iter().flat_map(|batch| rules.refusals(batch)).collect();
    let took = began.elapsed();
    ensure!(refusals.is_empty(), "{} observations are refused", refusals.len());
    Ok(took)
}

fn chain(spooled: &Spooled<'_>) -> Duration {
    let began = Instant::now();
    let start = Position::start(spooled.log);
    std::hint::black_box(spooled.batches.iter().fold(start, Position::after));
    began.elapsed()
}

fn digest(decoded: &[Observations]) -> Duration {
    let began = Instant::now();
    let digest = decoded.iter().fold(CellDigest::default(), |digest, batch| {
        let hash = |row: &Row| CellHash::of_row(&batch.metrics()[row.metric as usize], row);
        batch.rows().iter().fold(digest, |digest, row| digest.plus(hash(row)))
    });
    std::hint::black_box(digest);
    began.elapsed()
}

fn records(spooled: &Spooled<'_>, decoded: Vec<Observations>) -> Vec<Record> {
    let pairs = spooled.batches.iter().zip(decoded);
    pairs
        .map(|(batch, all)| Record {
            receipt: Timestamp::from_micros(0).expect("1970"),
            log: spooled.log,
            log_epoch: 1,
            sequence: batch.sequence,
            complete_through: None,
            host: String::new(),
            catalogue_digest: [0; 32],
            contents: Contents::Observations { all, refused: [].into() },
        })
        .collect()
}

fn fold(records: &[Record]) -> anyhow::Result<Duration> {
    let mut fold = Fold::default();
    let began = Instant::now();
    for record in records {
        fold.apply(record);
    }
    let took = began.elapsed();
    let ledger = fold.position().ledger;
    ensure!(ledger.repeated + ledger.superseded + ledger.rejected == 0, "{ledger:?}");
    Ok(took)
}

/// Admits so many batches at a time; the next ones follow when all of them are durable.
async fn admit(
    spooled: &Spooled<'_>,
    records: &[Record],
    at_once: usize,
    directory: &Path,
) -> anyhow::Result<Duration> {
    let session = SessionId(random());
    let terms = store::Terms {
        lease_span: LEASE_SPAN,
        references: References { catalogue_digest: [0; 32], gazetteer_digest: [0; 32] },
        checkpoint_epoch: |_, _| Some(0),
        refusals_told_max: usize::MAX,
    };
    let fresh = Generation(random());
    let config = store::embedded::Config {
        directory: directory.to_owned(),
        queue_max: QUEUE_MAX,
        ballast_bytes: 0,
    };
    let (store, end) = Embedded::start(&config, fresh, terms, clock::now)?;
    let (events, mut told) = mpsc::channel(QUEUE_MAX);
    // What is durable is folded elsewhere; here it is let go.
    let taking = tokio::spawn(async move { while told.recv().await.is_some() {} });
    store.follow(events).await?;
    let opened = store.open(hello(spooled)?, session).await?;
    ensure!(matches!(opened, Opened::Welcome { .. }), "{opened:?}");
    let mut offers = offers(spooled, records, session);
    let began = Instant::now();
    while !offers.is_empty() {
        let together = offers.drain(..at_once.min(offers.len()));
        in_order(together.map(|offer| store.admit(offer))).await?;
    }
    let took = began.elapsed();
    store.close().await;
    end.await??;
    taking.await?;
    fs::remove_dir_all(directory)?;
    Ok(took)
}

/// Asks for all admissions in their order, and waits for all of them.
async fn in_order<A>(admissions: impl Iterator<Item = A>) -> anyhow::Result<()>
where
    A: Future<Output = Result<Admitted, store::Error>>,
{
    let mut asked: Vec<_> = admissions.map(Box::pin).collect();
    let mut refused = None;
    poll_fn(|context| {
        asked.retain_mut(|admission| match admission.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(Ok(Admitted { verdict: Verdict::Append(_), .. })) => false,
            Poll::Ready(other) => {
                refused = Some(other);
                false
            }
        });
        if asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    ensure!(refused.is_none(), "{refused:?}");
    Ok(())
}

fn offers(spooled: &Spooled<'_>, records: &[Record], session: SessionId) -> Vec<Offer> {
    let pairs = spooled.batches.iter().zip(records);
    pairs
        .map(|(batch, record)| Offer {
            reporter: spooled.workload.reporter,
            session,
            log: spooled.log,
            log_epoch: 1,
            host: String::new(),
            received: clock::now(),
            batch: batch.clone(),
            contents: record.contents.clone(),
            result: None,
        })
        .collect()
}

fn hello(spooled: &Spooled<'_>) -> anyhow::Result<Hello> {
    let start = Position::start(spooled.log);
    let last = spooled.batches.last().context("a workload")?;
    Ok(Hello {
        protocol: PROTOCOL,
        reporter: spooled.workload.reporter,
        log: spooled.log,
        log_epoch: 0,
        produced: Position { sequence: last.sequence, ..start },
        released: start,
        host: String::new(),
        catalogue_digest: spooled.workload.catalogue.digest(),
        least_durability: Durability::Always,
        software: String::new(),
        catalogue_version: spooled.workload.catalogue.version,
    })
}

/// The least that keeping the same bytes can cost on this disk.
fn sync(batches: &[Batch], path: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(path)?;
    let began = Instant::now();
    for batch in batches {
        file.write_all(&batch.payload)?;
        file.sync_data()?;
    }
    let took = began.elapsed();
    fs::remove_file(path)?;
    Ok(took)
}
