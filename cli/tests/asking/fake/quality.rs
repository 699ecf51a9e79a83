//! Fixed replies of the quality service: most of Cao Bằng is late or silent.

use phuxanh_proto::v1::{
    self, flag::Finding, list_receipts_request::Subject, list_receipts_response::Number,
    quality_service_server::QualityService,
};
use tonic::{Request, Response};

use super::{CUT_OFF, Replies, Reply, coverage, ratio};

const PERIOD: &str = "2025-07";
const VERSION: &str = "v1";

/// 2025-08-06T00:00:00+07:00.
const DEADLINE: prost_types::Timestamp =
    prost_types::Timestamp { seconds: 1_754_413_200, nanos: 0 };

impl Replies {
    fn completeness(&self, code: &str, in_time_count: i32) -> v1::Completeness {
        v1::Completeness {
            scope: Some(self.named(code)),
            commune_count: 56,
            in_time_count,
            reported_count: 54,
            in_time_share: 0.25,
            reported_share: 0.75,
            first_receipt_time: (in_time_count > 0).then_some(CUT_OFF),
        }
    }

    fn silent(&self, code: &str, has_reported: bool, last_period: &str) -> v1::SilentLocality {
        let found = self.find(code).expect("a code of the gazetteer");
        v1::SilentLocality {
            locality: Some(self.named(code)),
            province_code: found.province.map(|code| code.to_string()).unwrap_or_default(),
            first_receipt_time: has_reported.then_some(DEADLINE),
            last_period: last_period.to_owned(),
        }
    }
}

impl Replies {
    fn receipt(&self, code: &str, metric: &str, value: i64, version: u32) -> v1::Receipt {
        v1::Receipt {
            locality: Some(self.named(code)),
            metric: metric.to_owned(),
            period: PERIOD.to_owned(),
            value,
            observed_time: Some(CUT_OFF),
            unchanged_since_time: Some(CUT_OFF),
            receipt_time: Some(DEADLINE),
            basis: v1::Basis::Synthetic.into(),
            reporter_code: "04".to_owned(),
            log_id: vec![0xCD; 16],
            log_epoch: 2,
            sequence: 11,
            index: 3,
            catalogue_digest: vec![0xAB; 32],
            catalogue_version: version,
            host: "cao-bang-1".to_owned(),
        }
    }

    fn flag(&self, code: &str, finding: Finding, evidence: Vec<v1::Receipt>) -> v1::Flag {
        let (rule, extent) = match finding {
            Finding::Part(_) => (v1::FlagRule::Part, 2),
            Finding::Total(_) => (v1::FlagRule::Total, 1),
            Finding::Frozen(_) => (v1::FlagRule::Frozen, 3),
            Finding::Copied(_) => (v1::FlagRule::Copied, 2),
            Finding::Eve(_) => (v1::FlagRule::Eve, 1),
        };
        let found = self.find(code).expect("a code of the gazetteer");
        v1::Flag {
            rule: rule.into(),
            locality: Some(self.named(code)),
            province_code: found.province.map(|code| code.to_string()).unwrap_or_default(),
            extent,
            finding: Some(finding),
            evidence,
        }
    }

    /// One by each rule.
    fn flags(&self) -> Vec<v1::Flag> {
        let (part, whole) = ("records_synchronised", "applications_received");
        let part = v1::PartFinding {
            part: part.to_owned(),
            whole: whole.to_owned(),
            part_value: 1_202,
            whole_value: 1_200,
        };
        let total = v1::TotalFinding {
            declared: "declared_green_communes".to_owned(),
            of: "green_coverage".to_owned(),
            declared_value: 6,
            sum_least: 3,
            sum_most: Some(5),
            reported_count: 54,
            commune_count: 56,
            provenance: Some(v1::Provenance { data_time: Some(CUT_OFF), stale: true, basis: 1 }),
        };
        let measure = "applications_post".to_owned();
        let frozen = v1::FrozenFinding { measure: measure.clone(), value: 70, period_count: 3 };
        let copied = v1::CopiedFinding {
            original: Some(self.named("01273")),
            measures: vec![measure, "fees_due".to_owned()],
        };
        let eve = v1::EveFinding {
            deadline: String::new(),
            deadline_time: Some(DEADLINE),
            criteria: vec!["digital_signatures".to_owned()],
        };
        let evidence = vec![self.receipt("01273", "records_synchronised", 1_202, 1)];
        vec![
            self.flag("01273", Finding::Part(part), evidence),
            self.flag("04", Finding::Total(total), Vec::new()),
            self.flag("01273", Finding::Frozen(frozen), Vec::new()),
            self.flag("01279", Finding::Copied(copied), Vec::new()),
            self.flag("01279", Finding::Eve(eve), Vec::new()),
        ]
    }
}

#[tonic::async_trait]
impl QualityService for Replies {
    async fn get_completeness(
        &self,
        request: Request<v1::GetCompletenessRequest>,
    ) -> Reply<v1::GetCompletenessResponse> {
        let ask = request.into_inner();
        let (within, provinces) = if ask.within.is_empty() {
            ("00", vec![self.completeness("01", 54), self.completeness("04", 0)])
        } else {
            (ask.within.as_str(), Vec::new())
        };
        Ok(Response::new(v1::GetCompletenessResponse {
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            deadline_time: Some(DEADLINE),
            deadline_passed: true,
            total: Some(self.completeness(within, 3)),
            provinces,
        }))
    }

