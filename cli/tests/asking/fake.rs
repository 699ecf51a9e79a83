//! An aggregator with fixed replies over the real gazetteer, which remembers what it was asked.

mod insight;
mod mesh;
mod quality;
mod rankings;
mod trend;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use phuxanh_core::{
    Level, LocalityCode,
    gazetteer::{Gazetteer, Kind, Locality},
};
use phuxanh_proto::v1::{
    self, catalogue_service_server as catalogue, insight_service_server::InsightServiceServer,
    locality_service_server as locality, mesh_service_server::MeshServiceServer,
    quality_service_server::QualityServiceServer, ranking_service_server as ranking,
    rollup::Counts, trend_service_server::TrendServiceServer,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

type Reply<T> = Result<Response<T>, Status>;

/// Ranked communes of the nation: three pages of 1,000.
pub const COMMUNES: usize = 2_500;
/// Localities of which nothing is known, and those whose denominator is 0.
pub const UNKNOWN: usize = 13;
pub const UNTESTED: usize = 2;

/// 2025-07-31T16:00:00+07:00.
const CUT_OFF: prost_types::Timestamp = prost_types::Timestamp { seconds: 1_753_952_400, nanos: 0 };

/// A running server; ends with the value.
pub struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<v1::RankLocalitiesRequest>>>,
    _runtime: Runtime,
}

impl Fake {
    pub fn start() -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into())
    }

    pub fn start_at(address: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(address)).expect("the port is free");
        let address = listener.local_addr().expect("bound");
        let replies = Replies {
            gazetteer: Arc::new(Gazetteer::builtin()),
            asked: Arc::new(Mutex::new(Vec::new())),
        };
        let asked = Arc::clone(&replies.asked);
        runtime.spawn(
            Server::builder()
                .add_service(ranking::RankingServiceServer::new(replies.clone()))
                .add_service(locality::LocalityServiceServer::new(replies.clone()))
                .add_service(catalogue::CatalogueServiceServer::new(replies.clone()))
                .add_service(InsightServiceServer::new(replies.clone()))
                .add_service(QualityServiceServer::new(replies.clone()))
                .add_service(TrendServiceServer::new(replies.clone()))
                .add_service(MeshServiceServer::new(replies))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { address, asked, _runtime: runtime }
    }

    pub fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The rankings asked for so far.
    pub fn asked(&self) -> Vec<v1::RankLocalitiesRequest> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

#[derive(Clone)]
struct Replies {
    gazetteer: Arc<Gazetteer>,
    asked: Arc<Mutex<Vec<v1::RankLocalitiesRequest>>>,
}

impl Replies {
    fn find(&self, code: &str) -> Result<&Locality, Status> {
        let found =
            code.parse::<LocalityCode>().ok().and_then(|code| self.gazetteer.locality(code));
        found.ok_or_else(|| {
            let details = ErrorDetails::with_resource_info("locality", code, "", "");
            Status::with_error_details(Code::NotFound, "no such locality", details)
        })
    }

    fn wire(&self, found: &Locality) -> v1::Locality {
        let province = found.province.and_then(|code| self.gazetteer.locality(code));
        let kind = match found.kind {
            Kind::Nation => v1::LocalityKind::Nation,
            Kind::Province => v1::LocalityKind::Province,
            Kind::City => v1::LocalityKind::City,
            Kind::Commune => v1::LocalityKind::Commune,
            Kind::Ward => v1::LocalityKind::Ward,
            Kind::SpecialZone => v1::LocalityKind::SpecialZone,
        };
        v1::Locality {
            code: found.code.to_string(),
            name: found.name.clone(),
            name_en: found.name_en.clone(),
            kind: kind.into(),
            province_code: province.map(|found| found.code.to_string()).unwrap_or_default(),
            province_name: province.map(|found| found.name.clone()).unwrap_or_default(),
            valid_from: found.valid_from.to_string(),
            aliases: found.aliases.clone(),
            province_name_en: province.map(|found| found.name_en.clone()).unwrap_or_default(),
            ..Default::default()
        }
    }

