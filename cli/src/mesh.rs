//! `phuxanh mesh`: the aggregators that share a store, and how the store is.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, Durability};
use serde::Serialize;

use crate::{
    alarm::{self, Alarm, AlarmJson},
    answer::{Answer, Format},
    client::Client,
    error::Error,
    number, reply,
    table::{self, Cell, Paint, Table},
};

/// Digits of an id that are shown to people.
const ID_DIGITS: usize = 8;

#[derive(Debug)]
struct Mesh {
    replicas: Vec<Replica>,
    store: v1::StoreState,
    durability: Durability,
    trouble_since: Option<Timestamp>,
    alarms: Vec<Alarm>,
}

#[derive(Debug)]
struct Replica {
    id: String,
    start: Option<Timestamp>,
    seen: Option<Timestamp>,
    said: v1::Replica,
}

pub async fn answer(client: &Client, format: Format) -> Result<Answer, Error> {
    let mesh = Mesh::try_from(client.replicas().await?)?;
    match format {
        Format::Json => Answer::json(&MeshJson::from(&mesh)),
        Format::Table { colour } => Ok(Answer::table(text(&mesh, colour))),
    }
}

impl TryFrom<v1::ListReplicasResponse> for Mesh {
    type Error = Error;

    fn try_from(said: v1::ListReplicasResponse) -> Result<Self, Error> {
        let store = said.store.ok_or_else(|| Error::Contract("the store is missing".to_owned()))?;
        Ok(Self {
            replicas: said.replicas.into_iter().map(Replica::try_from).collect::<Result<_, _>>()?,
            durability: reply::known("durability", store.durability)?,
            trouble_since: reply::time(store.trouble_since_time)?,
            alarms: Alarm::all(&store.alarms)?,
            store,
        })
    }
}

impl Mesh {
    /// True if writes become durable now.
    fn takes_writes(&self) -> bool {
        !self.alarms.iter().any(Alarm::is_of_writes)
    }
}

impl TryFrom<v1::Replica> for Replica {
    type Error = Error;

    fn try_from(said: v1::Replica) -> Result<Self, Error> {
        Ok(Self {
            id: number::hex(&said.replica_id),
            start: reply::time(said.start_time)?,
            seen: reply::time(said.seen_time)?,
            said,
        })
    }
}

#[derive(Debug, Serialize)]
struct MeshJson<'a> {
    store: StoreJson<'a>,
    replicas: Vec<ReplicaJson<'a>>,
}

#[derive(Debug, Serialize)]
struct StoreJson<'a> {
    kind: &'a str,
    /// Left out while nothing becomes durable.
    #[serde(skip_serializing_if = "Option::is_none")]
    durability: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    trouble: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble_since_time: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alarms: Vec<AlarmJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ReplicaJson<'a> {
    replica_id: &'a str,
    host: &'a str,
    address: &'a str,
    is_self: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_time: Option<String>,
    view_version: &'a str,
    behind_records: u64,
    positions: Vec<PositionJson<'a>>,
    sessions: &'a [String],
}

#[derive(Debug, Serialize)]
struct PositionJson<'a> {
    reporter: &'a str,
    records: u64,
}

impl<'a> From<&'a Mesh> for MeshJson<'a> {
    fn from(mesh: &'a Mesh) -> Self {
        Self {
            store: StoreJson {
                kind: &mesh.store.kind,
                durability: mesh.takes_writes().then_some(durability(mesh.durability)),
                trouble: &mesh.store.trouble,
                trouble_since_time: mesh.trouble_since.map(|since| since.to_string()),
                alarms: mesh.alarms.iter().map(AlarmJson::from).collect(),
            },
            replicas: mesh.replicas.iter().map(ReplicaJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Replica> for ReplicaJson<'a> {
    fn from(replica: &'a Replica) -> Self {
        let said = &replica.said;
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let position = |it: &'a v1::ReplicaPosition| PositionJson {
            reporter: &it.reporter,
            records: it.record_count,
        };
        Self {
            replica_id: &replica.id,
            host: &said.host,
            address: &said.address,
            is_self: said.is_self,
            start_time: text(replica.start),
            seen_time: text(replica.seen),
            view_version: &said.view_version,
            behind_records: said.behind_count,
            positions: said.positions.iter().map(position).collect(),
            sessions: &said.sessions,
        }
    }
}

fn text(mesh: &Mesh, colour: bool) -> String {
    let rows = || mesh.replicas.iter();
    let mut table = Table::new(colour);
    table.left("Replica", rows().map(name));
    table.left("Host", rows().map(|row| &row.said.host));
    table.left("Address", rows().map(|row| &row.said.address));
    table.left("Started", rows().map(|row| table::time(row.start)));
    table.left("Seen", rows().map(|row| table::time(row.seen)));
    table.left("View", rows().map(|row| &row.said.view_version));
    table.right("Behind", rows().map(behind));
    table.left("Sessions", rows().map(sessions));
    let alarms = match mesh.alarms.as_slice() {
        [] => String::new(),
        alarms => format!("\n{}", alarm::lines(alarms, std::iter::empty(), colour)),
    };
    format!("{}\n{}{alarms}", store(mesh), table.render())
}

/// The store in one line, or two where it is out of reach.
fn store(mesh: &Mesh) -> String {
    let (kind, durable) = (&mesh.store.kind, durability(mesh.durability));
    let line = if mesh.takes_writes() {
        format!("Store: {kind}, durable is {durable}\n")
    } else {
        format!("Store: {kind}, refuses writes (durable means {durable} when it takes them)\n")
    };
    if mesh.store.trouble.is_empty() {
        return line;
    }
    let since = table::time(mesh.trouble_since);
    format!("{line}Out of reach since {since}: {}\n", mesh.store.trouble)
}

/// The beginning of its id; the one that answers stands out.
fn name(replica: &Replica) -> Cell {
    let id: String = replica.id.chars().take(ID_DIGITS).collect();
    if replica.said.is_self {
        Cell::new(format!("{id} (asked)"), Paint::Strong)
    } else {
        Cell::new(id, Paint::Plain)
    }
}

/// Records that others have folded and this one has not.
fn behind(replica: &Replica) -> Cell {
    let count = replica.said.behind_count;
    Cell::new(number::grouped(count), if count > 0 { Paint::Middling } else { Paint::Plain })
}

fn sessions(replica: &Replica) -> String {
    match replica.said.sessions.as_slice() {
        [] => number::NONE.to_owned(),
        sessions => sessions.join(" "),
    }
}

const fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::Unspecified => "unspecified",
        Durability::None => "none",
        Durability::Everysec => "everysec",
        Durability::Always => "always",
        Durability::Replicated => "replicated",
    }
}
