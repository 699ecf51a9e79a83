//! Hosts: the shells of both daemons, on files of their own.

use std::{
    future::{pending, ready},
    io,
    net::Ipv4Addr,
    path::PathBuf,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use phuxanh_aggregator::{config as aggregator_config, server, store};
use phuxanh_collector::{
    config as collector_config,
    delivery::{self, Delivery, Dialing, Wire, random},
    source::Trouble,
    spool::{self, OpenError, Spool},
};
use phuxanh_core::{LogId, Timestamp};
use phuxanh_daemon::{ops::Phase, settings::Host};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, watch},
    time::interval,
};
use tonic::transport::{Uri, server::Connected};
use turmoil::net::{TcpListener, TcpStream};

use super::{AGGREGATOR_URL, FILE_INTERVAL, province::Province};

/// Time until a host that could not start tries again.
const RESTART_INTERVAL: Duration = Duration::from_millis(100);
/// Small, so that a file is some batches.
const BATCH_OBSERVATIONS_MAX: usize = 10;
const PORT: u16 = 7400;

/// All hosts have one time of day, which moves with the simulation. What is observed lies before it.
fn clock() -> Timestamp {
    let start: Timestamp = "2025-09-03 08:00".parse().expect("a time");
    start.plus(turmoil::sim_elapsed().unwrap_or_default())
}

/// An aggregator on the store of a directory, until it crashes.
pub async fn aggregator(directory: Rc<PathBuf>) -> turmoil::Result {
    let settings = aggregator_config::Settings {
        data_dir: directory.to_path_buf(),
        ..aggregator_config::Settings::default()
    };
    let config = aggregator_config::Config::new(&settings)?;
    let mut tries = interval(RESTART_INTERVAL);
    loop {
        tries.tick().await;
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
        let (listening, phase) =
            (|_| ready(Ok(incoming(listener))), watch::Sender::new(Phase::Starting));
        match server::serve(config.clone(), clock, listening, &phase, pending()).await {
            Err(server::Error::Store(store::Error::InUse { .. })) => {}
            ended => return Ok(ended?),
        }
    }
}

/// A collector on the spool of a province, until it crashes.
pub async fn collector(province: Rc<Province>) -> turmoil::Result {
    let mut settings = collector_config::Settings {
        reporter: province.code.clone(),
        aggregators: vec![AGGREGATOR_URL.to_owned()],
        host: Host(province.code.clone()),
        data_dir: province.directory.clone(),
        ..collector_config::Settings::default()
    };
    settings.spool.batch_observation_count_max = BATCH_OBSERVATIONS_MAX;
    let config = collector_config::Config::new(&settings)?;
    let mut tries = interval(RESTART_INTERVAL);
    let Spool { handle, log, .. } = loop {
        tries.tick().await;
        match spool::open(&config.data_dir, config.spool, LogId(random()), clock) {
            Err(OpenError::InUse { .. }) => {}
            opened => break opened?,
        }
    };
    let endpoints = config.endpoints.into_iter().map(|endpoint| endpoint.dialled_by(dial));
    let delivery = Delivery {
        config: config.session,
        endpoints: endpoints.collect(),
        spool: handle.clone(),
        log,
        trouble: watch::channel(Trouble::default()).1,
        link_state: watch::Sender::default(),
        superseded: mpsc::channel(1).0,
        clock,
    };
    tokio::select! {
        ended = read(&province, &handle) => ended?,
        () = delivery::run(delivery, pending()) => {}
    }
    Err("a part of the collector ended without being asked".into())
}

/// Reads a province's files one by one. A file whose appending was not answered is read again.
async fn read(province: &Province, spool: &spool::Handle) -> Result<(), spool::Error> {
    let mut pace = interval(FILE_INTERVAL);
    while let Some(file) = province.next_file() {
        pace.tick().await;
        spool.append(file).await?;
        province.file_was_read();
    }
    pending().await
}

/// Dials over the simulated network.
pub fn dial(uri: Uri) -> Dialing {
    Box::pin(async move {
        let host = uri.host().unwrap_or_default().to_owned();
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(PORT))).await?;
        Ok(Box::new(stream) as Box<dyn Wire>)
    })
}

/// Connections as they come in.
fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Connection>> {
    stream::unfold(listener, |listener| async {
        let accepted = listener.accept().await.map(|(stream, _)| Connection(stream));
        Some((accepted, listener))
    })
}

/// A simulated connection, of which tonic need not know more.
struct Connection(TcpStream);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
