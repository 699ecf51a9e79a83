//! Listens and answers within bounds, so that whoever reaches it can neither fill memory nor keep
//! probes out for long.

use std::{convert::Infallible, future::pending, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{
    metric::{Exposition, Metric, Recorded},
    page::{Build, Page, Phase, Watched, page},
};

/// Connections that are open at once; further ones wait in the system's queue.
const CONNECTION_COUNT_MAX: usize = 16;
/// Longest life of a connection, which carries one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time until the head of its request has come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of the head of a request, the least that hyper takes.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Time between two tidyings of what was recorded.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);
/// Wait after a connection that could not be accepted.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Error that keeps the listener from starting.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("ops.listen: cannot bind {address}: choose another address, or \"off\"")]
    Bind { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Recorded(#[from] Recorded),
}

/// The listener, before it answers.
#[derive(Debug)]
pub struct Listener {
    /// `None` where it is off.
    socket: Option<TcpListener>,
    exposition: Exposition,
}

impl Listener {
    /// Binds the address, if there is one, and from then on records these metrics.
    pub async fn bind(
        address: Option<SocketAddr>,
        recorded: &[&'static Metric],
    ) -> Result<Self, Error> {
        let Some(address) = address else {
            return Ok(Self { socket: None, exposition: Exposition::default() });
        };
        let bound = Self::at(address, Exposition::default()).await?;
        Ok(Self { exposition: Exposition::install(recorded)?, ..bound })
    }

    async fn at(address: SocketAddr, exposition: Exposition) -> Result<Self, Error> {
        let bound = TcpListener::bind(address).await;
        let socket = bound.map_err(|source| Error::Bind { address, source })?;
        info!(%address, "ops listener: /livez, /readyz, /metrics, /build");
        if !address.ip().to_canonical().is_loopback() {
            warn!(
                %address,
                "ops.listen: whoever reaches this address can read metrics, which name provinces"
            );
        }
        Ok(Self { socket: Some(socket), exposition })
    }

    /// Answers for as long as it is polled.
    pub async fn serve<W: Watched>(
        self,
        phase: watch::Receiver<Phase<W>>,
        build: Build,
    ) -> Infallible {
        let Some(socket) = self.socket else { return pending().await };
        let mut connections = JoinSet::new();
        let mut tidying = interval(TIDY_INTERVAL);
        loop {
            tokio::select! {
                accepted = socket.accept(), if connections.len() < CONNECTION_COUNT_MAX => {
                    match accepted {
                        Ok((stream, _)) => {
                            let exposition = self.exposition.clone();
                            let answering = answer(stream, phase.clone(), build, exposition);
                            connections.spawn(timeout(CONNECTION_TIMEOUT, answering));
                        }
                        Err(error) => {
                            warn!(%error, "cannot accept a connection at ops.listen");
                            sleep(ACCEPT_BACKOFF).await;
                        }
                    }
                }
                // However it ended, it makes room.
                Some(_) = connections.join_next() => {}
                _ = tidying.tick() => self.exposition.tidy(),
            }
        }
    }
}

/// Answers the one request of a connection.
async fn answer<W: Watched>(
    stream: TcpStream,
    phase: watch::Receiver<Phase<W>>,
    build: Build,
    exposition: Exposition,
) {
    let answering = service_fn(|request: Request<Incoming>| {
        let (phase, exposition) = (phase.borrow().clone(), &exposition);
        async move {
            let path = request.uri().path();
            let page = page(request.method(), path, phase, build, exposition).await;
            Ok::<_, Infallible>(response(page))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answering);
    if let Err(error) = served.await {
        debug!(%error, "a request at ops.listen was not answered");
    }
}

fn response(Page { status, content_type, body }: Page) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .body(Full::from(body))
        .expect("a status and a fixed header make a response")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{ops::Sample, tasks::Vitals};

    const BUILD: Build = Build { program: "phuxanh-test", version: "1", commit: None };
    const WITHIN: Duration = Duration::from_secs(30);

    #[derive(Clone)]
    struct Ready(Vitals);

    impl Watched for Ready {
        fn vitals(&self) -> &Vitals {
            &self.0
        }

        async fn unready(&self) -> Vec<String> {
            Vec::new()
        }

        async fn samples(&self) -> Vec<Sample> {
            Vec::new()
        }
    }

    /// A listener that serves, and its address.
    async fn serving() -> (JoinSet<Infallible>, SocketAddr) {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::at(any, Exposition::default()).await.expect("a port is free");
        let address = listener.socket.as_ref().and_then(|it| it.local_addr().ok());
        let phase = watch::Sender::new(Phase::Running(Ready(Vitals::default())));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let receiver = phase.subscribe();
            listener.serve(receiver, BUILD).await
        });
        (serving, address.expect("it is bound"))
    }

    /// All that is answered until the connection is closed.
    async fn exchange(address: SocketAddr, request: &[u8]) -> String {
        let talking = async {
            let mut stream = TcpStream::connect(address).await.expect("it listens");
            // It may be refused before it is written as a whole.
            drop(stream.write_all(request).await);
            let mut bytes = Vec::new();
            drop(stream.read_to_end(&mut bytes).await);
            String::from_utf8_lossy(&bytes).into_owned()
        };
        timeout(WITHIN, talking).await.expect("it is closed in time")
    }

    #[tokio::test]
    async fn one_request_is_answered_and_the_connection_closed() {
        let (_serving, address) = serving().await;
        let answered = exchange(address, b"GET /readyz HTTP/1.1\r\nhost: here\r\n\r\n").await;
        assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
        assert!(answered.contains("connection: close\r\n"), "{answered}");
        assert!(answered.ends_with("\r\n\r\nok\n"), "{answered}");
    }

    #[tokio::test]
    async fn a_head_without_bound_is_refused() {
        let (_serving, address) = serving().await;
        let long = format!("GET /livez HTTP/1.1\r\nlong: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
        let answered = exchange(address, long.as_bytes()).await;
        assert!(!answered.contains("200 OK"), "{answered}");
    }

    #[tokio::test]
    async fn silent_connections_keep_nobody_out_for_long() {
        let (_serving, address) = serving().await;
        let mut silent = Vec::new();
        for _ in 0..CONNECTION_COUNT_MAX {
            silent.push(TcpStream::connect(address).await.expect("it listens"));
        }
        let answered = exchange(address, b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n").await;
        assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
        assert_eq!(silent.len(), CONNECTION_COUNT_MAX);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error_that_names_the_setting() {
        let (_serving, address) = serving().await;
        let again = Listener::at(address, Exposition::default());
        let error = again.await.expect_err("the port is taken");
        let expected =
            format!("ops.listen: cannot bind {address}: choose another address, or \"off\"");
        assert_eq!(error.to_string(), expected);
    }
}
