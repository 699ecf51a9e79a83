//! A Redis that answers and takes no writes, each kind once: every command that an operator looks at
//! says so, none says that all is well, and all of it ends by itself with the cause.

use anyhow::{Context, bail, ensure};
use phuxanh_proto::v1::AuditVerdict;
use serde_json::Value;

use super::{
    bulk::Bulk,
    proof::bulk_stands,
    restarts::{deliver, one_province_with},
    stores::{Sync, over_redis},
};
use crate::harness::{Deployment, LOADED_WITHIN, Redis, eventually, free_port};

const KIND: &str = "store_refuses_writes";

/// Reason why writes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There is no memory left.
    Memory,
    /// There are fewer replicas than the server wants.
    Replicas,
    /// The server has become the copy of another.
    Copy,
    /// The user may not run the scripts any more.
    Permission,
}

impl Cause {
    /// The code that the server answers with.
    const fn code(self) -> &'static str {
        match self {
            Self::Memory => "OOM",
            Self::Replicas => "NOREPLICAS",
            Self::Copy => "READONLY",
            Self::Permission => "NOPERM",
        }
    }

    async fn begin(self, redis: &Redis) -> anyhow::Result<()> {
        let port = free_port()?.to_string();
        let command: &[&str] = match self {
            Self::Memory => &["CONFIG", "SET", "maxmemory", "1mb"],
            Self::Replicas => &["CONFIG", "SET", "min-replicas-to-write", "1"],
            Self::Copy => &["REPLICAOF", "127.0.0.1", &port],
            Self::Permission => &["ACL", "SETUSER", "default", "-evalsha"],
        };
        redis.ask(command).await
    }

    async fn end(self, redis: &Redis) -> anyhow::Result<()> {
        let command: &[&str] = match self {
            Self::Memory => &["CONFIG", "SET", "maxmemory", "0"],
            Self::Replicas => &["CONFIG", "SET", "min-replicas-to-write", "0"],
            Self::Copy => &["REPLICAOF", "NO", "ONE"],
            Self::Permission => &["ACL", "SETUSER", "default", "+evalsha"],
        };
        redis.ask(command).await
    }
}

/// Writes are refused while a province reports, and taken again later.
pub async fn refused(seed: u64, cause: Cause) -> anyhow::Result<()> {
    let (mut bulk, deployment) = one_province_with(seed, &over_redis(Sync::Always)).await?;
    deliver(&mut bulk, &deployment)?;
    bulk_stands(&deployment.client()?, &bulk).await?;
    all_is_well(&deployment, &bulk).await?;

    cause.begin(deployment.redis()?).await?;
    eventually("the refusal is noticed without a file", LOADED_WITHIN, async || {
        is_shown(&deployment, &bulk, cause.code()).await
    })
    .await?;
    deliver(&mut bulk, &deployment)?;
    deployment.files_are_read().await?;
    is_shown(&deployment, &bulk, cause.code()).await?;
    let audits = deployment.client()?.audits().await?;
    let audit = audits.iter().find(|audit| audit.reporter == bulk.province());
    let verdict = audit.context("the province is audited")?.verdict();
    ensure!(verdict == AuditVerdict::Outdated, "nobody can have told of the file: {verdict:?}");

    cause.end(deployment.redis()?).await?;
    bulk_stands(&deployment.client()?, &bulk).await?;
    eventually("all is well again", LOADED_WITHIN, async || all_is_well(&deployment, &bulk).await)
        .await
}

/// Everything that an operator looks at names the refusal.
pub(super) async fn is_shown(
    deployment: &Deployment,
    bulk: &Bulk,
    code: &str,
) -> anyhow::Result<()> {
    is_alarm_shown(deployment, code).await?;
    let output = deployment.phuxanh(&["--json", "audit", bulk.province()])?;
    ensure!(output.status.code() == Some(1), "audit ended with {}", output.status);
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(complaint.contains("the store refuses writes"), "{complaint}");
    let audits: Value = serde_json::from_slice(&output.stdout)?;
    alarm(&audits["store_alarms"], code)?;
    let audit = &audits["audits"][0];
    // Pending where the collector has told of a file that did not arrive.
    let verdict = audit["verdict"].as_str().context("a verdict")?;
    ensure!(["outdated", "pending"].contains(&verdict), "{audit}");
    ensure!(audit["as_of_time"].is_string(), "{audit}");
    Ok(())
}

/// The store, the collectors and the health of the service name the refusal; questions are answered.
pub(super) async fn is_alarm_shown(deployment: &Deployment, code: &str) -> anyhow::Result<()> {
    let mesh = said(deployment, &["mesh"])?;
    ensure!(mesh.contains("store refuses writes") && mesh.contains(code), "{mesh}");
    ensure!(!mesh.contains("durable is"), "{mesh}");
    let store = &deployment.ask(&["mesh"])?["store"];
    alarm(&store["alarms"], code)?;
    ensure!(store.get("durability").is_none(), "{store}");

    let collectors = said(deployment, &["collectors"])?;
    ensure!(collectors.contains(code) && !collectors.contains("No alarms"), "{collectors}");
    alarm(&deployment.ask(&["collectors"])?["store_alarms"], code)?;

    let client = deployment.client()?;
    client.is_serving().await.context("questions are answered")?;
    ensure!(!client.takes_deliveries().await?, "it says that it takes deliveries");
    Ok(())
}

fn alarm(alarms: &Value, code: &str) -> anyhow::Result<()> {
    let Some([alarm]) = alarms.as_array().map(Vec::as_slice) else { bail!("one alarm: {alarms}") };
    ensure!(alarm["kind"] == KIND && alarm["since_time"].is_string(), "{alarm}");
    let detail = alarm["detail"].as_str().context("a detail")?;
    ensure!(detail.contains(code), "{detail}");
    Ok(())
}

pub(super) async fn all_is_well(deployment: &Deployment, bulk: &Bulk) -> anyhow::Result<()> {
    let mesh = said(deployment, &["mesh"])?;
    ensure!(mesh.contains("durable is always") && !mesh.contains("refuses"), "{mesh}");
    let collectors = said(deployment, &["collectors"])?;
    ensure!(collectors.contains("No alarms."), "{collectors}");
    let client = deployment.client()?;
    let audits = client.audits().await?;
    let audit = audits.iter().find(|audit| audit.reporter == bulk.province());
    let audit = audit.context("the province is audited")?;
    ensure!(audit.verdict() == AuditVerdict::Agrees && audit.told_time.is_some(), "{audit:?}");
    ensure!(client.takes_deliveries().await?, "it says that it takes no deliveries");
    Ok(())
}

fn said(deployment: &Deployment, arguments: &[&str]) -> anyhow::Result<String> {
    let output = deployment.phuxanh(&[arguments, &["-o", "wide"]].concat())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
