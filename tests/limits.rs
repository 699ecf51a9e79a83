//! The bounds of section `limits` keep the aggregator reachable: neither silent connections, nor
//! calls that never end, nor requests without measure shut anybody out.
//!
//! A real aggregator runs with small limits. Connections come from several addresses of this host.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use h2::client::ResponseFuture;
use phuxanh_proto::v1::{
    self, AlarmKind, RankLocalitiesRequest, ranking_service_client::RankingServiceClient,
};
use phuxanh_tests::harness::{
    Caller, Client, Deployment, Process, Setup, connect_from, eventually, settings,
};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use tonic::{Code, Status};

const AGGREGATOR: Process = Process::Aggregator;
/// Time in which an aggregator answers that is not shut out.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);
/// Time that a slow machine may take beyond a timeout.
const SLACK: Duration = Duration::from_secs(5);
/// A commune of province 01, and one of 04.
const BA_DINH: &str = "00004";
const THUC_PHAN: &str = "01273";
const CATALOGUE: &str = "phuxanh.v1.CatalogueService/GetCatalogue";
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
async fn connections_that_ask_nothing_make_room() -> anyhow::Result<()> {
    let limits = [("CONNECTIONS_PER_ADDRESS_MAX", "3"), ("STREAMS_PER_CONNECTION_MAX", "7")];
    let deployment = deployment(&[], &limits).await?;
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(caller_from(&deployment, 2).await?);
    }
    eventually("the handshakes are over", ANSWERED_WITHIN, async || {
        ensure!(idle.iter().all(|caller| caller.streams_max() == 7));
        Ok(())
    })
    .await?;
    is_answered(&caller_from(&deployment, 2).await?).await
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

/// Waits for the head of an answer, and reads the rest only when it is told to. Returns its bytes.
async fn read_late(
    answer: ResponseFuture,
    headed: Arc<AtomicUsize>,
    mut told: watch::Receiver<bool>,
) -> anyhow::Result<usize> {
    let answer = answer.await?;
    let refused = Status::from_header_map(answer.headers());
    ensure!(refused.is_none(), "{refused:?}");
    let mut body = answer.into_body();
    headed.fetch_add(1, Ordering::SeqCst);
    told.wait_for(|told| *told).await?;
    let mut read_bytes = 0;
    while let Some(part) = body.data().await {
        let part_bytes = part?.len();
        body.flow_control().release_capacity(part_bytes)?;
        read_bytes += part_bytes;
    }
    Ok(read_bytes)
}

