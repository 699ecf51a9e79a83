//! The aggregator's pure core against the oracle, over many random countries in one process: each
//! province's reports as the records of a log, folded, rolled up step by step, ranked.

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;
use phuxanh_core::{
    CellKey, Level, LocalityCode, LogId, Observation, Timestamp,
    catalogue::{Catalogue, Formula},
    figures::{
        fold::{Changes, Contents, Fold, Record},
        ranking::{self, Query, Scope},
        rollup::{Order, ProvinceRollup, Unranked},
        view::{NationRollup, View},
    },
    gazetteer::Gazetteer,
};
use phuxanh_tests::{
    country::{CATALOGUE, Country, Province},
    oracle::{Counts, Question, Ranking, Report, Row},
};

const COUNTRIES: u64 = 60;
const FILES: usize = 4;
/// Fewer than a file holds, so that a file spans records.
const RECORD_OBSERVATIONS: usize = 7;
const PAGE_ROWS: usize = 2;

#[test]
fn rankings_equal_the_oracles() {
    for seed in 0..COUNTRIES {
        compare(seed);
    }
}

fn compare(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let country = Country::random(&mut random);
    let gazetteer = Gazetteer::parse(country.gazetteer.as_bytes()).expect("a gazetteer");
    let catalogue = Catalogue::parse(CATALOGUE.as_bytes()).expect("a catalogue");
    let mut view = View::empty(Arc::new(catalogue), Arc::new(gazetteer));
    let mut logs: Vec<_> = country.provinces.iter().map(Log::new).collect();
    let mut reports = Vec::new();
    for _ in 0..FILES {
        for log in &mut logs {
            let file = log.province.random_file(&mut random);
            view = log.deliver(&view, &file.reports);
            reports.extend(file.reports);
        }
        let oracle = country.oracle(&reports).expect("the country is sound");
        assert_eq!(view.default_period(), oracle.default_period(), "seed {seed}");
        for question in oracle.questions(&Country::periods()) {
            let found = ranking(&view, &question);
            assert_eq!(found, oracle.ranking(&question), "seed {seed}: {question:?}");
        }
    }
}

/// Log that a collector sends and the aggregator folds.
struct Log<'a> {
    province: &'a Province,
    code: LocalityCode,
    fold: Fold,
    sequence: u64,
    /// Observed time, revision and value of each cell, as a collector keeps them.
    sent: BTreeMap<CellKey, (Timestamp, u32, Option<i64>)>,
}

impl<'a> Log<'a> {
    fn new(province: &'a Province) -> Self {
        let code = province.code.parse().expect("a code");
        Self { province, code, fold: Fold::default(), sequence: 0, sent: BTreeMap::new() }
    }

    fn deliver(&mut self, view: &View, reports: &[Report]) -> View {
        let mut changes = Changes::new();
        for part in reports.chunks(RECORD_OBSERVATIONS) {
            let all = part.iter().map(|report| self.observation(report)).collect();
            self.sequence += 1;
            let record = Record {
                receipt: Timestamp::from_micros(i64::try_from(self.sequence).expect("few"))
                    .expect("early"),
                log: LogId([1; 16]),
                log_epoch: 1,
                sequence: self.sequence,
                complete_through: None,
                host: String::new(),
                catalogue_digest: [0; 32],
                contents: Contents::Observations { all, refused: [].into() },
            };
            changes.extend(self.fold.apply(&record));
        }
        let previous = view.reporter(self.code).expect("every province has a snapshot");
        let rollup = ProvinceRollup::build(
            self.code,
            &self.fold,
            view.catalogue(),
            view.gazetteer(),
            Some(previous),
            &changes,
        );
        view.with(vec![Arc::new(rollup)])
    }

    /// A value that differs at an observed time already sent has the next revision.
    fn observation(&mut self, report: &Report) -> Observation {
        let key = CellKey {
            locality: report.locality,
            metric: report.metric.parse().expect("an id"),
            period: report.period,
        };
        let revision = match self.sent.get(&key) {
            Some((observed, revision, value)) if *observed == report.observed => {
                revision + u32::from(*value != report.value)
            }
            Some(_) | None => 0,
        };
        let is_older =
            self.sent.get(&key).is_some_and(|(observed, _, _)| report.observed < *observed);
        if !is_older {
            self.sent.insert(key.clone(), (report.observed, revision, report.value));
        }
        let (value, observed, basis) = (report.value, report.observed, report.basis);
        Observation { key, value, observed, revision, basis }
    }
}

fn ranking(view: &View, question: &Question) -> Ranking {
    let nation = view.nation(question.period);
    let indicator = view.catalogue().indicator_index(&question.indicator).expect("it was listed");
    let scope = match question.level {
        Level::Commune => Scope::Communes {
            within: Some(question.within).filter(|code| *code != LocalityCode::NATION),
        },
        Level::Province | Level::Nation => Scope::Provinces,
    };
    let order = if question.is_highest_first { Order::Highest } else { Order::Lowest };
    let found = nation.ranking(&Query::all(scope, indicator, order));
    let (mut keys, mut last) = (Vec::new(), None);
    loop {
        let page = found.rows_after(last.as_ref(), PAGE_ROWS);
        let Some(end) = page.last() else { break };
        last = Some(end.key);
        keys.extend(page);
    }
    neighbours_are_those_of_the_list(&found, &keys);
    let rows = keys.iter().map(|at| row(view, &nation, indicator, at.rank, at.key.code)).collect();
    Ranking {
        rows,
        unknown: found.unranked_after(Unranked::Unknown, None, usize::MAX),
        untested: found.unranked_after(Unranked::Untested, None, usize::MAX),
    }
}

/// The neighbours of a row are those that the pages list around it.
fn neighbours_are_those_of_the_list(ranking: &ranking::Ranking, rows: &[ranking::Row]) {
    for (at, row) in rows.iter().enumerate() {
        let standing = ranking.standing(row.key, PAGE_ROWS);
        assert_eq!(standing.row, *row);
        assert_eq!(standing.before, rows[at.saturating_sub(PAGE_ROWS)..at]);
        assert_eq!(standing.behind, rows[at + 1..rows.len().min(at + 1 + PAGE_ROWS)]);
    }
}

fn row(
    view: &View,
    nation: &NationRollup<'_>,
    indicator: usize,
    rank: usize,
    code: LocalityCode,
) -> Row {
    let locality = view.gazetteer().locality(code).expect("only localities are ranked");
    let rollup = nation.rollup(locality, indicator);
    let definition = &view.catalogue().indicators[indicator];
    let counts = match definition.formula {
        Formula::Coverage => {
            let green = u32::try_from(rollup.numerator).expect("few communes");
            let not_green = rollup.reported_count - green;
            let unknown = rollup.commune_count - rollup.reported_count;
            Counts::Coverage { green, not_green, unknown }
        }
        Formula::Ratio { .. } => {
            Counts::Reports { reported: rollup.reported_count, communes: rollup.commune_count }
        }
    };
    Row {
        rank: u32::try_from(rank).expect("few localities"),
        code,
        numerator: rollup.numerator,
        denominator: rollup.denominator,
        counts,
        status: definition.status(rollup.numerator, rollup.denominator),
        data_time: rollup.provenance.map(|under| under.observed),
        basis: rollup.provenance.map(|under| under.basis).unwrap_or_default(),
    }
}
