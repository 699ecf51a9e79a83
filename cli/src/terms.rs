//! Names and units of what the catalogue measures.

use phuxanh_proto::v1::{self, RollupState};

use crate::{client::Client, error::Error, number, reply::Reading, words};

/// The catalogue, asked for names and units.
#[derive(Debug)]
pub struct Terms {
    catalogue: v1::GetCatalogueResponse,
}

impl Terms {
    pub async fn fetch(client: &Client) -> Result<Self, Error> {
        Ok(Self { catalogue: client.catalogue().await? })
    }

    /// Vietnamese name of an indicator; its id where the catalogue has changed meanwhile.
    pub fn indicator<'a>(&'a self, id: &'a str) -> &'a str {
        self.entry(id).map_or(id, |found| &found.name_vi)
    }

    /// Vietnamese name of a criterion; its id likewise.
    pub fn criterion<'a>(&'a self, id: &'a str) -> &'a str {
        let criteria = &self.catalogue.criteria;
        criteria.iter().find(|found| found.id == id).map_or(id, |found| &found.name_vi)
    }

    /// The value as people read it: a share in percent, another ratio with its unit.
    pub fn value(&self, reading: &Reading) -> String {
        if let Some(state) = words::state(reading.state) {
            return state.to_owned();
        }
        match self.unit(&reading.indicator) {
            "" => number::percent(reading.numerator, reading.denominator),
            unit => number::plain(reading.numerator, reading.denominator, unit),
        }
    }

    /// A difference of values, with its sign.
    pub fn difference(&self, indicator: &str, numerator: i64, denominator: i64) -> String {
        match self.unit(indicator) {
            "" => number::points(numerator, denominator),
            unit => number::plain_difference(numerator, denominator, unit),
        }
    }

    /// True if differences add up as they are shown.
    pub fn add_up(&self, indicator: &str, parts: &[i64], whole: i64, denominator: i64) -> bool {
        let scale = if self.unit(indicator).is_empty() { number::POINTS } else { number::PLAIN };
        number::add_up(parts, whole, denominator, scale)
    }

    /// A bound of a legend.
    pub fn bound(&self, indicator: &str, bound: f64) -> String {
        match self.unit(indicator) {
            "" => number::rounded_share(bound),
            unit => format!("{bound} {unit}"),
        }
    }

    /// A difference of values that was rounded to a double, with its sign.
    pub fn rounded_difference(&self, indicator: &str, difference: f64) -> String {
        match self.unit(indicator) {
            "" => number::rounded_points(difference),
            unit => format!("{} {unit}", number::rounded_difference(difference)),
        }
    }

    /// Vietnamese name of a measure; its id where the catalogue has changed meanwhile.
    pub fn measure<'a>(&'a self, id: &'a str) -> &'a str {
        let measures = &self.catalogue.measures;
        measures.iter().find(|found| found.id == id).map_or(id, |found| &found.name_vi)
    }

    /// The exact integers behind the value: a share as a part of a whole.
    pub fn ratio(&self, reading: &Reading) -> String {
        if reading.denominator == 0 && reading.state != RollupState::Untested {
            return number::NONE.to_owned();
        }
        let between = if self.unit(&reading.indicator).is_empty() { "of" } else { "/" };
        let (numerator, denominator) = (reading.numerator, reading.denominator);
        format!("{} {between} {}", number::grouped(numerator), number::grouped(denominator))
    }

    fn unit(&self, id: &str) -> &str {
        self.entry(id).map_or("", |found| &found.unit)
    }

    fn entry(&self, id: &str) -> Option<&v1::Indicator> {
        self.catalogue.indicators.iter().find(|found| found.id == id)
    }
}
