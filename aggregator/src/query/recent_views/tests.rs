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

/// Tells which of these views are kept, without resuming them.
fn kept<const N: usize>(recent: &RecentViews, views: &[Arc<View>; N]) -> [bool; N] {
    let kept = recent.kept.lock().expect("no test panics while it is locked");
    views.each_ref().map(|view| kept.iter().any(|one| Arc::ptr_eq(&one.view, view)))
}

#[test]
fn the_views_used_last_are_kept() {
    let recent = RecentViews::new(Rules { count_max: 2, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    assert_eq!(kept(&recent, &views), [false, false, false]);
    assert!(recent.resume(views[0].version_number()).is_none());
    recent.keep(&views[0], july(1));
    recent.keep(&views[1], july(1));
    recent.keep(&views[0], july(2));
    assert_eq!(kept(&recent, &views), [true, true, false]);
    recent.keep(&views[2], july(2));
    assert_eq!(kept(&recent, &views), [true, false, true]);
    let found = recent.resume(views[0].version_number()).expect("it is kept");
    assert_eq!(found.version(), views[0].version());
}

#[test]
fn first_pages_without_a_second_do_not_break_a_walk() {
    let recent = RecentViews::new(Rules { count_max: 2, span: Duration::from_hours(48) });
    let views = [1, 2, 3, 4].map(view);
    recent.keep(&views[0], july(1));
    assert!(recent.resume(views[0].version_number()).is_some());
    recent.keep(&views[0], july(1));
    for first_page in &views[1..] {
        recent.keep(first_page, july(1));
    }
    assert_eq!(kept(&recent, &views), [true, false, false, true]);
    // Where every view was resumed, the one used longest ago goes.
    assert!(recent.resume(views[3].version_number()).is_some());
    recent.keep(&views[1], july(2));
    assert_eq!(kept(&recent, &views), [false, true, false, true]);
}

#[test]
fn a_view_unused_for_long_is_dropped() {
    let recent = RecentViews::new(Rules { count_max: 8, span: Duration::from_hours(48) });
    let views = [1, 2, 3].map(view);
    recent.keep(&views[0], july(1));
    assert!(recent.resume(views[0].version_number()).is_some());
    recent.keep(&views[1], july(3));
    assert_eq!(kept(&recent, &views), [true, true, false]);
    recent.keep(&views[2], july(4));
    assert_eq!(kept(&recent, &views), [false, true, true]);
}
