use std::{collections::BTreeMap, time::Duration};

use phuxanh_core::{
    CellDigest, LogId, Timestamp,
    delivery::{
        alarm::Rules,
        board::{Event, Presence, note},
        timekeeping,
    },
    figures::{
        fold::Changes,
        rollup::{
            ProvinceRollup,
            fixture::{Log, catalogue, code, gazetteer, july, observation},
        },
    },
    frame::{CollectorAudit, Heartbeat, IntakeTrouble, SessionId},
};
use tonic::Code;
use tonic_types::StatusExt;

use super::*;

const DAY: Duration = Duration::from_hours(24);
const RULES: Rules = Rules {
    hold: Duration::from_hours(24),
    clock_offset_max: Duration::from_secs(30),
    flapping_count: 5,
    flapping_window: Duration::from_mins(10),
    silent_after: Duration::from_hours(1_000),
};

fn noon_on_the_ninth() -> Timestamp {
    july(9)
}

/// Timekeeping over a store whose newest receipt is of this time.
fn timekeeping(newest: Timestamp) -> Timekeeping {
    let rules = timekeeping::Rules { offset_max: RULES.clock_offset_max, gap_max: DAY };
    crate::timekeeping::start(rules, noon_on_the_ninth, Some(newest)).0
}

/// Heartbeat of a collector whose clock is 90.5 s behind.
fn heartbeat(at: Timestamp, cells: CellDigest) -> Heartbeat {
    Heartbeat {
        produced_through: 1,
        spool_batch_count: 2,
        spool_bytes: 3,
        dead_letter_count: 4,
        sent: Timestamp::from_micros(at.micros() - 90_500_000).expect("in range"),
        complete_through: Some(july(2)),
        audit: Some(CollectorAudit {
            produced_through: 1,
            produced_observation_count: 1,
            rejected_observation_count: 0,
            cells,
        }),
        intake_trouble: IntakeTrouble::default(),
    }
}

/// Service in which Cao Bằng has reported one cell. Its collector claims `cell_count` cells, and
/// its clock is 90.5 s behind.
fn service(cell_count: u64) -> Service {
    let mut log = Log::new();
    log.write(vec![observation("00002", "a", "2025-07", Some(1), july(1))]);
    let empty = View::empty(catalogue(), gazetteer());
    let reporter = code("04");
    let rollup = ProvinceRollup::build(
        reporter,
        log.fold(),
        empty.catalogue(),
        empty.gazetteer(),
        None,
        &Changes::new(),
    );
    let position = *log.fold().position();
    let mut cells = position.cells;
    cells.count = cell_count;
    let (session, at) = (SessionId([1; 16]), noon_on_the_ninth());
    let heartbeat = heartbeat(at, cells);
    let events = [
        Event::Connected {
            reporter,
            session,
            log: position.log.expect("one record"),
            host: "cb-1".to_owned(),
            program: Program {
                software: "phuxanh-collector 0.1.0".to_owned(),
                catalogue_version: 4,
                catalogue_digest: [7; 32],
            },
            produced: 1,
            at,
        },
        Event::Beat { reporter, session, heartbeat, at },
    ];
    let mut board = BTreeMap::new();
    for event in events {
        note(&mut board, &RULES, event);
    }
    Service {
        board: watch::channel(Arc::new(board)).1,
        view: watch::channel(Arc::new(empty.with(vec![Arc::new(rollup)]))).1,
        clock: noon_on_the_ninth,
        own: Own {
            id: [9; 16],
            host: "centre".to_owned(),
            address: "127.0.0.1:7400".to_owned(),
            start: july(1),
            rules: RULES,
            interval: Duration::from_secs(1),
        },
        peers: watch::channel(Peers::default()).1,
        timekeeping: timekeeping(july(9)),
        store_kind: "embedded",
        durability: Durability::Always,
        trouble: watch::channel(None).1,
        writes: watch::channel(None).1,
        replaced: watch::channel(None).1,
        judge: None,
        silence_max: Duration::from_secs(90),
    }
}

