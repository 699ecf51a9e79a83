use proptest::prelude::*;

use super::*;
use crate::{
    Observation,
    figures::rollup::{
        Order, Ratio, Value,
        fixture::{
            Log, Naive, PROVINCES, catalogue, code, gazetteer, july, months, naive, observation,
            observations, of_province, period,
        },
    },
    gazetteer::Kind,
};

fn empty() -> View {
    View::empty(catalogue(), gazetteer())
}

fn reporting(view: &View, province: &str, all: Vec<Observation>) -> Arc<ProvinceRollup> {
    let mut log = Log::new();
    log.write(all);
    let (catalogue, gazetteer) = (view.catalogue(), view.gazetteer());
    let changes = Changes::new();
    Arc::new(ProvinceRollup::build(
        code(province),
        log.fold(),
        catalogue,
        gazetteer,
        None,
        &changes,
    ))
}

fn view_of(all: &[Observation]) -> View {
    let empty = empty();
    let changed = PROVINCES.map(|province| reporting(&empty, province, of_province(all, province)));
    empty.with(changed.to_vec())
}

fn met(locality: &str, month: &str) -> Observation {
    observation(locality, "a", month, Some(1), july(1))
}

#[test]
fn the_default_period_is_the_latest_that_half_of_the_communes_reported() {
    assert_eq!(empty().default_period(), None);
    let few = vec![met("00001", "2025-05"), met("00002", "2025-07")];
    assert_eq!(view_of(&few).default_period(), Some(period("2025-07")));
    let half = ["00001", "00004", "00002", "00005"].map(|found| met(found, "2025-05"));
    let mut all = [few, half.to_vec()].concat();
    assert_eq!(view_of(&all).default_period(), Some(period("2025-05")));
    // Withdrawn, a commune has not reported: three of seven are fewer than half.
    all.push(observation("00005", "a", "2025-05", None, july(2)));
    assert_eq!(view_of(&all).default_period(), Some(period("2025-07")));
}

#[test]
fn the_version_tells_data_apart() {
    let empty = empty();
    let one = empty.with(vec![reporting(&empty, "04", vec![met("00002", "2025-07")])]);
    let other = empty.with(vec![reporting(&empty, "08", vec![met("00003", "2025-07")])]);
    assert_eq!(one.version().len(), 16);
    assert_ne!(one.version(), empty.version());
    assert_ne!(one.version(), other.version());
    let again = empty.with(vec![reporting(&empty, "04", vec![met("00002", "2025-07")])]);
    assert_eq!(one.version(), again.version());
    let elsewhere = View::empty(Arc::new(Catalogue::builtin()), gazetteer());
    assert_ne!(elsewhere.version(), empty.version());
}

#[test]
fn a_central_office_counts_nowhere_among_the_provinces() {
    let empty = empty();
    let office = empty.with(vec![reporting(&empty, "00", Vec::new())]);
    assert!(office.reporter(LocalityCode::NATION).is_some());
    let provinces = Query::all(Scope::Provinces, 0, Order::Lowest);
    let ranking = office.nation(period("2025-07")).ranking(&provinces);
    assert_eq!(ranking.unranked_count(crate::figures::rollup::Unranked::Unknown), PROVINCES.len());
}

#[test]
fn a_version_shares_the_provinces_that_did_not_change() {
    let empty = empty();
    let first = empty.with(vec![reporting(&empty, "04", vec![met("00002", "2025-07")])]);
    let next = first.with(vec![reporting(&first, "08", vec![met("00003", "2025-07")])]);
    let shared = PROVINCES.map(|province| {
        let [one, other] = [&first, &next].map(|view| view.reporter(code(province)));
        Arc::ptr_eq(one.expect("a province"), other.expect("a province"))
    });
    assert_eq!(shared, [true, true, false, true]);
}

