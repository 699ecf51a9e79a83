//! The link to Redis: one task connects, checks the servers, and notices when they were replaced.
//! All others use the connection of its last check, if there is one.
//!
//! ```text
//! Down ──connected, checked, trusted──▶ Up ──a check or a command fails──▶ Down
//!                                        └── checks once per interval
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use phuxanh_core::{
    Timestamp,
    delivery::admission::Ticket,
    frame::{Durability, Generation},
};
use phuxanh_daemon::clock::Clock;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline,
    RedisConnectionInfo, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo},
    io::tcp::TcpSettings,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::{error, info, warn};

use super::{
    ADMIT, CONFIRM, Config, Error, OPEN, PROBE, Topology,
    evidence::Evidence,
    format,
    inspect::{self, Refusal, Server},
    keys::Keys,
};
use crate::store::Writes;

/// Wait after a failed attempt to connect.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// Connection to the single server or the master, or to a cluster.
#[derive(Clone)]
pub(super) enum Connection {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Node(node) => node.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Node(node) => node.req_packed_commands(commands, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Node(node) => node.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

impl Connection {
    /// Connects according to the configured topology.
    pub(super) async fn open(config: &Config) -> Result<Self, redis::RedisError> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(config.connect_timeout))
            .set_response_timeout(Some(config.response_timeout));
        let login = login(config);
        let tcp = || TcpSettings::default().set_nodelay(true);
        let infos = config.urls.iter().map(|url| {
            let info = url.as_str().into_connection_info()?.set_tcp_settings(tcp());
            redis::RedisResult::Ok(info)
        });
        let infos = infos.collect::<Result<Vec<_>, _>>()?;
        match &config.topology {
            Topology::Single => {
                let info = infos.into_iter().next().ok_or_else(no_address)?;
                let client = client(info.set_redis_settings(login), config)?;
                let node = client.get_multiplexed_async_connection_with_config(&settings).await?;
                Ok(Self::Node(node))
            }
            Topology::Sentinel { master } => {
                let node = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(login)
                    .set_tcp_settings(tcp());
                let (name, kind) = (master.clone(), SentinelServerType::Master);
                let mut client = SentinelClient::build(infos, name, Some(node), kind)?;
                let node = client.get_async_connection_with_config(&settings).await?;
                Ok(Self::Node(node))
            }
            Topology::Cluster => {
                let mut builder = ClusterClient::builder(infos)
                    .connection_timeout(config.connect_timeout)
                    .response_timeout(config.response_timeout)
                    .tcp_settings(tcp());
                if let Some(username) = &config.username {
                    builder = builder.username(username);
                }
                if let Some(password) = &config.password {
                    builder = builder.password(password.expose());
                }
                if let Some(root) = &config.root_certificate {
                    builder = builder.certs(certificates(root));
                }
                Ok(Self::Cluster(builder.build()?.get_async_connection().await?))
            }
        }
    }

    /// Sends a command to every master; returns the answers in the order of their addresses.
    async fn masters<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<Vec<T>, Error> {
        match self {
            Self::Node(node) => Ok(vec![command.query_async(node).await?]),
            Self::Cluster(cluster) => {
                let routing = MultipleNodeRoutingInfo::AllMasters;
                let routing = RoutingInfo::MultiNode((routing, None));
                let answers = cluster.route_command(command.clone(), routing).await?;
                let answers: std::collections::BTreeMap<String, T> =
                    redis::from_redis_value(answers).map_err(redis::RedisError::from)?;
                Ok(answers.into_values().collect())
            }
        }
    }

    /// Reads the state of every master.
    pub(super) async fn servers(&mut self) -> Result<Vec<Server>, Error> {
        let infos: Vec<String> = self.masters(redis::cmd("INFO").arg("everything")).await?;
        let asked = self.masters(redis::cmd("CONFIG").arg("GET").arg("appendfsync")).await;
        let fsyncs: Vec<Option<String>> = match asked {
            // Name and value, or nothing if the server hides the value.
            Ok(answers) => {
                answers.into_iter().map(|pair: Vec<String>| pair.into_iter().nth(1)).collect()
            }
            // Managed services deny CONFIG to the user, or do not have the command.
            Err(Error::Refused(Refusal::Login(_))) => vec![None; infos.len()],
            Err(Error::Command(error)) if inspect::is_unknown_command(&error.to_string()) => {
                vec![None; infos.len()]
            }
            Err(error) => return Err(error),
        };
        Ok(infos.iter().zip(fsyncs).map(|(info, fsync)| Server::new(info, fsync)).collect())
    }
}

