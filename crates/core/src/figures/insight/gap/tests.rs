use proptest::prelude::*;

use super::*;
use crate::{
    LocalityCode,
    figures::{
        insight::fixture::{EVIDENCE, PROVINCES, Told, catalogue, country, month, told_in, view},
        rollup::{Unranked, fixture::code},
    },
};

/// The gap by the formula, from plain numbers; the floor by trying every billionth would be slow,
/// so it is checked by its two neighbours.
fn check(
    gap: Gap,
    told: &[&Told],
    evidence: (usize, usize, usize, i128),
) -> Result<(), TestCaseError> {
    let (criterion, numerator, denominator, hundredths) = evidence;
    let count =
        |wanted| told.iter().filter(|one| one.criteria[criterion] == wanted).count() as i128;
    let (met, unmet) = (count(Some(true)), count(Some(false)));
    let pairs: Vec<_> = told
        .iter()
        .filter_map(|one| Some((one.measures[numerator]?, one.measures[denominator]?)))
        .collect();
    let n: i128 = pairs.iter().map(|(n, _)| i128::from(*n)).sum();
    let d: i128 = pairs.iter().map(|(_, d)| i128::from(*d)).sum();
    if met + unmet == 0 {
        prop_assert_eq!(gap, Gap::Undeclared);
    } else if pairs.is_empty() {
        prop_assert_eq!(gap, Gap::Unknown);
    } else if d == 0 {
        prop_assert_eq!(gap, Gap::Untested);
    } else {
        // declared = met/r, reached = min(1, 100 n / (d h)); both times r d h.
        let r = met + unmet;
        let whole = r * d * hundredths;
        let exact = (met * d * hundredths - r * (100 * n).min(d * hundredths)).max(0);
        let Gap::Known(gap) = gap else { return Err(TestCaseError::fail(format!("{gap:?}"))) };
        let gap = i128::from(gap);
        prop_assert!((0..=1_000_000_000).contains(&gap));
        prop_assert!(gap * whole <= exact * 1_000_000_000);
        prop_assert!((gap + 1) * whole > exact * 1_000_000_000);
    }
    Ok(())
}

fn check_all(gaps: &Gaps, told: &[&Told]) -> Result<(), TestCaseError> {
    let criteria: Vec<_> = gaps.0.iter().map(|found| found.criterion).collect();
    prop_assert_eq!(criteria, EVIDENCE.map(|(criterion, ..)| criterion));
    for (found, evidence) in gaps.0.iter().zip(EVIDENCE) {
        check(found.gap, told, evidence)?;
    }
    Ok(())
}

/// Sum and count of the gaps that are known.
fn mean(gaps: &Gaps) -> Option<(i64, i64)> {
    let known: Vec<_> = gaps
        .0
        .iter()
        .filter_map(|found| if let Gap::Known(gap) = found.gap { Some(gap) } else { None })
        .collect();
    let count = i64::try_from(known.len()).expect("few");
    (count > 0).then(|| (known.iter().sum(), count))
}

