//! Memory and time of a national view, step by step:
//!
//! ```text
//! cargo run --release -p phuxanh-core --example memory -- full 36
//! cargo run --release -p phuxanh-core --example memory -- sparse 36
//! ```
//!
//! `full` reports every metric of every commune for every month, `sparse` does so for the first
//! month and one criterion of one commune per province for the others. Bytes are the growth of the
//! process's resident memory (Linux), so small steps are rounded to pages.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program that measures")]

use std::{collections::BTreeSet, env, fs, process::ExitCode, sync::Arc, time::Instant};

use phuxanh_core::{
    Basis, CellKey, LocalityCode, LogId, MetricId, Observation, Period, Timestamp,
    catalogue::Catalogue,
    figures::{
        fold::{Changes, Contents, Fold, Record},
        ranking::{Query, Scope},
        rollup::{Order, ProvinceRollup},
        view::View,
    },
    gazetteer::Gazetteer,
};

const FIRST_MONTH: &str = "2025-07";
/// Changes of one commune whose median time is shown.
const CHANGES: usize = 21;

struct Province {
    code: LocalityCode,
    communes: Vec<LocalityCode>,
    fold: Fold,
}

impl Province {
    fn report(&mut self, all: Vec<Observation>) -> Changes {
        let sequence = self.fold.position().record_count + 1;
        let contents =
            Contents::Observations { all: all.into_iter().collect(), refused: BTreeSet::new() };
        self.fold.apply(&Record {
            receipt: time(sequence),
            log: LogId([1; 16]),
            log_epoch: 1,
            sequence,
            complete_through: None,
            host: "province".to_owned(),
            catalogue_digest: [0; 32],
            contents,
        })
    }

    fn rolled_up(&self, view: &View, changes: Option<&Changes>) -> Arc<ProvinceRollup> {
        let previous = view.reporter(self.code).filter(|_| changes.is_some());
        Arc::new(ProvinceRollup::build(
            self.code,
            &self.fold,
            view.catalogue(),
            view.gazetteer(),
            previous.map(AsRef::as_ref),
            changes.unwrap_or(&Changes::new()),
        ))
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let month_count = arguments.get(1).and_then(|text| text.parse().ok());
    let (Some(kind @ ("full" | "sparse")), Some(month_count)) =
        (arguments.first().map(String::as_str), month_count)
    else {
        println!("usage: memory full|sparse MONTHS");
        return ExitCode::FAILURE;
    };
    let first: Period = FIRST_MONTH.parse().expect("a month");
    let months = std::iter::successors(Some(first), |month| month.next());
    let months: Vec<_> = months.take(month_count).collect();
    measure(kind == "full", &months);
    ExitCode::SUCCESS
}

fn measure(is_full: bool, months: &[Period]) {
    let empty = View::empty(Arc::new(Catalogue::builtin()), Arc::new(Gazetteer::builtin()));
    let catalogue = empty.catalogue();
    let mut steps = Steps { bytes: resident_bytes(), cell_count: 1 };
    let mut provinces = folds(is_full, months, catalogue, empty.gazetteer());
    steps.cell_count = provinces.iter().map(|province| province.fold.cells().count()).sum();
    println!("{} cells in {} months", steps.cell_count, months.len());
    steps.show("folds");

    let started = Instant::now();
    let mut view =
        empty.with(provinces.iter().map(|province| province.rolled_up(&empty, None)).collect());
    println!("view of the folds: {:?}", started.elapsed());
    steps.show("view, nobody asked");

    for what in ["first", "again"] {
        let started = Instant::now();
        ask(&view, months[months.len() - 1]);
        println!("latest month, {what}: {:?}", started.elapsed());
    }
    steps.show("latest month asked for");
    let started = Instant::now();
    for month in months {
        ask(&view, *month);
    }
    println!("all months: {:?}", started.elapsed());
    steps.show("all months asked for");

    for (what, month) in [("first", months[0]), ("latest", months[months.len() - 1])] {
        let mut times = Vec::new();
        for round in 0..CHANGES {
            let province = &mut provinces[round % 5];
            let metric = catalogue.criteria[0].metric.clone();
            let value = i64::from(round % 2 == 0);
            let place = (province.communes[0], metric, month);
            let observed = u64::try_from(round).expect("few") + 1_000_000;
            let started = Instant::now();
            let changes = province.report(vec![observation(place, value, observed)]);
            view = view.with(vec![province.rolled_up(&view, Some(&changes))]);
            ask(&view, months[months.len() - 1]);
            times.push(started.elapsed());
        }
        times.sort();
        println!(
            "a criterion of the {what} month changed, latest ranked: {:?}",
            times[CHANGES / 2]
        );
    }
    steps.show("after the changes");
    println!("view {}", view.version());
}

fn folds(
    is_full: bool,
    months: &[Period],
    catalogue: &Catalogue,
    gazetteer: &Gazetteer,
) -> Vec<Province> {
    let criteria = catalogue.criteria.iter().map(|criterion| criterion.metric.clone());
    let measures = catalogue.measures.iter().filter(|measure| measure.sum.is_empty());
    let metrics: Vec<_> = criteria.chain(measures.map(|measure| measure.metric.clone())).collect();
    let provinces = gazetteer.provinces().map(|province| {
        let communes = gazetteer.communes(province.code).map(|commune| commune.code).collect();
        let mut province = Province { code: province.code, communes, fold: Fold::default() };
        for (number, month) in (0..).zip(months) {
            let mut all = Vec::new();
            if is_full || number == 0 {
                for (at, &commune) in (0..).zip(&province.communes) {
                    all.extend(metrics.iter().map(|metric| {
                        let value = i64::from((at + number) % 7 > 0);
                        observation((commune, metric.clone(), *month), value, 1_000 + at)
                    }));
                }
            } else {
                let commune = province.communes[usize::try_from(number).expect("few")];
                all.push(observation((commune, metrics[0].clone(), *month), 1, 1_000));
            }
            province.report(all);
        }
        province
    });
    provinces.collect()
}

fn observation(place: (LocalityCode, MetricId, Period), value: i64, at: u64) -> Observation {
    let (locality, metric, period) = place;
    Observation {
        key: CellKey { locality, metric, period },
        value: Some(value),
        observed: time(at),
        revision: 0,
        basis: Basis::Reported,
    }
}

fn time(number: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(number).expect("few")).expect("early")
}

/// Asks for the first page of the communes by every indicator, as the lowest and as the highest.
fn ask(view: &View, month: Period) {
    let nation = view.nation(month);
    for indicator in 0..view.catalogue().indicators.len() {
        for order in [Order::Lowest, Order::Highest] {
            let scope = Scope::Communes { within: None };
            let ranking = nation.ranking(&Query::all(scope, indicator, order));
            assert!(ranking.rows_after(None, 50).len() <= 50);
        }
    }
}

struct Steps {
    bytes: u64,
    cell_count: usize,
}

impl Steps {
    /// Shows by how much the memory grew since the last step.
    fn show(&mut self, what: &str) {
        let bytes = resident_bytes();
        let grown = bytes.saturating_sub(self.bytes);
        let per_cell = grown / u64::try_from(self.cell_count).expect("few");
        println!("{what}: {} KiB more, {per_cell} bytes per cell", grown / 1024);
        self.bytes = bytes;
    }
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells a process's memory");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    let kib = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
    kib * 1024
}
