//! The connection to the aggregator: asks one question at a time, and gives up in time.

use std::{error, future::Future, sync::OnceLock, time::Duration};

use phuxanh_proto::AS_OF;
use phuxanh_proto::v1::{
    self, catalogue_service_client::CatalogueServiceClient,
    insight_service_client::InsightServiceClient, locality_service_client::LocalityServiceClient,
    mesh_service_client::MeshServiceClient, quality_service_client::QualityServiceClient,
    ranking_service_client::RankingServiceClient, trend_service_client::TrendServiceClient,
};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{self, Endpoint},
};

use crate::{args::Identity, error::Error, secure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Connection whose requests show the caller's token.
type Channel = InterceptedService<transport::Channel, Bearer>;

/// Token of each request, if there is one.
#[derive(Debug, Clone)]
struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// An open connection to one aggregator.
#[derive(Debug)]
pub struct Client {
    server: String,
    channel: Channel,
    /// Through when the answers are complete, where that is not the moment of asking.
    as_of: OnceLock<String>,
}

impl Client {
    /// Connects to a URL of the form `http://host:port` or `https://host:port`.
    pub async fn connect(server: &str, identity: &Identity) -> Result<Self, Error> {
        let unreachable = |error| unreachable(server, &root_cause(&error));
        let endpoint = Endpoint::from_shared(server.to_owned()).map_err(unreachable)?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        let bearer = Bearer(secure::token(identity.token_file.as_ref(), endpoint.uri())?);
        let channel = match endpoint.uri().scheme_str() {
            Some("https") => {
                let connector = secure::connector(secure::load(&identity.tls)?);
                endpoint.connect_with_connector(connector).await
            }
            _ => endpoint.connect().await,
        };
        let channel = InterceptedService::new(channel.map_err(unreachable)?, bearer);
        Ok(Self { server: server.to_owned(), channel, as_of: OnceLock::new() })
    }

    pub async fn rank(
        &self,
        ask: v1::RankLocalitiesRequest,
    ) -> Result<v1::RankLocalitiesResponse, Error> {
        self.ask(self.ranking().rank_localities(ask)).await
    }

    pub async fn standing(
        &self,
        ask: v1::GetStandingRequest,
    ) -> Result<v1::GetStandingResponse, Error> {
        self.ask(self.ranking().get_standing(ask)).await
    }

    pub async fn locality(&self, code: String) -> Result<v1::Locality, Error> {
        let ask = v1::GetLocalityRequest { code };
        let found = self.ask(self.localities().get_locality(ask)).await?;
        found.locality.ok_or_else(|| Error::Contract("a locality is missing".to_owned()))
    }

    /// The provinces. They all fit on one page.
    pub async fn provinces(&self) -> Result<Vec<v1::Locality>, Error> {
        let ask = v1::ListLocalitiesRequest {
            level: v1::Level::Province.into(),
            page_size: 1_000,
            ..Default::default()
        };
        Ok(self.ask(self.localities().list_localities(ask)).await?.localities)
    }

    pub async fn search(
        &self,
        ask: v1::SearchLocalitiesRequest,
    ) -> Result<v1::SearchLocalitiesResponse, Error> {
        self.ask(self.localities().search_localities(ask)).await
    }

    pub async fn scorecard(
        &self,
        ask: v1::GetScorecardRequest,
    ) -> Result<v1::GetScorecardResponse, Error> {
        self.ask(self.localities().get_scorecard(ask)).await
    }

    pub async fn catalogue(&self) -> Result<v1::GetCatalogueResponse, Error> {
        let mut client = CatalogueServiceClient::new(self.channel.clone());
        self.ask(client.get_catalogue(v1::GetCatalogueRequest {})).await
    }

    pub async fn collectors(
        &self,
        ask: v1::ListCollectorsRequest,
    ) -> Result<v1::ListCollectorsResponse, Error> {
        let mut client = MeshServiceClient::new(self.channel.clone());
        self.ask(client.list_collectors(ask)).await
    }

    pub async fn replicas(&self) -> Result<v1::ListReplicasResponse, Error> {
        let mut client = MeshServiceClient::new(self.channel.clone());
        self.ask(client.list_replicas(v1::ListReplicasRequest {})).await
    }

    pub async fn audits(
        &self,
        ask: v1::AuditCollectorsRequest,
    ) -> Result<v1::AuditCollectorsResponse, Error> {
        let mut client = MeshServiceClient::new(self.channel.clone());
        self.ask(client.audit_collectors(ask)).await
    }

    pub async fn distribution(
        &self,
        ask: v1::GetDistributionRequest,
    ) -> Result<v1::GetDistributionResponse, Error> {
        self.ask(self.insights().get_distribution(ask)).await
    }

    pub async fn shortfalls(
        &self,
        ask: v1::GetShortfallsRequest,
    ) -> Result<v1::GetShortfallsResponse, Error> {
        self.ask(self.insights().get_shortfalls(ask)).await
    }

    pub async fn path(&self, ask: v1::GetPathRequest) -> Result<v1::GetPathResponse, Error> {
        self.ask(self.insights().get_path(ask)).await
    }

    pub async fn cause(&self, ask: v1::GetCauseRequest) -> Result<v1::GetCauseResponse, Error> {
        self.ask(self.insights().get_cause(ask)).await
    }

    pub async fn gap(&self, ask: v1::GetGapRequest) -> Result<v1::GetGapResponse, Error> {
        self.ask(self.insights().get_gap(ask)).await
    }

    pub async fn gaps(&self, ask: v1::RankGapsRequest) -> Result<v1::RankGapsResponse, Error> {
        self.ask(self.insights().rank_gaps(ask)).await
    }

    pub async fn completeness(
        &self,
        ask: v1::GetCompletenessRequest,
    ) -> Result<v1::GetCompletenessResponse, Error> {
        self.ask(self.quality().get_completeness(ask)).await
    }

    pub async fn silent(
        &self,
        ask: v1::ListSilentRequest,
    ) -> Result<v1::ListSilentResponse, Error> {
        self.ask(self.quality().list_silent(ask)).await
    }

    pub async fn flags(&self, ask: v1::ListFlagsRequest) -> Result<v1::ListFlagsResponse, Error> {
        self.ask(self.quality().list_flags(ask)).await
    }

    pub async fn receipts(
        &self,
        ask: v1::ListReceiptsRequest,
    ) -> Result<v1::ListReceiptsResponse, Error> {
        self.ask(self.quality().list_receipts(ask)).await
    }

    fn quality(&self) -> QualityServiceClient<Channel> {
        QualityServiceClient::new(self.channel.clone())
    }

    pub async fn trend(&self, ask: v1::GetTrendRequest) -> Result<v1::GetTrendResponse, Error> {
        self.ask(self.trends().get_trend(ask)).await
    }

    pub async fn days(&self, ask: v1::ListDaysRequest) -> Result<v1::ListDaysResponse, Error> {
        self.ask(self.trends().list_days(ask)).await
    }

    pub async fn compare(
        &self,
        ask: v1::ComparePeriodsRequest,
    ) -> Result<v1::ComparePeriodsResponse, Error> {
        self.ask(self.trends().compare_periods(ask)).await
    }

    fn ranking(&self) -> RankingServiceClient<Channel> {
        RankingServiceClient::new(self.channel.clone())
    }

    fn localities(&self) -> LocalityServiceClient<Channel> {
        LocalityServiceClient::new(self.channel.clone())
    }

    fn insights(&self) -> InsightServiceClient<Channel> {
        InsightServiceClient::new(self.channel.clone())
    }

    fn trends(&self) -> TrendServiceClient<Channel> {
        TrendServiceClient::new(self.channel.clone())
    }

    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(REQUEST_TIMEOUT, call).await {
            Ok(Ok(response)) => {
                if let Some(as_of) = response.metadata().get(AS_OF) {
                    let as_of = String::from_utf8_lossy(as_of.as_bytes()).into_owned();
                    self.as_of.get_or_init(|| as_of);
                }
                Ok(response.into_inner())
            }
            Ok(Err(status)) => Err(self.failure(status)),
            Err(_) => {
                let reason = format!("no answer within {} s", REQUEST_TIMEOUT.as_secs());
                Err(unreachable(&self.server, &reason))
            }
        }
    }

    /// Through when the answers so far are complete; none where that is the moment of asking.
    pub fn as_of(&self) -> Option<&str> {
        self.as_of.get().map(String::as_str)
    }

    /// A status with a cause was made on this side: what answered was no gRPC server, or nobody.
    fn failure(&self, status: Status) -> Error {
        if error::Error::source(&status).is_some() {
            unreachable(&self.server, &root_cause(&status))
        } else if status.code() == Code::Unavailable {
            unreachable(&self.server, status.message())
        } else {
            Error::Refused(Box::new(status))
        }
    }
}

fn unreachable(server: &str, reason: &str) -> Error {
    Error::Unreachable { server: server.to_owned(), reason: reason.to_owned() }
}

/// The innermost cause says "connection refused"; the outer ones only "transport error".
fn root_cause(error: &dyn error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
