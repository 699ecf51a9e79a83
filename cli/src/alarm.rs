//! Alarms: what an operator should look at, of a collector or of the store.

use phuxanh_core::Timestamp;
use phuxanh_proto::v1::{self, AlarmKind};
use serde::Serialize;

use crate::{
    error::Error,
    reply,
    table::{self, Cell, Paint, Table},
    words,
};

#[derive(Debug)]
pub struct Alarm {
    pub kind: AlarmKind,
    pub since: Option<Timestamp>,
    pub detail: String,
}

impl Alarm {
    /// Reads a list of them.
    pub fn all(said: &[v1::Alarm]) -> Result<Vec<Self>, Error> {
        said.iter().map(Self::try_from).collect()
    }

    /// True if nothing becomes durable now.
    pub fn is_of_writes(&self) -> bool {
        self.kind == AlarmKind::StoreRefusesWrites
    }

    /// True if the aggregator takes no batches because of its clock.
    pub fn is_of_clock(&self) -> bool {
        self.kind == AlarmKind::AggregatorClock
    }

    /// Name shown for an alarm that no collector raised.
    fn owner(&self) -> &'static str {
        let is_of_aggregator = self.is_of_clock() || self.kind == AlarmKind::CertificateExpires;
        if is_of_aggregator { "aggregator" } else { "store" }
    }
}

impl TryFrom<&v1::Alarm> for Alarm {
    type Error = Error;

    fn try_from(said: &v1::Alarm) -> Result<Self, Error> {
        Ok(Self {
            kind: reply::known("alarm", said.kind)?,
            since: reply::time(said.since_time)?,
            detail: said.detail.clone(),
        })
    }
}

/// The same for tools.
#[derive(Debug, Serialize)]
pub struct AlarmJson<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_time: Option<String>,
    detail: &'a str,
}

impl<'a> From<&'a Alarm> for AlarmJson<'a> {
    fn from(alarm: &'a Alarm) -> Self {
        Self {
            kind: words::alarm(alarm.kind),
            since_time: alarm.since.map(|since| since.to_string()),
            detail: &alarm.detail,
        }
    }
}

/// Alarms one a line, each with the code and the name of whom it is of.
pub fn lines<'a>(
    of_store: &'a [Alarm],
    of_collectors: impl Iterator<Item = (&'a str, &'a str, &'a Alarm)>,
    colour: bool,
) -> String {
    let of_store = of_store.iter().map(|alarm| ("", alarm.owner(), alarm));
    let all: Vec<_> = of_store.chain(of_collectors).collect();
    if all.is_empty() {
        return "No alarms.\n".to_owned();
    }
    let kind = |alarm: &Alarm| Cell::new(words::alarm(alarm.kind).replace('_', " "), Paint::Bad);
    let mut table = Table::new(colour);
    table.left("Code", all.iter().map(|(code, _, _)| *code));
    table.left("Name", all.iter().map(|(_, name, _)| *name));
    table.left("Alarm", all.iter().map(|(_, _, alarm)| kind(alarm)));
    table.left("Since", all.iter().map(|(_, _, alarm)| table::time(alarm.since)));
    table.left("Details", all.iter().map(|(_, _, alarm)| &alarm.detail));
    format!("Alarms\n\n{}", table.render())
}