async fn audits(
    service: &Service,
    reporter: &str,
    page_size: i32,
    page_token: &str,
) -> Result<v1::AuditCollectorsResponse, Status> {
    let (reporter, page_token) = (reporter.to_owned(), page_token.to_owned());
    let request = v1::AuditCollectorsRequest { reporter, page_size, page_token };
    Ok(service.audit_collectors(Request::new(request)).await?.into_inner())
}

async fn collectors(
    service: &Service,
    page_size: i32,
    page_token: &str,
) -> Result<v1::ListCollectorsResponse, Status> {
    let request = v1::ListCollectorsRequest { page_size, page_token: page_token.to_owned() };
    Ok(service.list_collectors(Request::new(request)).await?.into_inner())
}

#[tokio::test]
async fn a_collector_is_shown_with_what_its_last_heartbeat_said() {
    let page = collectors(&service(1), 0, "").await.expect("a page");
    let reporters: Vec<_> = page.collectors.iter().map(|found| found.reporter.as_str()).collect();
    assert_eq!(reporters, ["01", "04", "08", "12"]);
    let found = &page.collectors[1];
    assert_eq!((found.host.as_str(), found.connected), ("cb-1", true));
    assert_eq!(found.software, "phuxanh-collector 0.1.0");
    let catalogue = v1::CollectorCatalogue { version: 4, digest: vec![7; 32], same: false };
    assert_eq!(found.catalogue, Some(catalogue));
    assert_eq!((found.applied_through, found.produced_through), (1, 1));
    assert_eq!((found.spool_batch_count, found.spool_bytes, found.dead_letter_count), (2, 3, 4));
    assert_eq!(found.complete_through_time, Some(wire_time(july(2))));
    let offset = prost_types::Duration { seconds: -90, nanos: -500_000_000 };
    assert_eq!(found.clock_offset, Some(offset));
    let alarms: Vec<_> =
        found.alarms.iter().map(|alarm| (alarm.kind(), alarm.since_time, &alarm.detail)).collect();
    let since = Some(wire_time(noon_on_the_ninth()));
    let letters = "4 observations lie in the dead letters of cb-1".to_owned();
    let clock = "the clock of cb-1 is 90 s behind the aggregator's".to_owned();
    let expected = [
        (v1::AlarmKind::RejectedData, since, &letters),
        (v1::AlarmKind::ClockOffset, since, &clock),
    ];
    assert_eq!(alarms, expected);
    let silent = &page.collectors[0];
    assert_eq!((silent.connected, &silent.since_time, &silent.clock_offset), (false, &None, &None));
    assert_eq!(silent.alarms, []);
    assert_eq!((silent.software.as_str(), &silent.catalogue), ("", &None));
}

#[tokio::test]
async fn whoever_was_not_heard_since_the_first_aggregator_started_is_an_alarm() {
    let unheard = async |silent_after, start| {
        let mut service = service(1);
        service.own.rules.silent_after = silent_after;
        service.own.start = start;
        let page = collectors(&service, 0, "").await.expect("a page");
        let is_unheard = |alarm: &&v1::Alarm| alarm.kind() == v1::AlarmKind::Unheard;
        let found = page.collectors.iter().filter(|it| it.alarms.iter().any(|it| is_unheard(&it)));
        found.map(|it| it.reporter.clone()).collect::<Vec<_>>()
    };
    // Cao Bằng is connected.
    assert_eq!(unheard(7 * DAY, july(1)).await, ["01", "08", "12"]);
    assert_eq!(unheard(7 * DAY, july(3)).await, [""; 0], "nobody listened for long enough");
    assert_eq!(unheard(9 * DAY, july(1)).await, [""; 0]);
}

