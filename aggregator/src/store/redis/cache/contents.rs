//! Published content of a scope: the nation with its provinces, or a province with its communes.

use std::fmt::Write;

use phuxanh_core::{
    Level, LocalityCode, Period,
    figures::{
        rollup::{PeriodRollup, Ratio, Rollup, Value},
        view::View,
    },
};

/// Version of a published scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub catalogue_version: u32,
    /// Digests of catalogue and gazetteer.
    pub digests: [[u8; 32]; 2],
    /// Number of folded records; for the nation, of all reporters.
    pub position: u64,
    /// Log and receipt time of the last record, to distinguish equal positions.
    pub tip: String,
}

/// Key to replace.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    /// Part of the key's name behind the scope.
    pub name: String,
    pub members: Members,
}

/// Content of the key.
#[derive(Debug, Clone, PartialEq)]
pub enum Members {
    /// Value (rounded to a double) and code of every ranked locality.
    Ranking(Vec<(f64, LocalityCode)>),
    /// Indicator and `state numerator denominator`; the state is known, unknown or untested.
    Rollups(Vec<(String, String)>),
}

/// Version of a scope in a view.
#[must_use]
pub fn version(view: &View, scope: LocalityCode) -> Version {
    let is_in = |code: LocalityCode| scope.level() == Level::Nation || code == scope;
    let reporters = view.reporters().filter(|rollup| is_in(rollup.province()));
    let (mut position, mut tip) = (0, String::new());
    for at in reporters.map(|rollup| rollup.position()) {
        position += at.record_count;
        if let (Some(log), Some(receipt)) = (at.log, at.receipt) {
            write!(tip, "{log}{:x}.", receipt.micros()).expect("writing to a String cannot fail");
        }
    }
    Version {
        catalogue_version: view.catalogue().version,
        digests: [view.catalogue().digest(), view.gazetteer().digest()],
        position,
        tip,
    }
}

/// All published keys of a scope, for the latest months.
#[must_use]
pub fn contents(view: &View, scope: LocalityCode, period_count: usize) -> Vec<Contents> {
    let latest = std::iter::successors(view.default_period(), |period| period.previous());
    latest.take(period_count).flat_map(|period| of_period(view, scope, period)).collect()
}

fn of_period(view: &View, scope: LocalityCode, period: Period) -> Vec<Contents> {
    let nation = view.nation(period);
    let Some(locality) = view.gazetteer().locality(scope) else { return Vec::new() };
    let own = nation.figures(locality).rollups;
    let parts: Vec<(LocalityCode, &[Rollup])> = match scope.level() {
        Level::Nation => {
            nation.provinces().map(|(province, rollup)| (province.code, rollup.rollups())).collect()
        }
        Level::Province | Level::Commune => nation
            .province(scope)
            .into_iter()
            .flat_map(PeriodRollup::communes)
            .map(|commune| (commune.code, &commune.rollups[..]))
            .collect(),
    };
    let ids = view.catalogue().indicators.iter().map(|indicator| &indicator.definition.id);
    let rollups = ids.clone().zip(&own).map(|(id, rollup)| (id.clone(), word(rollup)));
    let rollups =
        Contents { name: format!("rollup:{period}"), members: Members::Rollups(rollups.collect()) };
    let rankings = ids.enumerate().map(|(place, id)| {
        let ranked = parts.iter().filter_map(|(code, rollups)| match rollups.get(place)?.value() {
            Value::Known(ratio) => Some((rounded(ratio), *code)),
            Value::Unknown | Value::Untested => None,
        });
        Contents {
            name: format!("ranking:{id}:{period}"),
            members: Members::Ranking(ranked.collect()),
        }
    });
    std::iter::once(rollups).chain(rankings).collect()
}

fn word(rollup: &Rollup) -> String {
    let state = match rollup.value() {
        Value::Known(_) => "known",
        Value::Unknown => "unknown",
        Value::Untested => "untested",
    };
    format!("{state} {} {}", rollup.numerator, rollup.denominator)
}

#[expect(clippy::cast_precision_loss, reason = "scores are rounded; exact ties are the ranking's")]
fn rounded(ratio: Ratio) -> f64 {
    ratio.numerator() as f64 / ratio.denominator() as f64
}
