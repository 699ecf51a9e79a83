//! Questions: each is asked, and its reply becomes a document.

mod audit;
mod catalogue;
mod cause;
mod collectors;
mod compare;
mod completeness;
mod days;
mod distribution;
mod fail_on;
mod flags;
mod gap;
mod gaps;
mod history;
mod lacking;
mod localities;
mod mesh;
mod path;
mod ranking;
mod receipts;
mod scorecard;
mod search;
mod shortfalls;
mod silent;
mod standing;
mod trend;

use phuxanh_proto::v1;

pub use fail_on::FailOn;

use crate::{client::Client, document::Document, error::Error, refusal::Asked};

/// Question to an aggregator. Names may stand in place of codes, and a limit of none lists all.
#[derive(Debug, Clone)]
pub enum Question {
    Ranking {
        request: v1::RankLocalitiesRequest,
        /// Lists only what is stale.
        stale: bool,
        limit: Option<u32>,
    },
    Standing(v1::GetStandingRequest),
    Scorecard(v1::GetScorecardRequest),
    Distribution(v1::GetDistributionRequest),
    /// Shortfalls of one scope, or of the provinces by one criterion.
    Shortfalls {
        request: v1::GetShortfallsRequest,
        criterion: Option<String>,
    },
    Path(v1::GetPathRequest),
    Cause(v1::GetCauseRequest),
    Gap(v1::GetGapRequest),
    Gaps {
        request: v1::RankGapsRequest,
        limit: Option<u32>,
    },
    Completeness(v1::GetCompletenessRequest),
    Silent {
        request: v1::ListSilentRequest,
        limit: Option<u32>,
    },
    Flags {
        request: v1::ListFlagsRequest,
        limit: Option<u32>,
    },
    Receipts {
        request: v1::ListReceiptsRequest,
        limit: Option<u32>,
    },
    History(v1::ListHistoryRequest),
    Trend(v1::GetTrendRequest),
    Days {
        request: v1::ListDaysRequest,
        limit: Option<u32>,
    },
    Compare {
        request: v1::ComparePeriodsRequest,
        limit: Option<usize>,
    },
    Search {
        text: String,
    },
    /// Communes that lack a criterion, or any that green asks for.
    Lacking {
        request: v1::ListLackingRequest,
        limit: Option<u32>,
    },
    Localities {
        request: v1::ListLocalitiesRequest,
        limit: Option<u32>,
    },
    Collectors {
        fail_on: FailOn,
    },
    Audit {
        reporter: String,
        fail_on: FailOn,
    },
    Mesh,
    Catalogue,
}

impl Question {
    /// Asks an aggregator.
    pub async fn answer(self, client: &Client) -> Result<Document, Error> {
        let asked = self.asked();
        let mut document = self.document(client).await.map_err(|error| error.about(asked))?;
        if let Some(as_of) = client.as_of() {
            document.date(as_of);
        }
        Ok(document)
    }

    /// The question, for refusals that name its options.
    const fn asked(&self) -> Asked {
        match self {
            Self::Lacking { .. } => Asked::Lacking,
            Self::Compare { .. } => Asked::Compare,
            _ => Asked::Other,
        }
    }

    async fn document(self, client: &Client) -> Result<Document, Error> {
        match self {
            Self::Ranking { request, stale, limit } => {
                ranking::answer(client, request, stale, limit).await
            }
            Self::Standing(request) => standing::answer(client, request).await,
            Self::Scorecard(request) => scorecard::answer(client, request).await,
            Self::Distribution(request) => distribution::answer(client, request).await,
            Self::Shortfalls { request, criterion } => {
                shortfalls::answer(client, request, criterion.as_deref()).await
            }
            Self::Path(request) => path::answer(client, request).await,
            Self::Cause(request) => cause::answer(client, request).await,
            Self::Gap(request) => gap::answer(client, request).await,
            Self::Gaps { request, limit } => gaps::answer(client, request, limit).await,
            Self::Completeness(request) => completeness::answer(client, request).await,
            Self::Silent { request, limit } => silent::answer(client, request, limit).await,
            Self::Flags { request, limit } => flags::answer(client, request, limit).await,
            Self::Receipts { request, limit } => receipts::answer(client, request, limit).await,
            Self::History(request) => history::answer(client, request).await,
            Self::Trend(request) => trend::answer(client, request).await,
            Self::Days { request, limit } => days::answer(client, request, limit).await,
            Self::Compare { request, limit } => compare::answer(client, request, limit).await,
            Self::Search { text } => search::answer(client, text).await,
            Self::Lacking { request, limit } => lacking::answer(client, request, limit).await,
            Self::Localities { request, limit } => localities::answer(client, request, limit).await,
            Self::Collectors { fail_on } => collectors::answer(client, fail_on).await,
            Self::Audit { reporter, fail_on } => audit::answer(client, reporter, fail_on).await,
            Self::Mesh => mesh::answer(client).await,
            Self::Catalogue => catalogue::answer(client).await,
        }
    }
}
