//! The end of each task of an aggregator: it is started again, or the aggregator ends in order.

use std::{
    future::pending, io, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, time::Duration,
};

use anyhow::{Context, bail, ensure};
use futures_util::stream;
use phuxanh_aggregator::{
    config::{Config, Settings},
    server::{Aggregator, Error},
};
use phuxanh_core::frame::Durability;
use phuxanh_daemon::tasks::Cause;
use phuxanh_tests::harness::{Client, Redis, eventually};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_stream::wrappers::TcpListenerStream;

use crate::{
    fixture::{fill, reporter, wall_clock},
    redis_only::start,
};

/// Essential tasks with either store, and those that Redis adds.
const EMBEDDED: [&str; 5] = ["access file", "audit log", "mesh board", "publisher", "timekeeping"];
const REDIS: [&str; 3] = ["redis link", "redis copies", "redis tail"];

const WITHIN: Duration = Duration::from_secs(20);

/// Configuration over a directory, or over a Redis with a copy.
fn config(directory: &Path, redis: Option<&Redis>) -> anyhow::Result<Config> {
    let mut settings = Settings { data_dir: directory.to_owned(), ..Settings::default() };
    settings.ingest.drain_timeout = Duration::from_millis(100);
    if let Some(redis) = redis {
        "redis".clone_into(&mut settings.store.kind);
        settings.store.redis.urls = vec![redis.url()];
        "test".clone_into(&mut settings.store.redis.key_prefix);
        "replicated".clone_into(&mut settings.store.redis.durability);
    }
    Ok(Config::new(&settings)?)
}

/// A master and its copy.
struct Servers {
    master: Redis,
    _copy: Redis,
}

impl Servers {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let at_once = [("repl-diskless-sync-delay", "0")];
        let master = Redis::start(&folder.join("master"), &at_once).await?;
        let port = master.url().rsplit(':').next().context("a port")?.to_owned();
        let replica_of = format!("127.0.0.1 {port}");
        let copy = Redis::start(&folder.join("copy"), &[("replicaof", &replica_of)]).await?;
        eventually("the copy is there", WITHIN, async || {
            let replication: String = master.ask(&["INFO", "replication"]).await?;
            ensure!(replication.contains("state=online"), "{replication}");
            Ok(())
        })
        .await?;
        Ok(Self { master, _copy: copy })
    }
}

/// Starts an aggregator, ends one of its tasks and tells how the aggregator ended.
async fn ended_without(config: &Config, name: &'static str) -> anyhow::Result<()> {
    let mut aggregator = Aggregator::start(config, wall_clock).await?;
    aggregator.complete().await?;
    ensure!(aggregator.tasks.abort(name), "there is no task {name}");
    let incoming = stream::pending::<io::Result<TcpStream>>();
    let serving = aggregator.serve(config, wall_clock, incoming, pending());
    match timeout(WITHIN, serving).await.context(name)? {
        Err(Error::Task { name: found, cause: Cause::Aborted }) if found == name => Ok(()),
        other => bail!("{name}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_essential_task_ends_the_aggregator_and_closes_its_store()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let embedded = config(&folder.path().join("embedded"), None)?;
    for name in EMBEDDED {
        // Each opens the file that the one before it has closed.
        ended_without(&embedded, name).await?;
    }
    let servers = Servers::start(folder.path()).await?;
    let shared = config(folder.path(), Some(&servers.master))?;
    for name in [&EMBEDDED[..], &REDIS].concat() {
        ended_without(&shared, name).await?;
    }
    Ok(())
}

/// A store that was made before is as its operator chose; a new one is for the aggregator's user.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_store_is_for_its_own_user_alone() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("made/here");
    drop(Aggregator::start(&config(&directory, None)?, wall_clock).await?);
    for (path, expected) in [(directory.clone(), 0o700), (directory.join("store.redb"), 0o600)] {
        let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
        ensure!(mode == expected, "{} has mode {mode:o}", path.display());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_tasks_are_started_again_and_do_their_work() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let servers = Servers::start(folder.path()).await?;
    let redis = &servers.master;
    fill(&start(redis, Durability::Always).await?, 2).await?;
    let config = config(folder.path(), Some(redis))?;
    let mut aggregator = Aggregator::start(&config, wall_clock).await?;
    aggregator.complete().await?;
    let restarted = ["announcer", "cache", "keeper", "readiness", "signs of life"];
    let mut names: Vec<_> = aggregator.tasks.names().collect();
    names.sort_unstable();
    let mut all = [&EMBEDDED[..], &REDIS, &restarted].concat();
    all.sort_unstable();
    ensure!(names == all, "tasks without a test: {names:?}");

    for name in restarted {
        ensure!(aggregator.tasks.abort(name), "there is no task {name}");
    }
    // Nothing is started again before it serves, so only a new task can bring these back.
    for (_, key) in made() {
        redis.ask::<u32>(&["DEL", &key]).await?;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpListenerStream::new(listener);
    tokio::select! {
        ended = aggregator.serve(&config, wall_clock, incoming, pending()) => bail!("{ended:?}"),
        worked = work_again(redis, address) => worked,
    }
}

/// Tasks and the key that each makes.
fn made() -> [(&'static str, String); 3] {
    [
        ("announcer", "test:replicas".to_owned()),
        ("cache", format!("test:{{{}}}:cached", reporter())),
        ("keeper", "test:references".to_owned()),
    ]
}

async fn work_again(redis: &Redis, address: SocketAddr) -> anyhow::Result<()> {
    for (task, key) in made() {
        eventually(task, WITHIN, async || {
            ensure!(redis.ask::<u32>(&["EXISTS", &key]).await? == 1, "{key} is not there");
            Ok(())
        })
        .await?;
    }
    let client = Client::new(&format!("http://{address}"))?;
    for (maxmemory, takes) in [("1", false), ("0", true)] {
        redis.ask::<String>(&["CONFIG", "SET", "maxmemory", maxmemory]).await?;
        eventually("readiness", WITHIN, async || {
            ensure!(client.takes_deliveries().await? == takes, "not {takes}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