#[tokio::test]
async fn answers_are_computed_when_those_before_are_read() -> anyhow::Result<()> {
    const ASKED: usize = 30;
    const ANSWER_BYTES_MIN: usize = 8_000;
    /// Those that fill the window of the connection, one that exceeds it, and those that wait.
    const HEADED_MAX: usize = 65_535 / ANSWER_BYTES_MIN + 1 + 2;
    let deployment = deployment(&[], &[("UNREAD_ANSWERS_PER_CONNECTION_MAX", "2")]).await?;
    let caller = caller_from(&deployment, 2).await?;
    let headed = Arc::<AtomicUsize>::default();
    let (read, told) = watch::channel(false);
    let mut reading = JoinSet::new();
    for _ in 0..ASKED {
        let answer = caller.call(CATALOGUE, &[0; 5][..]).await?;
        reading.spawn(read_late(answer, Arc::clone(&headed), told.clone()));
    }
    eventually("the first answers are there", ANSWERED_WITHIN, async || {
        ensure!(headed.load(Ordering::SeqCst) >= 2);
        Ok(())
    })
    .await?;
    let other = caller_from(&deployment, 3).await?;
    for _ in 0..100 {
        is_answered(&other).await?;
    }
    let computed = headed.load(Ordering::SeqCst);
    ensure!(computed <= HEADED_MAX, "{computed} are computed");
    read.send_replace(true);
    let answered = timeout(ANSWERED_WITHIN + SLACK, reading.join_all()).await?;
    for read_bytes in answered {
        ensure!(read_bytes? > ANSWER_BYTES_MIN);
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_asks_too_fast_is_told_so() -> anyhow::Result<()> {
    let deployment = deployment(&[], &[("REQUESTS_PER_SECOND_MAX", "5")]).await?;
    let caller = caller_from(&deployment, 2).await?;
    let mut asked = Vec::new();
    for _ in 0..50 {
        asked.push(caller.call(RANKING, &[0; 5][..]).await?);
    }
    let mut refused = Vec::new();
    for answer in asked {
        let answer = answer.await?;
        refused.extend(Status::from_header_map(answer.headers()));
    }
    ensure!(refused.len() >= 40, "{} are refused", refused.len());
    for status in refused {
        let is_named = status.message().contains("limits.requests_per_second_max (5)");
        ensure!(status.code() == Code::ResourceExhausted && is_named, "{status:?}");
        ensure!(!status.details().is_empty(), "{status:?}");
    }
    is_answered(&caller_from(&deployment, 2).await?).await
}

/// Puts a file with one observation of a commune into the inbox of its province.
fn observe(deployment: &Deployment, commune: &str, value: u32) -> anyhow::Result<()> {
    let province = if commune == BA_DINH { "01" } else { "04" };
    let head = "locality,metric,period,value,observed_time\n";
    let row =
        format!("{commune},applications_received,2025-07,{value},2025-08-01T08:00:0{value}Z\n");
    deployment.put_file(province, &format!("{value}.csv"), format!("{head}{row}").as_bytes())
}

async fn collector(client: &Client, reporter: &str) -> anyhow::Result<v1::Collector> {
    let found = client.collectors().await?.into_iter().find(|it| it.reporter == reporter);
    found.with_context(|| format!("{reporter} is not listed"))
}

async fn has_applied(client: &Client, reporter: &str, count: u64) -> anyhow::Result<()> {
    eventually(&format!("{reporter} has delivered {count}"), ANSWERED_WITHIN + SLACK, async || {
        let ledger = collector(client, reporter).await?.ledger.context("no ledger")?;
        ensure!((ledger.applied_count, ledger.rejected_count) == (count, 0), "{ledger:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_reporter_beyond_its_quota_is_held_and_loses_nothing() -> anyhow::Result<()> {
    const OBSERVED: u32 = 9;
    let mut deployment = deployment(&["01", "04"], &[("RECORDS_PER_DAY", "6")]).await?;
    let client = deployment.client()?;
    // Each file is a batch of its own, since the next one comes only when it is applied.
    let mut is_held = false;
    for value in 1..=OBSERVED {
        observe(&deployment, THUC_PHAN, value)?;
        eventually(
            "it is applied, or the quota is an alarm",
            ANSWERED_WITHIN + SLACK,
            async || {
                let found = collector(&client, "04").await?;
                is_held = is_over_quota(&found.alarms)?;
                let applied = found.ledger.context("no ledger")?.applied_count;
                ensure!(is_held || applied == u64::from(value), "{found:?}");
                Ok(())
            },
        )
        .await?;
    }
    ensure!(is_held, "nothing is held");
    observe(&deployment, BA_DINH, 1)?;
    has_applied(&client, "01", 1).await?;
    ensure!(collector(&client, "01").await?.alarms.is_empty());
    // A batch that was on its way when the hold began has ended the stream; the next one stays.
    let held = eventually("04 is connected and held", ANSWERED_WITHIN + SLACK, async || {
        let held = collector(&client, "04").await?;
        ensure!(held.connected && is_over_quota(&held.alarms)?, "{held:?}");
        Ok(held)
    })
    .await?;
    let applied = held.ledger.context("no ledger")?.applied_count;
    ensure!((1..u64::from(OBSERVED)).contains(&applied), "{applied} are applied");
    let log = deployment.log(&AGGREGATOR)?;
    let opened = log.matches("session opened").count();
    ensure!(opened < 10, "{opened} sessions were opened");

    ensure!(deployment.terminate(&AGGREGATOR).await? == Some(0));
    deployment.set(&AGGREGATOR, &settings(&[("LIMITS__RECORDS_PER_DAY", "1000")]))?;
    deployment.restart(&AGGREGATOR)?;
    deployment.serving().await?;
    has_applied(&deployment.client()?, "04", OBSERVED.into()).await
}

/// True if the only alarm is that of the quota, which names its setting.
fn is_over_quota(alarms: &[v1::Alarm]) -> anyhow::Result<bool> {
    let [alarm] = alarms else { return Ok(false) };
    let is_named = alarm.detail.contains("6 records a day (limits.records_per_day)");
    ensure!(alarm.kind() == AlarmKind::QuotaUsedUp && is_named, "{alarm:?}");
    Ok(true)
}
