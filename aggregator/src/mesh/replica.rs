//! The aggregators of a store: the announcement of each, and their merged sightings of collectors.
//!
//! Every aggregator announces itself about once a second and receives the announcements of all
//! others. A collector is shown as seen by the aggregator that welcomed it last.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::{
        alarm::{Alarm, Rules},
        board::{Board, Presence},
    },
    figures::view::View,
};
/// One aggregator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Random id of its run.
    pub id: [u8; 16],
    pub host: String,
    pub address: String,
    pub start: Timestamp,
    pub seen: Timestamp,
    pub view_version: String,
    /// Records folded, by reporter.
    pub positions: BTreeMap<LocalityCode, u64>,
    pub sightings: Sightings,
}

/// Sightings of collectors, by reporter.
pub type Sightings = BTreeMap<LocalityCode, Sighting>;

/// Latest session and alarms of a reporter's collector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sighting {
    /// Last welcomed session, if any.
    pub presence: Option<Presence>,
    /// Current alarms, by kind.
    pub alarms: Vec<Alarm>,
}

/// The other aggregators of the store, by host and address.
pub type Peers = Arc<Vec<Replica>>;

/// Identity and rules of this aggregator.
#[derive(Debug, Clone)]
pub struct Own {
    pub id: [u8; 16],
    pub host: String,
    pub address: String,
    pub start: Timestamp,
    pub rules: Rules,
    pub interval: Duration,
}

impl Own {
    /// Current announcement of this aggregator.
    #[must_use]
    pub fn replica(&self, board: &Board, view: &View, now: Timestamp) -> Replica {
        Replica {
            id: self.id,
            host: self.host.clone(),
            address: self.address.clone(),
            start: self.start,
            seen: now,
            view_version: view.version().to_owned(),
            positions: view
                .reporters()
                .map(|rollup| (rollup.province(), rollup.position().record_count))
                .filter(|(_, record_count)| *record_count > 0)
                .collect(),
            sightings: sightings(board, &self.rules, view, now),
        }
    }
}

/// Sightings on this aggregator's own board.
#[must_use]
pub fn sightings(board: &Board, rules: &Rules, view: &View, now: Timestamp) -> Sightings {
    let seen = board.iter().map(|(&code, entry)| {
        let position = view.reporter(code).map(|rollup| *rollup.position()).unwrap_or_default();
        let alarms = entry.alarms(rules, &position, now);
        (code, Sighting { presence: entry.presence().cloned(), alarms })
    });
    seen.collect()
}

/// Merges the sightings of all aggregators: the latest session of each collector, and all alarms.
#[must_use]
pub fn merged(own: Sightings, peers: &[Replica]) -> Sightings {
    let others = peers.iter().flat_map(|peer| &peer.sightings);
    let others = others.map(|(&code, sighting)| (code, sighting.clone()));
    let mut all = Sightings::new();
    for (code, sighting) in own.into_iter().chain(others) {
        all.entry(code).or_default().take_in(sighting);
    }
    all
}

impl Sighting {
    fn take_in(&mut self, other: Self) {
        let since = |seen: &Self| seen.presence.as_ref().map(|presence| presence.since);
        if since(self) < since(&other) {
            self.presence = other.presence;
        }
        for alarm in other.alarms {
            match self.alarms.iter_mut().find(|known| known.kind == alarm.kind) {
                Some(known) if known.since <= alarm.since => {}
                Some(known) => *known = alarm,
                None => self.alarms.push(alarm),
            }
        }
        self.alarms.sort_by_key(|alarm| alarm.kind);
    }
}

#[cfg(test)]
mod tests {
    use phuxanh_core::{
        LogId,
        delivery::alarm::Kind,
        frame::{Program, SessionId},
    };

    use super::*;

    fn second(count: i64) -> Timestamp {
        Timestamp::from_micros(count * 1_000_000).expect("1970")
    }

    fn seen(session: u8, since: i64, alarms: &[(Kind, i64)]) -> Sighting {
        Sighting {
            presence: Some(Presence {
                session: SessionId([session; 16]),
                log: LogId([1; 16]),
                connected: session != 1,
                since: second(since),
                host: "a".to_owned(),
                program: Program::default(),
                produced_through: 0,
                heard: None,
                beats_at_rest: 0,
            }),
            alarms: alarms
                .iter()
                .map(|&(kind, since)| {
                    let detail = format!("{since}");
                    Alarm { kind, since: Some(second(since)), detail }
                })
                .collect(),
        }
    }

    fn replica(sighting: Sighting) -> Replica {
        Replica {
            id: [1; 16],
            host: "b".to_owned(),
            address: "127.0.0.1:1".to_owned(),
            start: second(0),
            seen: second(1),
            view_version: String::new(),
            positions: [(LocalityCode::NATION, 4)].into(),
            sightings: [(LocalityCode::NATION, sighting)].into(),
        }
    }

    #[test]
    fn a_collector_is_shown_where_it_went_last_with_all_its_alarms() {
        let own = seen(1, 10, &[(Kind::Flapping, 5), (Kind::ClockOffset, 9)]);
        let there = seen(2, 12, &[(Kind::TwoCollectors, 7), (Kind::ClockOffset, 8)]);
        let expected =
            seen(2, 12, &[(Kind::TwoCollectors, 7), (Kind::ClockOffset, 8), (Kind::Flapping, 5)]);
        let code = LocalityCode::NATION;
        let here = merged([(code, own.clone())].into(), &[replica(there.clone())]);
        assert_eq!(here[&code], expected);
        assert_eq!(merged([(code, there)].into(), &[replica(own)])[&code], expected);
        assert_eq!(merged(Sightings::new(), &[]), Sightings::new());
    }

    #[test]
    fn what_a_replica_says_is_what_the_others_read() {
        let replica = replica(seen(2, 12, &[(Kind::TwoCollectors, 7)]));
        assert_eq!(
            crate::mesh::at_rest::decode(&crate::mesh::at_rest::encode(&replica)),
            Ok(replica)
        );
    }
}
