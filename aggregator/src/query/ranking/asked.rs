//! A ranking that is asked for.

use phuxanh_core::{
    Level, Period,
    catalogue::Formula,
    figures::ranking::{Query, Scope},
    gazetteer::Kind,
};
use phuxanh_proto::{
    convert::query::{from_kind, to_kind, to_level},
    refusal::{Expected, Reason},
    v1,
};

use super::{
    super::{Error, answer::Reader, page::Binding, request, sheet::Section},
    to_order,
};

pub(super) struct Asked {
    pub(super) query: Query,
    /// With the period that changes are held against; the month before for none.
    by: By<Option<Period>>,
    pub(super) section: Section,
    /// Locality as it stands in the request.
    section_number: i32,
}

/// Key that localities are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By<P = Period> {
    Value,
    /// Since a period.
    Change(P),
    Confidence,
}

impl<P> By<P> {
    pub(super) const fn to_wire(&self) -> v1::RankBy {
        match self {
            Self::Value => v1::RankBy::Value,
            Self::Change(_) => v1::RankBy::Change,
            Self::Confidence => v1::RankBy::Confidence,
        }
    }
}

impl Asked {
    pub(super) fn read(
        request: &v1::RankLocalitiesRequest,
        reader: &Reader,
    ) -> Result<Self, Error> {
        let view = &reader.view;
        let within = request::within(&request.within, view.gazetteer())?;
        let scope = request::scope("level", request::level(request.level)?, within)?;
        let indicator = request::indicator(&request.indicator, view.catalogue())?;
        if request.denominator_min < 0 {
            return Err(Error::malformed(
                "denominator_min",
                Expected::NotNegative,
                "0 for any, or 1 or more",
            ));
        }
        let query = Query {
            kind: kind(request.kind, scope)?,
            denominator_min: request.denominator_min,
            ..Query::all(scope, indicator, request::order(request.order)?)
        };
        Ok(Self {
            query,
            by: by(request, &query, reader)?,
            section: Section::read(request.section)?,
            section_number: request.section,
        })
    }

    /// Returns what is ranked by in a period.
    pub(super) fn by(&self, period: Period) -> Result<By, Error> {
        Ok(match self.by {
            By::Value => By::Value,
            By::Confidence => By::Confidence,
            By::Change(baseline) => {
                let earlier = baseline.or(period.previous()).filter(|month| *month < period);
                By::Change(earlier.ok_or_else(|| request::not_before(period))?)
            }
        })
    }

    pub(super) fn binding(&self, reader: &Reader) -> Binding {
        let Query { scope, indicator, order, kind, denominator_min } = self.query;
        let month = |period: Option<Period>| period.map_or(0, |period| period.number().into());
        let baseline = match self.by {
            By::Change(baseline) => baseline,
            By::Value | By::Confidence => None,
        };
        Binding::new("RankLocalities")
            .text(&reader.view.catalogue().indicators[indicator].definition.id)
            .number(i32::from(to_level(scope.level())).into())
            .number(scope.within().number().into())
            .number(i32::from(to_order(order)).into())
            .number(self.section_number.into())
            .number(kind.map_or(0, |kind| i32::from(to_kind(kind)).into()))
            .number(denominator_min)
            .number(i32::from(self.by.to_wire()).into())
            .number(month(baseline))
    }
}

/// `None` for all kinds of the level.
fn kind(number: i32, scope: Scope) -> Result<Option<Kind>, Error> {
    let (form, expected) = match scope.level() {
        Level::Province | Level::Nation => {
            (Expected::ProvinceKind, "LOCALITY_KIND_PROVINCE or LOCALITY_KIND_CITY")
        }
        Level::Commune => (
            Expected::CommuneKind,
            "LOCALITY_KIND_COMMUNE, LOCALITY_KIND_WARD or LOCALITY_KIND_SPECIAL_ZONE",
        ),
    };
    let kind = from_kind(request::word("kind", number, form, expected)?);
    match kind {
        Some(kind) if kind.level() != scope.level() => {
            Err(Error::malformed("kind", form, expected))
        }
        kind => Ok(kind),
    }
}

fn by(
    request: &v1::RankLocalitiesRequest,
    query: &Query,
    reader: &Reader,
) -> Result<By<Option<Period>>, Error> {
    let expected = "RANK_BY_VALUE, RANK_BY_CHANGE or RANK_BY_CONFIDENCE";
    let baseline = request::period("baseline_period", &request.baseline_period, reader.now)?;
    let by = match request::word("by", request.by, Expected::RankBy, expected)? {
        v1::RankBy::Unspecified | v1::RankBy::Value => By::Value,
        v1::RankBy::Change => By::Change(baseline),
        v1::RankBy::Confidence => By::Confidence,
    };
    if baseline.is_some() && by != By::Change(baseline) {
        return Err(Error::malformed(
            "baseline_period",
            Expected::NoBaseline,
            "nothing unless by is RANK_BY_CHANGE",
        ));
    }
    let indicator = &reader.view.catalogue().indicators[query.indicator];
    let (reason, why) = match (by, &indicator.formula, query.scope) {
        (By::Value | By::Change(_), _, _) => return Ok(by),
        (By::Confidence, Formula::Coverage, _) => (
            Reason::IntervalOfCoverage,
            "green coverage is a full count, which has ties and no interval",
        ),
        (By::Confidence, Formula::Ratio { .. }, Scope::Provinces) => (
            Reason::IntervalOfProvinces,
            "an interval is for communes, whose cases are few: ask for level COMMUNE",
        ),
        (By::Confidence, Formula::Ratio { .. }, Scope::Communes { .. }) => {
            if indicator.unit.is_empty() {
                return Ok(by);
            }
            (
                Reason::IntervalOfNumber,
                "only a share has an interval, and this is a number with a unit",
            )
        }
    };
    Err(Error::NoInterval { id: indicator.definition.id.clone(), reason, why })
}
