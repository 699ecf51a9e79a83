//! Receipts: the observations under a number, each with where it came from.

use phuxanh_proto::model::{LocalityCode, MetricId, Period};

use crate::{
    fold::{Cell, Origin},
    rollup::ProvinceRollup,
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

/// What identifies a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub locality: LocalityCode,
    pub metric: MetricId,
    pub period: Period,
}

impl Receipt {
    /// The receipt of a reporter's cell; `None` where it has none.
    #[must_use]
    pub fn of(reporter: &ProvinceRollup, place: Place) -> Option<Self> {
        let fold = reporter.fold();
        let cell = fold.cell(place.locality, fold.metric_key(&place.metric)?, place.period)?;
        let origin = fold.origin(cell).copied();
        Some(Self { place, reporter: reporter.province(), cell: cell.clone(), origin })
    }
}
