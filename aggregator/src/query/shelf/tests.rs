use super::*;
use crate::{
    fold::Changes,
    rollup::{
        ProvinceRollup,
        fixture::{Log, catalogue, code, gazetteer, july, observation},
    },
};

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

#[test]
fn a_shelf_keeps_the_views_used_last() {
    let shelf = Shelf::new(Rules { count_max: 2, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    let found = || views.each_ref().map(|view| shelf.find(view.version_number()).is_some());
    assert_eq!(found(), [false, false, false]);
    shelf.keep(&views[0], july(1));
    shelf.keep(&views[1], july(1));
    shelf.keep(&views[0], july(2));
    assert_eq!(found(), [true, true, false]);
    shelf.keep(&views[2], july(2));
    assert_eq!(found(), [true, false, true]);
    let kept = shelf.find(views[0].version_number()).expect("it is kept");
    assert_eq!(kept.version(), views[0].version());
}

#[test]
fn a_view_is_let_go_once_it_was_not_used_for_long() {
    let shelf = Shelf::new(Rules { count_max: 8, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    shelf.keep(&views[0], july(1));
    shelf.keep(&views[1], july(3));
    assert!(shelf.find(views[0].version_number()).is_some());
    shelf.keep(&views[2], july(4));
    assert!(shelf.find(views[0].version_number()).is_none());
    assert!(shelf.find(views[1].version_number()).is_some());
}