    fn row(&self, code: &str, rank: i32, rollup: v1::Rollup) -> v1::RankedLocality {
        let found = self.wire(self.find(code).expect("a code of the gazetteer"));
        v1::RankedLocality {
            rank,
            code: found.code,
            name: found.name,
            name_en: found.name_en,
            province_code: found.province_code,
            rollup: Some(rollup),
            ..Default::default()
        }
    }

    /// The lowest provinces of the report.
    fn provinces(&self, indicator: &str) -> Vec<v1::RankedLocality> {
        let rows = [("04", 3, 53), ("12", 3, 35), ("48", 40, 54)].into_iter().zip(1..);
        rows.map(|((code, green, not_green), rank)| {
            let rollup = match indicator {
                "applications_per_day" => ratio(indicator, 1_235_000, 22),
                "online_submission_rate" => ratio(indicator, 3_273, 10_000),
                _ => coverage(green, not_green),
            };
            self.row(code, rank, rollup)
        })
        .collect()
    }

    fn communes(&self, within: &str, count: usize) -> Vec<v1::RankedLocality> {
        let all = self.gazetteer.localities().filter(|found| found.code.level() == Level::Commune);
        let scope = within.parse::<LocalityCode>().ok().filter(|_| within != "00");
        let inside = all.filter(|found| scope.is_none() || found.province == scope);
        inside.take(count).map(|found| self.row(&found.code.to_string(), 1, one())).collect()
    }

    fn section(&self, ask: &v1::RankLocalitiesRequest) -> Vec<v1::RankedLocality> {
        match (ask.section(), ask.level()) {
            (v1::Section::Ranked, v1::Level::Commune) => self.communes(&ask.within, COMMUNES),
            (v1::Section::Ranked, _) => self.provinces(&ask.indicator),
            (v1::Section::Stale, _) => self.provinces(&ask.indicator).split_off(1),
            (v1::Section::Small, _) => self.communes("08", 1),
            (v1::Section::OneSided, _) => self.communes("11", 1),
            (v1::Section::Unknown, _) => self.communes("01", UNKNOWN),
            (v1::Section::Untested, _) => self.communes("04", UNTESTED),
            (v1::Section::Unspecified, _) => Vec::new(),
        }
    }
}

fn coverage(green: i32, not_green: i32) -> v1::Rollup {
    v1::Rollup {
        indicator: "green_coverage".to_owned(),
        state: v1::RollupState::Known.into(),
        numerator: green.into(),
        denominator: (green + not_green).into(),
        value: f64::from(green) / f64::from(green + not_green),
        status: v1::Status::Red.into(),
        data_time: Some(CUT_OFF),
        stale: true,
        basis: if green == 40 { v1::Basis::Synthetic } else { v1::Basis::Unspecified }.into(),
        counts: Some(Counts::Coverage(v1::CoverageCounts {
            green,
            not_green,
            unknown: 0,
            green_max: green,
        })),
    }
}

fn one() -> v1::Rollup {
    v1::Rollup { stale: false, ..coverage(0, 1) }
}

fn ratio(indicator: &str, numerator: i64, denominator: i64) -> v1::Rollup {
    v1::Rollup {
        indicator: indicator.to_owned(),
        state: v1::RollupState::Known.into(),
        numerator,
        denominator,
        value: 0.5,
        data_time: Some(CUT_OFF),
        counts: Some(Counts::Reporting(v1::ReportCounts { reported: 54, communes: 56 })),
        ..Default::default()
    }
}

fn untested(indicator: &str) -> v1::Rollup {
    v1::Rollup {
        indicator: indicator.to_owned(),
        state: v1::RollupState::Untested.into(),
        status: v1::Status::Grey.into(),
        ..Default::default()
    }
}

