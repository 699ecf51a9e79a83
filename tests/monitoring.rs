//! The dashboard and the alert rules over a real Prometheus that scrapes real daemons.
//! `./tests/run --group monitoring` brings it.

use std::{
    fmt::Write,
    fs::{self, File},
    path::Path,
    process::{Child, Command},
};

use anyhow::{Context, ensure};
use phuxanh_tests::{
    exposition::{path, text},
    harness::{
        Deployment, LOADED_WITHIN, Setup, StoreSetup, eventually, free_port, page, settings,
    },
    sample::Sample,
    secured::{self, Authority},
};
use serde_json::Value;

/// Prometheus until it is dropped.
struct Prometheus {
    child: Child,
    address: String,
}

impl Prometheus {
    /// Scrapes an aggregator and a collector every second, and evaluates the alert rules.
    fn start(folder: &Path, aggregator: &str, collector: &str) -> anyhow::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let settings = serde_json::json!({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [path("deploy/prometheus/alerts.yaml").canonicalize()?],
            "scrape_configs": [
                {"job_name": "phuxanh-aggregator", "static_configs": [{"targets": [aggregator]}]},
                {"job_name": "phuxanh-collector", "static_configs": [{"targets": [collector]}]},
            ],
        });
        let file = folder.join("prometheus.yaml");
        // JSON is YAML.
        fs::write(&file, settings.to_string())?;
        let log = File::create(folder.join("prometheus.log"))?;
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("prometheus does not start: ./tests/run --group monitoring brings it")?;
        Ok(Self { child, address })
    }

    /// What the API answers.
    fn ask(&self, path: &str) -> anyhow::Result<Value> {
        let (status, body) = page(&self.address, path)?;
        ensure!(status == 200, "{status} {body}");
        Ok(serde_json::from_str(&body)?)
    }

    /// Number of series that a query finds.
    fn series_count(&self, query: &str) -> anyhow::Result<usize> {
        let answer = self.ask(&format!("/api/v1/query?query={}", encoded(query)?))?;
        let found = answer["data"]["result"].as_array();
        Ok(found.with_context(|| format!("{query}: {answer}"))?.len())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// Text in an address.
fn encoded(text: &str) -> anyhow::Result<String> {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}")?;
        }
    }
    Ok(encoded)
}

/// Queries of the dashboard with their panels, as Grafana asks them.
fn queries() -> anyhow::Result<Vec<(String, String)>> {
    let dashboard: Value = serde_json::from_str(&text("deploy/grafana/phuxanh.json")?)?;
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().context("panels")? {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().context("a query")?;
            let query = query.replace("$__rate_interval", "10s").replace("$reporter", ".*");
            ensure!(!query.contains('$'), "{query}: a variable that this test does not know");
            found.push((panel["title"].to_string(), query));
        }
    }
    Ok(found)
}

#[tokio::test]
async fn every_query_of_the_dashboard_finds_data_and_every_rule_is_evaluated() -> anyhow::Result<()>
{
    let authority = Authority::new()?;
    let [of_aggregator, of_collector] =
        [free_port()?, free_port()?].map(|port| format!("127.0.0.1:{port}"));
    let listening =
        settings(&[("OPS__LISTEN", &of_aggregator), ("INGEST__HEARTBEAT_INTERVAL", "1s")]);
    let aggregator = [authority.of_server(), listening].concat();
    let setup = Setup { store: StoreSetup::Embedded, aggregator, ..Setup::default() };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let certificate = authority.collector("04")?;
    let listening = settings(&[("OPS__LISTEN", &of_collector)]);
    let settings = [authority.of_collector(Some(&certificate)), listening].concat();
    let server = deployment.secured_server()?.to_owned();
    secured::start(&mut deployment, "04", &server, settings)?;
    let prometheus = Prometheus::start(deployment.root(), &of_aggregator, &of_collector)?;
    deployment.put_file("04", "sample.csv", Sample::of("04")?.pieces(1)[0].as_bytes())?;
    eventually("both daemons are scraped", LOADED_WITHIN, async || {
        let count = prometheus.series_count("up == 1")?;
        ensure!(count == 2, "{count} are up");
        Ok(())
    })
    .await?;
    let queries = queries()?;
    ensure!(queries.len() > 20, "the dashboard has {} queries", queries.len());
    for (panel, query) in &queries {
        eventually(&format!("{panel} shows data"), LOADED_WITHIN, async || {
            let count = prometheus.series_count(query)?;
            ensure!(count > 0, "{query} finds nothing");
            Ok(())
        })
        .await?;
    }
    eventually("every rule is evaluated", LOADED_WITHIN, async || {
        let groups = prometheus.ask("/api/v1/rules")?;
        let groups = groups["data"]["groups"].as_array().context("groups")?.clone();
        ensure!(groups.len() == 6, "{} groups", groups.len());
        for rule in groups.iter().filter_map(|group| group["rules"].as_array()).flatten() {
            ensure!(rule["health"] == "ok", "{rule}");
        }
        Ok(())
    })
    .await
}
