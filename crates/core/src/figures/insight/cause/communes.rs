//! A distance of a ratio, split over the locality's communes.

use std::cmp::Reverse;

use super::{Fractions, TooLarge, minus, times};
use crate::{
    LocalityCode,
    catalogue::Direction,
    figures::rollup::{CommuneRollup, Ratio, Rollup, Value},
};

/// A distance of ratios, and what it is made of.
///
/// With the nation's ratio R and the locality's denominator D, the part of a commune with
/// numerator n and denominator d is (R × d − n) ÷ D.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommunesSplit {
    /// Common denominator of every numerator; positive.
    pub denominator: i64,
    /// The nation's ratio minus the locality's.
    pub distance: i64,
    /// Parts of every commune that reported both measures: the one that makes the locality worst
    /// first, ties by code.
    pub parts: Vec<CommunePart>,
}

/// A commune's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommunePart {
    pub code: LocalityCode,
    pub part: i64,
    /// The commune's own figures.
    pub rollup: Rollup,
}

impl CommunesSplit {
    /// Splits the distance of a locality, whose communes are given by code, to the nation.
    pub fn new<'a>(
        communes: impl Iterator<Item = &'a CommuneRollup>,
        indicator: usize,
        nation: Ratio,
        direction: Direction,
    ) -> Result<Option<Self>, TooLarge> {
        let rollups = communes.filter_map(|commune| {
            let rollup = commune.rollups.get(indicator)?;
            (rollup.reported_count > 0).then_some((commune.code, *rollup))
        });
        let rollups: Vec<_> = rollups.collect();
        let mut sum = Rollup::default();
        for (_, rollup) in &rollups {
            sum.add(rollup);
        }
        let Value::Known(here) = sum.value() else { return Ok(None) };

        let over = i128::from(nation.denominator());
        let part = |numerator: i64, denominator: i64| {
            let expected = times(i128::from(nation.numerator()), i128::from(denominator))?;
            minus(expected, times(i128::from(numerator), over)?)
        };
        let denominator = times(over, i128::from(here.denominator()))?;
        let distance = part(here.numerator(), here.denominator())?;
        let parts = rollups.iter().map(|(_, rollup)| part(rollup.numerator, rollup.denominator));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let fractions = Fractions::new(denominator, parts.iter().copied().chain([distance]))?;
        let parts = rollups.into_iter().zip(parts).map(|((code, rollup), part)| {
            Ok(CommunePart { code, part: fractions.reduced(part)?, rollup })
        });
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
        match direction {
            Direction::Up => parts.sort_by_key(|part| Reverse(part.part)),
            Direction::Down => parts.sort_by_key(|part| part.part),
        }
        let (denominator, distance) = (fractions.denominator, fractions.reduced(distance)?);
        Ok(Some(Self { denominator, distance, parts }))
    }

    /// The first parts, and how many are left with what sum. The sum of some parts may be beyond
    /// 64 bits even where each and the whole are not.
    pub fn cut(mut self, part_max: usize) -> Result<(Self, usize, i64), TooLarge> {
        let rest = self.parts.split_off(self.parts.len().min(part_max));
        let sum: i128 = rest.iter().map(|part| i128::from(part.part)).sum();
        Ok((self, rest.len(), super::fit(sum)?))
    }
}
