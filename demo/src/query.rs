//! Asks the running product with the client that `phuxanh` has.
//!
//! Turns what it answers into [`Answers`]; adds nothing of its own.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use phuxanh_answers::{Identity, v1};
use phuxanh_core::{Basis, Period};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::figures::{Answers, ProvinceCriteria, Ranked, Ratio, Tally};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A number of rows above that of the provinces, so that one page holds them all.
const PAGE_SIZE: i32 = 1_000;

const NATION: &str = "00";

/// A connection to the aggregator.
#[derive(Debug)]
pub struct Client(phuxanh_answers::Client);

impl Client {
    /// Connects to a URL of the form `http://host:port`.
    pub async fn connect(server: &str) -> anyhow::Result<Self> {
        let client = phuxanh_answers::Client::connect(server, &Identity::default()).await?;
        Ok(Self(client.with_timeout(REQUEST_TIMEOUT)))
    }

    /// True if the aggregator says that it serves.
    pub async fn is_serving(&self) -> bool {
        let ask = HealthCheckRequest { service: String::new() };
        let answer = HealthClient::new(self.0.channel()).check(ask).await;
        answer.is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
    }

    /// Collectors by the aggregator's list.
    pub async fn collectors(&self) -> anyhow::Result<Vec<v1::Collector>> {
        let ask = v1::ListCollectorsRequest { page_size: PAGE_SIZE, ..Default::default() };
        let answer = self.0.ask(self.0.mesh().list_collectors(ask)).await;
        Ok(answer.context("cannot list the collectors")?.collectors)
    }

    /// True if the answers cover what every commune reported for a month: its measures, and its
    /// criteria, which hold from the month of the report on.
    pub async fn covers(&self, period: Period, criteria: bool) -> anyhow::Result<bool> {
        let card = self.scorecard(NATION, period).await?;
        let whole = |rollup: &v1::Rollup| match &rollup.counts {
            Some(v1::rollup::Counts::Reporting(counts)) => counts.reported == counts.communes,
            Some(v1::rollup::Counts::Coverage(counts)) => counts.unknown == 0,
            None => false,
        };
        let declared = card.criteria.iter().all(|criterion| criterion.unknown_count == 0);
        Ok(card.indicators.iter().all(whole) && (declared || !criteria))
    }

    /// Everything that the report's figures are compared with.
    pub async fn answers(&self, period: Period, previous: Period) -> anyhow::Result<Answers> {
        let provinces = self.localities(v1::Level::Province).await?;
        let nation = self.scorecard(NATION, period).await?;
        let mut province_criteria = Vec::new();
        for province in &provinces.localities {
            let criteria = tallies(&self.scorecard(&province.code, period).await?)?;
            province_criteria.push(ProvinceCriteria { name: province.name.clone(), criteria });
        }
        Ok(Answers {
            period,
            previous,
            provinces_total: provinces.total_size.try_into()?,
            communes_total: self.localities(v1::Level::Commune).await?.total_size.try_into()?,
            nation: ratio(nation.coverage.as_ref())?,
            green_coverage: self.ranking("green_coverage", period).await?,
            online_submission: self.ranking("online_submission_rate", period).await?,
            electronic_result: self.ranking("electronic_result_rate", period).await?,
            applications_per_day: self.ranking("applications_per_day", period).await?,
            applications_per_day_before: self.ranking("applications_per_day", previous).await?,
            criteria: tallies(&nation)?,
            province_criteria,
        })
    }

    /// All provinces that have a value, the lowest first.
    async fn ranking(&self, indicator: &str, period: Period) -> anyhow::Result<Vec<Ranked>> {
        let ask = v1::RankLocalitiesRequest {
            indicator: indicator.to_owned(),
            level: v1::Level::Province.into(),
            period: period.to_string(),
            order: v1::Order::Lowest.into(),
            page_size: PAGE_SIZE,
            ..Default::default()
        };
        let answer = self.0.ask(self.0.rankings().rank_localities(ask)).await;
        let answer = answer.with_context(|| format!("cannot rank by {indicator}"))?;
        ensure!(answer.next_page_token.is_empty(), "the ranking by {indicator} has a second page");
        answer.rows.iter().map(ranked).collect()
    }

    /// The first page of a level's localities, with their total.
    async fn localities(&self, level: v1::Level) -> anyhow::Result<v1::ListLocalitiesResponse> {
        let ask = v1::ListLocalitiesRequest {
            level: level.into(),
            page_size: PAGE_SIZE,
            ..Default::default()
        };
        let answer = self.0.ask(self.0.localities().list_localities(ask)).await;
        answer.context("cannot list localities")
    }

    async fn scorecard(
        &self,
        code: &str,
        period: Period,
    ) -> anyhow::Result<v1::GetScorecardResponse> {
        let ask = v1::GetScorecardRequest { code: code.to_owned(), period: period.to_string() };
        let answer = self.0.ask(self.0.localities().get_scorecard(ask)).await;
        answer.with_context(|| format!("cannot get the scorecard of {code}"))
    }
}

fn ranked(row: &v1::RankedLocality) -> anyhow::Result<Ranked> {
    Ok(Ranked {
        rank: row.rank.try_into()?,
        code: row.code.parse()?,
        name: row.name.clone(),
        ratio: ratio(row.rollup.as_ref())?,
        basis: basis(row.rollup.as_ref())?,
    })
}

fn ratio(rollup: Option<&v1::Rollup>) -> anyhow::Result<Ratio> {
    let rollup = rollup.context("an answer without its rollup")?;
    Ok(Ratio {
        numerator: rollup.numerator.try_into()?,
        denominator: rollup.denominator.try_into()?,
    })
}

fn basis(rollup: Option<&v1::Rollup>) -> anyhow::Result<Basis> {
    let rollup = rollup.context("an answer without its rollup")?;
    match v1::Basis::try_from(rollup.basis) {
        Ok(v1::Basis::Unspecified) => Ok(Basis::Reported),
        Ok(v1::Basis::Published) => Ok(Basis::Published),
        Ok(v1::Basis::Synthetic) => Ok(Basis::Synthetic),
        Err(_) => bail!("an answer with the unknown basis {}", rollup.basis),
    }
}

fn tallies(card: &v1::GetScorecardResponse) -> anyhow::Result<Vec<Tally>> {
    let tally = |criterion: &v1::CriterionRollup| {
        Ok(Tally {
            criterion: criterion.criterion.clone(),
            met: criterion.met_count.try_into()?,
            unmet: criterion.unmet_count.try_into()?,
            unknown: criterion.unknown_count.try_into()?,
        })
    };
    card.criteria.iter().map(tally).collect()
}
