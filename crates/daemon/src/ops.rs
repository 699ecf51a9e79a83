//! The ops listener: a second, plain HTTP/1.1 listener that tells machines how a daemon is.
//!
//! ```text
//! probe, scrape ─▶ listener (bounds) ─▶ page: what is true, as text ◀── Watched, by the daemon
//! health subcommand ── asks ──▶ /readyz of the same settings
//! ```
//!
//! Serves no figures of communes, and takes no orders. Knows no province: a daemon brings what its
//! pages are made from as [`Watched`].

mod ask;
mod listener;
mod metric;
mod page;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Deserialize;

use crate::settings::Faults;

pub use ask::Health;
pub use listener::{Error, Listener};
pub use metric::{Exposition, Kind, MEMORY, Metric, Recorded, Sample, Value};
pub use metrics::Unit;
pub use page::{Build, Phase, Watched};

/// Value of `ops.listen` that switches the listener off.
const OFF: &str = "off";

/// Setting `ops.listen`: address and port of the listener, or `off`.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Listen(pub String);

impl Listen {
    /// A port of loopback, which is the default of a daemon.
    #[must_use]
    pub fn on_loopback(port: u16) -> Self {
        Self(SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string())
    }

    /// Address of the listener; `None` where it is off, or faulty.
    pub fn address(&self, faults: &mut Faults) -> Option<SocketAddr> {
        if self.0 == OFF {
            return None;
        }
        let found = self.0.parse().map_err(|_| {
            format!("\"{}\" is not an address, expected for example 127.0.0.1:7410, or off", self.0)
        });
        faults.check("ops.listen", found)
    }

    /// Asks the daemon that listens here whether it is ready.
    pub async fn health(&self) -> Result<Health, Faults> {
        let mut faults = Faults::default();
        let address = self.address(&mut faults);
        if faults.is_empty() { Ok(ask::ask(address).await) } else { Err(faults) }
    }
}

/// Address at which this machine reaches a listener.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(listen: &str) -> (Option<SocketAddr>, String) {
        let mut faults = Faults::default();
        (Listen(listen.to_owned()).address(&mut faults), faults.to_string())
    }

    #[test]
    fn the_listener_is_on_loopback_unless_told_and_can_be_off() {
        let Listen(listen) = Listen::on_loopback(7410);
        assert_eq!(listen, "127.0.0.1:7410");
        assert_eq!(address(&listen), (listen.parse().ok(), String::new()));
        assert_eq!(address("off"), (None, String::new()));
        let expected =
            "ops.listen: \"7410\" is not an address, expected for example 127.0.0.1:7410, or off";
        assert_eq!(address("7410"), (None, expected.to_owned()));
    }

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        let cases = [
            ("0.0.0.0:7410", "127.0.0.1:7410"),
            ("[::]:7410", "[::1]:7410"),
            ("192.0.2.1:7410", "192.0.2.1:7410"),
        ];
        for (listening, expected) in cases {
            let listening = listening.parse().expect("an address");
            assert_eq!(reachable(listening).to_string(), expected);
        }
    }
}
