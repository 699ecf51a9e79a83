//! Client: what tests ask an aggregator, answered in the oracle's words.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use phuxanh_core::{Basis, Level, LocalityCode, Period, Timestamp, catalogue::Status};
use phuxanh_proto::v1::{
    self, RankLocalitiesRequest, RankLocalitiesResponse, Section,
    mesh_service_client::MeshServiceClient, ranking_service_client::RankingServiceClient,
};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::oracle::{Counts, Oracle, Question, Ranking, Row};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that is made again when it is lost.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
}

impl Client {
    /// Makes the client of a server at a URL; it connects with the first call.
    pub fn new(server: &str) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(server.to_owned())?.timeout(CALL_TIMEOUT);
        Ok(Self { channel: endpoint.connect_lazy() })
    }

    /// The connection itself, for calls that only one test makes.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// True if it says that it serves.
    pub async fn is_serving(&self) -> anyhow::Result<()> {
        let status = self.health("").await?;
        ensure!(status == ServingStatus::Serving, "health is {status:?}");
        Ok(())
    }

    /// True if it says that collectors can deliver.
    pub async fn takes_deliveries(&self) -> anyhow::Result<bool> {
        Ok(self.health(v1::collection_service_server::SERVICE_NAME).await?
            == ServingStatus::Serving)
    }

    /// Health of a service by its name.
    pub async fn health(&self, service: &str) -> anyhow::Result<ServingStatus> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(self.channel()).check(request).await?;
        Ok(answer.into_inner().status())
    }

    /// The collectors that the aggregator knows.
    pub async fn collectors(&self) -> anyhow::Result<Vec<v1::Collector>> {
        let request = v1::ListCollectorsRequest { page_size: 1_000, page_token: String::new() };
        let answer = MeshServiceClient::new(self.channel()).list_collectors(request).await?;
        Ok(answer.into_inner().collectors)
    }

    /// Alarms of the store and of the aggregator's clock.
    pub async fn store_alarms(&self) -> anyhow::Result<Vec<v1::Alarm>> {
        let request = v1::ListCollectorsRequest { page_size: 1, page_token: String::new() };
        let answer = MeshServiceClient::new(self.channel()).list_collectors(request).await?;
        Ok(answer.into_inner().store_alarms)
    }

    /// Both ends of every reporter's delivery, side by side.
    pub async fn audits(&self) -> anyhow::Result<Vec<v1::Audit>> {
        let request = v1::AuditCollectorsRequest { page_size: 1_000, ..Default::default() };
        let answer = MeshServiceClient::new(self.channel()).audit_collectors(request).await?;
        Ok(answer.into_inner().audits)
    }

    /// The aggregators that share the store, as this one knows them.
    pub async fn replicas(&self) -> anyhow::Result<Vec<v1::Replica>> {
        let request = v1::ListReplicasRequest::default();
        let answer = MeshServiceClient::new(self.channel()).list_replicas(request).await?;
        Ok(answer.into_inner().replicas)
    }

    /// The period that is answered for where none is asked.
    pub async fn default_period(&self) -> anyhow::Result<Period> {
        let request = RankLocalitiesRequest::default();
        let mut client = RankingServiceClient::new(self.channel());
        let answer = client.rank_localities(request).await?;
        Ok(answer.into_inner().period.parse()?)
    }

    /// Returns the age of answers, where they are older than the question.
    pub async fn as_of(&self) -> anyhow::Result<Option<String>> {
        let mut client = RankingServiceClient::new(self.channel());
        let answer = client.rank_localities(RankLocalitiesRequest::default()).await?;
        let as_of = answer.metadata().get(phuxanh_proto::AS_OF);
        Ok(as_of.map(|as_of| as_of.to_str().map(str::to_owned)).transpose()?)
    }

    /// Compares every ranking of these periods with the oracle's, fetched in pages of this size.
    /// Returns how many were compared.
    pub async fn agrees(
        &self,
        oracle: &Oracle,
        questions: &[Question],
        page_size: i32,
    ) -> anyhow::Result<usize> {
        for question in questions {
            let found = self.ranking(question, page_size).await?;
            let expected = oracle.ranking(question);
            ensure!(
                found == expected,
                "{question:?}\n   served: {found:?}\n expected: {expected:?}"
            );
        }
        Ok(questions.len())
    }

    /// One whole ranking, fetched in pages of this size.
    pub async fn ranking(&self, question: &Question, page_size: i32) -> anyhow::Result<Ranking> {
        let (rows, counts) = self.section(question, Section::Ranked, page_size).await?;
        let unknown = self.section(question, Section::Unknown, page_size).await?.0;
        let untested = self.section(question, Section::Untested, page_size).await?.0;
        let lengths = [rows.len(), unknown.len(), untested.len()];
        ensure!(lengths.map(|length| i32::try_from(length).ok()) == counts.map(Some));
        Ok(Ranking {
            rows: rows.iter().map(row).collect::<anyhow::Result<_>>()?,
            unknown: unknown.iter().map(unranked).collect::<anyhow::Result<_>>()?,
            untested: untested.iter().map(unranked).collect::<anyhow::Result<_>>()?,
        })
    }

    /// All rows of a section, and how many rows each of the three sections says it has.
    async fn section(
        &self,
        question: &Question,
        section: Section,
        page_size: i32,
    ) -> anyhow::Result<(Vec<v1::RankedLocality>, [i32; 3])> {
        let mut client = RankingServiceClient::new(self.channel());
        let mut request = request(question, section, page_size);
        let mut rows = Vec::new();
        loop {
            let page = client.rank_localities(request.clone()).await?.into_inner();
            ensure!(echoes(&page, &request), "{request:?} was answered as {page:?}");
            let is_full = i32::try_from(page.rows.len()).is_ok_and(|count| count <= page_size);
            ensure!(is_full, "a page of {} rows, {page_size} asked", page.rows.len());
            rows.extend(page.rows);
            if page.next_page_token.is_empty() {
                return Ok((rows, [page.ranked_count, page.unknown_count, page.untested_count]));
            }
            request.page_token = page.next_page_token;
        }
    }
}

