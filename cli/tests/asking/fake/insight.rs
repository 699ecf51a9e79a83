//! Fixed replies of the insight service: Cao Bằng is low, Hà Nội declares ahead of what it measures.

use phuxanh_proto::v1::{self, get_cause_response::Split, insight_service_server::InsightService};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{CUT_OFF, Replies, Reply, coverage, rankings::open, ratio, untested};

const PERIOD: &str = "2025-07";
pub const VERSION: &str = "v1";

impl Replies {
    pub fn named(&self, code: &str) -> v1::NamedLocality {
        let found = self.find(code).expect("a code of the gazetteer");
        let (name, name_en) = (found.name.clone(), found.name_en.clone());
        v1::NamedLocality { code: code.to_owned(), name, name_en }
    }

    fn distribution(&self, code: &str, counts: [i32; 6], provinces: &[&str]) -> v1::Distribution {
        let bands = (1..=6).zip(counts).map(|(band, locality_count)| v1::BandCount {
            band,
            locality_count,
            at_least_count: if band <= 4 { 10 * band } else { 0 },
            provinces: if band == 1 {
                provinces.iter().map(|code| self.named(code)).collect()
            } else {
                Vec::new()
            },
        });
        v1::Distribution {
            scope: Some(self.named(code)),
            locality_count: counts.iter().sum(),
            bands: bands.collect(),
            provenance: Some(synthetic()),
        }
    }

    fn shortfalls(&self, code: &str, unmet_count: i32) -> v1::ScopeShortfalls {
        let shortfall = |criterion: &str, required, unmet_count, flip_count| v1::Shortfall {
            criterion: criterion.to_owned(),
            required,
            unmet_count,
            unknown_count: 1,
            flip_count,
            flip_unknown_count: 0,
            provenance: Some(synthetic()),
        };
        v1::ScopeShortfalls {
            scope: Some(self.named(code)),
            coverage: Some(coverage(3, 53)),
            shortfalls: vec![
                shortfall("digital_signatures", true, unmet_count, 2),
                shortfall("online_meetings", false, 4, 0),
            ],
            flip_count: 2,
        }
    }

    fn ranked_gap(&self, rank: i32, code: &str, numerator: i64) -> v1::RankedGap {
        v1::RankedGap {
            rank,
            locality: Some(self.named(code)),
            province_code: String::new(),
            gap: Some(if rank == 0 { no_gap() } else { gap(numerator) }),
            widest_criterion: if rank == 0 { "" } else { "digital_signatures" }.to_owned(),
            widest_gap_billionths: if rank == 0 { 0 } else { 947_000_000 },
        }
    }
}

pub fn synthetic() -> v1::Provenance {
    let basis = v1::Basis::Synthetic.into();
    v1::Provenance { data_time: Some(CUT_OFF), stale: false, basis }
}

fn gap(numerator: i64) -> v1::Gap {
    v1::Gap {
        state: v1::RollupState::Known.into(),
        numerator,
        denominator: 2_000_000_000,
        value: 0.5,
        criterion_count: 2,
        without_gap_count: 1,
        provenance: Some(synthetic()),
    }
}

fn no_gap() -> v1::Gap {
    v1::Gap {
        state: v1::RollupState::Unknown.into(),
        without_gap_count: 3,
        provenance: Some(v1::Provenance::default()),
        ..Default::default()
    }
}

#[tonic::async_trait]
impl InsightService for Replies {
    async fn get_distribution(
        &self,
        request: Request<v1::GetDistributionRequest>,
    ) -> Reply<v1::GetDistributionResponse> {
        let ask = request.into_inner();
        if ask.indicator == "online_submission_rate" {
            let message = "online_submission_rate has no legend";
            let details = ErrorDetails::with_bad_request_violation("indicator", message);
            return Err(Status::with_error_details(Code::InvalidArgument, message, details));
        }
        let of_communes = ask.level() == v1::Level::Commune;
        let provinces = match (of_communes, ask.within.as_str()) {
            (true, "") => vec![self.distribution("04", [3, 0, 0, 53, 0, 0], &[])],
            (_, _) => Vec::new(),
        };
        let within = if ask.within.is_empty() { "00" } else { &ask.within };
        Ok(Response::new(v1::GetDistributionResponse {
            level: ask.level,
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            green_from: 0.7,
            yellow_from: 0.5,
            direction: v1::Direction::Up.into(),
            total: Some(self.distribution(within, [8, 5, 6, 15, 0, 0], &["01", "46"])),
            provinces,
            indicator: ask.indicator,
            reports: None,
        }))
    }

