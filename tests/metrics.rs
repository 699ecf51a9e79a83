//! The metrics that running daemons expose are those of `docs/metrics.md`, word for word.

use std::collections::BTreeSet;

use anyhow::ensure;
use phuxanh_aggregator::metrics as aggregator;
use phuxanh_collector::metrics as collector;
use phuxanh_daemon::ops::{Kind, Metric};
use phuxanh_tests::{
    exposition::{Described, Metrics, documented, exposed, text},
    harness::{
        Deployment, LOADED_WITHIN, Settings, Setup, StoreSetup, eventually, free_port, page,
        settings,
    },
    sample::Sample,
    secured::{self, Authority},
};

/// Metrics as the code describes them.
fn described(metrics: &[&Metric]) -> Metrics {
    let described = |metric: &&Metric| {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let described = Described {
            kind: kind.to_owned(),
            labels: metric.labels.iter().copied().map(str::to_owned).collect(),
            meaning: metric.help.to_owned(),
        };
        (metric.name.to_owned(), described)
    };
    metrics.iter().map(described).collect()
}

fn ops() -> anyhow::Result<(String, Settings)> {
    let address = format!("127.0.0.1:{}", free_port()?);
    let listening = settings(&[("OPS__LISTEN", &address)]);
    Ok((address, listening))
}

/// Waits until a daemon exposes just what is documented.
async fn exposes(address: &str, documented: &Metrics) -> anyhow::Result<()> {
    eventually("what is documented is exposed", LOADED_WITHIN, async || {
        let (status, text) = page(address, "/metrics")?;
        ensure!(status == 200, "{status}");
        let exposed = exposed(&text)?;
        let missing: Vec<_> = documented.keys().filter(|it| !exposed.contains_key(*it)).collect();
        ensure!(missing.is_empty(), "documented and not exposed: {missing:?}");
        for (name, found) in &exposed {
            let expected = documented.get(name);
            ensure!(expected == Some(found), "{name}: {found:?}, documented as {expected:?}");
        }
        Ok(())
    })
    .await
}

#[test]
fn the_document_lists_every_metric_as_the_code_describes_it() -> anyhow::Result<()> {
    for (heading, metrics) in [("Aggregator", &aggregator::ALL[..]), ("Collector", &collector::ALL)]
    {
        let (documented, described) = (documented(heading)?, described(metrics));
        for (name, expected) in &described {
            ensure!(documented.get(name) == Some(expected), "{name} is documented otherwise");
        }
        let unknown: Vec<_> = documented.keys().filter(|it| !described.contains_key(*it)).collect();
        ensure!(unknown.is_empty(), "documented and not there: {unknown:?}");
        for metric in metrics {
            let ends_right = metric.name.ends_with("_total") == (metric.kind == Kind::Counter);
            ensure!(ends_right, "{}: _total is for counters", metric.name);
            ensure!(!metric.labels.contains(&"commune"), "{}", metric.name);
        }
    }
    Ok(())
}

/// Names of metrics in a text, without what a histogram adds.
fn named(text: &str) -> BTreeSet<&str> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_word(letter));
    let names = words.filter(|it| it.starts_with("phuxanh_") || it.starts_with("process_"));
    names.map(|it| it.strip_suffix("_bucket").unwrap_or(it)).collect()
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_there_are() -> anyhow::Result<()> {
    let mut known = documented("Aggregator")?;
    known.extend(documented("Collector")?);
    for file in ["deploy/prometheus/alerts.yaml", "deploy/grafana/phuxanh.json"] {
        let text = text(file)?;
        let names = named(&text);
        ensure!(names.len() > 10, "{file} names {} metrics", names.len());
        let unknown: Vec<_> = names.iter().filter(|it| !known.contains_key(**it)).collect();
        ensure!(unknown.is_empty(), "{file} asks for {unknown:?}");
    }
    Ok(())
}

#[test]
fn every_alert_is_tested_and_has_its_entry_in_the_runbook() -> anyhow::Result<()> {
    let [rules, tests] =
        ["alerts", "alerts.test"].map(|name| text(&format!("deploy/prometheus/{name}.yaml")));
    let (rules, tests, runbook) = (rules?, tests?, text("docs/operate.md")?);
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: BTreeSet<_> = alerts.collect();
    let headings: BTreeSet<_> = runbook.lines().filter_map(|it| it.strip_prefix("### ")).collect();
    ensure!(alerts == headings, "alerts {alerts:?}, runbook {headings:?}");
    for alert in alerts {
        let (name, link) = (format!("alertname: {alert}"), alert.to_lowercase());
        ensure!(tests.lines().any(|line| line.trim() == name), "{alert} is not tested");
        let link = format!("runbook: docs/operate.md#{link}");
        ensure!(rules.lines().any(|line| line.trim() == link), "{alert} has no link");
        let entry = runbook.split("### ").find(|entry| entry.starts_with(alert));
        for part in ["**Meaning.**", "**Look.**", "**Do.**"] {
            ensure!(entry.is_some_and(|entry| entry.contains(part)), "{alert} lacks {part}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn running_daemons_expose_what_is_documented_and_nothing_else() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let (of_aggregator, listening) = ops()?;
    let beating = settings(&[("INGEST__HEARTBEAT_INTERVAL", "500ms")]);
    let setup = Setup {
        // Redis tells of its own bytes.
        store: StoreSetup::Embedded,
        aggregator: [authority.of_server(), listening, beating].concat(),
        ..Setup::default()
    };
    let mut deployment = Deployment::start_with(&[], &setup).await?;
    let certificate = authority.collector("04")?;
    let (of_collector, listening) = ops()?;
    let settings = [authority.of_collector(Some(&certificate)), listening].concat();
    let server = deployment.secured_server()?.to_owned();
    secured::start(&mut deployment, "04", &server, settings)?;
    let sample = Sample::of("04")?;
    deployment.put_file("04", "sample.csv", sample.pieces(1)[0].as_bytes())?;
    exposes(&of_collector, &documented("Collector")?).await?;
    exposes(&of_aggregator, &documented("Aggregator")?).await?;

    let count = sample.reports()?.len();
    let line = "phuxanh_aggregator_observations_total{reporter=\"04\",outcome=\"applied\"}";
    eventually("the sample is counted", LOADED_WITHIN, async || {
        let (_, text) = page(&of_aggregator, "/metrics")?;
        for expected in [
            format!("{line} {count}"),
            "phuxanh_aggregator_audit_verdict{reporter=\"04\",verdict=\"agrees\"} 1".to_owned(),
            "phuxanh_aggregator_lag_batches{reporter=\"04\"} 0".to_owned(),
            "phuxanh_aggregator_session_open{reporter=\"04\"} 1".to_owned(),
            "phuxanh_aggregator_heard_timestamp_seconds{reporter=\"01\"} 0".to_owned(),
        ] {
            ensure!(text.lines().any(|found| found == expected), "{expected} is not in\n{text}");
        }
        let (_, text) = page(&of_collector, "/metrics")?;
        for expected in [
            format!("phuxanh_collector_observations_produced_total {count}"),
            "phuxanh_collector_observations_waiting 0".to_owned(),
            "phuxanh_collector_link_up 1".to_owned(),
            "phuxanh_collector_inbox_files 0".to_owned(),
        ] {
            ensure!(text.lines().any(|found| found == expected), "{expected} is not in\n{text}");
        }
        Ok(())
    })
    .await
}
