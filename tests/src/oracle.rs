//! Rankings in the plainest way there is: every question is answered by looking at every report.
//!
//! Shares nothing with the aggregator but the catalogue and the gazetteer. No rollup is kept, no
//! order is cached, no page is cut; a value is a fraction, compared by cross-multiplication.

mod answer;

use std::collections::{BTreeMap, BTreeSet};

use phuxanh_core::{
    Basis, Level, LocalityCode, Period, Timestamp,
    catalogue::{Catalogue, Formula, Indicator},
    gazetteer::{Gazetteer, Locality},
};

pub use answer::{Counts, Question, Ranking, Row};

/// One row of a file, in the order of delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub locality: LocalityCode,
    pub metric: String,
    pub period: Period,
    /// `None` withdraws an earlier value.
    pub value: Option<i64>,
    pub observed: Timestamp,
    pub basis: Basis,
}

/// The reports that stand, and what they are held against.
pub struct Oracle {
    catalogue: Catalogue,
    gazetteer: Gazetteer,
    standing: BTreeMap<(LocalityCode, String, Period), Report>,
}

/// One value that an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fact {
    value: i64,
    observed: Timestamp,
    basis: Basis,
}

/// Standing of one commune on green.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Green,
    NotGreen,
    Unknown,
}

/// Knowledge of one locality.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figure {
    numerator: i128,
    denominator: i128,
    counts: Counts,
    /// True if anything was reported that tells the value.
    is_known: bool,
    /// Newest time observed and least certain origin under it.
    newest: Option<Timestamp>,
    basis: Basis,
}

impl Oracle {
    /// Replays reports: of one cell the latest observed stands, and of equally late ones the one
    /// delivered last.
    #[must_use]
    pub fn new(catalogue: Catalogue, gazetteer: Gazetteer, reports: &[Report]) -> Self {
        let mut standing = BTreeMap::<_, Report>::new();
        for report in reports {
            let cell = (report.locality, report.metric.clone(), report.period);
            let is_older =
                standing.get(&cell).is_some_and(|current| report.observed < current.observed);
            if !is_older {
                standing.insert(cell, report.clone());
            }
        }
        Self { catalogue, gazetteer, standing }
    }

    /// Ids of the indicators that can be asked for.
    pub fn indicators(&self) -> impl Iterator<Item = &str> {
        self.catalogue.indicators.iter().map(|indicator| indicator.definition.id.as_str())
    }

    /// Codes of the scopes that can be asked for: the nation and every province.
    #[must_use]
    pub fn scopes(&self) -> Vec<LocalityCode> {
        let provinces = self.gazetteer.provinces().map(|province| province.code);
        [LocalityCode::NATION].into_iter().chain(provinces).collect()
    }

    /// The latest period in which at least half of the communes reported, else the latest in which
    /// any did.
    #[must_use]
    pub fn default_period(&self) -> Option<Period> {
        let mut any = None;
        let mut half = None;
        let periods: BTreeSet<_> = self.standing.keys().map(|(_, _, period)| *period).collect();
        for period in periods {
            let communes = self.communes(LocalityCode::NATION, period);
            let reported = communes.iter().filter(|commune| self.has_reported(commune, period));
            let reported = reported.count();
            if reported > 0 {
                any = Some(period);
            }
            if reported * 2 >= communes.len() && reported > 0 {
                half = Some(period);
            }
        }
        half.or(any)
    }

    fn has_reported(&self, commune: &Locality, period: Period) -> bool {
        let from = (commune.code, String::new(), Period::MIN);
        let cells = self.standing.range(from..);
        let mut of_commune = cells.take_while(|((code, _, _), _)| *code == commune.code);
        of_commune.any(|(_, report)| report.period == period && report.value.is_some())
    }

    /// The communes that count in a scope and period.
    fn communes(&self, scope: LocalityCode, period: Period) -> Vec<&Locality> {
        let mut communes = Vec::new();
        for locality in self.gazetteer.localities() {
            let is_inside = match scope.level() {
                Level::Nation => locality.province.is_some(),
                Level::Province => locality.province == Some(scope),
                Level::Commune => locality.code == scope,
            };
            if is_inside && self.gazetteer.in_force(locality, period) {
                communes.push(locality);
            }
        }
        communes
    }

