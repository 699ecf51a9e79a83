//! A distance of green coverage, split over the required criteria.

use std::cmp::Reverse;

use super::{Fractions, TooLarge, count, divisor, minus, times};
use crate::{
    catalogue::Catalogue,
    figures::{insight::Lack, rollup::CommuneRollup},
};

/// A distance of shares of green communes, and what it is made of.
///
/// A commune that is not green takes 1 from its locality, split equally over its unmet required
/// criteria; an unknown one takes 1, split equally over those that it has not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriteriaSplit {
    /// Common denominator of every numerator; positive.
    pub denominator: i64,
    /// The nation's share minus the locality's.
    pub distance: i64,
    /// Sum of the parts' unmet.
    pub unmet: i64,
    /// Sum of the parts' unknown.
    pub unknown: i64,
    /// Parts of the required criteria, the largest sum first, ties in the catalogue's order.
    pub parts: Vec<CriterionPart>,
}

/// A criterion's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CriterionPart {
    /// Place in the catalogue.
    pub criterion: usize,
    /// From communes that are not green.
    pub unmet: i64,
    /// From communes that are unknown.
    pub unknown: i64,
    /// From both.
    pub sum: i64,
}

/// Loss of some communes by criterion, in units of 1 ÷ `unit` communes.
struct Loss {
    commune_count: i128,
    green_count: i128,
    /// Unmet and unknown communes, by criterion.
    taken: Vec<(i128, i128)>,
}

impl CriteriaSplit {
    /// Splits the distance of a locality's communes to all of the nation's; `None` where one of
    /// them has none.
    pub fn new<'a>(
        locality: impl Iterator<Item = &'a CommuneRollup>,
        nation: impl Iterator<Item = &'a CommuneRollup>,
        catalogue: &Catalogue,
    ) -> Result<Option<Self>, TooLarge> {
        let lacks = |communes: &mut dyn Iterator<Item = &'a CommuneRollup>| {
            communes.map(|commune| Lack::of(commune, catalogue)).collect::<Vec<_>>()
        };
        let (mut locality, mut nation) = (locality, nation);
        let (locality, nation) = (lacks(&mut locality), lacks(&mut nation));
        if locality.is_empty() || nation.is_empty() {
            return Ok(None);
        }
        let unit = unit(locality.iter().chain(&nation))?;
        let criterion_count = catalogue.criteria.len();
        let locality = Loss::new(&locality, unit, criterion_count)?;
        let nation = Loss::new(&nation, unit, criterion_count)?;
        let required = |at: &usize| catalogue.criteria.get(*at).is_some_and(|found| found.required);
        let places = (0..criterion_count).filter(required);
        split(&locality, &nation, unit, places).map(Some)
    }
}

/// A number that every share of a commune divides: the least common multiple of how many criteria
/// a commune's 1 is split over.
fn unit<'a>(lacks: impl Iterator<Item = &'a Lack>) -> Result<i128, TooLarge> {
    lacks.filter(|lack| !lack.is_green()).try_fold(1, |unit, lack| {
        let share_count = count(shares(lack).len())?;
        times(unit / divisor(unit, share_count), share_count)
    })
}

/// The criteria that a commune's 1 is split over.
fn shares(lack: &Lack) -> &[usize] {
    if lack.unmet.is_empty() { &lack.unknown } else { &lack.unmet }
}

impl Loss {
    fn new(lacks: &[Lack], unit: i128, criterion_count: usize) -> Result<Self, TooLarge> {
        let mut taken = vec![(0, 0); criterion_count];
        for lack in lacks.iter().filter(|lack| !lack.is_green()) {
            let shares = shares(lack);
            let share = unit / count(shares.len())?;
            for at in shares {
                let (unmet, unknown) = &mut taken[*at];
                *(if lack.unmet.is_empty() { unknown } else { unmet }) += share;
            }
        }
        let green_count = lacks.iter().filter(|lack| lack.is_green()).count();
        Ok(Self { commune_count: count(lacks.len())?, green_count: count(green_count)?, taken })
    }
}

fn split(
    locality: &Loss,
    nation: &Loss,
    unit: i128,
    places: impl Iterator<Item = usize>,
) -> Result<CriteriaSplit, TooLarge> {
    let (here, all) = (locality.commune_count, nation.commune_count);
    let denominator = times(unit, times(here, all)?)?;
    let part = |here_taken, all_taken| minus(times(here_taken, all)?, times(all_taken, here)?);
    let green = minus(times(nation.green_count, here)?, times(locality.green_count, all)?)?;
    let distance = times(unit, green)?;
    let parts = places.map(|at| {
        let (here, all) = (locality.taken[at], nation.taken[at]);
        Ok((at, part(here.0, all.0)?, part(here.1, all.1)?))
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let numerators = parts.iter().flat_map(|(_, unmet, unknown)| [*unmet, *unknown]);
    let fractions = Fractions::new(denominator, numerators.chain([distance]))?;
    let parts = parts.iter().map(|(criterion, unmet, unknown)| {
        Ok(CriterionPart {
            criterion: *criterion,
            unmet: fractions.reduced(*unmet)?,
            unknown: fractions.reduced(*unknown)?,
            sum: fractions.reduced(unmet.checked_add(*unknown).ok_or(TooLarge)?)?,
        })
    });
    let mut parts = parts.collect::<Result<Vec<_>, TooLarge>>()?;
    parts.sort_by_key(|part| Reverse(part.sum));
    let sum = |of: fn(&CriterionPart) -> i64| {
        parts.iter().map(of).try_fold(0_i64, i64::checked_add).ok_or(TooLarge)
    };
    Ok(CriteriaSplit {
        denominator: fractions.denominator,
        distance: fractions.reduced(distance)?,
        unmet: sum(|part| part.unmet)?,
        unknown: sum(|part| part.unknown)?,
        parts,
    })
}