    async fn get_shortfalls(
        &self,
        request: Request<v1::GetShortfallsRequest>,
    ) -> Reply<v1::GetShortfallsResponse> {
        let within = request.into_inner().within;
        let (total, provinces) = match within.as_str() {
            "" => (
                self.shortfalls("00", 80),
                vec![self.shortfalls("04", 30), self.shortfalls("12", 20)],
            ),
            code => (self.shortfalls(code, 30), Vec::new()),
        };
        Ok(Response::new(v1::GetShortfallsResponse {
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            total: Some(total),
            provinces,
            reports: None,
        }))
    }

    async fn list_lacking(
        &self,
        request: Request<v1::ListLackingRequest>,
    ) -> Reply<v1::ListLackingResponse> {
        let ask = request.into_inner();
        let row = |code, unmet: &[&str], unknown: &[&str]| v1::LackingCommune {
            commune: Some(self.named(code)),
            province_code: "04".to_owned(),
            is_unknown: unmet.is_empty(),
            unmet: unmet.iter().map(|&id| id.to_owned()).collect(),
            unknown: unknown.iter().map(|&id| id.to_owned()).collect(),
            provenance: Some(v1::Provenance::default()),
        };
        let within = if ask.within.is_empty() { "00".to_owned() } else { ask.within };
        Ok(Response::new(v1::ListLackingResponse {
            rows: vec![
                row("01273", &["digital_signatures"], &["online_meetings"]),
                row("01279", &[], &["digital_signatures"]),
            ],
            within,
            criterion: ask.criterion,
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            lacking_count: 3,
            unknown_count: 1,
            commune_count: 56,
            ..Default::default()
        }))
    }

    async fn get_path(&self, request: Request<v1::GetPathRequest>) -> Reply<v1::GetPathResponse> {
        let ask = request.into_inner();
        let communes = vec![v1::PathCommune {
            commune: Some(self.named("01273")),
            unmet: vec!["digital_signatures".to_owned()],
            unknown: vec!["online_meetings".to_owned()],
        }];
        let reached = ask.target_percent == 1;
        Ok(Response::new(v1::GetPathResponse {
            province: Some(self.named(&ask.code)),
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            target_percent: ask.target_percent,
            coverage: Some(coverage(3, 53)),
            target_count: if reached { 1 } else { 4 },
            needed_count: i32::from(!reached),
            communes: if reached { Vec::new() } else { communes },
            unmet_fix_count: 1,
            unknown_fix_count: 1,
            criterion_set: Some(v1::CriterionSet {
                criteria: vec!["digital_signatures".to_owned()],
                exact: ask.target_percent != 90,
                lower_bound: 1,
                turned_count: 2,
                unmet_fix_count: 30,
                unknown_fix_count: 1,
            }),
            reports: None,
        }))
    }