    fn figure(&self, indicator: &Indicator, scope: LocalityCode, period: Period) -> Figure {
        let communes = self.communes(scope, period);
        match &indicator.formula {
            Formula::Coverage => self.coverage(&communes, period),
            Formula::Ratio { numerator, denominator } => {
                let ids = |metrics: &[phuxanh_core::MetricId]| -> Vec<String> {
                    metrics.iter().map(ToString::to_string).collect()
                };
                self.ratio(&communes, &ids(numerator), &ids(denominator), period)
            }
        }
    }

    fn coverage(&self, communes: &[&Locality], period: Period) -> Figure {
        let (mut green, mut not_green, mut unknown) = (0_u32, 0, 0);
        let mut facts = Vec::new();
        for commune in communes {
            let (colour, under) = self.colour(commune.code, period);
            facts.extend(under);
            match colour {
                Colour::Green => green += 1,
                Colour::NotGreen => not_green += 1,
                Colour::Unknown => unknown += 1,
            }
        }
        Figure {
            numerator: i128::from(green),
            denominator: i128::from(green + not_green + unknown),
            counts: Counts::Coverage { green, not_green, unknown },
            is_known: green + not_green > 0,
            newest: newest(&facts),
            basis: least_certain(&facts),
        }
    }

    /// A commune's colour, with the facts it was told by.
    fn colour(&self, commune: LocalityCode, period: Period) -> (Colour, Vec<Fact>) {
        let mut facts = Vec::new();
        let mut is_any_unmet = false;
        let mut is_any_missing = false;
        for criterion in self.catalogue.criteria.iter().filter(|criterion| criterion.required) {
            match self.criterion(commune, &criterion.definition.id, period) {
                Some(fact) => {
                    is_any_unmet |= fact.value == 0;
                    facts.push(fact);
                }
                None => is_any_missing = true,
            }
        }
        let colour = if is_any_unmet {
            Colour::NotGreen
        } else if is_any_missing {
            Colour::Unknown
        } else {
            Colour::Green
        };
        (colour, facts)
    }

    /// A criterion holds from its period until a later one replaces it; what was withdrawn was
    /// never said.
    fn criterion(&self, commune: LocalityCode, id: &str, period: Period) -> Option<Fact> {
        let cell = |period| (commune, id.to_owned(), period);
        let so_far = self.standing.range(cell(Period::MIN)..=cell(period));
        so_far.rev().find_map(|(_, report)| fact(report))
    }

    /// Sums over the communes that reported every part of both.
    fn ratio(
        &self,
        communes: &[&Locality],
        numerator: &[String],
        denominator: &[String],
        period: Period,
    ) -> Figure {
        let mut figure = Figure {
            numerator: 0,
            denominator: 0,
            counts: Counts::Reports { reported: 0, communes: count(communes) },
            is_known: false,
            newest: None,
            basis: Basis::Reported,
        };
        let mut reported = 0;
        let mut facts = Vec::new();
        for commune in communes {
            let parts = |ids: &[String]| -> Option<Vec<Fact>> {
                ids.iter().map(|id| self.measure(commune.code, id, period)).collect()
            };
            if let (Some(above), Some(below)) = (parts(numerator), parts(denominator)) {
                figure.numerator += sum(&above);
                figure.denominator += sum(&below);
                reported += 1;
                facts.extend(above);
                facts.extend(below);
            }
        }
        figure.counts = Counts::Reports { reported, communes: count(communes) };
        figure.is_known = reported > 0;
        figure.newest = newest(&facts);
        figure.basis = least_certain(&facts);
        figure
    }

    fn measure(&self, commune: LocalityCode, id: &str, period: Period) -> Option<Fact> {
        self.standing.get(&(commune, id.to_owned(), period)).and_then(fact)
    }
}

fn fact(report: &Report) -> Option<Fact> {
    report.value.map(|value| Fact { value, observed: report.observed, basis: report.basis })
}

fn count(communes: &[&Locality]) -> u32 {
    u32::try_from(communes.len()).expect("a country has fewer communes")
}

fn sum(facts: &[Fact]) -> i128 {
    facts.iter().map(|fact| i128::from(fact.value)).sum()
}

fn newest(facts: &[Fact]) -> Option<Timestamp> {
    facts.iter().map(|fact| fact.observed).max()
}

fn least_certain(facts: &[Fact]) -> Basis {
    facts.iter().map(|fact| fact.basis).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
