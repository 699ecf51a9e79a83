//! A certificate that was accepted is not accepted for ever: a stream ends when its certificate is
//! revoked or its authority is taken away, and an expiry is told of before it comes.
//!
//! Real processes, with certificates of `phuxanh pki`.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use phuxanh_proto::v1::AlarmKind;
use phuxanh_tests::{
    harness::{Client, Deployment, LOADED_WITHIN, Setup, eventually, settings},
    secured::{
        AGGREGATOR, Authority, DAY, Odd, collector, deployment, has_applied, id, observe, replace,
        start,
    },
};

/// Details of the alarms of a kind that province 04 has.
async fn details(client: &Client, kind: AlarmKind) -> anyhow::Result<Vec<String>> {
    let alarms = collector(client, "04").await?.alarms.into_iter();
    Ok(alarms.filter(|alarm| alarm.kind() == kind).map(|alarm| alarm.detail).collect())
}

/// Checks that the stream of province 04 was ended for a reason, and that nothing was taken since.
async fn is_refused(deployment: &Deployment, client: &Client, why: &str) -> anyhow::Result<()> {
    deployment.says(&AGGREGATOR, why).await?;
    observe(deployment, 2)?;
    eventually("the refusal is an alarm", LOADED_WITHIN, async || {
        let alarms = details(client, AlarmKind::IdentityRefused).await?;
        let [detail] = &alarms[..] else { anyhow::bail!("{alarms:?}") };
        ensure!(detail.starts_with("127.0.0.1: ") && detail.contains(why), "{detail}");
        Ok(())
    })
    .await?;
    let found = collector(client, "04").await?;
    ensure!(!found.connected, "{found:?}");
    let ledger = found.ledger.context("no ledger")?;
    ensure!(ledger.applied_count == 1, "{ledger:?}");
    let logged = deployment.audit_log(&AGGREGATOR)?;
    let is_logged = logged.iter().any(|entry| {
        entry["action"] == "identity_refused" && entry["detail"].to_string().contains(why)
    });
    ensure!(is_logged, "{logged:?}");
    Ok(())
}

#[tokio::test]
async fn a_stream_ends_when_its_certificate_is_revoked() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let mut deployment = deployment(&authority).await?;
    let (client, secured) = (deployment.client()?, deployment.secured_server()?.to_owned());
    let name = authority.collector("04")?;
    let other = authority.collector("96")?;
    let process = start(&mut deployment, "04", &secured, authority.of_collector(Some(&name)))?;
    start(&mut deployment, "96", &secured, authority.of_collector(Some(&other)))?;
    observe(&deployment, 1)?;
    has_applied(&client, 1).await?;
    let certificate = authority.text(&format!("{name}.pem"));
    authority.pki(&["revoke", &certificate])?;
    is_refused(&deployment, &client, "it was revoked (tls.revocations_file)").await?;
    deployment.says(&process, "the aggregator refuses this collector").await?;
    deployment.says(&process, "it was revoked").await?;
    let other = collector(&client, "96").await?;
    ensure!(other.connected && other.alarms.is_empty(), "{other:?}");

    replace(&authority.path("revoked.pem"), "half a file")?;
    deployment.says(&AGGREGATOR, "holds no revocation list").await?;
    deployment.says(&AGGREGATOR, "TLS files refused: what was read before stays in use").await?;
    ensure!(collector(&client, "96").await?.connected, "a bad file ends no stream");
    fs::remove_file(authority.path("revoked.pem"))?;
    authority.pki(&["renew", &certificate])?;
    has_applied(&client, 2).await
}

#[tokio::test]
async fn a_stream_ends_when_its_authority_is_taken_away() -> anyhow::Result<()> {
    let (authority, next) = (Authority::new()?, Authority::new()?);
    let former = fs::read_to_string(authority.path("authority.pem"))?;
    let trusted = authority.path("clients.pem");
    replace(&trusted, &former)?;
    let mut aggregator = authority.of_server();
    let trusted_text = authority.text("clients.pem");
    aggregator.extend(settings(&[("TLS__CLIENT_AUTHORITIES_FILE", &trusted_text)]));
    let setup = Setup { aggregator, ..Setup::default() };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let (client, secured) = (deployment.client()?, deployment.secured_server()?.to_owned());
    let name = authority.collector("04")?;
    let process = start(&mut deployment, "04", &secured, authority.of_collector(Some(&name)))?;
    observe(&deployment, 1)?;
    has_applied(&client, 1).await?;
    replace(&trusted, &fs::read_to_string(next.path("authority.pem"))?)?;
    is_refused(&deployment, &client, "its authority is no longer trusted").await?;
    deployment.says(&process, "its authority is no longer trusted").await?;
    replace(&trusted, &former)?;
    has_applied(&client, 2).await
}

#[tokio::test]
async fn an_expiry_is_told_of_before_it_comes_until_it_is_renewed() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let mut deployment = deployment(&authority).await?;
    let (client, secured) = (deployment.client()?, deployment.secured_server()?.to_owned());
    let own = id("04");
    let brief = Odd { uris: &[&own], expires: DAY * 13, ..Odd::default() };
    let name = authority.odd("brief", &brief)?;
    let mut collecting = authority.of_collector(Some(&name));
    collecting.extend(settings(&[("DELIVERY__STREAM_AGE_MAX", "1s")]));
    let process = start(&mut deployment, "04", &secured, collecting)?;
    let kind = AlarmKind::CertificateExpires;
    eventually("the expiry is an alarm", LOADED_WITHIN, async || {
        let alarms = details(&client, kind).await?;
        let [detail] = &alarms[..] else { anyhow::bail!("{alarms:?}") };
        let expected = format!("the certificate of {own} expires at ");
        ensure!(detail.starts_with(&expected), "{detail}");
        Ok(())
    })
    .await?;
    let warning = "this collector's certificate (tls.certificate_file) expires at ";
    deployment.says(&process, warning).await?;
    ensure!(client.store_alarms().await?.is_empty(), "the server's own lasts");
    authority.pki(&["renew", &authority.text("brief.pem")])?;
    eventually("the alarm ends", LOADED_WITHIN, async || {
        let alarms = details(&client, kind).await?;
        ensure!(alarms.is_empty(), "{alarms:?}");
        Ok(())
    })
    .await?;
    ensure!(collector(&client, "04").await?.alarms.is_empty());

    deployment.kill(&AGGREGATOR)?;
    deployment.set(&AGGREGATOR, &settings(&[("TLS__EXPIRY_WARNING", "100days")]))?;
    deployment.restart(&AGGREGATOR)?;
    deployment.serving().await?;
    let alarms = deployment.client()?.store_alarms().await?;
    let subjects = ["this server's certificate (tls.certificate_file)", "the revocation list of "];
    ensure!(alarms.len() == subjects.len(), "{alarms:?}");
    for (alarm, subject) in alarms.iter().zip(subjects) {
        ensure!(alarm.kind() == kind && alarm.detail.starts_with(subject), "{alarm:?}");
        let days = alarm.since_time.context("a time")?.seconds;
        let now = phuxanh_daemon::clock::now().micros() / 1_000_000;
        let age = Duration::from_secs(u64::try_from(now - days)?);
        ensure!(age > DAY * 9 && age < DAY * 11, "{alarm:?}");
        deployment.says(&AGGREGATOR, subject).await?;
    }
    Ok(())
}
