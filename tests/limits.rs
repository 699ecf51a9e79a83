//! The bounds of section `limits` keep the aggregator reachable: neither silent connections, nor
//! calls that never end, nor requests without measure shut anybody out.
//!
//! A real aggregator runs with small limits. Connections come from several addresses of this host.

use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use h2::client::ResponseFuture;
use phuxanh_proto::v1::{RankLocalitiesRequest, ranking_service_client::RankingServiceClient};
use phuxanh_tests::harness::{
    Caller, Client, Deployment, Process, Setup, connect_from, eventually, settings,
};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, timeout},
};
use tonic::{Code, Status};

const AGGREGATOR: Process = Process::Aggregator;
/// Time in which an aggregator answers that is not shut out.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// Time that a slow machine may take beyond a timeout.
const SLACK: Duration = Duration::from_secs(5);
const RANKING: &str = "phuxanh.v1.RankingService/RankLocalities";

/// One unary method of each service that has one.
const METHODS: [&str; 8] = [
    "phuxanh.v1.MeshService/ListCollectors",
    RANKING,
    "phuxanh.v1.LocalityService/GetLocality",
    "phuxanh.v1.CatalogueService/GetCatalogue",
    "phuxanh.v1.InsightService/GetGap",
    "phuxanh.v1.QualityService/ListFlags",
    "phuxanh.v1.TrendService/GetTrend",
    "grpc.health.v1.Health/Check",
];

async fn deployment(provinces: &[&str], limits: &[(&str, &str)]) -> anyhow::Result<Deployment> {
    let keys = limits.iter().map(|(key, value)| (format!("LIMITS__{key}"), *value));
    let keys: Vec<_> = keys.collect();
    let limits: Vec<_> = keys.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let setup = Setup { aggregator: settings(&limits), ..Setup::default() };
    Deployment::start_with(provinces, &setup).await
}