    /// Two pages of one row, as long as more than one is asked for.
    async fn list_silent(
        &self,
        request: Request<v1::ListSilentRequest>,
    ) -> Reply<v1::ListSilentResponse> {
        let ask = request.into_inner();
        let (rows, next_page_token) = match (ask.level(), ask.page_token.as_str()) {
            (v1::Level::Commune, "") => {
                (vec![self.silent("01273", false, "2025-06")], "next".to_owned())
            }
            (v1::Level::Commune, _) => {
                (vec![self.silent("01279", ask.by_deadline, "")], String::new())
            }
            (_, _) => (vec![self.silent("04", false, "")], String::new()),
        };
        Ok(Response::new(v1::ListSilentResponse {
            rows,
            next_page_token,
            level: ask.level,
            within: if ask.within.is_empty() { "00".to_owned() } else { ask.within },
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            deadline_time: Some(DEADLINE),
            silent_count: 2,
            locality_count: 56,
            view_changed: false,
        }))
    }

    async fn list_flags(
        &self,
        request: Request<v1::ListFlagsRequest>,
    ) -> Reply<v1::ListFlagsResponse> {
        let ask = request.into_inner();
        let asked =
            |rule: v1::FlagRule| ask.rule() == v1::FlagRule::Unspecified || ask.rule() == rule;
        let mut flags: Vec<_> = self.flags().into_iter().filter(|one| asked(one.rule())).collect();
        flags.truncate(usize::try_from(ask.page_size).expect("a size"));
        let rules = [
            v1::FlagRule::Part,
            v1::FlagRule::Total,
            v1::FlagRule::Frozen,
            v1::FlagRule::Copied,
            v1::FlagRule::Eve,
        ];
        let count = |rule: v1::FlagRule| v1::FlagCount { rule: rule.into(), flag_count: 1 };
        Ok(Response::new(v1::ListFlagsResponse {
            flags,
            next_page_token: String::new(),
            within: if ask.within.is_empty() { "00".to_owned() } else { ask.within },
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            counts: rules.map(count).to_vec(),
            view_changed: false,
            reports: None,
        }))
    }

    async fn list_receipts(
        &self,
        request: Request<v1::ListReceiptsRequest>,
    ) -> Reply<v1::ListReceiptsResponse> {
        let ask = request.into_inner();
        let counted = |metric: &str, value, version, factors: (u32, u32)| v1::CountedReceipt {
            receipt: Some(self.receipt("01273", metric, value, version)),
            numerator_factor: factors.0,
            denominator_factor: factors.1,
        };
        let sum = |measure, sum, reported_count| v1::MeasureSum {
            measure,
            sum,
            reported_count,
            locality_count: 56,
        };
        let (number, receipts) = match ask.subject {
            Some(Subject::Indicator(id)) => (
                Number::Rollup(ratio(&id, 1_200, 4_000)),
                vec![
                    counted("applications_online", 1_200, 1, (1, 0)),
                    counted("applications_received", 4_000, 0, (0, 1)),
                ],
            ),
            Some(Subject::Metric(id)) if id == "applications_received" => {
                (Number::Measure(sum(id, 0, 0)), Vec::new())
            }
            Some(Subject::Metric(id)) if id == "applications_online" => (
                Number::Measure(sum(id, 1_200, 1)),
                vec![counted("applications_online", 1_200, 1, (1, 0))],
            ),
            Some(Subject::Metric(id)) => (
                Number::Criterion(v1::CriterionRollup {
                    criterion: id.clone(),
                    met_count: 1,
                    unknown_count: 55,
                    ..Default::default()
                }),
                vec![counted(&id, 1, 1, (0, 0))],
            ),
            None => (Number::Rollup(coverage(3, 53)), Vec::new()),
        };
        Ok(Response::new(v1::ListReceiptsResponse {
            receipts,
            next_page_token: String::new(),
            locality: Some(self.named(&ask.code)),
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            number: Some(number),
            receipt_count: 2,
            view_changed: false,
            reports: None,
        }))
    }

    async fn list_history(
        &self,
        request: Request<v1::ListHistoryRequest>,
    ) -> Reply<v1::ListHistoryResponse> {
        let ask = request.into_inner();
        let past = |value, fate: v1::Fate, other| v1::PastObservation {
            receipt: Some(v1::Receipt {
                unchanged_since_time: (fate == v1::Fate::InForce).then_some(CUT_OFF),
                ..self.receipt(&ask.code, &ask.metric, value, 0)
            }),
            fate: fate.into(),
            other,
            ..Default::default()
        };
        let refused = v1::PastObservation {
            refusal: v1::RejectionReason::ObservedAhead.into(),
            ..past(7, v1::Fate::Refused, None)
        };
        let withdrawn = v1::PastObservation { withdrawn: true, ..past(0, v1::Fate::InForce, None) };
        Ok(Response::new(v1::ListHistoryResponse {
            observations: vec![past(1_200, v1::Fate::Replaced, Some(2)), refused, withdrawn],
            locality: Some(self.named(&ask.code)),
            metric: ask.metric.clone(),
            period: PERIOD.to_owned(),
            view_version: VERSION.to_owned(),
            record_count: 40,
            read_count: 30,
            read_since_time: Some(DEADLINE),
            observation_count: 3,
        }))
    }
}
