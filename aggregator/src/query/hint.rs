//! What a question that is refused may have meant.

use phuxanh_core::{
    Level, Period,
    catalogue::{Catalogue, Definition},
    spelling,
};
use phuxanh_proto::refusal;

use crate::refusal::Parameters;

/// Kind of what the catalogue lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Indicator,
    Criterion,
    /// Measure that communes report.
    Measure,
    /// Measure that only those above them report.
    MeasureAbove,
}

/// What may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hint {
    #[error("similar: {0}")]
    Similar(String),
    #[error("{0} is an indicator")]
    IsIndicator(String),
    #[error("{0} is a criterion")]
    IsCriterion(String),
    #[error("{0} is a measure")]
    IsMeasure(String),
    #[error("write {0}")]
    Meant(Period),
}

impl Hint {
    /// The hint and its parameters, as the contract lists them.
    pub(super) fn parameters(&self) -> Parameters {
        let (hint, parameter) = match self {
            Self::Similar(names) => (refusal::Hint::Similar, ("similar", names.clone())),
            Self::IsIndicator(id) => (refusal::Hint::IsIndicator, ("named", id.clone())),
            Self::IsCriterion(id) => (refusal::Hint::IsCriterion, ("named", id.clone())),
            Self::IsMeasure(id) => (refusal::Hint::IsMeasure, ("named", id.clone())),
            Self::Meant(month) => (refusal::Hint::Meant, ("meant", month.to_string())),
        };
        vec![("hint", hint.as_str().to_owned()), parameter]
    }
}

/// What an id that is none of these kinds names instead, or what is similar among them.
pub(super) fn of_name<'a>(id: &str, wanted: &[Kind], catalogue: &'a Catalogue) -> Option<Hint> {
    let other = [
        (Kind::Indicator, Hint::IsIndicator as fn(String) -> Hint),
        (Kind::Criterion, Hint::IsCriterion),
        (Kind::Measure, Hint::IsMeasure),
    ];
    let is_other = |(kind, _): &(Kind, _)| {
        !wanted.contains(kind) && definitions(*kind, catalogue).iter().any(|found| found.id == id)
    };
    if let Some((_, hint)) = other.into_iter().find(is_other) {
        return Some(hint(id.to_owned()));
    }
    let known = wanted.iter().flat_map(|kind| definitions(*kind, catalogue));
    let names = |found: &'a Definition| vec![found.id.as_str(), &found.name_vi, &found.name_en];
    let known: Vec<_> = known.map(|found| (found.id.as_str(), names(found))).collect();
    let similar = spelling::similar(id, &known);
    (!similar.is_empty()).then(|| Hint::Similar(similar.join(", ")))
}

/// The month that a text means in another form.
pub(super) fn of_month(text: &str) -> Option<Hint> {
    spelling::month(text).map(Hint::Meant)
}

fn definitions(kind: Kind, catalogue: &Catalogue) -> Vec<&Definition> {
    match kind {
        Kind::Indicator => catalogue.indicators.iter().map(|one| &one.definition).collect(),
        Kind::Criterion => catalogue.criteria.iter().map(|one| &one.definition).collect(),
        Kind::Measure => measures(catalogue, |level| level == Level::Commune),
        Kind::MeasureAbove => measures(catalogue, |level| level != Level::Commune),
    }
}

fn measures(catalogue: &Catalogue, of: fn(Level) -> bool) -> Vec<&Definition> {
    catalogue.measures.iter().filter(|one| of(one.level)).map(|one| &one.definition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_and_one_that_is_mistyped_are_told_apart() {
        let catalogue = Catalogue::builtin();
        let of = |id, wanted: &[Kind]| of_name(id, wanted, &catalogue);
        let text = |id: &str| id.to_owned();
        assert_eq!(
            of("support_staff", &[Kind::Indicator]),
            Some(Hint::IsCriterion(text("support_staff")))
        );
        assert_eq!(
            of("applications_online", &[Kind::Indicator]),
            Some(Hint::IsMeasure(text("applications_online")))
        );
        assert_eq!(
            of("green_coverage", &[Kind::Criterion, Kind::Measure]),
            Some(Hint::IsIndicator(text("green_coverage")))
        );
        assert_eq!(
            of("green_coverge", &[Kind::Indicator]),
            Some(Hint::Similar(text("green_coverage")))
        );
        assert_eq!(
            of("suport_staff", &[Kind::Criterion, Kind::Measure]),
            Some(Hint::Similar(text("support_staff")))
        );
        assert_eq!(of("happiness", &[Kind::Indicator]), None);
        // No command compares what provinces alone report.
        assert_eq!(of("declared_green_communes", &[Kind::Indicator]), None);
        assert_eq!(
            of("declared_green_comunes", &[Kind::Measure, Kind::MeasureAbove]),
            Some(Hint::Similar(text("declared_green_communes")))
        );
    }

    #[test]
    fn a_month_in_another_form_is_told_as_it_is_written() {
        let told = of_month("7/2025").map(|hint| hint.to_string());
        assert_eq!(told.as_deref(), Some("write 2025-07"));
        assert_eq!(of_month("2025-13"), None);
    }
}
