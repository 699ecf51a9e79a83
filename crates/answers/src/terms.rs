//! Names and units of what the catalogue measures.

use phuxanh_core::spelling;
use phuxanh_proto::{
    refusal::Hint,
    v1::{self, RollupState},
};

use crate::{
    cell::{Cell, Unit, Value},
    client::Client,
    error::Error,
    language::{Words, words},
    reply::Reading,
    vocabulary,
};

/// Units of the catalogue, which names them in English alone.
const UNITS: [Words; 1] = [words("mỗi xã mỗi ngày", "per commune and day")];

/// The catalogue, asked for names and units.
#[derive(Debug)]
pub struct Terms {
    catalogue: v1::GetCatalogueResponse,
}

impl Terms {
    pub async fn fetch(client: &Client) -> Result<Self, Error> {
        Ok(Self { catalogue: client.catalogue().await? })
    }

    /// Name of an indicator; its id where the catalogue has changed meanwhile.
    pub fn indicator(&self, id: &str) -> Cell {
        name(id, self.entry(id).map(|found| (&found.name_vi, &found.name_en)))
    }

    /// Name of a criterion; its id likewise.
    pub fn criterion(&self, id: &str) -> Cell {
        let found = self.catalogue.criteria.iter().find(|found| found.id == id);
        name(id, found.map(|found| (&found.name_vi, &found.name_en)))
    }

    /// Refusal of a text that is no criterion, with what it may have meant.
    pub fn unknown_criterion(&self, text: &str) -> Error {
        let v1::GetCatalogueResponse { criteria, measures, indicators, .. } = &self.catalogue;
        let hint = if indicators.iter().any(|found| found.id == text) {
            Some((Hint::IsIndicator, text.to_owned()))
        } else if measures
            .iter()
            .any(|found| found.id == text && found.level() == v1::Level::Commune)
        {
            Some((Hint::IsMeasure, text.to_owned()))
        } else {
            let named = criteria.iter().map(|found| {
                (found.id.as_str(), vec![found.id.as_str(), &found.name_vi, &found.name_en])
            });
            let similar = spelling::similar(text, &named.collect::<Vec<_>>());
            (!similar.is_empty()).then(|| (Hint::Similar, similar.join(", ")))
        };
        Error::UnknownCriterion { id: text.to_owned(), hint }
    }

    /// Name of a measure; its id likewise.
    pub fn measure(&self, id: &str) -> Cell {
        let found = self.catalogue.measures.iter().find(|found| found.id == id);
        name(id, found.map(|found| (&found.name_vi, &found.name_en)))
    }

    /// Name of a criterion or a measure; its id likewise.
    pub fn metric(&self, id: &str) -> Cell {
        let is_criterion = self.catalogue.criteria.iter().any(|found| found.id == id);
        if is_criterion { self.criterion(id) } else { self.measure(id) }
    }

    /// The value: a share, another ratio with its unit, or why there is none.
    pub fn value(&self, reading: &Reading) -> Cell {
        if let Some(state) = vocabulary::state(reading.state) {
            return Cell { paint: state.paint, value: Value::Words(state.words) };
        }
        let Reading { numerator, denominator, value, .. } = *reading;
        match self.unit(&reading.indicator) {
            Unit::Share => Cell::share(numerator, denominator, value),
            unit => Value::Quotient { numerator, denominator, value, unit }.into(),
        }
    }

    /// The exact integers behind the value: a share as a part of a whole.
    pub fn ratio(&self, reading: &Reading) -> Cell {
        if matches!(reading.state, RollupState::Unknown | RollupState::Unspecified) {
            return Cell::UNKNOWN;
        }
        let of = self.unit(&reading.indicator);
        Value::Part { part: reading.numerator, whole: reading.denominator, of }.into()
    }

    /// Unit of an indicator: that of a share where it has none.
    pub fn unit(&self, id: &str) -> Unit {
        match self.entry(id).map_or("", |found| found.unit.as_str()) {
            "" => Unit::Share,
            unit => Unit::Plain(unit_words(unit)),
        }
    }

    fn entry(&self, id: &str) -> Option<&v1::Indicator> {
        self.catalogue.indicators.iter().find(|found| found.id == id)
    }
}

/// A unit in both languages, as far as it is known.
pub fn unit_words(unit: &str) -> Words {
    let known = UNITS.into_iter().find(|known| known.en == unit);
    known.unwrap_or_else(|| Words { vi: unit.to_owned().into(), en: unit.to_owned().into() })
}

fn name(id: &str, names: Option<(&String, &String)>) -> Cell {
    names.map_or_else(|| Cell::code(id), |(vi, en)| Cell::name(vi, en))
}