/// Connects and checks the servers as at a start, and writes nothing.
pub async fn probe(config: &Config) -> Result<(), Error> {
    let mut connection = connected(config).await?;
    for server in connection.servers().await? {
        server.check(config.demand)?;
    }
    Ok(())
}

async fn connected(config: &Config) -> Result<Connection, Error> {
    let within = config.connect_timeout + config.response_timeout;
    match timeout(within, Connection::open(config)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Error::Down("timeout while connecting".to_owned())),
    }
}

fn client(info: redis::ConnectionInfo, config: &Config) -> Result<Client, redis::RedisError> {
    match &config.root_certificate {
        None => Client::open(info),
        Some(root) => Client::build_with_tls(info, certificates(root)),
    }
}

fn certificates(root: &[u8]) -> redis::TlsCertificates {
    redis::TlsCertificates { client_tls: None, root_cert: Some(root.to_vec()) }
}

fn login(config: &Config) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default();
    if let Some(username) = &config.username {
        login = login.set_username(username);
    }
    if let Some(password) = &config.password {
        login = login.set_password(password.expose());
    }
    login
}

fn no_address() -> redis::RedisError {
    redis::RedisError::from((redis::ErrorKind::InvalidClientConfig, "no address is configured"))
}

/// Connection that was checked and is trusted.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) generation: Generation,
}

/// State that the link's task shares with its users.
pub(super) struct Link {
    pub(super) config: Config,
    pub(super) keys: Keys,
    pub(super) live: watch::Sender<Option<Live>>,
    /// Number of tickets so far, if writes become durable only later.
    pub(super) given: AtomicU64,
    pub(super) durable: watch::Sender<Ticket>,
    pub(super) incarnation: watch::Sender<u64>,
    /// Reason why there is no connection.
    pub(super) cause: watch::Sender<Option<String>>,
    /// Time at which the store was last found wiped or replaced.
    pub(super) replaced: watch::Sender<Option<Timestamp>>,
    pub(super) clock: Clock,
    pub(super) writes: Writes,
    /// Requests a check before its time.
    pub(super) doubt: Notify,
}

impl Link {
    /// Current connection, if there is one.
    pub(super) fn live(&self) -> Result<Live, Error> {
        self.live.borrow().clone().ok_or_else(|| {
            let cause = self.cause.borrow();
            Error::Down(cause.clone().unwrap_or_else(|| "not connected yet".to_owned()))
        })
    }

