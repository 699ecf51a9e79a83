//! Check that the aggregator's port is free.

use std::{io, net::TcpListener};

/// A port that the aggregator cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    #[error(
        "port {0} on 127.0.0.1 is in use, perhaps by another demo: stop that, or choose another \
         with --port, for example --port {1}"
    )]
    Busy(u16, u16),
    #[error(
        "port {0} on 127.0.0.1 may not be used ({1}): choose one with --port, for example --port 7400"
    )]
    Refused(u16, io::ErrorKind),
}

/// Binds the port and lets it go again.
pub fn check(port: u16) -> Result<(), PortError> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(PortError::Busy(port, other(port)))
        }
        Err(error) => Err(PortError::Refused(port, error.kind())),
    }
}

const fn other(port: u16) -> u16 {
    match port.checked_add(100) {
        Some(port) => port,
        None => port - 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_named_with_the_way_out() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).expect("some port is free");
        let port = taken.local_addr().expect("bound").port();
        let error = check(port).expect_err("the port is taken");
        assert_eq!(error, PortError::Busy(port, other(port)));
        assert!(error.to_string().contains("--port"));
        drop(taken);
        assert_eq!(check(port), Ok(()));
    }
}
