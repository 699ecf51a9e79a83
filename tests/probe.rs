//! `check-config --probe` says of everything that settings point to whether it can be used, and what
//! to do where it cannot. It leaves nothing behind.

use std::{fs, net::TcpListener, path::Path, process::Command};

use anyhow::ensure;
use phuxanh_tests::{
    harness::{Redis, Settings, binary, free_port, settings},
    secured::{Authority, DAY, Odd, deployment},
};

/// Runs the command; returns whether all is well, and what it said.
fn probe(program: &str, arguments: &[&str], settings: &Settings) -> anyhow::Result<(bool, String)> {
    let mut command = Command::new(binary(program)?);
    command.args(arguments).args(["check-config", "--probe"]).env_clear();
    let output = command.envs(settings.iter().map(|(key, value)| (key, value))).output()?;
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(matches!(output.status.code(), Some(0 | 1)), "{told}");
    Ok((output.status.success(), told))
}

/// Names of what a folder holds.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.map(|it| Ok(it?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

/// Checks that exactly one trial failed, with these words.
fn fails(found: (bool, String), words: [&str; 3]) -> anyhow::Result<()> {
    let (is_good, told) = found;
    let failed: Vec<_> = told.lines().filter(|line| line.starts_with("FAILED  ")).collect();
    let [line] = failed[..] else { anyhow::bail!("{words:?}: {told}") };
    ensure!(!is_good && words.iter().all(|word| line.contains(word)), "{words:?}: {told}");
    Ok(())
}

fn succeeds((is_good, told): (bool, String), tried_count: usize) -> anyhow::Result<()> {
    let count = told.lines().filter(|line| line.starts_with("ok      ")).count();
    ensure!(is_good && count == tried_count, "{told}");
    Ok(())
}

fn aggregator(data_dir: &Path, port: u16, settings: &Settings) -> anyhow::Result<(bool, String)> {
    let (listen, data_dir) = (format!("127.0.0.1:{port}"), data_dir.display().to_string());
    probe("phuxanh-aggregator", &["--listen", &listen, "--data-dir", &data_dir], settings)
}

#[tokio::test]
async fn what_the_settings_of_an_aggregator_point_to_is_tried() -> anyhow::Result<()> {
    let root = tempfile::tempdir()?;
    let (data_dir, port, none) = (root.path().join("data"), free_port()?, Settings::new());
    succeeds(aggregator(&data_dir, port, &none)?, 2)?;
    let held = TcpListener::bind(("127.0.0.1", port))?;
    fails(aggregator(&data_dir, port, &none)?, ["listen 127.0.0.1:", "in use", "another port"])?;
    drop(held);
    let file = root.path().join("file");
    fs::write(&file, "")?;
    fails(aggregator(&file.join("data"), port, &none)?, ["data_dir", "directory", "write there"])?;

    let authority = Authority::new()?;
    succeeds(aggregator(&data_dir, port, &authority.of_server())?, 5)?;
    let old = Odd { begun: DAY * 9, is_past: true, ..Odd::default() };
    let name = authority.odd("old", &old)?;
    let mut expired = authority.of_server();
    expired.extend(settings(&[
        ("TLS__CERTIFICATE_FILE", &authority.text(&format!("{name}.pem"))),
        ("TLS__KEY_FILE", &authority.text(&format!("{name}-key.pem"))),
    ]));
    let words = ["tls.certificate_file", "it expired at", "renew"];
    fails(aggregator(&data_dir, port, &expired)?, words)?;
    ensure!(names(root.path())? == ["file"], "{:?}", names(root.path())?);
    Ok(())
}

#[tokio::test]
async fn redis_is_checked_as_at_a_start() -> anyhow::Result<()> {
    let root = tempfile::tempdir()?;
    let (data_dir, port) = (root.path().join("data"), free_port()?);
    let on = |url: &str| settings(&[("STORE__KIND", "redis"), ("STORE__REDIS__URLS", url)]);
    let closed = on(&format!("redis://127.0.0.1:{}", free_port()?));
    fails(aggregator(&data_dir, port, &closed)?, ["store.redis", "refused", "Redis runs"])?;
    let redis = Redis::start(&root.path().join("good"), &[]).await?;
    succeeds(aggregator(&data_dir, port, &on(&redis.url()))?, 3)?;
    ensure!(redis.ask::<u64>(&["DBSIZE"]).await? == 0, "something stays behind");
    let lax = Redis::start(&root.path().join("lax"), &[("appendfsync", "no")]).await?;
    let words = ["store.redis.durability", "appendonly yes and appendfsync", "as said"];
    fails(aggregator(&data_dir, port, &on(&lax.url()))?, words)
}

#[tokio::test]
async fn what_the_settings_of_a_collector_point_to_is_tried() -> anyhow::Result<()> {
    let root = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let deployment = deployment(&authority).await?;
    let own = authority.of_collector(Some(&authority.collector("04")?));
    let collector = |reporter: &str, server: &str| {
        let paths = ["inbox", "data"].map(|name| root.path().join(name).display().to_string());
        let [inbox, data_dir] = &paths;
        let arguments = ["--reporter", reporter, "--inbox", inbox, "--data-dir", data_dir];
        probe("phuxanh-collector", &[&arguments[..], &["--aggregator", server]].concat(), &own)
    };
    let secured = deployment.secured_server()?;
    succeeds(collector("04", secured)?, 5)?;
    let words = ["aggregator https://", "may speak for 04, not for 14", "tls.certificate_file"];
    fails(collector("14", secured)?, words)?;
    let closed = format!("https://127.0.0.1:{}", free_port()?);
    fails(collector("04", &closed)?, [&closed, "connection refused", "firewall"])?;
    ensure!(names(root.path())?.is_empty(), "{:?}", names(root.path())?);
    Ok(())
}
