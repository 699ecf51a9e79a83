//! Receipts: the observations under a number, each with where it came from.
//!
//! Under a number are exactly those values that it is computed from: of a ratio those of the
//! communes that reported all of both parts, of green coverage the required criteria that hold.

use crate::{
    Level, LocalityCode, MetricId, Period,
    catalogue::{Catalogue, Formula},
    figures::{
        fold::{Cell, Origin},
        rollup::ProvinceRollup,
        view::{NationRollup, View},
    },
    gazetteer::Locality,
};

/// One value in force, with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub place: Place,
    /// Whose collector delivered it.
    pub reporter: LocalityCode,
    pub cell: Cell,
    pub origin: Option<Origin>,
}

/// Identity of a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub locality: LocalityCode,
    pub metric: MetricId,
    pub period: Period,
}

/// A number of a locality; places in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Indicator(usize),
    Criterion(usize),
    Measure(usize),
}

/// A cell under a number, and how often its value is added into the numerator and the denominator.
/// Criteria are not added up: they have neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub place: Place,
    pub reporter: LocalityCode,
    pub numerator_factor: u32,
    pub denominator_factor: u32,
}

/// Inputs of a number.
enum Under<'a> {
    /// The criteria of these metrics, as they hold.
    Criteria(Vec<&'a MetricId>),
    /// Each measure once, with how often it is added above and below.
    Terms(Vec<(&'a MetricId, u32, u32)>),
}

impl Receipt {
    /// The receipt of a reporter's cell; `None` where it has none.
    #[must_use]
    pub fn of(reporter: &ProvinceRollup, place: Place) -> Option<Self> {
        let fold = reporter.fold();
        let cell = fold.cell(place.locality, fold.metric_key(&place.metric)?, place.period)?;
        let origin = fold.origin(cell).cloned();
        Some(Self { place, reporter: reporter.province(), cell: cell.clone(), origin })
    }
}

/// The cells under a locality's number, by locality and then in the order of the catalogue's
/// definition.
#[must_use]
pub fn counted(
    view: &View,
    nation: &NationRollup<'_>,
    locality: &Locality,
    subject: Subject,
) -> Vec<Counted> {
    let under = Under::of(view.catalogue(), subject);
    let mut localities = localities(view, nation, locality, subject);
    localities.sort_unstable();
    let cells = localities.into_iter().flat_map(|code| {
        let owner = view.gazetteer().locality(code).map(|one| one.province.unwrap_or(code));
        let reporter = owner.and_then(|owner| view.reporter(owner));
        reporter.map_or_else(Vec::new, |reporter| under.cells(reporter, code, nation.period()))
    });
    cells.collect()
}

/// The localities in force that a locality's number is of.
#[must_use]
pub fn localities(
    view: &View,
    nation: &NationRollup<'_>,
    locality: &Locality,
    subject: Subject,
) -> Vec<LocalityCode> {
    let level = match subject {
        Subject::Indicator(_) | Subject::Criterion(_) => Level::Commune,
        Subject::Measure(at) => view.catalogue().measures[at].level,
    };
    let in_force = |one: &&Locality| view.gazetteer().in_force(one, nation.period());
    match (level, locality.code.level()) {
        (Level::Commune, Level::Nation) => nation.communes().map(|commune| commune.code).collect(),
        (Level::Commune, Level::Province) => {
            let communes = view.gazetteer().communes(locality.code);
            communes.filter(in_force).map(|commune| commune.code).collect()
        }
        (Level::Province, Level::Nation) => {
            view.gazetteer().provinces().filter(in_force).map(|province| province.code).collect()
        }
        (level, own) if level == own => {
            Some(locality).filter(in_force).map(|one| one.code).into_iter().collect()
        }
        (Level::Nation | Level::Province | Level::Commune, _) => Vec::new(),
    }
}

impl<'a> Under<'a> {
    fn of(catalogue: &'a Catalogue, subject: Subject) -> Self {
        match subject {
            Subject::Criterion(at) => Self::Criteria(vec![&catalogue.criteria[at].metric]),
            Subject::Measure(at) => Self::ratio(catalogue.measures[at].terms(), &[]),
            Subject::Indicator(at) => match &catalogue.indicators[at].formula {
                Formula::Coverage => {
                    let required = catalogue.criteria.iter().filter(|one| one.required);
                    Self::Criteria(required.map(|criterion| &criterion.metric).collect())
                }
                Formula::Ratio { numerator, denominator } => Self::ratio(numerator, denominator),
            },
        }
    }

    fn ratio(numerator: &'a [MetricId], denominator: &'a [MetricId]) -> Self {
        let mut terms = Vec::<(&MetricId, u32, u32)>::new();
        let above = numerator.iter().map(|metric| (metric, 1, 0));
        let below = denominator.iter().map(|metric| (metric, 0, 1));
        for (metric, above, below) in above.chain(below) {
            match terms.iter_mut().find(|(known, ..)| *known == metric) {
                Some(term) => *term = (metric, term.1 + above, term.2 + below),
                None => terms.push((metric, above, below)),
            }
        }
        Self::Terms(terms)
    }

    /// The cells of one locality: the criteria that it has reported, or all measures, and none
    /// unless it has reported all.
    fn cells(
        &self,
        reporter: &ProvinceRollup,
        locality: LocalityCode,
        period: Period,
    ) -> Vec<Counted> {
        let fold = reporter.fold();
        let counted = |metric: &MetricId, period, numerator_factor, denominator_factor| Counted {
            place: Place { locality, metric: metric.clone(), period },
            reporter: reporter.province(),
            numerator_factor,
            denominator_factor,
        };
        match self {
            Self::Criteria(metrics) => metrics
                .iter()
                .filter_map(|metric| {
                    let (since, _) = fold.held(locality, fold.metric_key(metric)?, period)?;
                    Some(counted(metric, since, 0, 0))
                })
                .collect(),
            Self::Terms(terms) => {
                let all = terms.iter().map(|&(metric, above, below)| {
                    fold.cell(locality, fold.metric_key(metric)?, period)?.value?;
                    Some(counted(metric, period, above, below))
                });
                all.collect::<Option<Vec<_>>>().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests;