#[test]
fn a_sweep_drops_what_nobody_asks_for_and_keeps_the_version() {
    let held = |view: &View| {
        let all = view.reporters().flat_map(|rollup| rollup.held_periods());
        all.map(|period| period.to_string()).collect::<Vec<_>>()
    };
    let view = view_of(&[met("00002", "2025-05"), met("00003", "2025-07")]);
    assert_eq!(held(&view), [""; 0], "nobody asked");
    let figures = |view: &View| {
        let nation = view.nation(period("2025-07"));
        nation.figures(view.gazetteer().locality(LocalityCode::NATION).expect("the nation"))
    };
    let before = figures(&view);
    assert_eq!(held(&view), ["2025-05", "2025-07"]);
    assert!(view.swept().is_none(), "asked for since the last sweep");
    let swept = view.swept().expect("nobody asked");
    assert_eq!(held(&swept), [""; 0]);
    assert_eq!((swept.version(), swept.default_period()), (view.version(), view.default_period()));
    assert_eq!(figures(&swept), before);
}

fn naive_value(sum: Naive) -> Value {
    match (sum.reported_count, sum.denominator) {
        (0, _) => Value::Unknown,
        (_, 0) => Value::Untested,
        (_, denominator) => Value::Known(Ratio::new(sum.numerator, denominator).expect("positive")),
    }
}

/// Those of the kind asked for that have a value of a large enough denominator, and of a smaller
/// one.
fn selected(
    all: &[(LocalityCode, Value)],
    query: &Query,
) -> (Vec<(Ratio, LocalityCode)>, Vec<LocalityCode>) {
    let (mut known, mut small) = (Vec::new(), Vec::new());
    for (code, value) in all {
        let kind = gazetteer().locality(*code).expect("of the gazetteer").kind;
        match value {
            _ if query.kind.is_some_and(|asked| asked != kind) => {}
            Value::Known(value) if value.denominator() < query.denominator_min => small.push(*code),
            Value::Known(value) => known.push((*value, *code)),
            Value::Unknown | Value::Untested => {}
        }
    }
    (known, small)
}

proptest! {
    #[test]
    fn rankings_equal_a_naive_computation(
        all in observations(120),
        indicator in 0..3_usize,
        highest in any::<bool>(),
        kind in prop::option::of(prop::sample::select(vec![Kind::Ward, Kind::Province])),
        denominator_min in prop_oneof![Just(0), 0..8_i64],
    ) {
        let order = if highest { Order::Highest } else { Order::Lowest };
        let view = view_of(&all);
        let gazetteer = view.gazetteer();
        for month in months() {
            let nation = view.nation(month);
            let (mut provinces, mut communes) = (Vec::new(), Vec::new());
            let mut total = Naive::default();
            for province in gazetteer.provinces() {
                let mut sum = Naive::default();
                let in_force = gazetteer
                    .communes(province.code)
                    .filter(|commune| gazetteer.in_force(commune, month));
                for commune in in_force {
                    let value = naive(&all, commune.code, month)[indicator];
                    communes.push((commune.code, naive_value(value)));
                    sum = sum.plus(value);
                }
                provinces.push((province.code, naive_value(sum)));
                total = total.plus(sum);
            }
            for (scope, expected) in
                [(Scope::Provinces, provinces), (Scope::Communes { within: None }, communes)]
            {
                let query =
                    Query { kind, denominator_min, ..Query::all(scope, indicator, order) };
                let ranking = nation.ranking(&query);
                let (mut known, mut small) = selected(&expected, &query);
                small.sort_unstable();
                let found = ranking.unranked_after(Unranked::Small, None, usize::MAX);
                prop_assert_eq!(found, small);
                known.sort_by(|one, other| {
                    let values = one.0.cmp(&other.0);
                    let values = if highest { values.reverse() } else { values };
                    values.then(one.1.cmp(&other.1))
                });
                let rows = ranking.rows_after(None, usize::MAX);
                let found: Vec<_> = rows.iter().map(|row| (row.key.value, row.key.code)).collect();
                prop_assert_eq!(found, known);
                for (code, value) in expected {
                    let locality = gazetteer.locality(code).expect("of the gazetteer");
                    prop_assert_eq!(nation.rollup(locality, indicator).value(), value);
                }
            }
            let country = gazetteer.locality(LocalityCode::NATION).expect("the nation");
            prop_assert_eq!(nation.rollup(country, indicator).value(), naive_value(total));
            prop_assert_eq!(
                nation.figures(country).rollups[indicator],
                nation.rollup(country, indicator)
            );
        }
    }
}
