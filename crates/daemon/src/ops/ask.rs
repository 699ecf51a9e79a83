//! Asks a running daemon whether it is ready, as a health check of containers does.

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header::HOST};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::reachable;
use crate::telemetry;

/// Longest time that an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Readiness of a daemon, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub is_ready: bool,
    /// For operators: `ok`, or the reasons against it.
    pub told: String,
}

impl Health {
    /// Writes it to standard output, and returns the exit code of a health check.
    pub fn tell(&self) -> io::Result<ExitCode> {
        telemetry::say(&self.told)?;
        Ok(if self.is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Asks the listener of this address. A daemon that cannot be asked is not ready.
pub(super) async fn ask(listening: Option<SocketAddr>) -> Health {
    let not_ready = |told| Health { is_ready: false, told };
    let Some(listening) = listening else {
        return not_ready("ops.listen is off: nobody can be asked for health".to_owned());
    };
    let address = reachable(listening);
    match timeout(ANSWER_TIMEOUT, readiness(address)).await {
        Ok(Ok(health)) => health,
        Ok(Err(error)) => not_ready(format!("cannot ask {address} (ops.listen): {error}")),
        Err(_) => {
            not_ready(format!("no answer from {address} (ops.listen) within {ANSWER_TIMEOUT:?}"))
        }
    }
}

async fn readiness(address: SocketAddr) -> Result<Health, Failure> {
    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/readyz").header(HOST, address.to_string());
    let request = request.body(Empty::<Bytes>::new())?;
    let answering = async move {
        let answer = requests.send_request(request).await?;
        let is_ready = answer.status() == StatusCode::OK;
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await?;
        let told = String::from_utf8_lossy(&body.to_bytes()).trim_end().to_owned();
        Ok(Health { is_ready, told })
    };
    let mut answering = std::pin::pin!(answering);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        answered = &mut answering => answered,
        // Its end may bring the answer.
        _ = &mut connection => answering.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_cannot_be_asked_is_not_ready() {
        let off = ask(None).await;
        assert_eq!((off.is_ready, off.told.contains("off")), (false, true), "{}", off.told);
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = socket.local_addr().expect("it is bound");
        drop(socket);
        let Health { is_ready, told } = ask(Some(address)).await;
        assert!(!is_ready);
        assert!(told.starts_with(&format!("cannot ask {address} (ops.listen): ")), "{told}");
    }
}
