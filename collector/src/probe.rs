//! `check-config --probe`: tries what the settings of a collector point to.

use phuxanh_daemon::{
    clock::Clock,
    probe::{self, Failed, Report},
};

use crate::{config::Config, delivery};

/// Tries the directories, the certificate and every aggregator. No stream is opened, so a collector
/// that runs for the reporter is not disturbed.
pub async fn run(config: &Config, clock: Clock) -> Report {
    let mut report = Report::default();
    for (setting, path) in [("folder.path", &config.folder.path), ("data_dir", &config.data_dir)] {
        report.add(format!("{setting} {}: write a file", path.display()), probe::directory(path));
    }
    if let Some(tls) = &config.tls {
        report.add("tls: read the files, and hold the key against its certificate", Ok(()));
        for validity in tls.own_validity() {
            let outcome = probe::validity(&validity, clock());
            report.add(format!("{}: look at its validity", validity.subject), outcome);
        }
    }
    for endpoint in &config.endpoints {
        let reporter = config.session.reporter;
        let within = config.session.connect_timeout + config.session.welcome_timeout;
        let outcome = delivery::probe(endpoint, reporter, within).await;
        let outcome = outcome.map_err(|failure| Failed {
            cause: failure.to_string(),
            advice: failure.kind.advice().to_owned(),
        });
        report.add(
            format!("aggregator {endpoint}: connect, and ask for reporter {reporter}"),
            outcome,
        );
    }
    report
}
