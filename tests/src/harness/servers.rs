//! Redis servers of which one takes the place of another: a cluster of three masters with a copy of
//! each, or a master with two copies that three sentinels watch.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ::redis::FromRedisValue;
use anyhow::{Context, bail, ensure};

use super::{
    Redis, Settings,
    daemon::Daemon,
    eventually, free_port,
    redis::{self, SERVER},
    settings,
};

const CLI: &str = "/usr/bin/redis-cli";
const CLUSTER_NODES: usize = 6;
const SENTINEL_NODES: usize = 3;
const SENTINELS: usize = 3;
/// Name of the master at the sentinels.
const MASTER: &str = "phuxanh";
/// Silence after which a server is held to be gone.
const GONE_AFTER_MILLIS: &str = "1000";
/// Longest time in which servers find each other, or one takes the place of another.
const AGREED_WITHIN: Duration = Duration::from_secs(40);

/// Arrangement of the servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    Sentinel,
    Cluster,
}

/// The servers. Dropping it kills them.
pub struct Servers {
    topology: Topology,
    nodes: Vec<Redis>,
    sentinels: Vec<(Daemon, String)>,
}

impl Servers {
    /// Starts the servers in a folder, and waits until they know each other.
    pub async fn start(topology: Topology, folder: &Path) -> anyhow::Result<Self> {
        let mut servers = Self { topology, nodes: Vec::new(), sentinels: Vec::new() };
        match topology {
            Topology::Sentinel => servers.start_sentinels(folder).await?,
            Topology::Cluster => servers.start_cluster(folder).await?,
        }
        Ok(servers)
    }

