//! Fixed replies of the mesh service: collectors, audits of both ends, and aggregators.

use phuxanh_proto::v1::{self, mesh_service_server::MeshService};
use tonic::{Request, Response};

use super::{CUT_OFF, Replies, Reply};

#[tonic::async_trait]
impl MeshService for Replies {
    async fn list_collectors(
        &self,
        _: Request<v1::ListCollectorsRequest>,
    ) -> Reply<v1::ListCollectorsResponse> {
        let collectors = vec![
            v1::Collector {
                reporter: "04".to_owned(),
                name: "Cao Bằng".to_owned(),
                name_en: "Cao Bang".to_owned(),
                connected: true,
                since_time: Some(CUT_OFF),
                host: "cb-1".to_owned(),
                applied_through: 11,
                produced_through: 12,
                ledger: Some(v1::Ledger { applied_count: 1_456, ..Default::default() }),
                spool_batch_count: 3,
                spool_bytes: 65_536,
                dead_letter_count: 7,
                clock_offset: Some(prost_types::Duration { seconds: -90, nanos: -500_000_000 }),
                alarms: vec![
                    alarm(v1::AlarmKind::TwoCollectors, None, "b wants to deliver too"),
                    alarm(v1::AlarmKind::RejectedData, Some(CUT_OFF), "7 observations"),
                ],
                software: "phuxanh-collector 0.1.0".to_owned(),
                catalogue: Some(v1::CollectorCatalogue {
                    version: 2,
                    digest: vec![0xd1; 32],
                    same: false,
                }),
                ..Default::default()
            },
            v1::Collector {
                reporter: "12".to_owned(),
                name: "Lai Châu".to_owned(),
                name_en: "Lai Chau".to_owned(),
                ..Default::default()
            },
        ];
        let store_alarms = vec![store_alarm()];
        Ok(Response::new(v1::ListCollectorsResponse {
            collectors,
            store_alarms,
            ..Default::default()
        }))
    }

    /// Cao Bằng agrees, Lai Châu disagrees, Tuyên Quang is pending and Hà Nội is silent; one a
    /// page. The store refuses writes to whoever asks for Huế, and the clock is not trusted for Đà Nẵng.
    async fn audit_collectors(
        &self,
        request: Request<v1::AuditCollectorsRequest>,
    ) -> Reply<v1::AuditCollectorsResponse> {
        let ask = request.into_inner();
        let all = [
            audit("04", v1::AuditVerdict::Agrees, Some(side(12, 1_456, 56))),
            audit("12", v1::AuditVerdict::Disagrees, Some(side(12, 1_456, 57))),
            audit("08", v1::AuditVerdict::Pending, Some(side(13, 1_500, 60))),
            audit("01", v1::AuditVerdict::Silent, None),
            audit("46", v1::AuditVerdict::Outdated, Some(side(12, 1_456, 56))),
            audit("48", v1::AuditVerdict::Outdated, Some(side(12, 1_456, 56))),
        ];
        let mut asked: Vec<_> = all.into_iter().collect();
        if ask.reporter.is_empty() {
            asked.truncate(4);
        } else {
            self.find(&ask.reporter)?;
            asked.retain(|audit| audit.reporter == ask.reporter);
        }
        let store_alarms = match ask.reporter.as_str() {
            "46" => vec![store_alarm()],
            "48" => {
                let detail = "the aggregator's clock was stepped by 3600 s";
                vec![alarm(v1::AlarmKind::AggregatorClock, None, detail)]
            }
            _ => Vec::new(),
        };
        let at = ask.page_token.parse::<usize>().unwrap_or(0);
        let next = at + 1;
        let next_page_token = if next < asked.len() { next.to_string() } else { String::new() };
        let mut audit = asked.swap_remove(at);
        let found = self.wire(self.find(&audit.reporter)?);
        (audit.name, audit.name_en) = (found.name, found.name_en);
        let audits = vec![audit];
        Ok(Response::new(v1::AuditCollectorsResponse { audits, next_page_token, store_alarms }))
    }

    /// Two aggregators over a store that is out of reach.
    async fn list_replicas(
        &self,
        _: Request<v1::ListReplicasRequest>,
    ) -> Reply<v1::ListReplicasResponse> {
        let replica = |number: u8, behind_count, sessions: &[&str]| v1::Replica {
            replica_id: vec![number; 16],
            host: format!("centre-{number}"),
            address: format!("127.0.0.1:740{number}"),
            is_self: number == 1,
            start_time: Some(CUT_OFF),
            seen_time: Some(CUT_OFF),
            view_version: "v1".to_owned(),
            behind_count,
            positions: vec![v1::ReplicaPosition { reporter: "04".to_owned(), record_count: 12 }],
            sessions: sessions.iter().map(|code| (*code).to_owned()).collect(),
        };
        let store = v1::StoreState {
            kind: "redis".to_owned(),
            durability: v1::Durability::Always.into(),
            trouble: "redis is out of reach: connection refused".to_owned(),
            trouble_since_time: Some(CUT_OFF),
            alarms: vec![store_alarm()],
        };
        let replicas = vec![replica(1, 0, &["04", "12"]), replica(2, 1_200, &[])];
        Ok(Response::new(v1::ListReplicasResponse { replicas, store: Some(store) }))
    }
}

fn alarm(
    kind: v1::AlarmKind,
    since_time: Option<prost_types::Timestamp>,
    detail: &str,
) -> v1::Alarm {
    v1::Alarm { kind: kind.into(), since_time, detail: detail.to_owned() }
}

fn store_alarm() -> v1::Alarm {
    let detail = "the server answers writes with OOM: raise maxmemory";
    alarm(v1::AlarmKind::StoreRefusesWrites, Some(CUT_OFF), detail)
}

/// A collector's side: its digest is as many bytes of its count of cells.
fn side(through: u64, produced: u64, cell_count: u8) -> v1::CollectorAudit {
    v1::CollectorAudit {
        produced_through: through,
        produced_observation_count: produced,
        rejected_observation_count: 1,
        cell_count: cell_count.into(),
        cell_digest: vec![cell_count; 16],
    }
}

fn audit(
    reporter: &str,
    verdict: v1::AuditVerdict,
    collector: Option<v1::CollectorAudit>,
) -> v1::Audit {
    let told_time = collector.as_ref().map(|_| CUT_OFF);
    let produced = collector.as_ref().map_or(0, |told| told.produced_observation_count);
    v1::Audit {
        reporter: reporter.to_owned(),
        name: String::new(),
        name_en: String::new(),
        verdict: verdict.into(),
        log_id: vec![0xC4; 16],
        collector,
        folded_through: 12,
        ledger: Some(v1::Ledger {
            applied_count: 1_400,
            repeated_count: 50,
            superseded_count: 5,
            rejected_count: 1,
        }),
        pending_observation_count: produced.saturating_sub(1_456),
        cell_count: 56,
        cell_digest: vec![56; 16],
        told_time,
    }
}