#[tokio::test]
async fn an_audit_puts_both_ends_side_by_side() {
    let page = audits(&service(1), "04", 0, "").await.expect("a page");
    let [audit] = page.audits.as_slice() else { panic!("one audit: {page:?}") };
    assert_eq!(audit.verdict(), v1::AuditVerdict::Agrees);
    assert_eq!((audit.log_id.as_slice(), audit.folded_through), (&[7; 16][..], 1));
    let told = audit.collector.as_ref().expect("told");
    assert_eq!((told.produced_observation_count, told.cell_count, audit.cell_count), (1, 1, 1));
    assert_eq!(audit.ledger.map(|ledger| ledger.applied_count), Some(1));
    assert_eq!(audit.told_time, Some(wire_time(noon_on_the_ninth())));
    assert_eq!((audit.cell_digest.len(), &audit.cell_digest), (16, &told.cell_digest));
    assert_eq!(page.next_page_token, "");

    let page = audits(&service(2), "", 0, "").await.expect("a page");
    let verdicts: Vec<_> = page.audits.iter().map(v1::Audit::verdict).collect();
    let silent = v1::AuditVerdict::Silent;
    assert_eq!(verdicts, [silent, v1::AuditVerdict::Disagrees, silent, silent]);
    assert_eq!((page.audits[0].collector.as_ref(), page.audits[0].log_id.len()), (None, 0));
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let service = service(1);
    let (mut audited, mut listed, mut token) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = audits(&service, "", 3, &token).await.expect("a page");
        audited.push(page.audits.into_iter().map(|audit| audit.reporter).collect::<Vec<_>>());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(audited, [vec!["01", "04", "08"], vec!["12"]]);
    loop {
        let page = collectors(&service, 2, &token).await.expect("a page");
        listed.push(page.collectors.into_iter().map(|found| found.reporter).collect::<Vec<_>>());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, [["01", "04"], ["08", "12"]]);
}

