//! Fixed replies of the quality service: most of Cao Bằng is late or silent.

use phuxanh_proto::v1::{self, quality_service_server::QualityService};
use tonic::{Request, Response};

use super::{CUT_OFF, Replies, Reply};

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
        }))
    }
}