    async fn get_cause(
        &self,
        request: Request<v1::GetCauseRequest>,
    ) -> Reply<v1::GetCauseResponse> {
        let ask = request.into_inner();
        let part = |criterion: &str, unmet_numerator, unknown_numerator| v1::CriterionPart {
            criterion: criterion.to_owned(),
            unmet_numerator,
            unknown_numerator,
            numerator: unmet_numerator + unknown_numerator,
            value: 0.25,
        };
        let (value, nation, split) = match ask.indicator.as_str() {
            "untested_rate" => (untested(&ask.indicator), ratio(&ask.indicator, 1, 2), None),
            "online_submission_rate" => {
                let split = v1::CommunesSplit {
                    denominator: 1_000,
                    distance_numerator: 173,
                    distance: 0.173,
                    parts: vec![v1::CommunePart {
                        commune: Some(self.named("01273")),
                        numerator: 180,
                        value: 0.18,
                        commune_numerator: 1_200,
                        commune_denominator: 4_000,
                    }],
                    rest_count: 55,
                    rest_numerator: -7,
                };
                let value = |numerator| ratio(&ask.indicator, numerator, 10_000);
                (value(3_273), value(5_003), Some(Split::Communes(split)))
            }
            _ => {
                let split = v1::CriteriaSplit {
                    denominator: 10_000,
                    distance_numerator: 5_429,
                    distance: 0.5429,
                    unmet_numerator: 5_500,
                    unknown_numerator: -71,
                    parts: vec![
                        part("digital_signatures", 5_600, 0),
                        part("online_meetings", -100, -71),
                    ],
                };
                let (mut value, mut nation) = (coverage(3, 53), coverage(1_981, 1_340));
                if ask.period == "2025-04" {
                    value.counts = Some(open(3, 47, 6));
                    nation.counts = Some(open(1_981, 1_321, 19));
                }
                (value, nation, Some(Split::Criteria(split)))
            }
        };
        let obstacle = |reported_count| v1::Obstacle {
            measure: "applications_online".to_owned(),
            reported: 1_234,
            reported_count,
            commune_count: 56,
            provenance: Some(synthetic()),
        };
        Ok(Response::new(v1::GetCauseResponse {
            locality: Some(self.named(&ask.code)),
            period: if ask.period.is_empty() { PERIOD.to_owned() } else { ask.period },
            view_version: VERSION.to_owned(),
            value: Some(value),
            nation: Some(nation),
            obstacles: vec![obstacle(56), obstacle(0)],
            split,
            ..Default::default()
        }))
    }

    async fn get_gap(&self, request: Request<v1::GetGapRequest>) -> Reply<v1::GetGapResponse> {
        let criterion = |state: v1::GapState, gap_billionths, measured| v1::CriterionGap {
            state: state.into(),
            gap_billionths,
            criterion: "digital_signatures".to_owned(),
            met_count: 126,
            unmet_count: 0,
            unknown_count: 0,
            declared_provenance: Some(v1::Provenance {
                basis: v1::Basis::Published.into(),
                ..Default::default()
            }),
            measured: Some(measured),
            full_at: 0.5,
        };
        Ok(Response::new(v1::GetGapResponse {
            locality: Some(self.named(&request.into_inner().code)),
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            gap: Some(gap(1_292_400_000)),
            criteria: vec![
                criterion(
                    v1::GapState::Known,
                    345_400_000,
                    ratio("online_submission_rate", 3_273, 10_000),
                ),
                criterion(v1::GapState::Untested, 0, untested("untested_rate")),
            ],
            ..Default::default()
        }))
    }

    async fn rank_gaps(
        &self,
        request: Request<v1::RankGapsRequest>,
    ) -> Reply<v1::RankGapsResponse> {
        let ask = request.into_inner();
        let rows = match ask.section() {
            v1::Section::Unspecified | v1::Section::Ranked => {
                vec![self.ranked_gap(1, "01", 1_292_400_000), self.ranked_gap(2, "04", 10)]
            }
            v1::Section::Unknown => vec![self.ranked_gap(0, "12", 0)],
            v1::Section::Untested
            | v1::Section::Small
            | v1::Section::OneSided
            | v1::Section::Stale => Vec::new(),
        };
        let at = ask.page_token.parse::<usize>().unwrap_or(0);
        let more = at + 1 < rows.len();
        Ok(Response::new(v1::RankGapsResponse {
            rows: rows.into_iter().skip(at).take(1).collect(),
            next_page_token: if more { (at + 1).to_string() } else { String::new() },
            level: ask.level,
            within: if ask.within.is_empty() { "00".to_owned() } else { ask.within },
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            ranked_count: 2,
            unknown_count: 1,
            untested_count: 0,
            view_changed: false,
            reports: None,
        }))
    }
}
