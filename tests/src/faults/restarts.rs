//! An aggregator that ends in order, or comes back with another store than it had.

use std::time::Duration;

use anyhow::{Context, ensure};
use phuxanh_core::LocalityCode;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    bulk::Bulk,
    pace,
    peers::Deaf,
    proof::{applied_once, bulk_stands, collector},
};
use crate::harness::{CollectorSetup, Deployment, Process, Setup, eventually};

/// Time that the aggregator is given to drain, and what it may take beyond it to end.
const DRAIN: Duration = Duration::from_secs(2);
const MARGIN: Duration = Duration::from_millis(1_500);
const ARRIVED_WITHIN: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 10;
/// Beginning of every HTTP/2 connection, beyond which these do not get.
const HALF_A_PREFACE: &[u8] = b"PRI * HT";

/// An aggregator is asked to end while connections idle, of which some never said a word, one
/// peer reads nothing and a collector delivers: it ends before its deadline, and nothing is lost.
pub async fn restart_with_idle_peers(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = one_province(seed).await?;
    let idle = Idle::connect(deployment.server()).await?;
    deliver(&mut bulk, &deployment)?;
    deliver(&mut bulk, &deployment)?;
    some_arrive(&deployment, &bulk).await?;

    ends_in_time(&mut deployment, &Process::Aggregator).await?;
    drop(idle);

    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    let client = deployment.client()?;
    applied_once(&client, bulk.province(), bulk.observation_count()).await?;
    bulk_stands(&client, &bulk).await
}

/// Asks an aggregator to end, which it does in order and before its deadline.
pub(super) async fn ends_in_time(
    deployment: &mut Deployment,
    aggregator: &Process,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let code = deployment.terminate(aggregator).await?;
    let took = began.elapsed();
    ensure!(code == Some(0), "it ended with {code:?}");
    ensure!(took < DRAIN + MARGIN, "it took {took:?} to end");
    Ok(())
}

/// The aggregator's store is wiped: the collectors restate their cells.
pub async fn wiped_store(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = one_province(seed).await?;
    delivered_with_corrections(&mut bulk, &deployment).await?;
    deployment.kill(&Process::Aggregator)?;
    deployment.replace_store(None).await?;
    restated(&mut bulk, &mut deployment).await
}

/// The aggregator's store goes back to what it was some time ago.
pub async fn regressed_store(seed: u64) -> anyhow::Result<()> {
    let (mut bulk, mut deployment) = one_province(seed).await?;
    deliver(&mut bulk, &deployment)?;
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await?;
    deployment.kill(&Process::Aggregator)?;
    let earlier = deployment.copy_store()?;
    deployment.restart(&Process::Aggregator)?;
    delivered_with_corrections(&mut bulk, &deployment).await?;
    deployment.kill(&Process::Aggregator)?;
    deployment.replace_store(Some(&earlier)).await?;
    restated(&mut bulk, &mut deployment).await
}

pub(super) async fn one_province(seed: u64) -> anyhow::Result<(Bulk, Deployment)> {
    one_province_with(seed, &pace::brisk(Bulk::facts())).await
}

/// One province and its collector in a deployment with these settings.
pub(super) async fn one_province_with(
    seed: u64,
    setup: &Setup,
) -> anyhow::Result<(Bulk, Deployment)> {
    let bulk = Bulk::new(seed);
    let mut deployment = Deployment::start_with(&[], setup).await?;
    let collector = deployment.add_collector(&CollectorSetup::of(bulk.province()))?;
    deployment.restart(&collector)?;
    Ok((bulk, deployment))
}

pub(super) fn deliver(bulk: &mut Bulk, deployment: &Deployment) -> anyhow::Result<()> {
    let (name, text) = bulk.next_file();
    deployment.put_file(bulk.province(), &name, text.as_bytes())
}

pub(super) async fn delivered_with_corrections(
    bulk: &mut Bulk,
    deployment: &Deployment,
) -> anyhow::Result<()> {
    deliver(bulk, deployment)?;
    let (name, text) = bulk.next_corrections();
    deployment.put_file(bulk.province(), &name, text.as_bytes())?;
    applied_once(&deployment.client()?, bulk.province(), bulk.observation_count()).await
}

/// The aggregator starts on what is left of its store, and learns all cells anew.
pub(super) async fn restated(bulk: &mut Bulk, deployment: &mut Deployment) -> anyhow::Result<()> {
    deployment.restart(&Process::Aggregator)?;
    deployment.serving().await?;
    let client = deployment.client()?;
    bulk_stands(&client, bulk).await?;
    deliver(bulk, deployment)?;
    bulk_stands(&client, bulk).await
}

/// Waits until a part of what was fed has arrived.
pub(super) async fn some_arrive(deployment: &Deployment, bulk: &Bulk) -> anyhow::Result<()> {
    let client = deployment.client()?;
    eventually("some observations arrive", ARRIVED_WITHIN, async || {
        let found = collector(&client, bulk.province()).await?.ledger.unwrap_or_default();
        ensure!(found.applied_count > 0, "none yet");
        Ok(())
    })
    .await
}

/// Connections that are there and do nothing.
struct Idle {
    _sockets: Vec<TcpStream>,
    _channels: Vec<tonic::transport::Channel>,
    _deaf: Deaf,
}

impl Idle {
    async fn connect(server: &str) -> anyhow::Result<Self> {
        let address = server.strip_prefix("http://").context("a URL")?;
        let (mut sockets, mut channels) = (Vec::new(), Vec::new());
        for number in 0..IDLE_CONNECTIONS {
            let mut socket = TcpStream::connect(address).await?;
            if number % 2 == 0 {
                socket.write_all(HALF_A_PREFACE).await?;
            }
            sockets.push(socket);
            let channel = Endpoint::from_shared(server.to_owned())?.connect().await?;
            let request = HealthCheckRequest { service: String::new() };
            HealthClient::new(channel.clone()).check(request).await?;
            channels.push(channel);
        }
        let deaf = Deaf::connect(server, LocalityCode::NATION).await?;
        Ok(Self { _sockets: sockets, _channels: channels, _deaf: deaf })
    }
}
