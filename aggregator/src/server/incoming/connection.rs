//! One connection that holds a slot and must send its HTTP/2 preface in time.

use std::{
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
    time::{Sleep, sleep},
};
use tonic::transport::server::Connected;

use super::{
    carrier::Carrier,
    handle::Handle,
    opening::{Open, TLS_HANDSHAKE},
    refusals::Mishap,
    slots::Slot,
};

/// Length of the HTTP/2 preface (RFC 9113, 3.4). The HTTP/2 server checks its bytes.
const PREFACE_BYTES: usize = 24;

/// Connection within the limits.
#[derive(Debug)]
pub(in crate::server) struct Connection {
    stream: Carrier,
    /// `None` once the preface has arrived.
    preface: Option<Preface>,
    handle: Handle,
    // Behind the stream, so that its descriptor is free when the slot is.
    slot: Slot,
}

/// Preface on its way.
#[derive(Debug)]
struct Preface {
    missing_bytes: usize,
    /// Told where TLS comes instead.
    mishaps: mpsc::Sender<(Mishap, IpAddr)>,
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(
        open: Open,
        handle: Handle,
        preface_timeout: Duration,
        mishaps: mpsc::Sender<(Mishap, IpAddr)>,
    ) -> Self {
        let deadline = Box::pin(sleep(preface_timeout));
        let preface = Some(Preface { missing_bytes: PREFACE_BYTES, mishaps, deadline });
        Self { stream: open.carrier, preface, handle, slot: open.slot }
    }
}

impl Connected for Connection {
    type ConnectInfo = Handle;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.handle.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, preface, handle, slot } = self.get_mut();
        if slot.poll_close(context).is_ready() {
            let message = "closed for a new connection: it has asked nothing";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, message)));
        }
        let Some(awaited) = preface else { return Pin::new(stream).poll_read(context, buffer) };
        if awaited.deadline.as_mut().poll(context).is_ready() {
            let message = "no HTTP/2 preface within limits.preface_timeout";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(stream).poll_read(context, buffer))?;
        let read_bytes = buffer.filled().len() - before;
        let is_first = awaited.missing_bytes == PREFACE_BYTES;
        if is_first && buffer.filled().get(before) == Some(&TLS_HANDSHAKE) {
            // Where the queue is full, others were counted for the same.
            drop(awaited.mishaps.try_send((Mishap::TlsToPlain, handle.peer().address)));
            let error = io::Error::new(io::ErrorKind::InvalidData, Mishap::TlsToPlain);
            return Poll::Ready(Err(error));
        }
        awaited.missing_bytes = awaited.missing_bytes.saturating_sub(read_bytes);
        if awaited.missing_bytes == 0 {
            *preface = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.handle.note_written(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.handle.note_written(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