fn request(question: &Question, section: Section, page_size: i32) -> RankLocalitiesRequest {
    let level = match question.level {
        Level::Nation => v1::Level::Nation,
        Level::Province => v1::Level::Province,
        Level::Commune => v1::Level::Commune,
    };
    let order = if question.is_highest_first { v1::Order::Highest } else { v1::Order::Lowest };
    RankLocalitiesRequest {
        indicator: question.indicator.clone(),
        level: level.into(),
        within: question.within.to_string(),
        period: question.period.to_string(),
        order: order.into(),
        section: section.into(),
        page_size,
        ..Default::default()
    }
}

/// True if an answer says of itself what was asked.
fn echoes(page: &RankLocalitiesResponse, request: &RankLocalitiesRequest) -> bool {
    page.indicator == request.indicator
        && page.level == request.level
        && page.within == request.within
        && page.period == request.period
        && page.order == request.order
        && !page.view_version.is_empty()
}

fn unranked(row: &v1::RankedLocality) -> anyhow::Result<LocalityCode> {
    ensure!(row.rank == 0, "{row:?} has a rank");
    Ok(row.code.parse()?)
}

fn row(row: &v1::RankedLocality) -> anyhow::Result<Row> {
    let rollup = row.rollup.as_ref().context("a row holds a rollup")?;
    ensure!(rollup.state() == v1::RollupState::Known, "{row:?} is ranked without a value");
    let found = Row {
        rank: row.rank.try_into()?,
        code: row.code.parse()?,
        numerator: rollup.numerator,
        denominator: rollup.denominator,
        counts: counts(rollup)?,
        status: status(rollup.status()),
        data_time: rollup.data_time.as_ref().map(time).transpose()?,
        basis: match rollup.basis() {
            v1::Basis::Unspecified => Basis::Reported,
            v1::Basis::Published => Basis::Published,
            v1::Basis::Synthetic => Basis::Synthetic,
        },
    };
    let value = found.value();
    ensure!(rollup.value.to_bits() == value.to_bits(), "{row:?} is not {value}");
    Ok(found)
}

fn counts(rollup: &v1::Rollup) -> anyhow::Result<Counts> {
    match &rollup.counts {
        Some(v1::rollup::Counts::Coverage(found)) => Ok(Counts::Coverage {
            green: found.green.try_into()?,
            not_green: found.not_green.try_into()?,
            unknown: found.unknown.try_into()?,
        }),
        Some(v1::rollup::Counts::Reporting(found)) => Ok(Counts::Reports {
            reported: found.reported.try_into()?,
            communes: found.communes.try_into()?,
        }),
        None => bail!("{rollup:?} says nothing of its communes"),
    }
}

const fn status(status: v1::Status) -> Option<Status> {
    match status {
        v1::Status::Unspecified => None,
        v1::Status::Green => Some(Status::Green),
        v1::Status::Yellow => Some(Status::Yellow),
        v1::Status::Red => Some(Status::Red),
        v1::Status::Grey => Some(Status::Grey),
    }
}

fn time(time: &prost_types::Timestamp) -> anyhow::Result<Timestamp> {
    Ok(Timestamp::from_micros(time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000)?)
}
