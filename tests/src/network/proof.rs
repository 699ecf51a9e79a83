//! The proof: the audit, asked over the simulated network, held against what was appended.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use hyper_util::rt::TokioIo;
use phuxanh_collector::delivery::Wire;
use phuxanh_proto::v1::{
    Audit, AuditCollectorsRequest, AuditVerdict, Ledger, mesh_service_client::MeshServiceClient,
};
use tonic::{
    codegen::Service,
    transport::{Endpoint, Uri},
};

use super::{AGGREGATOR_URL, CALM_MAX, hosts, province::Province};
use crate::harness::eventually;

/// Longest time for one question.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Waits until every observation of every province was applied once, and both ends hold the cells
/// that follow from them.
pub async fn everything_arrived_once(provinces: Vec<Rc<Province>>) -> turmoil::Result {
    eventually("everything has arrived once", CALM_MAX, async || {
        let audits = audits().await?;
        provinces.iter().try_for_each(|province| {
            let audit = audits.iter().find(|audit| audit.reporter == province.code);
            stands(province, audit.context("not audited")?)
                .with_context(|| format!("province {}", province.code))
        })
    })
    .await?;
    Ok(())
}

fn stands(province: &Province, audit: &Audit) -> anyhow::Result<()> {
    let (count, cells) = (province.observation_count(), province.cells());
    ensure!(audit.verdict() == AuditVerdict::Agrees, "{:?}", audit.verdict());
    let expected = Ledger { applied_count: count, ..Ledger::default() };
    ensure!(audit.ledger == Some(expected), "{:?}, not {expected:?}", audit.ledger);
    let told = audit.collector.as_ref().context("the collector has not told its side")?;
    ensure!(told.produced_observation_count == count, "{told:?}, not {count} produced");
    let sum = cells.sum.to_be_bytes();
    for (end, cell_count, cell_digest) in [
        ("the aggregator", audit.cell_count, &audit.cell_digest),
        ("the collector", told.cell_count, &told.cell_digest),
    ] {
        ensure!(cell_count == cells.count, "{end} holds {cell_count} cells, not {}", cells.count);
        ensure!(cell_digest[..] == sum, "{end} holds other cells");
    }
    Ok(())
}

async fn audits() -> anyhow::Result<Vec<Audit>> {
    let endpoint = Endpoint::from_static(AGGREGATOR_URL).timeout(ANSWERED_WITHIN);
    let channel = endpoint.connect_with_connector(Connector).await?;
    let request = AuditCollectorsRequest::default();
    let answer = MeshServiceClient::new(channel).audit_collectors(request).await?;
    Ok(answer.into_inner().audits)
}

/// Connects over the simulated network.
struct Connector;

type Connecting = Pin<Box<dyn Future<Output = io::Result<TokioIo<Box<dyn Wire>>>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Wire>>;
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        Box::pin(async move { Ok(TokioIo::new(hosts::dial(uri).await?)) })
    }
}
