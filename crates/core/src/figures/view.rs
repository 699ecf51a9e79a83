//! The view: all that queries read, swapped whole when a province changes.
//!
//! Owns the list of the provinces' snapshots and what follows for the nation. It does not know who
//! asks, nor how it is handed around.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use sha2::{Digest, Sha256};

use crate::{
    Level, LocalityCode, LogId, Period,
    catalogue::Catalogue,
    figures::{
        fold::{Changes, Fold},
        ranking::{Query, Ranking, Scope},
        rollup::{
            CommuneRollup, CriterionRollup, Orders, PeriodRollup, ProvinceRollup, Rollup, Unranked,
        },
    },
    gazetteer::{Gazetteer, Locality},
};

/// Bytes of the digest that make a version.
const VERSION_BYTES: usize = 8;

/// The provinces' snapshots at one moment.
#[derive(Debug, Clone)]
pub struct View {
    catalogue: Arc<Catalogue>,
    gazetteer: Arc<Gazetteer>,
    /// Keyed by reporter: every province, and the nation once its office has reported.
    reporters: BTreeMap<LocalityCode, Arc<ProvinceRollup>>,
    /// Communes in force by period, of the periods that were looked at.
    commune_counts: BTreeMap<Period, usize>,
    default_period: Option<Period>,
    version: String,
}

/// All provinces in one period.
#[derive(Debug)]
pub struct NationRollup<'a> {
    view: &'a View,
    period: Period,
    /// Keyed by code.
    provinces: Vec<(&'a Locality, Arc<PeriodRollup>)>,
}

/// All that is known of one locality in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// In the catalogue's order.
    pub criteria: Vec<CriterionRollup>,
    /// In the order of the catalogue's indicators.
    pub rollups: Vec<Rollup>,
}

impl View {
    /// A view in which nothing was reported.
    #[must_use]
    pub fn empty(catalogue: Arc<Catalogue>, gazetteer: Arc<Gazetteer>) -> Self {
        let fold = Fold::default();
        let changes = Changes::new();
        let reporters = gazetteer
            .provinces()
            .map(|province| {
                let code = province.code;
                let rollup =
                    ProvinceRollup::build(code, &fold, &catalogue, &gazetteer, None, &changes);
                (code, Arc::new(rollup))
            })
            .collect();
        Self::new(catalogue, gazetteer, reporters, BTreeMap::new())
    }

    /// The view with these snapshots in the place of their provinces' earlier ones.
    #[must_use]
    pub fn with(&self, changed: Vec<Arc<ProvinceRollup>>) -> Self {
        let mut reporters = self.reporters.clone();
        reporters.extend(changed.into_iter().map(|rollup| (rollup.province(), rollup)));
        let (catalogue, gazetteer) = (Arc::clone(&self.catalogue), Arc::clone(&self.gazetteer));
        Self::new(catalogue, gazetteer, reporters, self.commune_counts.clone())
    }

    /// The same version without the figures of months that nobody has asked for since the last
    /// sweep; `None` if it holds none of those. They are made anew for whoever asks.
    #[must_use]
    pub fn swept(&self) -> Option<Self> {
        let swept: Vec<_> =
            self.reporters.values().filter_map(|rollup| rollup.swept()).map(Arc::new).collect();
        let mut view = (!swept.is_empty()).then(|| self.clone())?;
        view.reporters.extend(swept.into_iter().map(|rollup| (rollup.province(), rollup)));
        Some(view)
    }

    fn new(
        catalogue: Arc<Catalogue>,
        gazetteer: Arc<Gazetteer>,
        reporters: BTreeMap<LocalityCode, Arc<ProvinceRollup>>,
        mut commune_counts: BTreeMap<Period, usize>,
    ) -> Self {
        let default_period = default_period(&reporters, &gazetteer, &mut commune_counts);
        let version = version(&reporters, &catalogue, &gazetteer);
        Self { catalogue, gazetteer, reporters, commune_counts, default_period, version }
    }

    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    #[must_use]
    pub fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    /// 16 hexadecimal digits; equal versions mean equal data.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The same as a number.
    ///
    /// # Panics
    /// Never: a version is a number of 64 bits.
    #[must_use]
    pub fn version_number(&self) -> u64 {
        u64::from_str_radix(&self.version, 16).expect("16 hexadecimal digits")
    }