#[tonic::async_trait]
impl ranking::RankingService for Replies {
    async fn rank_localities(
        &self,
        request: Request<v1::RankLocalitiesRequest>,
    ) -> Reply<v1::RankLocalitiesResponse> {
        let ask = request.into_inner();
        self.asked.lock().expect("nobody panics with it").push(ask.clone());
        match (ask.indicator.as_str(), ask.period.as_str()) {
            ("away", _) => return Err(Status::unavailable("restoring the view")),
            ("broken", _) => return Err(Status::internal("")),
            ("", _) => panic!("the CLI names its indicator"),
            (_, "2025-7") => {
                let violation = FieldViolation::new("period", "\"2025-7\" is not a period");
                let details = ErrorDetails::with_bad_request(vec![violation]);
                let message = "a field is malformed";
                return Err(Status::with_error_details(Code::InvalidArgument, message, details));
            }
            _ => {}
        }
        let mut rows = self.section(&ask);
        rankings::complete(&ask, &mut rows);
        let start: usize = ask.page_token.parse().unwrap_or(0);
        let end = rows.len().min(start + usize::try_from(ask.page_size).expect("positive"));
        let changing = ask.period == "2025-06" && start > 0;
        Ok(Response::new(v1::RankLocalitiesResponse {
            ranked_count: i32::try_from(rows.len()).expect("few"),
            next_page_token: if end < rows.len() { end.to_string() } else { String::new() },
            rows: rows.into_iter().take(end).skip(start).collect(),
            level: ask.level,
            order: ask.order,
            within: if ask.within.is_empty() { "00".to_owned() } else { ask.within },
            period: if ask.period.is_empty() { "2025-07".to_owned() } else { ask.period },
            indicator: ask.indicator,
            view_version: if changing { "v2" } else { "v1" }.to_owned(),
            unknown_count: i32::try_from(UNKNOWN).expect("few"),
            untested_count: i32::try_from(UNTESTED).expect("few"),
            small_count: i32::from(ask.denominator_min > 0),
            one_sided_count: i32::from(ask.by == i32::from(v1::RankBy::Change)),
            stale_count: 2,
            kind: ask.kind,
            denominator_min: ask.denominator_min,
            by: ask.by,
            baseline_period: ask.baseline_period,
            view_changed: changing,
            reports: None,
        }))
    }

    async fn get_standing(
        &self,
        request: Request<v1::GetStandingRequest>,
    ) -> Reply<v1::GetStandingResponse> {
        let ask = request.into_inner();
        self.find(&ask.code)?;
        let mut rows = self.provinces(&ask.indicator);
        let behind = rows.split_off(2);
        let mut locality = rows.pop().expect("two before the split");
        if ask.indicator == "untested_rate" {
            locality.rank = 0;
            locality.rollup = Some(untested(&ask.indicator));
        }
        Ok(Response::new(v1::GetStandingResponse {
            locality: Some(v1::RankedLocality { code: ask.code, ..locality }),
            before: rows,
            behind,
            level: v1::Level::Province.into(),
            within: "00".to_owned(),
            period: "2025-07".to_owned(),
            order: ask.order,
            view_version: "v1".to_owned(),
            ranked_count: 34,
            previous: Some(rankings::previous(&ask.indicator)),
            reports: None,
        }))
    }
}

#[tonic::async_trait]
impl locality::LocalityService for Replies {
    async fn get_locality(
        &self,
        request: Request<v1::GetLocalityRequest>,
    ) -> Reply<v1::GetLocalityResponse> {
        let found = self.find(&request.into_inner().code)?;
        Ok(Response::new(v1::GetLocalityResponse { locality: Some(self.wire(found)) }))
    }

    async fn list_localities(
        &self,
        request: Request<v1::ListLocalitiesRequest>,
    ) -> Reply<v1::ListLocalitiesResponse> {
        let request = request.into_inner();
        let localities: Vec<_> = match request.within.parse() {
            Ok(province) if request.level() == v1::Level::Commune => {
                self.gazetteer.communes(province).map(|found| self.wire(found)).collect()
            }
            Ok(_) | Err(_) => self.gazetteer.provinces().map(|found| self.wire(found)).collect(),
        };
        let total_size = i32::try_from(localities.len()).expect("a few");
        let answer = v1::ListLocalitiesResponse { localities, total_size, ..Default::default() };
        Ok(Response::new(answer))
    }

