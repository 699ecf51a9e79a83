//! One request's view of things, and the messages that several answers share.

use std::{sync::Arc, time::Duration};

use phuxanh_core::{
    Basis, Level, LocalityCode, Period, Timestamp,
    catalogue::{Criterion, Formula, Indicator, Status},
    figures::{
        insight::completeness::MonthReports,
        rollup::{CommuneRollup, CriterionRollup, PeriodRollup, Provenance, Ratio, Rollup, Value},
        view::{NationRollup, View},
    },
    gazetteer::Locality,
};
use phuxanh_proto::{
    convert::{query as convert, wire_time},
    v1::{self, rollup::Counts},
};

use super::{Error, request};

/// View and time that one request is answered from.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) view: Arc<View>,
    pub(super) now: Timestamp,
    pub(super) stale_after: Duration,
}

impl Reader {
    /// The period of a request that does not name one.
    pub(super) fn default_period(&self) -> Period {
        self.view.default_period().unwrap_or_else(|| Period::containing(self.now))
    }

    /// The period of a request; the default for none.
    pub(super) fn period(&self, text: &str) -> Result<Period, Error> {
        Ok(request::period("period", text, self.now)?.unwrap_or_else(|| self.default_period()))
    }

    pub(super) fn locality(&self, locality: &Locality) -> v1::Locality {
        convert::to_locality(locality, self.view.gazetteer())
    }

    pub(super) fn rollup(&self, indicator: &Indicator, rollup: &Rollup) -> v1::Rollup {
        let (state, ratio) = match rollup.value() {
            Value::Known(ratio) => (v1::RollupState::Known, Some(ratio)),
            Value::Unknown => (v1::RollupState::Unknown, None),
            Value::Untested => (v1::RollupState::Untested, None),
        };
        v1::Rollup {
            indicator: indicator.definition.id.clone(),
            state: state.into(),
            numerator: rollup.numerator,
            denominator: rollup.denominator,
            value: ratio.map_or(0.0, to_f64),
            status: status(indicator, ratio).into(),
            data_time: rollup.provenance.map(|behind| wire_time(behind.observed)),
            stale: self.stale(rollup.provenance),
            basis: basis(rollup.provenance).into(),
            counts: Some(counts(indicator, rollup)),
        }
    }

    pub(super) fn criterion(
        &self,
        criterion: &Criterion,
        rollup: &CriterionRollup,
    ) -> v1::CriterionRollup {
        v1::CriterionRollup {
            criterion: criterion.definition.id.clone(),
            required: criterion.required,
            met_count: count(rollup.met_count),
            unmet_count: count(rollup.unmet_count),
            unknown_count: count(rollup.unknown_count),
            data_time: rollup.provenance.map(|behind| wire_time(behind.observed)),
            stale: self.stale(rollup.provenance),
            basis: basis(rollup.provenance).into(),
        }
    }

    /// Returns the provenance of a number.
    pub(super) fn provenance(&self, provenance: Option<Provenance>) -> v1::Provenance {
        v1::Provenance {
            data_time: provenance.map(|behind| wire_time(behind.observed)),
            stale: self.stale(provenance),
            basis: basis(provenance).into(),
        }
    }

    /// A locality by name; one that the gazetteer does not hold has none.
    pub(super) fn named(&self, code: LocalityCode) -> v1::NamedLocality {
        let locality = self.view.gazetteer().locality(code);
        let names = locality.map(|found| (found.name.clone(), found.name_en.clone()));
        let (name, name_en) = names.unwrap_or_default();
        v1::NamedLocality { code: code.to_string(), name, name_en }
    }

    /// Who reported the month of an answer about a locality, or about what lies within it.
    pub(super) fn reports(
        &self,
        nation: &NationRollup<'_>,
        scope: LocalityCode,
    ) -> Option<v1::MonthReports> {
        let locality = self.view.gazetteer().locality(scope)?;
        let found = MonthReports::new(communes(nation, locality).iter().copied());
        Some(v1::MonthReports {
            reported_count: count(found.reported_count),
            commune_count: count(found.commune_count),
            carried_from_period: found.carried_from.map(|it| it.to_string()).unwrap_or_default(),
        })
    }

    pub(super) fn stale(&self, provenance: Option<Provenance>) -> bool {
        provenance.is_some_and(|behind| self.now.since(behind.observed) > self.stale_after)
    }
}

/// The communes in force of a locality; a commune is its own.
pub(super) fn communes<'a>(
    nation: &'a NationRollup<'_>,
    locality: &Locality,
) -> Vec<&'a CommuneRollup> {
    let code = locality.code;
    match (code.level(), locality.province.and_then(|code| nation.province(code))) {
        (Level::Nation, _) => nation.communes().collect(),
        (Level::Province, _) => {
            nation.province(code).map_or(&[][..], PeriodRollup::communes).iter().collect()
        }
        (Level::Commune, province) => {
            province.and_then(|found| found.commune(code)).into_iter().collect()
        }
    }
}

/// A count as the wire has it.
pub(super) fn count(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "for reading, never for comparing")]
pub(super) fn to_f64(ratio: Ratio) -> f64 {
    ratio.numerator() as f64 / ratio.denominator() as f64
}

fn status(indicator: &Indicator, ratio: Option<Ratio>) -> v1::Status {
    match ratio {
        None => convert::to_status(Status::Grey),
        Some(ratio) => indicator
            .status(ratio.numerator(), ratio.denominator())
            .map_or(v1::Status::Unspecified, convert::to_status),
    }
}

fn basis(provenance: Option<Provenance>) -> v1::Basis {
    convert::to_basis(provenance.map_or(Basis::Reported, |behind| behind.basis))
}

fn counts(indicator: &Indicator, rollup: &Rollup) -> Counts {
    match indicator.formula {
        Formula::Coverage => {
            let reported = i64::from(rollup.reported_count);
            Counts::Coverage(v1::CoverageCounts {
                green: count(rollup.numerator),
                not_green: count(reported - rollup.numerator),
                unknown: count(rollup.commune_count - rollup.reported_count),
                green_max: count(rollup.numerator + i64::from(rollup.commune_count) - reported),
            })
        }
        Formula::Ratio { .. } => Counts::Reporting(v1::ReportCounts {
            reported: count(rollup.reported_count),
            communes: count(rollup.commune_count),
        }),
    }
}