#[tokio::test]
async fn the_central_office_is_shown_once_it_was_heard_of() {
    let mut service = service(1);
    let mut board = BTreeMap::new();
    note(
        &mut board,
        &RULES,
        Event::Refused {
            reporter: LocalityCode::NATION,
            log: LogId([2; 16]),
            host: "b".to_owned(),
            owner: "a".to_owned(),
            same_log: false,
            at: noon_on_the_ninth(),
        },
    );
    service.board = watch::channel(Arc::new(board)).1;
    let page = collectors(&service, 1, "").await.expect("a page");
    assert_eq!(page.collectors[0].reporter, "00");
    assert_eq!(page.collectors[0].alarms[0].kind(), v1::AlarmKind::TwoCollectors);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let service = service(1);
    let token = audits(&service, "", 1, "").await.expect("a page").next_page_token;
    let refusals = [
        audits(&service, "4", 0, "").await.map(drop),
        audits(&service, "00002", 0, "").await.map(drop),
        audits(&service, "", -1, "").await.map(drop),
        audits(&service, "04", 1, &token).await.map(drop),
        collectors(&service, 1, &token).await.map(drop),
        collectors(&service, 1, "04").await.map(drop),
    ];
    let fields = refusals.map(|refusal| {
        let status = refusal.expect_err("refused");
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        details.bad_request().expect("a field").field_violations[0].field.clone()
    });
    let token = "page_token";
    assert_eq!(fields, ["reporter", "reporter", "page_size", token, token, token]);
    let unknown = audits(&service, "99", 0, "").await.expect_err("not in the gazetteer");
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn a_store_that_refuses_writes_is_an_alarm_and_outdates_the_audit() {
    let cause = "the server answers writes with OOM: raise maxmemory".to_owned();
    let refused = WritesRefused { since: july(8), cause: cause.clone() };
    let service = Service { writes: watch::channel(Some(refused)).1, ..service(1) };
    let alarm = v1::Alarm {
        kind: v1::AlarmKind::StoreRefusesWrites.into(),
        since_time: Some(wire_time(july(8))),
        detail: cause,
    };
    let page = audits(&service, "04", 0, "").await.expect("a page");
    assert_eq!(page.audits[0].verdict(), v1::AuditVerdict::Outdated);
    assert_eq!(page.audits[0].told_time, Some(wire_time(noon_on_the_ninth())));
    assert_eq!(page.store_alarms.as_slice(), std::slice::from_ref(&alarm));
    let page = collectors(&service, 0, "").await.expect("a page");
    assert_eq!(page.store_alarms.as_slice(), std::slice::from_ref(&alarm));
    let request = Request::new(v1::ListReplicasRequest {});
    let answer = service.list_replicas(request).await.expect("an answer").into_inner();
    assert_eq!(answer.store.expect("a store").alarms, [alarm]);
}

#[tokio::test]
async fn a_store_that_was_replaced_is_an_alarm_for_a_while_and_outdates_no_audit() {
    let replaced = |at| Service { replaced: watch::channel(Some(at)).1, ..service(1) };
    let page = audits(&replaced(noon_on_the_ninth()), "04", 0, "").await.expect("a page");
    let [alarm] = page.store_alarms.as_slice() else { panic!("one alarm: {page:?}") };
    assert_eq!(alarm.kind(), v1::AlarmKind::StoreReplaced);
    assert_eq!(alarm.since_time, Some(wire_time(noon_on_the_ninth())));
    assert_eq!(page.audits[0].verdict(), v1::AuditVerdict::Agrees);
    let page = audits(&replaced(july(8)), "04", 0, "").await.expect("a page");
    assert_eq!(page.store_alarms, []);
}

#[tokio::test]
async fn a_clock_behind_what_was_received_is_an_alarm() {
    let service = Service { timekeeping: timekeeping(july(10)), ..service(1) };
    let page = collectors(&service, 0, "").await.expect("a page");
    let [alarm] = page.store_alarms.as_slice() else { panic!("one alarm: {page:?}") };
    assert_eq!(alarm.kind(), v1::AlarmKind::AggregatorClock);
    assert!(alarm.detail.contains("behind the newest receipt"), "{alarm:?}");
}

#[tokio::test]
async fn aggregators_are_listed_with_what_they_lack_and_hold() {
    let trouble = Trouble { since: july(8), cause: "no route".to_owned() };
    let session = SessionId([2; 16]);
    let presence = Presence {
        session,
        log: LogId([1; 16]),
        connected: true,
        since: july(9),
        host: "lc-1".to_owned(),
        program: Program::default(),
        produced_through: 7,
        heard: None,
        beats_at_rest: 0,
    };
    let sighting = Sighting { presence: Some(presence), alarms: Vec::new() };
    let peer = Replica {
        id: [1; 16],
        host: "bureau".to_owned(),
        address: "127.0.0.1:7401".to_owned(),
        start: july(2),
        seen: july(9),
        view_version: "v".to_owned(),
        positions: [(code("04"), 1), (code("12"), 5)].into(),
        sightings: [(code("12"), sighting)].into(),
    };
    let service = Service {
        peers: watch::channel(Arc::new(vec![peer])).1,
        trouble: watch::channel(Some(trouble)).1,
        ..service(1)
    };
    let request = Request::new(v1::ListReplicasRequest {});
    let answer = service.list_replicas(request).await.expect("an answer").into_inner();
    let rows: Vec<_> = answer
        .replicas
        .iter()
        .map(|it| (it.host.as_str(), it.is_self, it.behind_count, it.sessions.join(" ")))
        .collect();
    let expected = [("bureau", false, 0, "12".to_owned()), ("centre", true, 5, "04".to_owned())];
    assert_eq!(rows, expected);
    let store = answer.store.expect("a store");
    assert_eq!((store.kind.as_str(), store.durability()), ("embedded", v1::Durability::Always));
    assert_eq!(store.trouble, "no route");
    assert_eq!(store.trouble_since_time, Some(wire_time(july(8))));

    // This aggregator also shows a collector that only the other one saw.
    let request = Request::new(v1::ListCollectorsRequest::default());
    let listed = service.list_collectors(request).await.expect("an answer").into_inner();
    let seen = listed.collectors.iter().find(|it| it.reporter == "12").expect("a province");
    assert_eq!((seen.host.as_str(), seen.connected, seen.produced_through), ("lc-1", true, 7));
}