    /// The latest period in which at least half of the communes reported, else the latest in
    /// which any did, else none.
    #[must_use]
    pub const fn default_period(&self) -> Option<Period> {
        self.default_period
    }

    /// The snapshots of all reporters, by code.
    pub fn reporters(&self) -> impl Iterator<Item = &Arc<ProvinceRollup>> {
        self.reporters.values()
    }

    /// The first period in which any commune reported.
    #[must_use]
    pub fn first_period(&self) -> Option<Period> {
        let periods = self.reporters.values().flat_map(|reporter| reporter.periods());
        periods.filter(|(_, count)| *count > 0).map(|(period, _)| period).min()
    }

    /// The snapshot of a reporter.
    #[must_use]
    pub fn reporter(&self, code: LocalityCode) -> Option<&Arc<ProvinceRollup>> {
        self.reporters.get(&code)
    }

    /// All provinces in one period, rolled up where nobody has asked for it before.
    #[must_use]
    pub fn nation(&self, period: Period) -> NationRollup<'_> {
        let provinces = self.gazetteer.provinces().filter_map(|province| {
            let rollup = self.reporters.get(&province.code)?;
            Some((province, rollup.period(period, &self.gazetteer)))
        });
        NationRollup { view: self, period, provinces: provinces.collect() }
    }
}

impl NationRollup<'_> {
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// All figures of a locality; those of no commune for one that is not in force.
    #[must_use]
    pub fn figures(&self, locality: &Locality) -> Figures {
        let none = Figures {
            criteria: vec![CriterionRollup::default(); self.view.catalogue.criteria.len()],
            rollups: vec![Rollup::default(); self.view.catalogue.indicators.len()],
        };
        match locality.code.level() {
            Level::Nation => self.provinces.iter().fold(none, |mut sum, (_, province)| {
                sum.add(province);
                sum
            }),
            Level::Province => self.province(locality.code).map_or(none, |province| Figures {
                criteria: province.criteria().to_vec(),
                rollups: province.rollups().to_vec(),
            }),
            Level::Commune => {
                let province = locality.province.and_then(|code| self.province(code));
                let found = province.and_then(|province| province.commune(locality.code));
                found.map_or(none, |commune| Figures {
                    criteria: commune.criterion_rollups().collect(),
                    rollups: commune.rollups.to_vec(),
                })
            }
        }
    }

    /// One indicator of a locality; that of no commune for one that is not in force.
    #[must_use]
    pub fn rollup(&self, locality: &Locality, indicator: usize) -> Rollup {
        let of = |rollups: &[Rollup]| rollups.get(indicator).copied().unwrap_or_default();
        match locality.code.level() {
            Level::Nation => {
                self.provinces.iter().fold(Rollup::default(), |mut sum, (_, province)| {
                    sum.add(&of(province.rollups()));
                    sum
                })
            }
            Level::Province => self
                .province(locality.code)
                .map_or_else(Rollup::default, |found| of(found.rollups())),
            Level::Commune => locality
                .province
                .and_then(|code| self.province(code)?.commune(locality.code))
                .map_or_else(Rollup::default, |commune| of(&commune.rollups)),
        }
    }

    /// Ranks localities in force by their value.
    #[must_use]
    pub fn ranking(&self, query: &Query) -> Ranking {
        match query.scope {
            Scope::Communes { within } if query.is_of_all() => {
                let sorted =
                    self.within(within).filter_map(|rollup| rollup.orders(query.indicator));
                Ranking::new(query.order, sorted.collect())
            }
            Scope::Communes { .. } | Scope::Provinces => {
                self.ranking_by(query, |_, rollup| query.ranked(rollup))
            }
        }
    }

    /// Ranks localities in force of the kind asked for by what `evaluate` makes of them.
    pub fn ranking_by<V: Ord + Copy>(
        &self,
        query: &Query,
        evaluate: impl Fn(&Locality, &Rollup) -> Result<V, Unranked>,
    ) -> Ranking<V> {
        let evaluated = |locality: &Locality, rollups: &[Rollup]| {
            let asked = query.kind.is_none_or(|kind| kind == locality.kind);
            let rollup = rollups.get(query.indicator).filter(|_| asked)?;
            Some((locality.code, evaluate(locality, rollup)))
        };
        let lists = match query.scope {
            Scope::Provinces => {
                let provinces = self.provinces();
                let all = provinces.filter_map(|(one, rollup)| evaluated(one, rollup.rollups()));
                vec![Arc::new(Orders::new(all))]
            }
            Scope::Communes { within } => self
                .within(within)
                .map(|rollup| {
                    let all = rollup.communes().iter().filter_map(|commune| {
                        let locality = self.view.gazetteer.locality(commune.code)?;
                        evaluated(locality, &commune.rollups)
                    });
                    Arc::new(Orders::new(all))
                })
                .collect(),
        };
        Ranking::new(query.order, lists)
    }

    /// The provinces whose communes are in a scope, whether in force or not.
    fn within(&self, within: Option<LocalityCode>) -> impl Iterator<Item = &PeriodRollup> {
        let all = self.provinces.iter();
        all.filter(move |(province, _)| within.is_none_or(|within| within == province.code))
            .map(|(_, rollup)| rollup.as_ref())
    }

    /// The provinces in force, by code.
    pub fn provinces(&self) -> impl Iterator<Item = (&Locality, &PeriodRollup)> {
        let in_force = |province| self.view.gazetteer.in_force(province, self.period);
        let all = self.provinces.iter().filter(move |(province, _)| in_force(province));
        all.map(|(province, rollup)| (*province, rollup.as_ref()))
    }

    /// The communes that the nation's figures are of.
    pub fn communes(&self) -> impl Iterator<Item = &CommuneRollup> {
        self.provinces.iter().flat_map(|(_, rollup)| rollup.communes())
    }

    /// A province of the gazetteer.
    #[must_use]
    pub fn province(&self, code: LocalityCode) -> Option<&PeriodRollup> {
        let at = self.provinces.binary_search_by_key(&code, |(province, _)| province.code).ok()?;
        self.provinces.get(at).map(|(_, rollup)| rollup.as_ref())
    }
}

