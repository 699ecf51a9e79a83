//! `check-config --probe`: tries what the settings of an aggregator point to.

use std::{io, net::SocketAddr};

use phuxanh_daemon::{
    clock::Clock,
    probe::{self, Failed, Report},
};
use tokio::net::TcpListener;

use crate::{
    config::{Config, Store},
    store::redis,
};

/// Tries the addresses, the directory, the certificates and the store. Nothing is written to Redis.
pub async fn run(config: &Config, clock: Clock) -> Report {
    let mut report = Report::default();
    let listeners = &config.listeners;
    let main = Some(("listen", listeners.main));
    let plaintext = listeners.plaintext.map(|address| ("plaintext_listen", address));
    for (setting, address) in main.into_iter().chain(plaintext) {
        report.add(format!("{setting} {address}: listen"), listen(address).await);
    }
    let data_dir = &config.audit_log.directory;
    report
        .add(format!("data_dir {}: write a file", data_dir.display()), probe::directory(data_dir));
    if let Some(tls) = &listeners.tls {
        report.add("tls: read the files, and hold the key against its certificate", Ok(()));
        for validity in tls.current.borrow().validities() {
            let outcome = probe::validity(validity, clock());
            report.add(format!("{}: look at its validity", validity.subject), outcome);
        }
    }
    if let Store::Redis(config) = &config.store {
        let outcome = redis::probe(config).await.map_err(|error| failed(&error));
        report.add("store.redis: connect, and check the servers", outcome);
    }
    report
}

async fn listen(address: SocketAddr) -> Result<(), Failed> {
    let listening = TcpListener::bind(address).await;
    listening.map(drop).map_err(|error| Failed {
        cause: error.to_string(),
        advice: match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop what listens there, perhaps an aggregator that runs, or choose another port"
            }
            io::ErrorKind::PermissionDenied => "choose a port from 1024 on",
            _ => "choose an address of this host",
        }
        .to_owned(),
    })
}

fn failed(error: &redis::Error) -> Failed {
    let advice = match error {
        redis::Error::Refused(_) => "change the servers or the settings as said",
        _ => "check that Redis runs, store.redis.urls, and the firewall",
    };
    Failed { cause: error.to_string(), advice: advice.to_owned() }
}
