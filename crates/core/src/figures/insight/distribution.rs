//! Spread of localities over the bands of an indicator's legend.

use crate::{
    LocalityCode,
    catalogue::{Direction, Indicator, Status},
    figures::rollup::{Provenance, Rollup, Value},
};

/// A band of values, from the best to the worst, then those without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Green localities whose numerator is their denominator, for a share that is better the
    /// higher.
    Full,
    Green,
    Yellow,
    Below,
    Unknown,
    Untested,
}

/// The localities of one scope by bands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Distribution {
    /// In the order of [`Band::ALL`], each in the order in which they came.
    pub bands: [Vec<LocalityCode>; Band::ALL.len()],
    pub provenance: Option<Provenance>,
}

impl Band {
    pub const ALL: [Self; 6] =
        [Self::Full, Self::Green, Self::Yellow, Self::Below, Self::Unknown, Self::Untested];

    /// True if its localities have a value.
    #[must_use]
    pub const fn has_value(self) -> bool {
        match self {
            Self::Full | Self::Green | Self::Yellow | Self::Below => true,
            Self::Unknown | Self::Untested => false,
        }
    }

    /// The band of a locality; `None` for an indicator without a legend.
    #[must_use]
    pub fn of(indicator: &Indicator, rollup: &Rollup) -> Option<Self> {
        indicator.legend?;
        let ratio = match rollup.value() {
            Value::Known(ratio) => ratio,
            Value::Unknown => return Some(Self::Unknown),
            Value::Untested => return Some(Self::Untested),
        };
        let is_share = indicator.direction == Direction::Up && indicator.unit.is_empty();
        let is_whole = ratio.numerator() == ratio.denominator();
        Some(match indicator.status(ratio.numerator(), ratio.denominator())? {
            Status::Green if is_share && is_whole => Self::Full,
            Status::Green => Self::Green,
            Status::Yellow => Self::Yellow,
            Status::Red | Status::Grey => Self::Below,
        })
    }
}

impl Distribution {
    /// Counts localities; `None` for an indicator without a legend.
    pub fn new(
        indicator: &Indicator,
        localities: impl Iterator<Item = (LocalityCode, Rollup)>,
    ) -> Option<Self> {
        indicator.legend?;
        let mut distribution = Self::default();
        for (code, rollup) in localities {
            let band = Band::of(indicator, &rollup)?;
            let at = Band::ALL.iter().position(|found| *found == band)?;
            distribution.bands.get_mut(at)?.push(code);
            distribution.provenance = Provenance::merge(distribution.provenance, rollup.provenance);
        }
        Some(distribution)
    }

    /// Those of several scopes together.
    #[must_use]
    pub fn total<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            for (sum, localities) in sum.bands.iter_mut().zip(&part.bands) {
                sum.extend_from_slice(localities);
            }
            sum.provenance = Provenance::merge(sum.provenance, part.provenance);
            sum
        })
    }

    /// All localities.
    #[must_use]
    pub fn locality_count(&self) -> usize {
        self.bands.iter().map(Vec::len).sum()
    }

    /// Each band with its localities, and how many are in it or a better one: 0 for the bands
    /// without a value.
    pub fn counted(&self) -> impl Iterator<Item = (Band, &[LocalityCode], usize)> {
        let mut better_count = 0;
        Band::ALL.into_iter().zip(&self.bands).map(move |(band, localities)| {
            better_count += localities.len();
            let at_least_count = if band.has_value() { better_count } else { 0 };
            (band, localities.as_slice(), at_least_count)
        })
    }
}

#[cfg(test)]
mod tests;
