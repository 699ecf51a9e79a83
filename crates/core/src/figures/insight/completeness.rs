//! Completeness and timeliness: who reported a period, and when.
//!
//! A commune has reported when some value of it stands for exactly the period; it was in time when
//! the first such value was received before the deadline.

use crate::{
    LocalityCode, Period, Timestamp,
    figures::{
        rollup::{CommuneRollup, ProvinceRollup},
        view::{NationRollup, View},
    },
    gazetteer::{Gazetteer, Locality},
};

/// Time at which the report of a locality in force was first received; `None` while it is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub locality: LocalityCode,
    pub first_receipt: Option<Timestamp>,
}

/// The communes of one scope by whether they reported. The default is that of no commune.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Completeness {
    pub commune_count: u32,
    pub in_time_count: u32,
    pub reported_count: u32,
    /// The earliest of all.
    pub first_receipt: Option<Timestamp>,
}

/// Communes that reported a month, and the month whose criteria hold on where none did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthReports {
    pub reported_count: u32,
    pub commune_count: u32,
    /// The latest of several; `None` where a commune reported.
    pub carried_from: Option<Period>,
}

/// The provinces in force, by code, with the reports of their communes, by code.
pub fn reports<'a>(
    view: &'a View,
    nation: &'a NationRollup<'_>,
) -> impl Iterator<Item = (&'a Locality, Vec<Report>)> {
    nation.provinces().map(move |(province, rollup)| {
        let fold = view.reporter(province.code).map(|reporter| reporter.fold());
        let reports = rollup.communes().iter().map(|commune| {
            let received = || fold?.first_receipt(commune.code, nation.period());
            let first_receipt = if commune.reported { received() } else { None };
            Report { locality: commune.code, first_receipt }
        });
        (province, reports.collect())
    })
}

/// The latest period before this one that a commune in force reported, or any of a province's.
#[must_use]
pub fn last_period(
    reporter: &ProvinceRollup,
    gazetteer: &Gazetteer,
    locality: &Locality,
    before: Period,
) -> Option<Period> {
    let has_reported = |period| {
        gazetteer.in_force(locality, period) && reporter.fold().has_reported(locality.code, period)
    };
    let earlier = reporter.periods().rev().filter(|(period, _)| *period < before);
    let mut told = earlier.filter(|(period, count)| {
        if locality.code == reporter.province() { *count > 0 } else { has_reported(*period) }
    });
    told.next().map(|(period, _)| period)
}

impl Report {
    /// True if it was received before the deadline.
    #[must_use]
    pub fn is_in_time(&self, deadline: Timestamp) -> bool {
        self.first_receipt.is_some_and(|receipt| receipt < deadline)
    }
}

impl MonthReports {
    #[must_use]
    pub fn new<'a>(communes: impl ExactSizeIterator<Item = &'a CommuneRollup> + Clone) -> Self {
        let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
        let reported_count = communes.clone().filter(|commune| commune.reported).count();
        let commune_count = count(communes.len());
        // Criteria are looked through in the rare case alone: every page of an answer asks.
        let carried_from = if reported_count == 0 {
            communes.flat_map(|commune| commune.criteria.iter().flatten()).map(|it| it.since).max()
        } else {
            None
        };
        Self { reported_count: count(reported_count), commune_count, carried_from }
    }
}

impl Completeness {
    #[must_use]
    pub fn new(reports: &[Report], deadline: Timestamp) -> Self {
        let parts = reports.iter().map(|report| Self {
            commune_count: 1,
            in_time_count: u32::from(report.is_in_time(deadline)),
            reported_count: u32::from(report.first_receipt.is_some()),
            first_receipt: report.first_receipt,
        });
        parts.fold(Self::default(), Self::plus)
    }

    /// Both scopes together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let receipts = [self.first_receipt, other.first_receipt];
        Self {
            commune_count: self.commune_count + other.commune_count,
            in_time_count: self.in_time_count + other.in_time_count,
            reported_count: self.reported_count + other.reported_count,
            first_receipt: receipts.into_iter().flatten().min(),
        }
    }
}

#[cfg(test)]
mod tests;
