//! The fields that several requests share, as values of the model.

use phuxanh_core::{
    Level, LocalityCode, Period, Timestamp,
    catalogue::{Catalogue, GREEN_COVERAGE},
    figures::{ranking::Scope, rollup::Order},
    gazetteer::{Gazetteer, Locality},
};
use phuxanh_proto::{convert::query::from_level, refusal::Expected, v1};

use super::{
    Error,
    hint::{self, Kind},
};

/// Reads an enum's number; one that this version does not know is refused.
pub(super) fn word<T: TryFrom<i32>>(
    field: &'static str,
    number: i32,
    form: Expected,
    expected: &str,
) -> Result<T, Error> {
    T::try_from(number).map_err(|_| Error::malformed(field, form, expected))
}

/// Provinces where it is not stated.
pub(super) fn level(number: i32) -> Result<Level, Error> {
    let level =
        word::<v1::Level>("level", number, Expected::Level, "LEVEL_PROVINCE or LEVEL_COMMUNE")?;
    Ok(from_level(level).unwrap_or(Level::Province))
}

pub(super) fn order(number: i32) -> Result<Order, Error> {
    Ok(
        match word::<v1::Order>("order", number, Expected::Order, "ORDER_LOWEST or ORDER_HIGHEST")?
        {
            v1::Order::Unspecified | v1::Order::Lowest => Order::Lowest,
            v1::Order::Highest => Order::Highest,
        },
    )
}

/// A month that has begun by `now`, since of later ones nothing is known, though criteria would hold
/// on in them. `None` for an empty field, which means the default.
pub(super) fn period(
    field: &'static str,
    text: &str,
    now: Timestamp,
) -> Result<Option<Period>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let form = "a month as YYYY-MM, from 2000-01 on, or nothing for the latest";
    let period = text
        .parse()
        .map_err(|_| Error::malformed(field, Expected::Month, form).hinted(hint::of_month(text)))?;
    let last = Period::containing(now);
    if period > last {
        let expected = format!("a month that has begun, up to {last}");
        return Err(Error::malformed(field, Expected::MonthBegun, expected).with("last", &last));
    }
    Ok(Some(period))
}

/// Refuses a month to hold against that does not lie before `period`.
pub(super) fn not_before(period: Period) -> Error {
    let expected = format!("a month before {period}");
    Error::malformed("baseline_period", Expected::MonthBefore, expected).with("period", &period)
}

/// Place of an indicator in the catalogue; green coverage for an empty field.
pub(super) fn indicator(text: &str, catalogue: &Catalogue) -> Result<usize, Error> {
    let id = if text.is_empty() { GREEN_COVERAGE } else { text };
    catalogue.indicator_index(id).ok_or_else(|| {
        let known = catalogue.indicators.iter().map(|indicator| indicator.definition.id.as_str());
        let known = known.collect::<Vec<_>>().join(", ");
        let refused = Error::UnknownIndicator { id: id.to_owned(), known };
        refused.hinted(hint::of_name(id, &[Kind::Indicator], catalogue))
    })
}

/// The locality of a code.
pub(super) fn locality<'a>(
    field: &'static str,
    text: &str,
    gazetteer: &'a Gazetteer,
) -> Result<&'a Locality, Error> {
    let code: LocalityCode = text.parse().map_err(|_| {
        Error::malformed(
            field,
            Expected::Code,
            "a code of 2 digits (province, 00 for the nation) or 5 (commune)",
        )
    })?;
    gazetteer.locality(code).ok_or(Error::UnknownLocality(code))
}

/// The province of a scope; `None` for the nation.
pub(super) fn within(text: &str, gazetteer: &Gazetteer) -> Result<Option<LocalityCode>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let code = locality("within", text, gazetteer)?.code;
    match code.level() {
        Level::Nation => Ok(None),
        Level::Province => Ok(Some(code)),
        Level::Commune => Err(Error::CommuneAsScope(code)),
    }
}

/// Localities that are ranked; `field` is where the level comes from.
pub(super) fn scope(
    field: &'static str,
    level: Level,
    within: Option<LocalityCode>,
) -> Result<Scope, Error> {
    match (level, within) {
        (Level::Nation, _) => Err(Error::NationUnranked { field }),
        (Level::Province, Some(within)) => Err(Error::LevelOutsideScope { within }),
        (Level::Province, None) => Ok(Scope::Provinces),
        (Level::Commune, within) => Ok(Scope::Communes { within }),
    }
}
