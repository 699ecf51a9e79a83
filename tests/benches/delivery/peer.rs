//! The other process: an aggregator on an empty store, and beside it a service of the same shape
//! that only counts.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use phuxanh_aggregator::{
    config::{Config, Settings},
    server,
};
use phuxanh_daemon::{clock, ops::Listen};
use phuxanh_proto::v1::{
    Ack, DeliverRequest, DeliverResponse, ListOtherValuesRequest, ListOtherValuesResponse,
    collection_service_server::{CollectionService, CollectionServiceServer},
    deliver_request, deliver_response,
};
use phuxanh_tests::harness::{eventually, free_port};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use crate::cores::Cores;

const STARTED_WITHIN: Duration = Duration::from_secs(20);

/// Store of the peer's aggregator.
pub enum Store {
    Embedded,
    /// Reached by its address.
    Redis(String),
}

/// The running peer; it ends with this value.
pub struct Peer {
    pub aggregator: String,
    pub bare: String,
    child: Child,
    /// The peer serves until this is closed.
    until: Option<ChildStdin>,
}

impl Peer {
    /// Starts this program again as the peer.
    pub fn start(cores: &Cores, data_dir: &Path, store: &Store) -> anyhow::Result<Self> {
        let mut command = cores.of_peer(&std::env::current_exe()?);
        command.arg("peer").arg(data_dir);
        if let Store::Redis(url) = store {
            command.arg(url);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the peer does not start")?;
        let (until, said) = (child.stdin.take(), child.stdout.take());
        let mut lines = BufReader::new(said.context("the peer is piped")?).lines();
        let mut url = || -> anyhow::Result<String> {
            Ok(format!("http://{}", lines.next().context("the peer ended")??))
        };
        let (aggregator, bare) = (url(), url());
        Ok(Self { aggregator: aggregator?, bare: bare?, child, until })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order.
    pub fn end(mut self) -> anyhow::Result<()> {
        self.until = None;
        let status = self.child.wait()?;
        ensure!(status.success(), "the peer: {status}");
        Ok(())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.until = None;
        // It has ended where all went well.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// Serves until the standard input is closed; says both addresses first.
pub fn serve(data_dir: &Path, redis: Option<&str>) -> anyhow::Result<()> {
    // As many workers as the daemon would have on the cores that it may use.
    tokio::runtime::Runtime::new()?.block_on(async {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut settings = Settings {
            listen: address.to_string(),
            data_dir: data_dir.to_owned(),
            ..Settings::default()
        };
        settings.ops.listen = Listen("off".to_owned());
        if let Some(url) = redis {
            "redis".clone_into(&mut settings.store.kind);
            settings.store.redis.urls = vec![url.to_owned()];
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let aggregator = server::run(Config::new(&settings)?, clock::now, async {
            drop(stopped.await);
        });
        let aggregator = tokio::spawn(aggregator);
        eventually("the aggregator listens", STARTED_WITHIN, async || {
            Ok(TcpStream::connect(address).await?)
        })
        .await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout();
        writeln!(out, "{address}\n{}", listener.local_addr()?)?;
        out.flush()?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let bare = CollectionServiceServer::new(Bare);
        let bare = tokio::spawn(Server::builder().add_service(bare).serve_with_incoming(incoming));
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        bare.abort();
        drop(stop);
        Ok(aggregator.await??)
    })
}

/// Takes batches and forgets them; acknowledges the last one once the stream ends.
struct Bare;

#[tonic::async_trait]
impl CollectionService for Bare {
    type DeliverStream = ReceiverStream<Result<DeliverResponse, Status>>;

    async fn deliver(
        &self,
        request: Request<Streaming<DeliverRequest>>,
    ) -> Result<Response<Self::DeliverStream>, Status> {
        let (answer, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            let ack = count(request.into_inner()).await;
            // Where the caller is gone, so is the need to tell it.
            drop(answer.send(ack).await);
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    async fn list_other_values(
        &self,
        _: Request<ListOtherValuesRequest>,
    ) -> Result<Response<ListOtherValuesResponse>, Status> {
        Err(Status::unimplemented("a peer that keeps nothing"))
    }
}

async fn count(mut frames: Streaming<DeliverRequest>) -> Result<DeliverResponse, Status> {
    let mut through = 0;
    while let Some(frame) = frames.message().await? {
        if let Some(deliver_request::Frame::Batch(batch)) = frame.frame {
            through = batch.sequence;
        }
    }
    let ack = Ack { applied_through: through, ..Ack::default() };
    Ok(DeliverResponse { frame: Some(deliver_response::Frame::Ack(ack)) })
}
