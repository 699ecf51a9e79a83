//! Communes that lack a criterion, or any that green asks for.

use std::cmp::Reverse;

use super::Lack;
use crate::{
    LocalityCode,
    catalogue::Catalogue,
    figures::rollup::{CommuneRollup, Provenance},
};

/// A commune that lacks what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub commune: LocalityCode,
    /// True if nothing of what was asked for is unmet, and some of it is not reported.
    pub is_unknown: bool,
    /// All required criteria that it lacks.
    pub lack: Lack,
    /// Provenance of the values that hold of what was asked for.
    pub provenance: Option<Provenance>,
}

impl Lacking {
    /// Place in the order: the most lacking criteria first, then the most unmet ones, then by code.
    #[must_use]
    pub fn place(&self) -> (Reverse<usize>, Reverse<usize>, LocalityCode) {
        (Reverse(self.lack.count()), Reverse(self.lack.unmet.len()), self.commune)
    }
}

/// Communes that lack a criterion, by its place in the catalogue, or any required one for none; in
/// the order of their places.
#[must_use]
pub fn communes<'a>(
    all: impl Iterator<Item = &'a CommuneRollup>,
    criterion: Option<usize>,
    catalogue: &Catalogue,
) -> Vec<Lacking> {
    let criteria = catalogue.criteria.iter().enumerate();
    let is_asked = |at: usize, required: bool| criterion.map_or(required, |asked| asked == at);
    let asked: Vec<_> =
        criteria.filter(|(at, one)| is_asked(*at, one.required)).map(|(at, _)| at).collect();
    let mut found: Vec<_> = all.filter_map(|one| lacking(one, &asked, catalogue)).collect();
    found.sort_unstable_by_key(Lacking::place);
    found
}

/// `None` where the commune meets all criteria asked for.
fn lacking(commune: &CommuneRollup, asked: &[usize], catalogue: &Catalogue) -> Option<Lacking> {
    let held = || asked.iter().map(|at| commune.criteria[*at]);
    if held().all(|held| held.is_some_and(|held| held.met)) {
        return None;
    }
    let provenances = held().map(|held| held.map(|held| held.provenance));
    Some(Lacking {
        commune: commune.code,
        is_unknown: held().flatten().all(|held| held.met),
        lack: Lack::of(commune, catalogue),
        provenance: provenances.fold(None, Provenance::merge),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::figures::insight::fixture::{
        CRITERIA, REQUIRED, Told, catalogue, country, month, view,
    };

    /// What a table says of a commune: state, unmet and unreported required criteria.
    fn naive(told: &Told, criterion: Option<usize>) -> Option<(bool, Vec<usize>, Vec<usize>)> {
        let (unmet, unknown) = told.lacks();
        let is_unknown = match criterion {
            Some(at) if told.criteria[at] == Some(true) => return None,
            Some(at) => told.criteria[at].is_none(),
            None if told.is_green() => return None,
            None => unmet.is_empty(),
        };
        Some((is_unknown, unmet, unknown))
    }

    proptest! {
        #[test]
        fn communes_that_lack_are_those_of_the_table(
            all in country(),
            criterion in prop::option::of(0..CRITERIA.len()),
        ) {
            let (view, catalogue) = (view(&all), catalogue());
            let nation = view.nation(month());
            let found = communes(nation.communes(), criterion, &catalogue);
            let mut expected: Vec<_> = all
                .iter()
                .filter_map(|told| naive(told, criterion).map(|lack| (told.code, lack)))
                .collect();
            expected.sort_by(|(code, (_, unmet, unknown)), (other, (_, others, untold))| {
                let (count, other_count) = (unmet.len() + unknown.len(), others.len() + untold.len());
                let counts = other_count.cmp(&count).then(others.len().cmp(&unmet.len()));
                counts.then(code.cmp(other))
            });
            let found: Vec<_> = found
                .into_iter()
                .map(|one| (one.commune, (one.is_unknown, one.lack.unmet, one.lack.unknown)))
                .collect();
            prop_assert!(criterion.is_some_and(|at| at >= REQUIRED) || found.iter().all(
                |(_, (_, unmet, unknown))| !(unmet.is_empty() && unknown.is_empty())
            ));
            prop_assert_eq!(found, expected);
        }
    }
}