impl Figures {
    fn add(&mut self, province: &PeriodRollup) {
        for (sum, part) in self.criteria.iter_mut().zip(province.criteria()) {
            sum.add(part);
        }
        for (sum, part) in self.rollups.iter_mut().zip(province.rollups()) {
            sum.add(part);
        }
    }
}

fn default_period(
    reporters: &BTreeMap<LocalityCode, Arc<ProvinceRollup>>,
    gazetteer: &Gazetteer,
    commune_counts: &mut BTreeMap<Period, usize>,
) -> Option<Period> {
    let mut reported = BTreeMap::<Period, usize>::new();
    for (period, count) in reporters.values().flat_map(|reporter| reporter.periods()) {
        *reported.entry(period).or_default() += count as usize;
    }
    reported.retain(|_, count| *count > 0);
    let half = reported.iter().rev().find(|(period, count)| {
        let in_force = commune_counts.entry(**period).or_insert_with(|| {
            let provinces = gazetteer.provinces();
            let communes = provinces.flat_map(|province| gazetteer.communes(province.code));
            communes.filter(|commune| gazetteer.in_force(commune, **period)).count()
        });
        2 * **count >= *in_force
    });
    half.or(reported.last_key_value()).map(|(period, _)| *period)
}

fn version(
    reporters: &BTreeMap<LocalityCode, Arc<ProvinceRollup>>,
    catalogue: &Catalogue,
    gazetteer: &Gazetteer,
) -> String {
    let mut hash = Sha256::new().chain_update(catalogue.digest()).chain_update(gazetteer.digest());
    for (code, reporter) in reporters {
        let position = reporter.position();
        hash.update(code.number().to_be_bytes());
        hash.update(position.log.map_or([0; 16], |LogId(bytes)| bytes));
        hash.update(position.sequence.to_be_bytes());
        hash.update(position.record_count.to_be_bytes());
    }
    hash.finalize().iter().take(VERSION_BYTES).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

#[cfg(test)]
mod tests;