/// True if the other end has closed the connection.
fn is_closed(connection: &TcpStream) -> bool {
    let mut bytes = [0; 1_024];
    loop {
        match connection.try_read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// Opens a connection from an address of this host, 127.0.0.1 to 127.0.0.255.
async fn connect(deployment: &Deployment, from: u8) -> anyhow::Result<TcpStream> {
    connect_from(from, deployment.server()).await
}

async fn caller_from(deployment: &Deployment, from: u8) -> anyhow::Result<Caller> {
    Caller::connect(from, deployment.server()).await
}

/// Makes a whole call with an empty message, to see that the connection is served.
async fn is_answered(caller: &Caller) -> anyhow::Result<()> {
    let answered = async {
        let answer = caller.call("grpc.health.v1.Health/Check", &[0; 5][..]).await?.await?;
        ensure!(answer.status() == http::StatusCode::OK, "{answer:?}");
        Ok(())
    };
    timeout(ANSWERED_WITHIN, answered).await?
}

/// Status of an answer that consists of it.
async fn refusal(answer: ResponseFuture) -> anyhow::Result<Status> {
    let answer = answer.await?;
    Status::from_header_map(answer.headers()).with_context(|| format!("{answer:?}"))
}

async fn is_serving(client: &Client) -> anyhow::Result<()> {
    timeout(ANSWERED_WITHIN, client.is_serving()).await.context("no answer")?
}

#[tokio::test]
async fn silent_connections_shut_nobody_out_and_are_closed() -> anyhow::Result<()> {
    const PREFACE_TIMEOUT: Duration = Duration::from_secs(5);
    let limits = [
        ("CONNECTION_COUNT_MAX", "24"),
        ("CONNECTIONS_PER_ADDRESS_MAX", "16"),
        ("PREFACE_TIMEOUT", "5s"),
    ];
    let deployment = deployment(&[], &limits).await?;
    let opened = Instant::now();
    let mut silent = Vec::new();
    for from in [2, 3, 1] {
        for _ in 0..20 {
            silent.push(connect(&deployment, from).await?);
        }
    }
    // From the same address as the last of them, while they may still be silent.
    is_serving(&deployment.client()?).await?;
    is_answered(&caller_from(&deployment, 4).await?).await?;
    ensure!(opened.elapsed() < PREFACE_TIMEOUT, "answered after {:?}", opened.elapsed());
    let within = (PREFACE_TIMEOUT + SLACK).saturating_sub(opened.elapsed());
    eventually("the silent connections are closed", within, async || {
        silent.retain(|connection| !is_closed(connection));
        ensure!(silent.is_empty(), "{} are open", silent.len());
        Ok(())
    })
    .await?;
    deployment.says(&AGGREGATOR, "limits.connections_per_address_max").await?;
    is_serving(&deployment.client()?).await
}

#[tokio::test]
async fn an_address_gets_no_more_than_its_connections() -> anyhow::Result<()> {
    let deployment = deployment(&[], &[("CONNECTIONS_PER_ADDRESS_MAX", "3")]).await?;
    let mut callers = Vec::new();
    for _ in 0..3 {
        let caller = caller_from(&deployment, 2).await?;
        is_answered(&caller).await?;
        callers.push(caller);
    }
    let mut refused = connect(&deployment, 2).await?;
    let closed = timeout(ANSWERED_WITHIN, refused.read(&mut [0; 64])).await?;
    ensure!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    deployment.says(&AGGREGATOR, "limits.connections_per_address_max").await?;
    for caller in &callers {
        is_answered(caller).await?;
    }
    is_answered(&caller_from(&deployment, 3).await?).await?;
    callers.truncate(2);
    eventually("the free slot is taken", SLACK, async || {
        is_answered(&caller_from(&deployment, 2).await?).await
    })
    .await
}

#[tokio::test]
async fn the_connection_limit_follows_the_descriptors() -> anyhow::Result<()> {
    let deployment = deployment(&[], &[("DESCRIPTORS_RESERVED", "1000000000")]).await?;
    deployment.says(&AGGREGATOR, "connection limit lowered").await?;
    let mut caller = caller_from(&deployment, 2).await?;
    eventually("the only slot is free", SLACK, async || {
        if is_answered(&caller).await.is_err() {
            caller = caller_from(&deployment, 2).await?;
        }
        is_answered(&caller).await
    })
    .await?;
    let mut refused = connect(&deployment, 3).await?;
    let closed = timeout(ANSWERED_WITHIN, refused.read(&mut [0; 64])).await?;
    ensure!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    deployment.says(&AGGREGATOR, "limits.connection_count_max").await
}

#[tokio::test]
async fn calls_that_never_end_are_ended_and_sessions_are_not() -> anyhow::Result<()> {
    const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
    const WITHOUT_END: [&[u8]; 3] = [&[], &[0, 0, 0, 0, 8, 1, 2, 3], &[0; 5]];
    let deployment = deployment(&["04"], &[("REQUEST_TIMEOUT", "1s")]).await?;
    deployment.says(&AGGREGATOR, "session opened").await?;
    let caller = caller_from(&deployment, 1).await?;
    let (mut answers, mut bodies) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    for bytes in WITHOUT_END.repeat(10) {
        let (answer, body) = caller.begin(RANKING, bytes).await?;
        answers.push(refusal(answer));
        bodies.push(body);
    }
    let statuses = timeout(REQUEST_TIMEOUT + SLACK, try_join_all(answers)).await??;
    ensure!(begun.elapsed() >= REQUEST_TIMEOUT, "ended after {:?}", begun.elapsed());
    for status in statuses {
        ensure!(status.code() == Code::DeadlineExceeded, "{status:?}");
        ensure!(status.message().contains("limits.request_timeout (1s)"), "{status:?}");
    }
    let log = deployment.log(&AGGREGATOR)?;
    ensure!(!log.contains("session ended"), "{log}");
    is_serving(&deployment.client()?).await
}

#[tokio::test]
async fn a_request_without_measure_is_refused() -> anyhow::Result<()> {
    /// Head of a message of 8,193 bytes.
    const HEAD: &[u8] = &[0, 0, 0, 0x20, 0x01];
    let deployment = deployment(&[], &[("REQUEST_BYTES_MAX", "8192")]).await?;
    let mut client = RankingServiceClient::new(deployment.client()?.channel());
    let request = |bytes| RankLocalitiesRequest { within: "1".repeat(bytes), ..Default::default() };
    let status = client.rank_localities(request(8_192)).await.expect_err("too large");
    let expected = "request is larger than limits.request_bytes_max (8192 bytes)";
    ensure!((status.code(), status.message()) == (Code::OutOfRange, expected), "{status:?}");
    let status = client.rank_localities(request(8_000)).await.expect_err("no such place");
    ensure!(status.code() == Code::InvalidArgument, "{status:?}");
    let caller = caller_from(&deployment, 1).await?;
    for method in METHODS {
        let (answer, _body) = caller.begin(method, HEAD).await?;
        let status = timeout(ANSWERED_WITHIN, refusal(answer)).await.context(method)??;
        let told = (status.code(), status.message());
        ensure!(told == (Code::OutOfRange, expected), "{method}: {status:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_is_told_how_many_calls_it_may_have_open() -> anyhow::Result<()> {
    let deployment = deployment(&[], &[("STREAMS_PER_CONNECTION_MAX", "7")]).await?;
    let caller = caller_from(&deployment, 1).await?;
    is_answered(&caller).await?;
    let announced = caller.streams_max();
    ensure!(announced == 7, "{announced}");
    Ok(())
}
