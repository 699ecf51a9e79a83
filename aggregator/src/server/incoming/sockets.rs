//! Sockets that the gRPC services are served on, each with TLS or without.

use std::{future::pending, io, sync::Arc};

use phuxanh_core::delivery::identity::TrustDomain;
use phuxanh_daemon::tls::{Acceptor, Judge};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Duration,
};

use super::{Accepted, opening::Secured};
use crate::{config::Listeners, server::Error};

/// Listening sockets.
pub(in crate::server) struct Sockets {
    main: TcpListener,
    /// TLS of the main socket.
    tls: Option<Tls>,
    /// Socket for plain text beside TLS.
    plaintext: Option<TcpListener>,
}

struct Tls {
    judge: Judge,
    trust_domain: Option<TrustDomain>,
    handshake_timeout: Duration,
}

impl Sockets {
    /// Binds the listeners of the configuration.
    pub(in crate::server) async fn bind(listeners: &Listeners) -> Result<Self, Error> {
        let bind = async |setting, address| {
            let bound = TcpListener::bind(address).await;
            bound.map_err(|source| Error::Listen { setting, address, source })
        };
        let main = bind("listen", listeners.main).await?;
        let plaintext = match listeners.plaintext {
            Some(address) => Some(bind("plaintext_listen", address).await?),
            None => None,
        };
        let tls = listeners.tls.as_ref().map(|tls| Tls {
            judge: tls.judge.clone(),
            trust_domain: tls.trust_domain.clone(),
            handshake_timeout: tls.handshake_timeout,
        });
        Ok(Self { main, tls, plaintext })
    }

    /// Waits for a connection. Cancelling it loses none.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        let (accepted, is_tls) = tokio::select! {
            accepted = self.main.accept() => (accepted, self.tls.is_some()),
            accepted = accept_on(self.plaintext.as_ref()) => (accepted, false),
        };
        let (stream, address) = accepted?;
        stream.set_nodelay(true)?;
        Ok(Accepted { stream, address: address.ip(), is_tls })
    }

    /// Judge of the certificates that connections of the main socket have shown.
    pub(super) fn judge(&self) -> Option<&Judge> {
        self.tls.as_ref().map(|tls| &tls.judge)
    }

    /// TLS for a connection of the main socket, if it serves TLS.
    pub(super) fn secured(&self) -> Option<Secured> {
        let tls = self.tls.as_ref()?;
        Some(Secured {
            acceptor: Acceptor::from(Arc::clone(&tls.judge.current.borrow().config)),
            trust_domain: tls.trust_domain.clone(),
            handshake_timeout: tls.handshake_timeout,
        })
    }
}

async fn accept_on(
    listener: Option<&TcpListener>,
) -> io::Result<(TcpStream, std::net::SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}
