use proptest::prelude::*;

use super::*;
use crate::figures::{
    insight::fixture::{PROVINCES, REQUIRED, Told, catalogue, country, month, told_in, view},
    rollup::fixture::code,
};

/// True if so many communes are a share no smaller than the target.
fn reaches(green: usize, all: usize, percent: usize) -> bool {
    green * 100 >= percent * all
}

/// The fewest fixes by which any choice of communes reaches the target.
fn fewest_fixes(told: &[&Told], percent: usize) -> usize {
    let cost = |one: &Told| one.lacks().0.len() + one.lacks().1.len();
    (0..1_usize << told.len())
        .filter_map(|choice| {
            let chosen = |at: usize| choice >> at & 1 == 1;
            let green =
                told.iter().enumerate().filter(|(at, one)| chosen(*at) || one.is_green()).count();
            let fixes =
                told.iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, one)| cost(one));
            reaches(green, told.len(), percent).then(|| fixes.sum())
        })
        .min()
        .expect("fixing all reaches any target")
}

/// Fixes each choice of criteria everywhere: size, fixes and the choice, the best of all.
fn best_criteria(told: &[&Told], percent: usize) -> (usize, usize, Vec<usize>) {
    (0..1_usize << REQUIRED)
        .filter_map(|choice| {
            let set: Vec<_> = (0..REQUIRED).filter(|at| choice >> at & 1 == 1).collect();
            let mut fixes = 0;
            let after = told.iter().map(|one| {
                let mut one = (*one).clone();
                for at in &set {
                    fixes += usize::from(one.criteria[*at] != Some(true));
                    one.criteria[*at] = Some(true);
                }
                one
            });
            let green = after.filter(Told::is_green).count();
            reaches(green, told.len(), percent).then_some((set.len(), fixes, set))
        })
        .min()
        .expect("fixing all reaches any target")
}

fn path(all: &[Told], province: &str, percent: usize) -> Path {
    let view = view(all);
    let nation = view.nation(month());
    let rollup = nation.province(code(province)).expect("of the gazetteer");
    let percent = i32::try_from(percent).expect("small");
    Path::new(rollup, &catalogue(), Target::new(percent).expect("1 to 100"))
}

proptest! {
    #[test]
    fn a_path_equals_a_naive_search(all in country(), percent in 1..=100_usize) {
        for province in PROVINCES {
            let told = told_in(&all, province);
            let path = path(&all, province, percent);
            let (unmet, unknown) = path.fix_counts();
            prop_assert_eq!(unmet + unknown, fewest_fixes(&told, percent));
            let green = told.iter().filter(|one| one.is_green()).count();
            let after = green + path.communes.len();
            prop_assert!(reaches(after, told.len(), percent) || told.is_empty());
            prop_assert!(path.communes.is_empty() || !reaches(after - 1, told.len(), percent));
            for (commune, lack) in &path.communes {
                let one = told.iter().find(|one| one.code == *commune).expect("of the province");
                prop_assert_eq!((&lack.unmet, &lack.unknown), (&one.lacks().0, &one.lacks().1));
            }
            let order: Vec<_> = path.communes.iter().map(|(code, lack)| (lack.count(), *code)).collect();
            prop_assert!(order.is_sorted());
        }
    }

    #[test]
    fn criteria_everywhere_equal_a_search_of_all_subsets(
        all in country(),
        percent in 1..=100_usize,
    ) {
        for province in PROVINCES {
            let told = told_in(&all, province);
            let found = path(&all, province, percent).everywhere;
            let (size, fixes, set) = best_criteria(&told, percent);
            prop_assert!(found.is_exact());
            prop_assert_eq!(&found.criteria, &set);
            prop_assert_eq!((found.criteria.len(), found.unmet_fix_count + found.unknown_fix_count), (size, fixes));
        }
    }

    /// Up to 20 criteria: beyond 16 the set is greedy, and the truth is found by trying all.
    #[test]
    fn a_greedy_set_reaches_the_target_and_keeps_its_bound(
        masks in prop::collection::vec(1..1_u32 << 18, 1..7),
        needed in 1..7_usize,
    ) {
        let mut lacks: Vec<_> = masks
            .iter()
            .map(|mask| Lack {
                unmet: (0..18).filter(|at| mask >> at & 1 == 1).collect(),
                unknown: Vec::new(),
            })
            .collect();
        lacks.sort_by_key(Lack::count);
        let needed = needed.min(lacks.len());
        let set = CriterionSet::new(&lacks.iter().collect::<Vec<_>>(), needed);
        let bits = |criteria: &[usize]| criteria.iter().map(|at| 1_u32 << at).sum::<u32>();
        let turned = |set: u32| masks.iter().filter(|mask| *mask & !set == 0).count();
        prop_assert!(turned(bits(&set.criteria)) >= needed);
        prop_assert_eq!(turned(bits(&set.criteria)), set.turned_count);
        // A smallest set is a union of the lacks of some communes.
        let smallest = (0..1_usize << masks.len())
            .map(|choice| {
                let chosen = masks.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
                chosen.fold(0, |set, (_, mask)| set | mask)
            })
            .filter(|set| turned(*set) >= needed)
            .map(u32::count_ones)
            .min()
            .expect("all together reach it") as usize;
        prop_assert!(set.lower_bound <= smallest);
        prop_assert!(smallest <= set.criteria.len());
        for at in &set.criteria {
            let without: Vec<_> = set.criteria.iter().copied().filter(|other| other != at).collect();
            prop_assert!(turned(bits(&without)) < needed, "{} is not needed", at);
        }
    }
}

#[test]
fn a_target_is_a_share_no_smaller() {
    let target = |percent| Target::new(percent).expect("1 to 100");
    assert_eq!(target(50).count(56), 28);
    assert_eq!(target(50).count(57), 29);
    assert_eq!(target(1).count(56), 1);
    assert_eq!(target(100).count(56), 56);
    assert_eq!(target(70).count(0), 0);
    assert_eq!((Target::new(0), Target::new(101), Target::new(-1)), (None, None, None));
}

#[test]
fn fewer_fixes_go_before_the_catalogues_order() {
    let lack = |unmet: &[usize]| Lack { unmet: unmet.to_vec(), unknown: Vec::new() };
    let lacks = [lack(&[3]), lack(&[1]), lack(&[0, 1])];
    let one = CriterionSet::new(&lacks.iter().collect::<Vec<_>>(), 1);
    assert_eq!((one.criteria, one.unmet_fix_count, one.turned_count), (vec![3], 1, 1));
    let lacks = [lack(&[3]), lack(&[1])];
    let tie = CriterionSet::new(&lacks.iter().collect::<Vec<_>>(), 1);
    assert_eq!(tie.criteria, [1]);
}

#[test]
fn a_greedy_set_drops_what_later_communes_made_needless() {
    let lack = |unmet: &[usize]| Lack { unmet: unmet.to_vec(), unknown: Vec::new() };
    let last: Vec<_> = (5..20).collect();
    let lacks = [lack(&[0, 1]), lack(&[2, 3, 4]), lack(&[2, 3, 4]), lack(&last)];
    // The first commune is the cheapest to begin with, but the next two come together.
    let set = CriterionSet::new(&lacks.iter().collect::<Vec<_>>(), 2);
    assert_eq!((set.criteria.as_slice(), set.turned_count), ([2, 3, 4].as_slice(), 2));
    assert_eq!((set.lower_bound, set.is_exact()), (3, true));
    let set = CriterionSet::new(&lacks.iter().collect::<Vec<_>>(), 3);
    assert_eq!((set.criteria.len(), set.lower_bound, set.is_exact()), (5, 3, false));
}
