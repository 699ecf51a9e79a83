use phuxanh_core::figures::{
    fold::Changes,
    rollup::{
        ProvinceRollup,
        fixture::{Log, catalogue, code, gazetteer, july, observation},
    },
};

use super::*;

/// A view of so many records, each with a version of its own.
fn view(record_count: u32) -> Arc<View> {
    let empty = View::empty(catalogue(), gazetteer());
    let mut log = Log::new();
    for _ in 0..record_count {
        log.write(vec![observation("00001", "a", "2025-07", Some(1), july(1))]);
    }
    let (catalogue, gazetteer) = (empty.catalogue(), empty.gazetteer());
    let changes = Changes::new();
    let province =
        ProvinceRollup::build(code("01"), log.fold(), catalogue, gazetteer, None, &changes);
    Arc::new(empty.with(vec![Arc::new(province)]))
}

/// Which views of these are on a shelf, asked without going on from them.
fn kept<const N: usize>(shelf: &Shelf, views: &[Arc<View>; N]) -> [bool; N] {
    let on_shelf = shelf.kept.borrow();
    views.each_ref().map(|view| on_shelf.iter().any(|one| Arc::ptr_eq(&one.view, view)))
}

#[test]
fn a_shelf_keeps_the_views_used_last() {
    let shelf = Shelf::new(Rules { count_max: 2, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    assert_eq!(kept(&shelf, &views), [false, false, false]);
    assert!(shelf.resume(views[0].version_number()).is_none());
    shelf.keep(&views[0], july(1));
    shelf.keep(&views[1], july(1));
    shelf.keep(&views[0], july(2));
    assert_eq!(kept(&shelf, &views), [true, true, false]);
    shelf.keep(&views[2], july(2));
    assert_eq!(kept(&shelf, &views), [true, false, true]);
    let found = shelf.resume(views[0].version_number()).expect("it is kept");
    assert_eq!(found.version(), views[0].version());
}

#[test]
fn first_pages_without_a_second_do_not_break_a_walk() {
    let shelf = Shelf::new(Rules { count_max: 2, span: Duration::from_hours(48) });
    let views = [1, 2, 3, 4].map(view);
    shelf.keep(&views[0], july(1));
    assert!(shelf.resume(views[0].version_number()).is_some());
    shelf.keep(&views[0], july(1));
    for first_page in &views[1..] {
        shelf.keep(first_page, july(1));
    }
    assert_eq!(kept(&shelf, &views), [true, false, false, true]);
    // Where every view is on a walk, the one used longest ago goes.
    assert!(shelf.resume(views[3].version_number()).is_some());
    shelf.keep(&views[1], july(2));
    assert_eq!(kept(&shelf, &views), [false, true, false, true]);
}

#[test]
fn a_view_is_let_go_once_it_was_not_used_for_long() {
    let shelf = Shelf::new(Rules { count_max: 8, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    shelf.keep(&views[0], july(1));
    assert!(shelf.resume(views[0].version_number()).is_some());
    shelf.keep(&views[1], july(3));
    assert_eq!(kept(&shelf, &views), [true, true, false]);
    shelf.keep(&views[2], july(4));
    assert_eq!(kept(&shelf, &views), [false, true, true]);
}
