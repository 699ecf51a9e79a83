//! Calls over HTTP/2 that need not keep to gRPC, from any address of this host.

use std::net::IpAddr;

use anyhow::Context;
use bytes::Bytes;
use h2::{
    SendStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

/// Opens a connection to a server from an address of this host, 127.0.0.1 to 127.0.0.255.
pub async fn connect_from(from: u8, server: &str) -> anyhow::Result<TcpStream> {
    let server = server.strip_prefix("http://").context("a URL")?.parse()?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::from([127, 0, 0, from]), 0).into())?;
    Ok(socket.connect(server).await?)
}

/// HTTP/2 connection, whose calls need not keep to gRPC.
pub struct Caller {
    calls: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Caller {
    /// Connects from an address of this host.
    pub async fn connect(from: u8, server: &str) -> anyhow::Result<Self> {
        Self::connect_with(&Builder::new(), from, server).await
    }

    /// Connects with windows and limits of the caller's choice.
    pub async fn connect_with(http: &Builder, from: u8, server: &str) -> anyhow::Result<Self> {
        let stream = connect_from(from, server).await?;
        let (calls, connection) = http.handshake(stream).await?;
        Ok(Self { calls, connection: tokio::spawn(connection) })
    }

    /// Begins a call with the first bytes of its body.
    pub async fn begin(
        &self,
        method: &str,
        bytes: impl Into<Bytes>,
    ) -> anyhow::Result<(ResponseFuture, SendStream<Bytes>)> {
        let request = http::Request::post(format!("http://aggregator/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        let mut calls = self.calls.clone().ready().await?;
        let (answer, mut body) = calls.send_request(request, false)?;
        body.send_data(bytes.into(), false)?;
        Ok((answer, body))
    }

    /// Makes a whole call.
    pub async fn call(
        &self,
        method: &str,
        bytes: impl Into<Bytes>,
    ) -> anyhow::Result<ResponseFuture> {
        let (answer, mut body) = self.begin(method, bytes).await?;
        body.send_data(Bytes::new(), true)?;
        Ok(answer)
    }

    /// Calls that the server lets this connection have open.
    #[must_use]
    pub fn streams_max(&self) -> usize {
        self.calls.current_max_send_streams()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