    async fn search_localities(
        &self,
        request: Request<v1::SearchLocalitiesRequest>,
    ) -> Reply<v1::SearchLocalitiesResponse> {
        let found = self.gazetteer.search(&request.into_inner().text);
        let wire = |found: &phuxanh_core::gazetteer::Match| v1::LocalityMatch {
            locality: Some(self.wire(found.locality)),
            exact: found.exact,
        };
        let matches = found.iter().map(wire).collect();
        Ok(Response::new(v1::SearchLocalitiesResponse { matches, ..Default::default() }))
    }

    async fn get_scorecard(
        &self,
        request: Request<v1::GetScorecardRequest>,
    ) -> Reply<v1::GetScorecardResponse> {
        let ask = request.into_inner();
        let found = self.find(&ask.code)?;
        let of_commune = found.province.is_some();
        let (met, unmet) = if of_commune { (0, 1) } else { (50, 6) };
        let criterion = |id: &str, met_count, unmet_count, unknown_count| v1::CriterionRollup {
            criterion: id.to_owned(),
            required: true,
            met_count,
            unmet_count,
            unknown_count,
            data_time: Some(CUT_OFF),
            ..Default::default()
        };
        Ok(Response::new(v1::GetScorecardResponse {
            locality: Some(self.wire(found)),
            period: "2025-07".to_owned(),
            view_version: "v1".to_owned(),
            coverage: Some(if of_commune { one() } else { coverage(3, 53) }),
            criteria: vec![
                criterion("digital_signatures", met, unmet, 0),
                criterion("online_meetings", 0, 0, met + unmet),
            ],
            indicators: vec![ratio("online_submission_rate", 1, 8), untested("untested_rate")],
            reports: None,
        }))
    }
}

#[tonic::async_trait]
impl catalogue::CatalogueService for Replies {
    async fn get_catalogue(
        &self,
        _: Request<v1::GetCatalogueRequest>,
    ) -> Reply<v1::GetCatalogueResponse> {
        let indicator = |id: &str, name_vi: &str, unit: &str| v1::Indicator {
            id: id.to_owned(),
            name_vi: name_vi.to_owned(),
            name_en: if id == "green_coverage" { "Green coverage" } else { "" }.to_owned(),
            unit: unit.to_owned(),
            direction: v1::Direction::Up.into(),
            ..Default::default()
        };
        let criterion = |id: &str, name_vi: &str| v1::Criterion {
            id: id.to_owned(),
            name_vi: name_vi.to_owned(),
            required: true,
            ..Default::default()
        };
        Ok(Response::new(v1::GetCatalogueResponse {
            version: 1,
            digest: vec![0xAB; 32],
            criteria: vec![
                criterion("digital_signatures", "Cán bộ có chữ ký số chuyên dùng"),
                criterion("online_meetings", "Hội nghị trực tuyến"),
            ],
            measures: vec![v1::Measure {
                id: "applications_online".to_owned(),
                name_vi: "Hồ sơ nộp trực tuyến".to_owned(),
                level: v1::Level::Commune.into(),
                ..Default::default()
            }],
            indicators: vec![
                indicator("green_coverage", "Tỷ lệ phủ xanh", ""),
                indicator("online_submission_rate", "Tỷ lệ hồ sơ nộp trực tuyến", ""),
                indicator(
                    "applications_per_day",
                    "Hồ sơ tiếp nhận bình quân mỗi xã mỗi ngày làm việc",
                    "per commune and day",
                ),
            ],
            task_groups: Vec::new(),
            plausibility: Some(v1::Plausibility {
                deadline_day: 5,
                deadlines: vec![v1::Deadline {
                    id: "report".to_owned(),
                    deadline_time: Some(CUT_OFF),
                    ..Default::default()
                }],
                ..Default::default()
            }),
        }))
    }
}