proptest! {
    #[test]
    fn gaps_equal_a_naive_computation(all in country()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        let gazetteer = view.gazetteer();
        for scope in PROVINCES.into_iter().chain(["00"]) {
            let locality = gazetteer.locality(code(scope)).expect("of the gazetteer");
            let figures = nation.figures(locality);
            let gaps = Gaps::new(&catalogue, figures.criteria.iter().copied(), &figures.rollups);
            check_all(&gaps, &told_in(&all, scope))?;
        }
        for one in &all {
            let commune = nation.province(one.province).and_then(|found| found.commune(one.code));
            check_all(&Gaps::of_commune(&catalogue, commune.expect("in force")), &[one])?;
        }
    }

    #[test]
    fn the_ranking_is_a_naive_sort_of_the_means(all in country(), of_communes in any::<bool>()) {
        let (view, catalogue) = (view(&all), catalogue());
        let nation = view.nation(month());
        let gaps_of = |locality: LocalityCode| {
            let figures = nation.figures(view.gazetteer().locality(locality).expect("one"));
            Gaps::new(&catalogue, figures.criteria.iter().copied(), &figures.rollups)
        };
        let (scope, codes) = if of_communes {
            let told = told_in(&all, "01").into_iter().map(|one| one.code);
            (Scope::Communes { within: Some(code("01")) }, told.collect::<Vec<_>>())
        } else {
            (Scope::Provinces, PROVINCES.map(code).to_vec())
        };
        let means: Vec<_> = codes.iter().map(|code| (*code, mean(&gaps_of(*code)))).collect();
        let wider = |one: (i64, i64), other: (i64, i64)| one.0 * other.1 > other.0 * one.1;
        let ranking = ranking(&nation, &catalogue, scope);
        let rows = ranking.rows_after(None, usize::MAX);
        let known = means.iter().filter_map(|(code, mean)| Some((*code, (*mean)?)));
        let known: Vec<_> = known.collect();
        prop_assert_eq!(rows.len(), known.len());
        for (code, mean) in &known {
            let before = known.iter().filter(|(_, other)| wider(*other, *mean)).count();
            let row = rows.iter().find(|row| row.key.code == *code).expect("ranked");
            prop_assert_eq!(row.rank, before + 1);
        }
        let untested = |code: &LocalityCode| {
            gaps_of(*code).0.iter().any(|found| found.gap == Gap::Untested)
        };
        let silent = means.iter().filter(|(_, mean)| mean.is_none()).map(|(code, _)| *code);
        let (untested, unknown): (Vec<_>, Vec<_>) = silent.partition(untested);
        prop_assert_eq!(ranking.unranked_after(Unranked::Unknown, None, 99), unknown);
        prop_assert_eq!(ranking.unranked_after(Unranked::Untested, None, 99), untested);
    }
}

#[test]
fn a_gap_is_never_below_zero_and_rounded_down() {
    let declared = |met_count, unmet_count| CriterionRollup {
        met_count,
        unmet_count,
        ..CriterionRollup::default()
    };
    let measured = |numerator, denominator| Rollup {
        numerator,
        denominator,
        reported_count: 1,
        ..Rollup::default()
    };
    let half = Millionths(500_000);
    let cases = [
        // 32.73 % of 50 % is reached: 1 − 0.6546.
        (declared(126, 0), measured(3_273, 10_000), Gap::Known(345_400_000)),
        (declared(0, 3), measured(0, 1), Gap::Known(0)),
        (declared(1, 1), measured(1, 1), Gap::Known(0)),
        (declared(1, 0), measured(0, 7), Gap::Known(1_000_000_000)),
        // 2/3 − 2/7 × 2 = 2/21.
        (declared(2, 1), measured(2, 7), Gap::Known(95_238_095)),
        (declared(0, 0), measured(1, 2), Gap::Undeclared),
        (declared(1, 0), measured(0, 0), Gap::Untested),
        (declared(1, 0), Rollup::UNREPORTED, Gap::Unknown),
    ];
    for (declared, measured, expected) in cases {
        assert_eq!(gap(&declared, &measured, half), expected, "{declared:?} {measured:?}");
    }
    let largest = measured(1, i64::MAX);
    assert_eq!(
        gap(&declared(1, 1 << 19), &largest, Millionths(1_000_000_000_000)),
        Gap::Known(1_907)
    );
}

#[test]
fn the_first_of_equal_gaps_is_the_widest() {
    let with = |criterion, gap| Finding {
        criterion,
        evidence: 0,
        declared: CriterionRollup::default(),
        measured: Rollup::default(),
        gap,
    };
    let gaps = Gaps(vec![with(0, Gap::Untested), with(1, Gap::Known(5)), with(2, Gap::Known(5))]);
    assert_eq!(gaps.widest(), Some((1, 5)));
    assert_eq!(gaps.mean(), Value::Known(Ratio::new(10, 2 * BILLION).expect("positive")));
    assert_eq!(Gaps(vec![with(0, Gap::Known(0))]).widest(), None);
    assert_eq!(Gaps(vec![with(0, Gap::Untested), with(1, Gap::Unknown)]).mean(), Value::Untested);
    assert_eq!(Gaps(vec![with(1, Gap::Undeclared)]).mean(), Value::Unknown);
}