    /// Passes a result on; requests a check of the servers after an error.
    pub(super) fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            self.doubt.notify_one();
        }
        result
    }

    /// Notes that the server refuses writes, if the error means that. Only a probe that succeeds in
    /// every place ends this state.
    pub(super) fn refused(&self, error: &redis::RedisError) {
        let Some(code) = error.code() else { return };
        let Some(remedy) = inspect::remedy(code) else { return };
        // Leave out the rest of the error: it names the script, which differs from write to write.
        if self.writes.refused(format!("the server answers writes with {code}: {remedy}")) {
            error!(%error, remedy, "the store refuses writes: collectors keep what they have");
        }
    }

    /// Connects for the first time. Retries while no server can be reached, and fails if one cannot
    /// be trusted.
    pub(super) async fn first(&self) -> Result<Look, Error> {
        loop {
            match self.connect().await {
                Ok(look) => return Ok(look),
                Err(error @ Error::Refused(_)) => return Err(error),
                Err(error) => {
                    warn!(%error, "cannot reach the store: trying again");
                    self.fail(&error);
                    sleep(4 * RETRY_DELAY).await;
                }
            }
        }
    }

    /// Checks the servers, and reconnects if necessary, as long as the daemon runs.
    pub(super) async fn run(self: Arc<Self>, mut look: Look) {
        let mut looking = interval(self.config.look_interval);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut evidence = Evidence::default();
        loop {
            let is_due = tokio::select! {
                _ = looking.tick() => true,
                () = self.doubt.notified() => false,
            };
            let found = match self.live() {
                Ok(mut live) => self.look(&mut live.connection).await,
                Err(_) => self.connect().await,
            };
            match found {
                Ok(next) => {
                    if !next.is_same_as(&look) {
                        self.changed(&look, &next);
                    }
                    look = next;
                    if self.writes.are_refused() {
                        self.probe().await;
                    }
                    if is_due {
                        self.settle(&mut evidence, &look);
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    sleep(RETRY_DELAY).await;
                    self.doubt.notify_one();
                }
            }
        }
    }

    async fn connect(&self) -> Result<Look, Error> {
        let mut connection = connected(&self.config).await?;
        // Admissions are pipelined. If the server did not know their script, later ones would
        // overtake the first.
        for script in [&*ADMIT, &*OPEN, &*CONFIRM] {
            script.load_async(&mut connection).await?;
        }
        let look = self.look(&mut connection).await?;
        let live = Live { connection, generation: look.generation };
        self.live.send_replace(Some(live));
        if self.cause.send_replace(None).is_some() {
            info!("the store is in reach again");
        }
        Ok(look)
    }

    /// Checks all servers and reads the store's id; creates the id if there is none.
    async fn look(&self, connection: &mut Connection) -> Result<Look, Error> {
        let servers = connection.servers().await?;
        for server in &servers {
            server.check(self.config.demand)?;
        }
        format::bring_up_to_date(connection, &self.keys).await?;
        let key = self.keys.generation();
        let get = redis::cmd("GET").arg(&key).to_owned();
        let mut kept: Option<Vec<u8>> = get.query_async(connection).await?;
        if kept.is_none() {
            let mut fresh = [0; 16];
            getrandom::fill(&mut fresh).map_err(|_| Error::Randomness)?;
            let set = redis::cmd("SET").arg(&key).arg(&fresh[..]).arg("NX").to_owned();
            set.query_async::<Value>(connection).await?;
            kept = get.query_async(connection).await?;
        }
        let generation = kept.as_deref().unwrap_or_default().try_into();
        let generation = generation.map_err(|_| Error::corrupt("generation"))?;
        Ok(Look { generation: Generation(generation), servers })
    }

    /// Tests writes in every place that aggregators write to, because the keys of each reporter may
    /// be on another server.
    async fn probe(&self) {
        let Ok(Live { connection, .. }) = self.live() else { return };
        match self.try_writes(connection).await {
            Ok(()) if self.writes.taken() => info!("the store takes writes again"),
            Ok(()) => {}
            // No check is requested: the next regular one is soon enough.
            Err(error) => self.refused(&error),
        }
    }

    async fn try_writes(&self, mut connection: Connection) -> Result<(), redis::RedisError> {
        let listed = redis::cmd("SMEMBERS").arg(self.keys.reporters()).to_owned();
        let listed: Vec<String> = listed.query_async(&mut connection).await?;
        let reporters = listed.iter().filter_map(|code| code.parse().ok());
        let places = reporters.map(|reporter| self.keys.probe_of(reporter));
        for place in places.chain([self.keys.probe()]) {
            PROBE.key(place).invoke_async::<u8>(&mut connection).await?;
        }
        Ok(())
    }

    fn changed(&self, before: &Look, now: &Look) {
        if before.generation == now.generation {
            warn!("a redis server was restarted or replaced: sessions are opened again");
        } else {
            error!(
                "the store was wiped or replaced: collectors restate their cells, history is lost"
            );
            self.replaced.send_replace(Some((self.clock)()));
            self.live.send_modify(|live| {
                if let Some(live) = live {
                    live.generation = now.generation;
                }
            });
        }
        self.incarnation.send_modify(|number| *number += 1);
    }

    fn settle(&self, evidence: &mut Evidence, look: &Look) {
        let run_ids = look.servers.iter().map(|server| server.run_id().to_owned()).collect();
        let is_syncing = look.servers.iter().all(Server::is_syncing);
        let given = Ticket(self.given.load(Ordering::Relaxed));
        if let Some(through) = evidence.look(run_ids, is_syncing, given)
            && self.config.demand.durability == Durability::Everysec
        {
            self.durable.send_if_modified(|durable| {
                let moved = *durable < through;
                *durable = through.max(*durable);
                moved
            });
        }
    }

    fn fail(&self, error: &Error) {
        let cause = error.to_string();
        self.live.send_replace(None);
        self.writes.refused(cause.clone());
        if self.cause.send_replace(Some(cause.clone())).as_ref() == Some(&cause) {
            return;
        }
        if matches!(error, Error::Refused(_)) {
            error!(cause, "the store cannot be used as configured");
        } else {
            warn!(cause, "the store is out of reach");
        }
    }
}

/// Result of a check.
pub(super) struct Look {
    pub(super) generation: Generation,
    servers: Vec<Server>,
}

impl Look {
    fn is_same_as(&self, other: &Self) -> bool {
        let run_ids = |look: &Self| -> Vec<String> {
            look.servers.iter().map(|server| server.run_id().to_owned()).collect()
        };
        self.generation == other.generation && run_ids(self) == run_ids(other)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
