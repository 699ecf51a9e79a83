//! The ops listener of both daemons, and the subcommand that asks it.

use std::{fs, process::Command};

use anyhow::ensure;
use phuxanh_tests::harness::{
    CollectorSetup, Deployment, LOADED_WITHIN, Process, Setup, StoreSetup, binary, eventually,
    free_port, page, settings,
};

/// Waits until a page says something, with this status.
async fn says(address: &str, path: &str, status: u16, what: &str) -> anyhow::Result<()> {
    eventually(&format!("{path} says {status} {what}"), LOADED_WITHIN, async || {
        let (found, body) = page(address, path)?;
        ensure!((found, body.contains(what)) == (status, true), "{found} {body}");
        Ok(())
    })
    .await
}

/// Exit code and words of a daemon's `health` for the listener of this address.
fn health(program: &str, listen: &str) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = Command::new(binary(program)?);
    let output = command.env_clear().env("PHUXANH__OPS__LISTEN", listen).arg("health").output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8(said)?))
}

fn address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}

#[tokio::test]
async fn an_aggregator_is_ready_while_its_store_is_in_reach() -> anyhow::Result<()> {
    let ops = address()?;
    let aggregator = settings(&[("OPS__LISTEN", &ops), ("STORE__REDIS__RESPONSE_TIMEOUT", "1s")]);
    let setup = Setup { store: StoreSetup::Redis(Vec::new()), aggregator, ..Setup::default() };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    says(&ops, "/readyz", 200, "ok").await?;
    ensure!(health("phuxanh-aggregator", &ops)? == (Some(0), "ok\n".to_owned()));
    let (status, build) = page(&ops, "/build")?;
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    ensure!(status == 200 && build.contains(&version), "{build}");

    deployment.kill(&Process::Store)?;
    says(&ops, "/readyz", 503, "the store is out of reach since ").await?;
    let (code, said) = health("phuxanh-aggregator", &ops)?;
    ensure!(code == Some(1) && said.starts_with("the store is out of reach since "), "{said}");
    ensure!(page(&ops, "/livez")? == (200, "ok\n".to_owned()), "it is alive without its store");
    deployment.restart(&Process::Store)?;
    says(&ops, "/readyz", 200, "ok").await
}

#[tokio::test]
async fn a_collector_is_ready_without_a_link_and_not_without_its_inbox() -> anyhow::Result<()> {
    let ops = address()?;
    let mut deployment = Deployment::start_with(&[], &Setup::default()).await?;
    let collector = deployment.add_collector(&CollectorSetup {
        server: Some(format!("http://{}", address()?)),
        settings: settings(&[("OPS__LISTEN", &ops), ("FOLDER__POLL_INTERVAL", "1h")]),
        ..CollectorSetup::of("04")
    })?;
    deployment.restart(&collector)?;
    eventually("it listens", LOADED_WITHIN, async || page(&ops, "/livez")).await?;
    says(&ops, "/readyz", 200, "ok").await?;
    ensure!(health("phuxanh-collector", &ops)? == (Some(0), "ok\n".to_owned()));
    fs::rename(deployment.inbox("04"), deployment.root().join("elsewhere"))?;
    says(&ops, "/readyz", 503, "(folder.path) cannot be read: No such file").await?;
    let (code, said) = health("phuxanh-collector", &ops)?;
    ensure!(code == Some(1) && said.contains("folder.path"), "{said}");
    ensure!(page(&ops, "/livez")?.0 == 200);
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_ends_the_start_and_names_the_setting() -> anyhow::Result<()> {
    let ops = address()?;
    let taken = std::net::TcpListener::bind(&ops)?;
    let mut deployment = Deployment::start_with(&[], &Setup::default()).await?;
    let setup =
        CollectorSetup { settings: settings(&[("OPS__LISTEN", &ops)]), ..CollectorSetup::of("04") };
    let collector = deployment.add_collector(&setup)?;
    deployment.restart(&collector)?;
    ensure!(deployment.ended(&collector).await? == Some(1));
    let expected = format!("ops.listen: cannot bind {ops}: choose another address, or \"off\"");
    ensure!(deployment.log(&collector)?.contains(&expected));
    drop(taken);
    // Nobody listens there now.
    let (code, said) = health("phuxanh-collector", &ops)?;
    ensure!(code == Some(1) && said.starts_with(&format!("cannot ask {ops} (ops.listen)")));
    Ok(())
}