    async fn start_cluster(&mut self, folder: &Path) -> anyhow::Result<()> {
        for number in 0..CLUSTER_NODES {
            let bus_port = free_port()?.to_string();
            let options = [
                ("cluster-enabled", "yes"),
                ("cluster-port", &bus_port),
                ("cluster-node-timeout", GONE_AFTER_MILLIS),
                // A copy that stood still for long may take its master's place all the same.
                ("cluster-replica-validity-factor", "0"),
            ];
            self.nodes.push(Redis::start(&folder.join(format!("node-{number}")), &options).await?);
        }
        let mut create = Command::new(CLI);
        create.args(["--cluster", "create"]).args(self.nodes.iter().map(Redis::address));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]);
        let output = create.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        self.are_whole(1).await
    }

    async fn start_sentinels(&mut self, folder: &Path) -> anyhow::Result<()> {
        for number in 0..SENTINEL_NODES {
            let node = Redis::start(&folder.join(format!("node-{number}")), &[]).await?;
            if let Some(master) = self.nodes.first() {
                let port = master.port().to_string();
                node.ask::<()>(&["REPLICAOF", "127.0.0.1", &port]).await?;
            }
            self.nodes.push(node);
        }
        let master = self.nodes.first().context("a master")?.port();
        for number in 0..SENTINELS {
            let port = free_port()?;
            let name = format!("sentinel-{number}");
            // Sentinels write into it what they learn.
            let file = folder.join(format!("{name}.conf"));
            let text = format!(
                "bind 127.0.0.1\nport {port}\ndir {}\n\
                 sentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {MASTER} {GONE_AFTER_MILLIS}\n\
                 sentinel failover-timeout {MASTER} 5000\n",
                folder.display()
            );
            fs::write(&file, text)?;
            let mut daemon = Daemon::new(SERVER, &name, folder);
            daemon.arguments([file.display().to_string(), "--sentinel".to_owned()]);
            daemon.start()?;
            self.sentinels.push((daemon, format!("redis://127.0.0.1:{port}")));
        }
        eventually("the sentinels know each other", AGREED_WITHIN, async || {
            for (_, url) in &self.sentinels {
                let told: Vec<String> = redis::ask(url, &["SENTINEL", "MASTER", MASTER]).await?;
                let holds = |key: &str, count: usize| {
                    told.chunks(2).any(|pair| pair == [key, &count.to_string()])
                };
                let others = holds("num-other-sentinels", SENTINELS - 1);
                ensure!(others && holds("num-slaves", SENTINEL_NODES - 1), "{told:?}");
            }
            Ok(())
        })
        .await?;
        self.are_whole(SENTINEL_NODES - 1).await
    }

    /// Settings with which an aggregator uses them.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let (topology, urls) = match self.topology {
            Topology::Sentinel => {
                ("sentinel", self.sentinels.iter().map(|(_, url)| url.clone()).collect::<Vec<_>>())
            }
            Topology::Cluster => ("cluster", self.nodes.iter().map(Redis::url).collect()),
        };
        settings(&[
            ("STORE__KIND", "redis"),
            ("STORE__REDIS__TOPOLOGY", topology),
            ("STORE__REDIS__URLS", &urls.join(",")),
            ("STORE__REDIS__SENTINEL_MASTER", MASTER),
        ])
    }

    /// The place of a server that all others agree on to be the master of a key.
    pub async fn master_of(&self, key: &str) -> anyhow::Result<usize> {
        let mut ports = BTreeSet::<u16>::new();
        match self.topology {
            Topology::Sentinel => {
                let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
                for (_, url) in &self.sentinels {
                    let (_, port): (String, u16) = redis::ask(url, &question).await?;
                    ports.insert(port);
                }
            }
            Topology::Cluster => {
                for node in self.nodes.iter().filter(|node| node.runs()) {
                    let slot: u16 = node.ask(&["CLUSTER", "KEYSLOT", key]).await?;
                    let told: String = node.ask(&["CLUSTER", "NODES"]).await?;
                    let members = told.lines().map(Member::read);
                    let members = members.collect::<anyhow::Result<Vec<_>>>()?;
                    let master = members.iter().find(|member| member.is_master_of(slot));
                    ports.insert(master.context("the slot has no master")?.port);
                    let state: String = node.ask(&["CLUSTER", "INFO"]).await?;
                    ensure!(state.contains("cluster_state:ok"), "{state}");
                }
            }
        }
        let (Some(port), 1) = (ports.first(), ports.len()) else { bail!("masters are {ports:?}") };
        let place = self.nodes.iter().position(|node| node.port() == *port && node.runs());
        place.with_context(|| format!("the master at {port} does not run"))
    }

    /// Gives a server a command.
    pub async fn ask<T: FromRedisValue>(&self, node: usize, command: &[&str]) -> anyhow::Result<T> {
        self.node(node)?.ask(command).await
    }

    /// Waits until another server than this one is the master of a key, and says which.
    pub async fn replaced(&self, master: usize, key: &str) -> anyhow::Result<usize> {
        eventually("another one is master", AGREED_WITHIN, async || {
            let found = self.master_of(key).await?;
            ensure!(found != master, "node {master} is still the master");
            Ok(found)
        })
        .await
    }

    /// Waits until every master has so many copies that have caught up.
    pub async fn are_whole(&self, copy_count: usize) -> anyhow::Result<()> {
        let masters = self.nodes.len() / (copy_count + 1);
        eventually("every master has its copies", AGREED_WITHIN, async || {
            let mut found = Vec::new();
            for node in &self.nodes {
                let told: String = node.ask(&["INFO", "replication"]).await?;
                if told.contains("role:master") {
                    found.push(told.matches("state=online").count());
                }
            }
            ensure!(found == vec![copy_count; masters], "masters have {found:?} copies");
            Ok(())
        })
        .await
    }

    /// Stops the copies of a master where they stand, and cuts them off from what it writes next.
    pub async fn hold_copies(&self, master: usize) -> anyhow::Result<Vec<usize>> {
        let node = self.node(master)?;
        let (_, _, told): (String, u64, Vec<(String, String, String)>) =
            node.ask(&["ROLE"]).await?;
        let ports: Vec<_> = told.into_iter().map(|(_, port, _)| port).collect();
        let is_copy = |node: &Redis| ports.contains(&node.port().to_string());
        let places = (0..self.nodes.len()).filter(|&at| is_copy(&self.nodes[at]));
        let copies: Vec<_> = places.collect();
        ensure!(!copies.is_empty(), "node {master} has no copies");
        for &copy in &copies {
            self.node(copy)?.signal("STOP")?;
        }
        node.ask::<u64>(&["CLIENT", "KILL", "TYPE", "REPLICA"]).await?;
        Ok(copies)
    }

    /// Lets servers that were stopped go on.
    pub fn release(&self, nodes: &[usize]) -> anyhow::Result<()> {
        nodes.iter().try_for_each(|&node| self.node(node)?.signal("CONT"))
    }

    /// Ends a server without warning (SIGKILL).
    pub fn kill(&mut self, node: usize) -> anyhow::Result<()> {
        self.nodes.get_mut(node).context("no such server")?.kill()
    }

    /// Starts a server on the data that there are.
    pub async fn restart(&mut self, node: usize) -> anyhow::Result<()> {
        self.nodes.get_mut(node).context("no such server")?.restart().await
    }

    /// Begins to move the slots of a key's master, up to the key's own, to another master.
    pub async fn reshard(&self, key: &str) -> anyhow::Result<Child> {
        let node = self.node(self.master_of(key).await?)?;
        let slot: u16 = node.ask(&["CLUSTER", "KEYSLOT", key]).await?;
        let told: String = node.ask(&["CLUSTER", "NODES"]).await?;
        let members = told.lines().map(Member::read).collect::<anyhow::Result<Vec<_>>>()?;
        let from = members.iter().find(|it| it.is_master_of(slot)).context("a master")?;
        let to = members.iter().find(|it| it.is_master && it.id != from.id).context("another")?;
        let before = from.slots.iter().flat_map(|&(first, last)| first..=last);
        let count = before.filter(|&other| other <= slot).count().to_string();
        let moving = Command::new(CLI)
            .args(["--cluster", "reshard", &node.address()])
            .args(["--cluster-from", &from.id, "--cluster-to", &to.id])
            .args(["--cluster-slots", &count, "--cluster-yes"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(moving)
    }

    fn node(&self, place: usize) -> anyhow::Result<&Redis> {
        self.nodes.get(place).context("no such server")
    }
}

/// A line of CLUSTER NODES.
struct Member {
    id: String,
    port: u16,
    /// And not held to be gone.
    is_master: bool,
    /// First and last of every range.
    slots: Vec<(u16, u16)>,
}

impl Member {
    fn read(line: &str) -> anyhow::Result<Self> {
        let words: Vec<_> = line.split(' ').collect();
        let [id, address, flags, _, _, _, _, _, slots @ ..] = words.as_slice() else {
            bail!("{line}");
        };
        let address = address.split('@').next().unwrap_or_default();
        let port = address.rsplit(':').next().context("a port")?.parse()?;
        let flags: Vec<_> = flags.split(',').collect();
        let range = |word: &&str| -> anyhow::Result<(u16, u16)> {
            let (first, last) = word.split_once('-').unwrap_or((word, word));
            Ok((first.parse()?, last.parse()?))
        };
        Ok(Self {
            id: (*id).to_owned(),
            port,
            is_master: flags.contains(&"master") && !flags.contains(&"fail"),
            // A slot that is being moved is told in brackets besides.
            slots: slots
                .iter()
                .filter(|it| !it.starts_with('['))
                .map(range)
                .collect::<Result<_, _>>()?,
        })
    }

    fn is_master_of(&self, slot: u16) -> bool {
        self.is_master && self.slots.iter().any(|&(first, last)| (first..=last).contains(&slot))
    }
}
